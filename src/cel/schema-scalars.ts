/** Strings with a format, as OpenAPI's validation reads them (upstream: kube-openapi `strfmt`). */
import { EvaluationError } from './errors.ts'
import { parseDuration } from './durations.ts'
import { quoteGo } from './go-strings.ts'
import { MAX_INT, MIN_INT } from './int64.ts'
import { daysFromCivil, makeTimestamp, parseTimestamp } from './timestamps.ts'
import { Duration, Timestamp } from './values.ts'
import type { Result } from './values.ts'

const invalid = (message: string): EvaluationError => new EvaluationError('conversion', message)

/** Of the alphabet for URLs, with padding. */
export function parseSchemaBytes(text: string): Result {
  if (!/^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(text)) {
    const at = /^(?:[A-Za-z0-9_-]{4})*/.exec(text)![0].length
    return invalid(`Invalid byte formatted string ${text}: illegal base64 data at input byte ${at}`)
  }
  return new Uint8Array(Buffer.from(text, 'base64url'))
}

/** Days since 1970 of `2006-01-02`. */
function parseDay(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  return parts ? daysFromCivil(Number(parts[1]), Number(parts[2]), Number(parts[3])) : undefined
}

export function parseSchemaDate(text: string): Result {
  const day = parseDay(text)
  if (day !== undefined) return new Timestamp(day * 86_400, 0)
  const quoted = quoteGo(text)
  return invalid(
    `Invalid date formatted string ${text}: parsing time ${quoted} as "2006-01-02": cannot parse ${quoted} as "2006"`,
  )
}

/** RFC 3339, or the same without a zone; nothing at all is the begin of 1970. */
export function parseSchemaTime(text: string): Result {
  if (text === '') return new Timestamp(0, 0)
  const timestamp = parseTimestamp(text)
  if (timestamp instanceof Timestamp) return timestamp
  const local = parseTimestamp(`${text}Z`)
  if (local instanceof Timestamp && /:\d\d$/.test(text)) return makeTimestamp(local.seconds)!
  const quoted = quoteGo(text)
  return invalid(
    `Invalid date-time formatted string ${text}: parsing time ${quoted} as "2006-01-02T15:04:05": cannot parse ${quoted} as "2006"`,
  )
}

const NANOS: readonly (readonly [names: readonly string[], nanos: bigint])[] = [
  [['ns', 'nano'], 1n],
  [['us', '\u00b5s', 'micro'], 1_000n],
  [['ms', 'milli'], 1_000_000n],
  [['s', 'sec'], 1_000_000_000n],
  [['m', 'min'], 60_000_000_000n],
  [['h', 'hr', 'hour'], 3_600_000_000_000n],
  [['d', 'day'], 86_400_000_000_000n],
  [['w', 'wk', 'week'], 604_800_000_000_000n],
]

/** Go's durations, and `3 days`: the last name of a unit may have anything after it. */
export function parseSchemaDuration(text: string): Result {
  const duration = parseDuration(text)
  if (duration) return duration
  let total: bigint | undefined
  for (const [, count, name] of text.matchAll(/(\d+)\s*([A-Za-z\u00b5]+)/g)) {
    const unit = name!.toLowerCase()
    for (const [names, nanos] of NANOS)
      if (names.includes(unit) || unit.startsWith(names.at(-1)!)) total = (total ?? 0n) + BigInt(count!) * nanos
  }
  if (total === undefined || total > MAX_INT || total < MIN_INT)
    return invalid(`Invalid duration ${text}: unable to parse ${text} as duration`)
  return new Duration(total)
}
