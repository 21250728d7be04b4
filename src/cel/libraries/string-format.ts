/**
 * `'%s has %d'.format([a, b])` (cel-go: `ext/formatting.go`), when it runs and before: a call with a literal string and
 * literal list is checked as far as the types are known.
 */
import type { Call, Expression } from '../ast.ts'
import { childrenOf } from '../ast.ts'
import { bytesToString } from '../conversions.ts'
import { formatDuration } from '../durations.ts'
import { EvaluationError } from '../errors.ts'
import { formatF, formatG } from '../go-numbers.ts'
import { quoteGo } from '../go-strings.ts'
import type { CheckedExpression } from '../library.ts'
import { runtimeType } from '../runtime-types.ts'
import type { Complaint } from '../source.ts'
import { formatTimestamp } from '../timestamps.ts'
import type { TypeKind } from '../types.ts'
import { Dictionary, Double, Duration, List, Timestamp, TypeValue, Uint } from '../values.ts'
import type { Result, Value } from '../values.ts'

const DEFAULT_PRECISION = 6
/** Beyond these many digits there is nothing but zeros. */
const MAX_PRECISION = 1000

/** One thing of a format string: text as it stands, or a clause and its precision. */
type Piece = string | { readonly letter: string; readonly precision: number | undefined }

/** Something is wrong; `message` is cel-go's. */
class FormatError extends Error {
  /** The argument that does not fit, by its place; the call as a whole otherwise. */
  readonly at: Expression | undefined

  constructor(message: string, at?: Expression) {
    super(message)
    this.at = at
  }
}

/** What each clause takes. `null` and the like only where `%s` says so. */
const ACCEPTED: Readonly<Record<string, readonly TypeKind[]>> = {
  s: ['list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null'],
  d: ['int', 'uint'],
  f: ['double', 'string'],
  e: ['double', 'string'],
  b: ['int', 'uint', 'bool'],
  x: ['int', 'uint', 'string', 'bytes'],
  X: ['int', 'uint', 'string', 'bytes'],
  o: ['int', 'uint'],
}
const HEX = 'only integers, byte buffers, and strings can be formatted as hex'
const REFUSALS: Readonly<Record<string, string>> = {
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  d: 'decimal clause can only be used on integers',
  f: 'fixed-point clause can only be used on doubles',
  e: 'scientific clause can only be used on doubles',
  b: 'only integers and bools can be formatted as binary',
  x: HEX,
  X: HEX,
  o: 'octal clause can only be used on integers',
}

const refusal = (letter: string, type: string, at?: Expression): FormatError =>
  new FormatError(`error during formatting: ${REFUSALS[letter]}, was given ${type}`, at)

/** The pieces of a format; `argument` is asked for each clause before it is read, as upstream does. */
function* piecesOf(format: string, argument: (index: number) => void): Generator<Piece> {
  let clauses = 0
  for (let at = 0; at < format.length;) {
    const percent = format.indexOf('%', at)
    if (percent !== at) yield format.slice(at, percent < 0 ? format.length : percent)
    if (percent < 0) return
    if (format[percent + 1] === '%') {
      yield '%'
      at = percent + 2
      continue
    }
    argument(clauses++)
    if (percent + 1 >= format.length) throw new FormatError('unexpected end of string')
    const clause = /^(?:\.(\d*))?/.exec(format.slice(percent + 1))!
    const letterAt = percent + 1 + clause[0].length
    const letter = format[letterAt]
    const failed = 'could not parse formatting clause: '
    if (clause[1] !== undefined) {
      const parsing = `${failed}error while parsing precision: `
      if (letter === undefined) throw new FormatError(`${parsing}could not find end of precision specifier`)
      if (clause[1] === '')
        throw new FormatError(
          `${parsing}error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax`,
        )
    }
    if (!Object.hasOwn(ACCEPTED, letter!)) throw new FormatError(`${failed}unrecognized formatting clause "${letter}"`)
    yield { letter: letter!, precision: clause[1] === undefined ? undefined : Number(clause[1]) }
    at = letterAt + 1
  }
}

