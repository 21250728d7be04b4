/**
 * Bounds of numbers. Whole numbers are compared as integers and others as floating point numbers, which shows in what
 * is said. Upstream: `numberValidator` of `kube-openapi/pkg/validation/validate`.
 */
import type { NumberFinding } from './findings.ts'
import { goFloat } from './field-errors.ts'

export interface NumberBounds {
  /** `integer`, `number`, or '' where the schema does not say. */
  readonly type: string
  /** int32, int64, float, double or ''. */
  readonly format: string
  readonly multipleOf: number | undefined
  readonly maximum: number | undefined
  readonly isMaximumExclusive: boolean
  readonly minimum: number | undefined
  readonly isMinimumExclusive: boolean
}

/** The largest int64, as far as a number can tell. */
const MAX_INT64 = 2 ** 63
const MAX_FLOAT32 = 3.402_823_466_385_288_6e38

/** Whether the type that the schema asks for can hold the number. */
export function isWithinRange(value: number, type: string, format: string): boolean {
  if (type === 'integer') {
    if (!Number.isInteger(value)) return false
    return format === 'int32' ? value >= -0x8000_0000 && value <= 0x7fff_ffff : Math.abs(value) <= MAX_INT64
  }
  return format !== 'float' || Math.abs(value) <= MAX_FLOAT32
}

export function checkNumber(value: number, bounds: NumberBounds, path: string): NumberFinding[] {
  const found: NumberFinding[] = []
  const { type, format, multipleOf, maximum, minimum } = bounds
  const fits = (number: number, what: string): boolean => {
    if (isWithinRange(number, type, format)) return true
    const sort = format ? `${type} with format ${format}` : `${type} (default format)`
    found.push({ path: undefined, value, sentence: `${what} value must be of type ${sort} in ${path}` })
    return false
  }
  const complain = (why: string) => found.push({ path, value, sentence: `${path} in body should be ${why}` })
  /** A bound as it is compared and shown: that of an integer is one too, if the type can hold it. */
  const boundOf = (bound: number, what: string) => {
    const isInteger = fits(bound, what) && Number.isInteger(value)
    return isInteger
      ? { isInteger, limit: Math.trunc(bound), text: String(Math.trunc(bound)) }
      : { isInteger, limit: bound, text: goFloat(bound) }
  }
  fits(value, 'Checked')
  if (multipleOf !== undefined) {
    const { isInteger, limit, text } = boundOf(multipleOf, 'MultipleOf')
    const sentence = `factor MultipleOf declared for ${path} must be positive: ${text}`
    if (limit <= 0) found.push({ path, value: limit, sentence })
    else if (!isMultiple(value, limit, isInteger)) complain(`a multiple of ${text}`)
  }
  if (minimum !== undefined) {
    const { limit, text } = boundOf(minimum, 'Minimum boundary')
    const isExclusive = bounds.isMinimumExclusive
    if (isExclusive ? value <= limit : value < limit)
      complain(`greater than ${isExclusive ? '' : 'or equal to '}${text}`)
  }
  if (maximum !== undefined) {
    const { limit, text } = boundOf(maximum, 'Maximum boundary')
    const isExclusive = bounds.isMaximumExclusive
    if (isExclusive ? value >= limit : value > limit) complain(`less than ${isExclusive ? '' : 'or equal to '}${text}`)
  }
  return found
}

function isMultiple(value: number, factor: number, isInteger: boolean): boolean {
  if (isInteger) return value % factor === 0
  const quotient = factor < 1 ? (1 / factor) * value : value / factor
  if (Math.abs(quotient) > Number.MAX_SAFE_INTEGER) return false
  const rounded = Math.round(quotient)
  if (quotient === rounded) return true
  return rounded !== 0 && Math.abs(quotient - rounded) < 1e-9 * Math.abs(rounded)
}
