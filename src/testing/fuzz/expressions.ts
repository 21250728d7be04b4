/**
 * CEL expressions: right ones, made from the grammar and the libraries by the type that is wanted; nearly right ones, in which
 * something has another type; damaged text; and those that are known to be hard for parsers, checkers and evaluators.
 */
import type { Choices } from './choices.ts'

export type CelType = 'bool' | 'int' | 'double' | 'string' | 'list' | 'map' | 'bytes' | 'time' | 'any'

/** What an expression can refer to, by the type of it. */
export type Names = Readonly<Partial<Record<CelType, readonly string[]>>>

export const admissionNames: Names = {
  bool: ['request.dryRun', 'object == null', 'has(object.spec)'],
  string: ['object.metadata.name', 'request.operation', 'request.userInfo.username', 'request.name', 'object.data.a'],
  list: ['request.userInfo.groups', 'object.metadata.finalizers', 'object.spec.list'],
  map: ['object.data', 'object.metadata.labels', 'namespaceObject.metadata.labels', 'object', 'oldObject'],
  int: ['object.spec.replicas', 'object.metadata.generation'],
  time: ['object.metadata.creationTimestamp'],
  any: ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables.a', 'variables.b', 'authorizer'],
}

export const deviceNames: Names = {
  string: ['device.driver', "device.attributes['a'].x"],
  map: ['device.attributes', 'device.capacity', "device.attributes['a']"],
  any: ['device', "device.capacity['a'].x"],
  bool: ['device.allowMultipleAllocations'],
}

const simple = [
  'a',
  'b',
  '',
  'x/y',
  '10.0.0.1',
  '10.0.0.0/8',
  '1Gi',
  '1.2.3',
  'https://a:1/b?c=d',
  '2026-01-31T12:00:00Z',
  '1h',
]
const patterns = [
  'a',
  '^a+$',
  '(a+)+$',
  '[a-z]{1,1000}',
  '(?i)x',
  '(',
  '[',
  '\\\\pL',
  '.*.*.*=.*',
  '(a|a)*b',
  'a{1000}{1000}',
]
const formats = ['%s', '%d %s', '%.3f', '%x', '%e', '%b', '%', '%.1000000f', '%q', '%%']

export class Expressions {
  readonly #choices: Choices
  readonly #names: Names

  constructor(choices: Choices, names: Names) {
    this.#choices = choices
    this.#names = names
  }

  /** An expression that is nearly of the type. */
  of(type: CelType): string {
    const choices = this.#choices
    if (choices.chance(3)) return this.#hard()
    const text = this.#make(type, choices.one([0, 1, 2, 3, 4]))
    return choices.chance(choices.damage * 2) ? this.#damaged(text) : text
  }

  #make(wanted: CelType, depth: number): string {
    const choices = this.#choices
    const type = choices.chance(choices.damage)
      ? choices.one(['bool', 'int', 'string', 'list', 'map', 'any'] as const)
      : wanted
    if (depth <= 0) return this.#leaf(type)
    const make = (of: CelType) => this.#make(of, depth - 1)
    if (choices.chance(8)) return `(${make('bool')} ? ${make(type)} : ${make(type)})`
    if (choices.chance(3)) return `cel.bind(v, ${make('any')}, ${make(type)})`
    if (choices.chance(3)) return `dyn(${make(type)})`
    return choices.one(this.#compound(make)[type] ?? [() => this.#leaf(type)])()
  }