export function formatString(format: string, args: List): Result {
  let out = ''
  let current = -1
  const demand = (index: number): void => {
    if (index >= args.size) throw new FormatError(`index ${index} out of range`)
    current = index
  }
  try {
    for (const piece of piecesOf(format, demand)) {
      if (typeof piece === 'string') out += piece
      else {
        const value = args.at(current)
        if (value instanceof EvaluationError) return value
        out += formatClause(piece.letter, piece.precision ?? DEFAULT_PRECISION, value)
      }
    }
    return out
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return new EvaluationError('function', error.message)
  }
}

function formatClause(letter: string, precision: number, value: Value): string {
  const type = runtimeType(value)
  if (!ACCEPTED[letter]!.includes(type.kind)) throw refusal(letter, type.name)
  switch (letter) {
    case 's':
      return formatPlain(value)
    case 'f':
      return fixed(doubleOf(letter, value), precision)
    case 'e':
      return scientific(doubleOf(letter, value), precision)
    case 'x':
      return hexadecimal(value)
    case 'X':
      return hexadecimal(value).toUpperCase()
    default:
      if (typeof value === 'boolean') return value ? '1' : '0'
      return integerOf(value).toString({ d: 10, b: 2, o: 8 }[letter])
  }
}

const integerOf = (value: Value): bigint => BigInt(value instanceof Uint ? value.value : (value as number))

function hexadecimal(value: Value): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : integerOf(value).toString(16)
}

/** A double; the three numbers that have no digits may come as strings. */
function doubleOf(letter: string, value: Value): number {
  if (value instanceof Double) return value.value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Infinity
  if (value === '-Infinity') return -Infinity
  throw refusal(letter, 'string')
}

const symbolOf = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '\u221e' : '-\u221e')

/** With thousands separated by commas, as upstream's default locale has it. */
function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return symbolOf(value)
  const text = toFixed(value, Math.min(precision, MAX_PRECISION))
  const [, sign, whole, fraction] = /^(-?)(\d+)(\.\d+)?$/.exec(text)! as unknown as [string, string, string, string?]
  return `${sign}${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}${fraction ?? ''}`
}

/** `%.nf` from the exact value of the double, half to even. Any precision. */
function toFixed(value: number, digits: number): string {
  // A double is an integer times a power of two, so that decimal digits are exact integer arithmetic.
  const { numerator, shift } = exactParts(Math.abs(value))
  const scaled = numerator * 10n ** BigInt(digits)
  const half = shift > 0n ? 1n << (shift - 1n) : 0n
  let quotient = scaled >> shift
  const rest = scaled - (quotient << shift)
  if (shift > 0n && (rest > half || (rest === half && quotient % 2n === 1n))) quotient += 1n
  const text = quotient.toString().padStart(digits + 1, '0')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** `value` is `numerator / 2 ** shift`. */
function exactParts(value: number): { numerator: bigint; shift: bigint } {
  let shift = 0n
  let rest = value
  while (!Number.isInteger(rest)) {
    rest *= 2
    shift++
  }
  return { numerator: BigInt(rest), shift }
}

const SUPERSCRIPT = '\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079'

/** Upstream takes the precision for a width: there are always six digits, with blanks before them. */
function scientific(value: number, width: number): string {
  const text = Number.isFinite(value) ? sixDigits(value) : symbolOf(value)
  return text.padStart(Math.min(width, MAX_PRECISION))
}

function sixDigits(value: number): string {
  const [mantissa, exponent] = value.toExponential(6).split('e') as [string, string]
  const digits = exponent.slice(1).padStart(2, '0')
  const raised = digits.replaceAll(/\d/g, (digit) => SUPERSCRIPT[Number(digit)]!)
  return `${mantissa}\u00d710${exponent.startsWith('-') ? '\u207b' : ''}${raised}`
}

/** `%s`: a value by itself. */
function formatPlain(value: Value): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Double) return formatG(value.value)
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof TypeValue) return value.type.name
  if (value instanceof List || value instanceof Dictionary) return formatNested(value)
  const text = bytesToString(value as Uint8Array)
  if (typeof text === 'string') return text
  throw new FormatError(
    `error during formatting: could not convert argument ${quoteGo('invalid UTF-8 in bytes, cannot convert to string')} to string`,
  )
}

