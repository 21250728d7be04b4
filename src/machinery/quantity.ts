/**
 * Amounts of resources, such as `1500m`, `2Gi`, `129e6` (upstream: apimachinery `resource.Quantity`).
 *
 * A Quantity is exact: an integer times a power of ten, never a float. It is immutable, remembers the family of suffix
 * that it was written with, and prints in canonical form: no fraction, the largest suffix that loses nothing. Like
 * upstream, a text that is canonical enough is kept as it was written; anything finer than a nano unit rounds away from zero.
 */

/** Which family of suffixes the amount is printed with. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** The text is not a quantity. The messages are upstream's, word for word. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError'
}

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const NUMERIC_WRONG = 'unable to parse numeric part of quantity'
const SUFFIX_WRONG = "unable to parse quantity's suffix"

const NANO = -9
const MAX_INT64 = 9223372036854775807n
/** Longer texts and larger exponents are refused, so that no request can make this process multiply for minutes. */
const MAX_TEXT_LENGTH = 1024
const MAX_EXPONENT = 1024
/** Decimal digits that always fit into an int64; longer texts are never kept as written. */
const MAX_KEPT_DIGITS = 18

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]))
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

export class Quantity {
  /** The amount is `#unscaled * 10 ** #scale`; `#scale` is at least -9. */
  readonly #unscaled: bigint
  readonly #scale: number
  readonly format: QuantityFormat
  #text: string | undefined

  private constructor(unscaled: bigint, scale: number, format: QuantityFormat, text?: string) {
    this.#unscaled = unscaled
    this.#scale = scale
    this.format = format
    this.#text = text
  }