  #leaf(type: CelType): string {
    const choices = this.#choices
    const names = this.#names[type] ?? this.#names.any ?? []
    if (names.length > 0 && choices.chance(70)) return choices.one(names)
    const text = () => quoted(choices.chance(choices.damage) ? choices.text() : choices.one(simple))
    return {
      bool: () => choices.one(['true', 'false']),
      int: () =>
        choices.mostly(choices.one(['0', '1', '-1', '7']), '9223372036854775807', '-9223372036854775808', '0x', '1u'),
      double: () => choices.mostly('1.5', '1e308', '.5', '1e', '0.0/0.0'),
      string: text,
      list: () => choices.one(['[]', '[1, 2, 3]', "['a', 'b']", '[[1], [2]]', '[?optional.none()]']),
      map: () => choices.one(['{}', "{'a': 'b'}", '{1: [2], 2: []}', "{?'a': optional.of(1)}"]),
      bytes: () => choices.one(["b'ab'", "b'\\xff'", "bytes('a')"]),
      time: () => "timestamp('2026-01-31T12:00:00Z')",
      any: () => choices.one(['null', 'v', 'type(1)', "{'a': [null]}", 'google.protobuf.Struct{}', text()]),
    }[type]()
  }

  #compound(make: (type: CelType) => string): Partial<Record<CelType, readonly (() => string)[]>> {
    const choices = this.#choices
    const any = (): CelType => choices.one(['int', 'string', 'list', 'map', 'any'])
    const pattern = () => quoted(choices.one(patterns))
    const same = (operator: string) => {
      const type = any()
      return `(${make(type)} ${operator} ${make(type)})`
    }
    const field = () => choices.one(['.a', '.metadata', '.spec', '.?a', "['a']", '[0]', "[?'a']", '.name', '.`x-y`'])
    const loop = (macro: string) => `${make(choices.one(['list', 'map']))}.${macro}(x, ${make('bool')})`
    return {
      bool: [
        () => same(choices.one(['==', '!=', '<', '<=', '>', '>='])),
        () => `(${make('bool')} ${choices.one(['&&', '||'])} ${make('bool')})`,
        () => `!${make('bool')}`,
        () => `(${make(any())} in ${make(choices.one(['list', 'map']))})`,
        () => `has(${make('map')}${choices.one(['.a', '.metadata', '.spec.b'])})`,
        () => loop(choices.one(['all', 'exists', 'exists_one'])),
        () => `${make('list')}.all(i, v, ${make('bool')})`,
        () => `${make('string')}.${choices.one(['startsWith', 'endsWith', 'contains'])}(${make('string')})`,
        () => `${make('string')}.matches(${pattern()})`,
        () =>
          `${choices.one(['isURL', 'isQuantity', 'isSemver', 'isIP', 'isCIDR', 'ip.isCanonical'])}(${make('string')})`,
        () => `cidr(${make('string')}).containsIP(${make('string')})`,
        () => `quantity(${make('string')}).isGreaterThan(quantity(${make('string')}))`,
        () => `semver(${make('string')}).isLessThan(semver('2.0.0'))`,
        () => `sets.${choices.one(['contains', 'equivalent', 'intersects'])}(${make('list')}, ${make('list')})`,
        () => `optional.of(${make('any')}).hasValue()`,
        () =>
          `!format.${choices.one(['dns1123Label', 'labelValue', 'uuid', 'qualifiedName'])}().validate(${make('string')}).hasValue()`,
        () =>
          `authorizer.group(${make('string')}).resource('pods').namespace(${make('string')}).check('get').allowed()`,
        () => `${make('list')}.isSorted()`,
      ],
      int: [
        () => `(${make('int')} ${choices.one(['+', '-', '*', '/', '%'])} ${make('int')})`,
        () => `-${make('int')}`,
        () => `size(${make(choices.one(['string', 'list', 'map', 'bytes']))})`,
        () => `${make('string')}.${choices.one(['indexOf', 'lastIndexOf'])}(${make('string')})`,
        () => `int(${make(choices.one(['string', 'double', 'time']))})`,
        () => `${make('list')}.${choices.one(['sum', 'min', 'max'])}()`,
        () =>
          `${make('time')}.${choices.one(['getFullYear', 'getDayOfWeek', 'getHours'])}(${choices.one(['', "'Europe/Vienna'", "'x'"])})`,
        () => `semver(${make('string')}).major()`,
        () => `quantity(${make('string')}).asInteger()`,
      ],
      double: [() => `double(${make('int')})`, () => `(${make('double')} / ${make('double')})`],
      string: [
        () => `(${make('string')} + ${make('string')})`,
        () => `string(${make(any())})`,
        () => `${make('string')}.${choices.one(['lowerAscii', 'upperAscii', 'trim', 'reverse'])}()`,
        () => `${make('string')}.replace(${make('string')}, ${make('string')})`,
        () => `${make('string')}.substring(${make('int')}, ${make('int')})`,
        () => `${make('string')}.charAt(${make('int')})`,
        () => `${make('string')}.find(${pattern()})`,
        () => `${quoted(choices.one(formats))}.format(${make('list')})`,
        () => `${make('list')}.join(${make('string')})`,
        () => `strings.quote(${make('string')})`,
        () => `url(${make('string')}).getHost()`,
      ],
      list: [
        () => `[${make(any())}, ${make(any())}]`,
        () => `(${make('list')} + ${make('list')})`,
        () => `${make('list')}.map(x, ${make(any())})`,
        () => loop('filter'),
        () => `${make('map')}.transformList(k, v, ${make(any())})`,
        () => `${make('string')}.split(${make('string')})`,
        () => `${make('string')}.findAll(${pattern()}, ${make('int')})`,
        () => `${make('list')}.${choices.one(['sort', 'distinct', 'reverse', 'flatten'])}()`,
        () => `${make('list')}.sortBy(x, ${make('any')})`,
        () => `${make('list')}.slice(${make('int')}, ${make('int')})`,
        () => `lists.range(${make('int')})`,
      ],
      map: [
        () => `{${make('string')}: ${make(any())}}`,
        () => `${make('map')}.transformMap(k, v, ${make(any())})`,
        () => `${make('list')}.transformMapEntry(i, v, {string(i): v})`,
      ],
      time: [() => `timestamp(${make('string')})`, () => `(${make('time')} + duration(${make('string')}))`],
      any: [
        () => `${make(choices.one(['map', 'any', 'list']))}${field()}`,
        () => `${make('map')}[?'a'].orValue(${make('any')})`,
        () => `optional.ofNonZeroValue(${make('any')}).optMap(v, ${make('any')})`,
        () => make(any()),
      ],
    }
  }

  /** What is known to bring down what is careless. */
  #hard(): string {
    const choices = this.#choices
    const times = choices.one([10, 50, 300, choices.chance(5) ? 20_000 : 1000])
    const name = choices.one(Object.values(this.#names).flat())
    return choices.one([
      () => '('.repeat(times) + name + ')'.repeat(times),
      () => '!'.repeat(times) + 'true',
      () => '-'.repeat(times) + '1',
      () => '['.repeat(times) + ']'.repeat(times),
      () => '{1:'.repeat(times),
      () => Array.from({ length: times }, () => name).join(choices.one([' + ', ' && ', ' || ', ' == ', ', '])),
      () => `${name}${'.a'.repeat(times)}`,
      () => `${name}${"['a']".repeat(times)}`,
      () => 'true ? '.repeat(times) + '1',
      () => `[1, 2, 3]${'.map(x, [x, x])'.repeat(Math.min(times, 50))}.size() > 0`,
      () => '[1, 2, 3].all(a, [1, 2, 3].all(b, [1, 2, 3].all(c, [1, 2, 3].all(d, a + b + c + d > 0))))',
      () => `lists.range(${times * 1000}).map(x, lists.range(1000)).size() > 0`,
      () => `${quoted('a'.repeat(times))}.matches(${quoted(`(${'a?'.repeat(Math.min(times, 300))})*$`)})`,
      () => `${quoted('a'.repeat(times))}.replace('', ${quoted('b'.repeat(times))}).size() > 0`,
      () =>
        `cel.bind(v, 'aaaaaaaa', ${'cel.bind(v, v + v, '.repeat(Math.min(times, 40))}v${')'.repeat(Math.min(times, 40) + 1)}.size() > 0`,
      () => `${'9'.repeat(times)} > 1e${'9'.repeat(Math.min(times, 30))}`,
      () => `'\\u${'d800'.slice(choices.random.int(3))}' == "\\x"`,
      () => `timestamp('${'9'.repeat(times)}-01-01T00:00:00Z') > timestamp('0000-00-00T00:00:00Z')`,
      () => `quantity('${'9'.repeat(times)}E').add(quantity('1e-${times}')).sign() > 0`,
      () => `semver('1.${'0'.repeat(times)}.3') == duration('${'1h'.repeat(times)}')`,
      () => `r'''${'"'.repeat(times)}`,
      () => `true // ${'x'.repeat(times)}\n`,
      () => choices.text(),
    ])()
  }

  #damaged(text: string): string {
    const choices = this.#choices
    const at = choices.random.int(text.length + 1)
    const piece = choices.one([
      '(',
      ')',
      "'",
      '.',
      '?',
      '[',
      '{',
      '\\',
      ' in ',
      '\u0000',
      '😀',
      '`',
      '&&',
      'has',
      '__result__',
      '@result',
    ])
    return choices.one([
      () => text.slice(0, at),
      () => text.slice(0, at) + piece + text.slice(at),
      () => text.slice(0, at) + text.slice(at + 1 + choices.random.int(4)),
      () => text.slice(at) + text.slice(0, at),
    ])()
  }
}

/** A CEL string; not every text has one, and then it is a wrong one. */
const quoted = (text: string) => `'${text.replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