/** A value within a list or a map, as CEL would write it. */
function formatNested(value: Value): string {
  if (typeof value === 'string') return quoteGo(value)
  if (value instanceof Uint8Array) return `b${quoteGo(formatPlain(value))}`
  if (value instanceof Double) {
    if (Number.isFinite(value.value)) return toFixed(value.value, DEFAULT_PRECISION)
    return quoteGo(formatF(value.value))
  }
  if (value instanceof Timestamp) return `timestamp(${quoteGo(formatTimestamp(value))})`
  if (value instanceof Duration) return `duration(${quoteGo(formatDuration(value))})`
  if (value instanceof List) {
    const elements = Array.from({ length: value.size }, (_, i) => formatNested(valueOf(value.at(i))))
    return `[${elements.join(', ')}]`
  }
  if (value instanceof Dictionary) return formatMap(value)
  const { kind, name } = runtimeType(value)
  if (kind === 'opaque' || kind === 'object')
    throw new FormatError(`error during formatting: no formatting function for ${name}`)
  return formatPlain(value)
}

function formatMap(map: Dictionary): string {
  const entries = map.keys().map((key): [string, string] => {
    const { kind, name } = runtimeType(key)
    if (!['string', 'bool', 'int', 'uint'].includes(kind))
      throw new FormatError(`error during formatting: no formatting function for map key of type ${name}`)
    return [formatNested(key), formatNested(valueOf(map.find(key)!))]
  })
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${sorted.map(([key, value]) => `${key}:${value}`).join(', ')}}`
}

function valueOf(result: Result): Value {
  if (result instanceof EvaluationError) throw new FormatError(result.message)
  return result
}

/** What is wrong with the literal format calls of an expression. */
export function checkFormatCalls(checked: CheckedExpression): Complaint[] {
  const complaints: Complaint[] = []
  const visit = (expression: Expression): void => {
    if (expression.kind === 'call' && expression.function === 'format')
      complaints.push(...checkFormatCall(checked, expression))
    childrenOf(expression).forEach(visit)
  }
  visit(checked.root)
  return complaints
}

function checkFormatCall(checked: CheckedExpression, call: Call): Complaint[] {
  const { target, args } = call
  const [list] = args
  if (target?.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list') return []
  let requested = 0
  let current: Expression | undefined
  const demand = (index: number): void => {
    requested++
    current = list.elements[index]
  }
  try {
    for (const piece of piecesOf(target.value, demand)) {
      if (typeof piece === 'string') continue
      if (!current) throw new FormatError(`index ${requested - 1} out of range`)
      checkClause(checked, piece.letter, current)
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return [{ offset: (error.at ?? call).offset, message: error.message }]
  }
  if (list.elements.length <= requested) return []
  const counts = `(expected ${requested}, got ${list.elements.length})`
  return [{ offset: call.offset, message: `too many arguments supplied to string.format ${counts}` }]
}

function checkClause(checked: CheckedExpression, letter: string, argument: Expression): void {
  const type = checked.typeOf(argument)
  if (type.kind !== 'dyn' && !ACCEPTED[letter]!.includes(type.kind)) throw refusal(letter, type.name, argument)
  if (letter !== 's') return
  // What stands in a literal list or map is printed, too.
  if (argument.kind === 'list') for (const element of argument.elements) checkClause(checked, letter, element)
  if (argument.kind !== 'map') return
  for (const { key, value } of argument.entries) {
    checkClause(checked, letter, key)
    checkClause(checked, letter, value)
  }
}
