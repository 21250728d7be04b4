/** Durations as text: Go's `time.ParseDuration`, and seconds with a fraction on the way out. */
import { MAX_INT, MIN_INT } from './int64.ts'
import { formatF } from './go-numbers.ts'
import { Duration } from './values.ts'

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  // Both signs of micro.
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
/** Digits beyond these cannot matter. */
const MAX_FRACTION_DIGITS = 18

/** `1h30m`, `-1.5s`, `0`; undefined where it is none of that or does not fit. */
export function parseDuration(text: string): Duration | undefined {
  const negative = text.startsWith('-')
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return new Duration(0n)
  if (rest === '') return undefined
  let total = 0n
  while (rest !== '') {
    const part = /^(\d*)(?:\.(\d*))?([^\d.]+)/.exec(rest)
    if (!part) return undefined
    const [whole, digits, fraction = '', unitName] = part as unknown as [string, string, string | undefined, string]
    const unit = UNITS[unitName]
    if (unit === undefined || (digits === '' && fraction === '') || digits.length > 20) return undefined
    const kept = fraction.slice(0, MAX_FRACTION_DIGITS)
    total += BigInt(digits || '0') * unit + (BigInt(kept || '0') * unit) / 10n ** BigInt(kept.length)
    if (total > MAX_INT + 1n) return undefined
    rest = rest.slice(whole.length)
  }
  const nanos = negative ? -total : total
  return nanos > MAX_INT || nanos < MIN_INT ? undefined : new Duration(nanos)
}

/** In seconds, as a double: what printing and `getSeconds` go by. */
export function secondsOf({ nanos }: Duration): number {
  return Number(nanos / 1_000_000_000n) + Number(nanos % 1_000_000_000n) / 1e9
}

/** `90s`, `0.25s`. */
export function formatDuration(duration: Duration): string {
  return `${formatF(secondsOf(duration))}s`
}