  /** Throws QuantityError with upstream's wording. */
  static parse(text: string): Quantity {
    if (text.length === 0) throw new QuantityError(FORMAT_WRONG)
    if (text.length > MAX_TEXT_LENGTH) throw new QuantityError(NUMERIC_WRONG)
    const { negative, whole, fraction, suffix, number } = split(text)
    const { base, exponent, format } = interpret(suffix)

    const kept = keptScale(whole, fraction, base, exponent)
    if (kept !== undefined) {
      const digits = whole + fraction
      const magnitude = BigInt(digits)
      const scaled = base === 2 ? magnitude << BigInt(exponent) : magnitude
      const isCanonical =
        base === 2 ? (magnitude & 7n) !== 0n : kept % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0'
      return new Quantity(negative ? -scaled : scaled, kept, format, isCanonical ? text : undefined)
    }

    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number)) throw new QuantityError(NUMERIC_WRONG)
    let magnitude = BigInt(whole + fraction)
    let scale = -fraction.length
    if (base === 2) magnitude <<= BigInt(exponent)
    else scale += exponent
    if (scale < NANO) {
      magnitude = divideAwayFromZero(magnitude, pow10(NANO - scale))
      scale = NANO
    }
    let actualFormat: QuantityFormat = format
    if (format === 'BinarySI') {
      const one = pow10(-scale)
      if (magnitude > MAX_INT64 * one) {
        magnitude = MAX_INT64
        scale = 0
      } else if (magnitude > 0n && magnitude < one) actualFormat = 'DecimalSI'
    }
    return new Quantity(negative ? -magnitude : magnitude, scale, actualFormat)
  }

  /** Throws RangeError when `value` is not an integer. */
  static of(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), 0, format)
  }

  /** `value` thousandths. Throws RangeError when `value` is not an integer. */
  static ofMilli(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), -3, format)
  }

  /** The sum; a zero takes over the format of the other. */
  add(other: Quantity): Quantity {
    return this.#plus(other, 1n)
  }

  /** The difference; a zero takes over the format of the other. */
  sub(other: Quantity): Quantity {
    return this.#plus(other, -1n)
  }

  neg(): Quantity {
    return new Quantity(-this.#unscaled, this.#scale, this.format)
  }

  /** Throws RangeError when `factor` is not an integer. */
  mul(factor: number | bigint): Quantity {
    return new Quantity(this.#unscaled * BigInt(factor), this.#scale, this.format)
  }

  /** -1, 0 or 1, as this is less than, equal to or greater than `other`. */
  cmp(other: Quantity): -1 | 0 | 1 {
    const scale = Math.min(this.#scale, other.#scale)
    const a = this.#unscaledAt(scale)
    const b = other.#unscaledAt(scale)
    return a < b ? -1 : a > b ? 1 : 0
  }

  equals(other: Quantity): boolean {
    return this.cmp(other) === 0
  }

  get sign(): -1 | 0 | 1 {
    return this.#unscaled < 0n ? -1 : this.#unscaled > 0n ? 1 : 0
  }

  get isZero(): boolean {
    return this.#unscaled === 0n
  }

  /**
   * Whole units, rounded away from zero. Amounts outside of int64 give its limits (upstream: an arbitrary number), and
   * beyond 2^53 the result is the nearest double.
   */
  value(): number {
    return this.scaledValue(0)
  }

  /** Thousandths, rounded away from zero; limits as `value`. */
  milliValue(): number {
    return this.scaledValue(-3)
  }

  /** The amount in units of `10 ** scale`, rounded away from zero; limits as `value`. */
  scaledValue(scale: number): number {
    const exact = this.exactValue(scale)
    return Number(exact > MAX_INT64 ? MAX_INT64 : exact < -MAX_INT64 ? -MAX_INT64 : exact)
  }

  /** The amount in units of `10 ** scale`, rounded away from zero, without limits. */
  exactValue(scale = 0): bigint {
    if (this.#scale >= scale) return this.#unscaledAt(scale)
    return divideAwayFromZero(this.#unscaled, pow10(scale - this.#scale))
  }

  /** The nearest double or one close to it. For display and ratios only. */
  toNumber(): number {
    return Number(this.#unscaled) * 10 ** this.#scale
  }

  /** Rounded away from zero to a multiple of `10 ** scale`. */
  roundUp(scale: number): Quantity {
    if (this.#scale >= scale) return this
    return new Quantity(this.exactValue(scale), scale, this.format)
  }

  /** The same amount in another family of suffixes. */
  withFormat(format: QuantityFormat): Quantity {
    return format === this.format ? this : new Quantity(this.#unscaled, this.#scale, format)
  }

  toString(): string {
    return (this.#text ??= this.#canonical())
  }

  toJSON(): string {
    return this.toString()
  }

  #plus(other: Quantity, sign: bigint): Quantity {
    const format = this.isZero ? other.format : this.format
    if (other.isZero) return new Quantity(this.#unscaled, this.#scale, format)
    if (this.isZero) return new Quantity(other.#unscaled * sign, other.#scale, format)
    const scale = Math.min(this.#scale, other.#scale)
    return new Quantity(this.#unscaledAt(scale) + sign * other.#unscaledAt(scale), scale, format)
  }

  /** Requires `scale` to be no greater than this one's. */
  #unscaledAt(scale: number): bigint {
    return scale === this.#scale ? this.#unscaled : this.#unscaled * pow10(this.#scale - scale)
  }

  #canonical(): string {
    if (this.isZero) return '0'
    if (this.format === 'BinarySI') {
      // Less than one Ki, or with a fraction, is printed as decimal: nothing is lost and nobody is confused.
      const rounded = this.exactValue(0)
      const isWhole = this.#scale >= 0 || rounded * pow10(-this.#scale) === this.#unscaled
      if (isWhole && (rounded >= 1024n || rounded <= -1024n)) {
        let amount = rounded
        let step = 0
        while (step < binarySuffixes.length - 1 && amount % 1024n === 0n) {
          amount /= 1024n
          step++
        }
        return `${amount}${binarySuffixes[step]}`
      }
    }
    let amount = this.#unscaled
    let exponent = this.#scale
    while (amount % 10n === 0n) {
      amount /= 10n
      exponent++
    }
    let excess = ((exponent % 3) + 3) % 3
    if (this.format !== 'DecimalExponent' && exponent - excess > 18) excess = exponent - 18
    amount *= pow10(excess)
    exponent -= excess
    if (this.format === 'DecimalExponent') return exponent === 0 ? `${amount}` : `${amount}e${exponent}`
    return `${amount}${decimalSuffixes.get(exponent)}`
  }
}

/** Takes the text apart without judging the suffix. `number` is the text before the suffix. */
function split(text: string) {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text)
  if (!parts) throw new QuantityError(FORMAT_WRONG)
  const [, sign, whole, fraction, suffix] = parts as unknown as [string, string, string, string | undefined, string]
  return {
    negative: sign === '-',
    whole: whole.replace(/^0+/, '') || '0',
    fraction: fraction ?? '',
    suffix,
    number: text.slice(0, text.length - suffix.length),
  }
}

function interpret(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = decimalExponents[suffix]
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = binaryExponents[suffix]
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' }
  const written = /^[eE]([-+]?\d+)$/.exec(suffix)
  if (!written) throw new QuantityError(SUFFIX_WRONG)
  const exponent = Number(written[1])
  if (Math.abs(exponent) > MAX_EXPONENT) throw new QuantityError(SUFFIX_WRONG)
  return { base: 10, exponent, format: 'DecimalExponent' }
}

/**
 * The power of ten under which the text's digits can be taken as they are, or undefined where it needs rounding,
 * capping or more than an int64: the texts that upstream handles on its fast path, which are those it may keep as written.
 */
function keptScale(whole: string, fraction: string, base: 2 | 10, exponent: number): number | undefined {
  if (base === 2) {
    if (fraction !== '') return undefined
    return 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1 >= 0 ? 0 : undefined
  }
  if (whole.length + fraction.length > MAX_KEPT_DIGITS) return undefined
  const scale = exponent - fraction.length
  return scale >= NANO ? scale : undefined
}

function divideAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  if (quotient * divisor === dividend) return quotient
  return dividend < 0n ? quotient - 1n : quotient + 1n
}

function pow10(exponent: number): bigint {
  return 10n ** BigInt(exponent)
}
