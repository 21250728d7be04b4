/** `format.dns1123Label().validate(name)` (upstream: `apiserver/pkg/cel/library.Format`). */
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '#machinery/names.ts'
import type { NameCheck } from '#machinery/names.ts'
import { NONE } from '../attributes.ts'
import { EvaluationError } from '../errors.ts'
import { UrlError, parseRequestUri } from '../go-url.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { ValueList } from '../lists.ts'
import { daysFromCivil } from '../timestamps.ts'
import { STRING, listOf, objectType, optionalOf } from '../types.ts'
import { Opaque, Optional } from '../values.ts'
import type { Result, Value } from '../values.ts'

const FORMAT = objectType('kubernetes.NamedFormat')

class FormatValue extends Opaque {
  readonly type = FORMAT
  readonly name: string
  readonly check: NameCheck
  /** Length of the expression that upstream reckons with. */
  override readonly costSize: number

  constructor(name: string, check: NameCheck, costSize: number) {
    super()
    this.name = name
    this.check = check
    this.costSize = costSize
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof FormatValue)) return new EvaluationError('noSuchOverload', 'no such overload')
    return this.name === other.name
  }
}

/** For what a name may begin with: upstream replaces a dash at the end, and the character before it. */
const prefixOf =
  (check: NameCheck): NameCheck =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)

const matching =
  (test: (text: string) => boolean, message: string): NameCheck =>
  (text) =>
    test(text) ? [] : [message]

const uri: NameCheck = (text) => {
  try {
    parseRequestUri(text)
    return []
  } catch (error) {
    if (!(error instanceof UrlError)) throw error
    return [error.message]
  }
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const TIME = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/

function isDate(text: string): boolean {
  const parts = DATE.exec(text)
  return parts !== null && daysFromCivil(Number(parts[1]), Number(parts[2]), Number(parts[3])) !== undefined
}

function isDateTime(text: string): boolean {
  const [date, time] = text.toLowerCase().split('t')
  const parts = TIME.exec(time ?? '')
  return parts !== null && isDate(date!) && parts[1]! <= '23' && parts[2]! <= '59' && parts[3]! <= '59'
}

/** By the name that expressions use: the format's own name, what it checks, and the length for the cost. */
const FORMATS: ReadonlyMap<string, FormatValue> = new Map(
  (
    [
      ['dns1123Label', 'DNS1123Label', dnsLabel, 30],
      ['dns1123Subdomain', 'DNS1123Subdomain', dnsSubdomain, 60],
      ['dns1035Label', 'DNS1035Label', dns1035Label, 30],
      ['qualifiedName', 'QualifiedName', qualifiedName, 60],
      ['dns1123LabelPrefix', 'DNS1123LabelPrefix', prefixOf(dnsLabel), 30],
      ['dns1123SubdomainPrefix', 'DNS1123SubdomainPrefix', prefixOf(dnsSubdomain), 60],
      ['dns1035LabelPrefix', 'DNS1035LabelPrefix', prefixOf(dns1035Label), 30],
      ['labelValue', 'LabelValue', labelValue, 40],
      ['uri', 'URI', uri, 1103],
      ['uuid', 'uuid', matching((text) => UUID.test(text), 'does not match the UUID format'), 70],
      ['byte', 'byte', matching((text) => BASE64.test(text), 'invalid base64'), 84],
      ['date', 'date', matching(isDate, 'invalid date'), 71],
      ['datetime', 'datetime', matching(isDateTime, 'invalid datetime'), 71],
    ] as const
  ).map(([name, title, check, size]) => [name, new FormatValue(title, check, size)]),
)

function validate(format: FormatValue, text: string): Result {
  const problems = format.check(text)
  return problems.length === 0 ? NONE : new Optional(new ValueList(problems))
}

export const namedFormatLibrary: Library = {
  name: 'named formats',
  functions: [
    declareFunction(
      'validate',
      memberOverload('format-validate', [FORMAT, STRING], optionalOf(listOf(STRING)), validate),
    ),
    declareFunction(
      'format.named',
      overload('format-named', [STRING], optionalOf(FORMAT), (name: string) => {
        const format = FORMATS.get(name)
        return format ? new Optional(format) : NONE
      }),
    ),
    ...Array.from(FORMATS, ([name, format]) =>
      declareFunction(
        `format.${name}`,
        overload(`format.${name}`, [], FORMAT, () => format),
      ),
    ),
  ],
}
