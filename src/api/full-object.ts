/**
 * API objects with a value in every field, made from their description: for tests that must not miss a field. Equal seeds
 * make equal objects. Nothing is promised about validity beyond what each field's type can hold, and no value is the zero
 * of its type, so that what gets lost shows.
 */
import type { Random } from '#base/random.ts'
import type { Field, Message, ScalarName, Union } from './schema.ts'

/** How often a message may be inside itself. */
const MAX_RECURSION = 1
const ELEMENTS = 2

/** An object of `type` in its JSON form, without `apiVersion` and `kind` unless these are fields with numbers. */
export function fullObject(type: Message, random: Random): Record<string, unknown> {
  return fill(type, random, [])
}

function fill(type: Message, random: Random, outer: readonly Message[]): Record<string, unknown> {
  const path = [...outer, type]
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(type.fields)) {
    if (field.tag === 0) continue
    const contained = typeof field.type === 'string' ? field.union?.type : field.type
    if (contained && path.filter((message) => message === contained).length > MAX_RECURSION) continue
    out[name] = fieldValue(field, random, path)
  }
  return out
}

function fieldValue(field: Field, random: Random, path: readonly Message[]): unknown {
  const one = () => {
    if (typeof field.type !== 'string') return fill(field.type, random, path)
    if (field.union) return unionValue(field.union, random, path)
    if (field.isEmptyMessage) return {}
    return field.allowed ? pick(field.allowed, random) : scalars[field.type](random)
  }
  const several = () => Array.from({ length: ELEMENTS }, one)
  switch (field.shape) {
    case 'one':
      return one()
    case 'list':
      return several()
    case 'map':
      return Object.fromEntries(several().map((value) => [name(random), value]))
    case 'mapOfLists':
      return Object.fromEntries(several().map(() => [name(random), several()]))
  }
}

function unionValue({ other, type }: Union, random: Random, path: readonly Message[]): unknown {
  const message = () => fill(type, random, path)
  if (random.int(2) === 0) return message()
  if (other === 'bool') return true
  return Array.from({ length: ELEMENTS }, () => (other === 'texts' ? text(random) : message()))
}

const pick = <T>(choices: readonly T[], random: Random): T => choices[random.int(choices.length)]!
const name = (random: Random) => `n${random.int(1e9).toString(36)}`
const text = (random: Random) =>
  pick([name, () => 'ü😀 "\\\n', (r: Random) => 'long '.repeat(1 + r.int(40))], random)(random)
const twoDigits = (value: number) => String(value).padStart(2, '0')
const second = (random: Random) =>
  `${1902 + random.int(8000)}-${twoDigits(1 + random.int(12))}-${twoDigits(1 + random.int(28))}T` +
  `${twoDigits(random.int(24))}:${twoDigits(random.int(60))}:${twoDigits(random.int(60))}`

const scalars: Readonly<Record<ScalarName, (random: Random) => unknown>> = {
  string: text,
  int32: (random) => pick([1, -1, 2 ** 31 - 1, -(2 ** 31), 1 + random.int(1e6)], random),
  int64: (random) => pick([1, -1, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 31) - 1, 1 + random.int(1e9)], random),
  double: (random) => pick([0.1, -1e300, 5e-324, 1 + random.int(1000)], random),
  bool: () => true,
  bytes: (random) => Buffer.from(random.bytes(1 + random.int(40))).toString('base64'),
  quantity: (random) => pick(['1', '100m', '1Gi', '1500m', '1n', '12345678901234567890', '-3k'], random),
  time: (random) => `${second(random)}Z`,
  microTime: (random) => `${second(random)}.${String(1 + random.int(999_999)).padStart(6, '0')}Z`,
  intOrString: (random) => pick<unknown>([-1, 8080, '25%', 'http'], random),
  object: (random) => ({ [name(random)]: { list: [1, null, 'ü', { deep: true }] }, kind: 'K' }),
  json: (random) => pick<unknown>([1, 'a', { a: [null] }, [], false], random),
}
