/**
 * Cron schedules: five fields or a descriptor such as `@daily`. What is accepted, and what is said of what is not, follows
 * the parser that Kubernetes uses (robfig/cron v3, standard format). Zones are not part of a schedule here.
 */
import { own } from '#base/own.ts'

/** Bit n of a field is set where the schedule matches the value n. */
export interface CronSchedule {
  readonly minute: bigint
  readonly hour: bigint
  readonly dayOfMonth: bigint
  readonly month: bigint
  /** 0 is Sunday. */
  readonly dayOfWeek: bigint
  /** A day has to match both fields where one of them is a star, else one of them is enough. */
  readonly anyDayOfMonth: boolean
  readonly anyDayOfWeek: boolean
  /** For `@every`, which matches no calendar but repeats after this long; undefined for others. */
  readonly everyMs?: number
}

/** `message` is what upstream answers. */
export class CronError extends Error {
  override name = 'CronError'
}

interface Bounds {
  readonly low: number
  readonly high: number
  readonly names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MINUTE: Bounds = { low: 0, high: 59 }
const HOUR: Bounds = { low: 0, high: 23 }
const DAY_OF_MONTH: Bounds = { low: 1, high: 31 }
const MONTH: Bounds = { low: 1, high: 12, names: MONTHS }
const DAY_OF_WEEK: Bounds = { low: 0, high: 6, names: DAYS }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const EVERY = '@every '
const ZONE = /^(?:CRON_)?TZ=(\S*) (.*)$/

/** Throws CronError. */
export function parseCron(text: string): CronSchedule {
  if (text === '') throw new CronError('empty spec string')
  const spec = withoutZone(text)
  if (spec.startsWith(EVERY)) return { ...parseFields('* * * * *'), everyMs: parseEvery(spec) }
  if (spec.startsWith('@')) {
    const fields = own(descriptors, spec)
    if (fields === undefined) throw new CronError(`unrecognized descriptor: ${spec}`)
    return parseFields(fields)
  }
  return parseFields(spec)
}

function withoutZone(text: string): string {
  if (!/^(?:CRON_)?TZ=/.test(text)) return text
  const [, zone, spec] = ZONE.exec(text) ?? []
  if (zone === undefined) throw new CronError('invalid schedule format: runtime error: slice bounds out of range')
  if (!isTimeZone(zone)) throw new CronError(`provided bad location ${zone}: unknown time zone ${zone}`)
  return spec!.trim()
}

/** Whether the name is one of the IANA time zone database; the empty name is UTC. */
export function isTimeZone(name: string): boolean {
  if (name === '' || name === 'UTC' || name === 'Local') return true
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return !/^[+-]\d/.test(name)
  } catch {
    return false
  }
}

function parseFields(spec: string): CronSchedule {
  const parts = spec.split(/\s+/).filter(Boolean)
  if (parts.length !== 5) {
    throw new CronError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`)
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK].map(
    (bounds, i) => parseField(parts[i]!, bounds),
  ) as [Field, Field, Field, Field, Field]
  return {
    minute: minute.bits,
    hour: hour.bits,
    dayOfMonth: dayOfMonth.bits,
    month: month.bits,
    dayOfWeek: dayOfWeek.bits,
    anyDayOfMonth: dayOfMonth.isStar,
    anyDayOfWeek: dayOfWeek.isStar,
  }
}

interface Field {
  bits: bigint
  isStar: boolean
}

function parseField(text: string, bounds: Bounds): Field {
  const ranges = text
    .split(',')
    .filter(Boolean)
    .map((expression) => parseRange(expression, bounds))
  return {
    bits: ranges.reduce((bits, range) => bits | range.bits, 0n),
    isStar: ranges.some(({ isStar }) => isStar),
  }
}

function parseRange(text: string, { low, high, names }: Bounds): Field {
  const [range = '', stepText, ...moreSteps] = text.split('/')
  const [from = '', to, ...more] = range.split('-')
  const isAll = from === '*' || from === '?'
  let start = isAll ? low : parseValue(from, names)
  let end = isAll ? high : start
  if (!isAll && to !== undefined) {
    if (more.length > 0) throw new CronError(`too many hyphens: ${text}`)
    end = parseValue(to, names)
  }
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${text}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  if (stepText !== undefined && to === undefined) end = high
  if (start < low) throw new CronError(`beginning of range (${start}) below minimum (${low}): ${text}`)
  if (end > high) throw new CronError(`end of range (${end}) above maximum (${high}): ${text}`)
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`)
  let bits = 0n
  for (; start <= end; start += step) bits |= 1n << BigInt(start)
  return { bits, isStar: isAll && step === 1 }
}

function parseValue(text: string, names: readonly string[] | undefined): number {
  const i = names?.indexOf(text.toLowerCase()) ?? -1
  if (i < 0) return parseNumber(text)
  return names === MONTHS ? i + 1 : i
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    const shown = JSON.stringify(text)
    throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${shown}: invalid syntax`)
  }
  const value = Number(text)
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`)
  return value
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

function parseEvery(spec: string): number {
  const text = spec.slice(EVERY.length)
  const isDuration = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)
  if (!isDuration) {
    throw new CronError(`failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(text)}`)
  }
  const parts = text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)
  const ms = [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
  // Seconds are the finest that a schedule knows.
  return Math.max(1000, Math.floor((text.startsWith('-') ? 0 : ms) / 1000) * 1000)
}
