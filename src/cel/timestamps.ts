/** Timestamps: RFC 3339, arithmetic within years 1 to 9999, and the fields of a moment in a time zone. */
import { Duration, Timestamp } from './values.ts'
import { MAX_INT, MIN_INT } from './int64.ts'

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const MIN_SECONDS = -62_135_596_800
const MAX_SECONDS = 253_402_300_799
const NANOS = 1_000_000_000n

/** undefined out of range. */
export function makeTimestamp(seconds: number, nanos = 0, offsetSeconds = 0): Timestamp | undefined {
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) return undefined
  return new Timestamp(seconds, nanos, offsetSeconds)
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/** 'syntax' where it is no RFC 3339 date and time (as Go reads it), 'range' where it is beyond years 1 to 9999. */
export function parseTimestamp(text: string): Timestamp | 'syntax' | 'range' {
  const match = RFC3339.exec(text)
  if (!match) return 'syntax'
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const days = daysFromCivil(year, month, day)
  if (days === undefined || hour > 23 || minute > 59 || second > 59) return 'syntax'
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  if (offsetHours > 24 || offsetMinutes > 60) return 'syntax'
  const offset = (match[8] === '-' ? -1 : 1) * (offsetHours * 3600 + offsetMinutes * 60)
  const nanos = Number((match[7] ?? '').slice(0, 9).padEnd(9, '0'))
  const seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
  return makeTimestamp(seconds, nanos, offset + 0) ?? 'range'
}

/** Days since 1970; undefined where there is no such day. */
export function daysFromCivil(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (month < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return Math.round(date.getTime() / 86_400_000)
}

/** RFC 3339 in the zone that it was written with, with as many digits as it takes. */
export function formatTimestamp({ seconds, nanos, offsetSeconds }: Timestamp, inUtc = false): string {
  const offset = inUtc ? 0 : offsetSeconds
  const date = new Date((seconds + offset) * 1000)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${year}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${day}T${time}${fraction}${formatOffset(offset)}`
}

function formatOffset(seconds: number): string {
  if (seconds === 0) return 'Z'
  const minutes = Math.trunc(Math.abs(seconds) / 60)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${seconds < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

/** undefined out of range. */
export function addDuration(timestamp: Timestamp, nanos: bigint): Timestamp | undefined {
  let total = BigInt(timestamp.nanos) + (nanos % NANOS)
  let seconds = BigInt(timestamp.seconds) + nanos / NANOS
  if (total < 0n) {
    total += NANOS
    seconds -= 1n
  } else if (total >= NANOS) {
    total -= NANOS
    seconds += 1n
  }
  return makeTimestamp(Number(seconds), Number(total), timestamp.offsetSeconds)
}

/** `a - b`; undefined out of range. */
export function between(a: Timestamp, b: Timestamp): Duration | undefined {
  const whole = BigInt(a.seconds - b.seconds) * NANOS
  const nanos = whole + BigInt(a.nanos - b.nanos)
  const fits = (value: bigint) => value <= MAX_INT && value >= MIN_INT
  return fits(whole) && fits(nanos) ? new Duration(nanos) : undefined
}

/** The moment as a date whose UTC fields are those of the zone. Throws RangeError, with Go's message, for no zone. */
export function inZone(timestamp: Timestamp, zone: string): Date {
  return new Date((timestamp.seconds + offsetOf(timestamp, zone)) * 1000)
}

function offsetOf({ seconds }: Timestamp, zone: string): number {
  const colon = zone.indexOf(':')
  if (colon >= 0) {
    const hours = goInteger(zone.slice(0, colon))
    const minutes = goInteger(zone.slice(colon + 1))
    return (zone.startsWith('-') ? hours * 60 - minutes : hours * 60 + minutes) * 60
  }
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0
  return namedOffset(seconds, zone)
}

function goInteger(text: string): number {
  if (!/^[+-]?\d{1,18}$/.test(text))
    throw new RangeError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

/** Seconds east of UTC at this moment in a zone of the time zone database. */
function namedOffset(seconds: number, zone: string): number {
  let format: Intl.DateTimeFormat
  try {
    if (!/^[A-Za-z][\w+\-/]*$/.test(zone)) throw new RangeError(zone)
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      second: 'numeric',
      ...fields,
    })
  } catch {
    throw new RangeError(`unknown time zone ${zone}`)
  }
  const parts = Object.fromEntries(
    format.formatToParts(new Date(seconds * 1000)).map(({ type, value }) => [type, value]),
  )
  const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year'])
  const days = daysFromCivil(year, Number(parts['month']), Number(parts['day']))!
  const time = Number(parts['hour']) * 3600 + Number(parts['minute']) * 60 + Number(parts['second'])
  return days * 86_400 + time - Math.floor(seconds)
}
