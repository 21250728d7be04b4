/**
 * Points in time as the API writes them (upstream: metav1.Time and metav1.MicroTime): RFC 3339 in UTC, with whole seconds
 * or six fractional digits. Inside the program time is a number of milliseconds since the Unix epoch.
 */

/** The text is not a time as RFC 3339 defines it. The wording is that of Go's time.Parse. */
export class TimeError extends Error {
  override readonly name = 'TimeError'
}

/** metav1.Time: whole seconds, the rest is cut off. Throws RangeError outside of the years 0 to 9999. */
export function formatTime(epochMs: number): string {
  return iso(Math.floor(epochMs / 1000) * 1000).slice(0, 19) + 'Z'
}

/** metav1.MicroTime: six digits. Throws RangeError outside of the years 0 to 9999. */
export function formatMicroTime(epochMs: number): string {
  const wholeMs = Math.floor(epochMs)
  const micros = Math.floor((epochMs - wholeMs) * 1000)
  return `${iso(wholeMs).slice(0, 23)}${String(micros).padStart(3, '0')}Z`
}

/** The layout that Go names in its messages. */
const LAYOUT = '2006-01-02T15:04:05Z07:00'
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00'
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-](\d\d):(\d\d))$/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Milliseconds since the epoch of an RFC 3339 time in any zone, with or without a fraction. Throws TimeError. */
export function parseTime(text: string): number {
  return parse(text, LAYOUT).epochMs
}

/** As `parseTime`, to the microsecond (as far as a double holds it), and with exactly six fractional digits. Throws TimeError. */
export function parseMicroTime(text: string): number {
  const { epochMs, fraction } = parse(text, MICRO_LAYOUT)
  if (fraction?.length !== 7) throw cannotParse(text, MICRO_LAYOUT)
  return epochMs
}

/** The text as the API stores it: UTC, whole seconds. Throws TimeError. */
export function canonicalTime(text: string): string {
  return formatTime(parseTime(text))
}

/** The text as the API stores it: UTC, six digits. Throws TimeError. */
export function canonicalMicroTime(text: string): string {
  const { epochMs, fraction } = parse(text, MICRO_LAYOUT)
  if (fraction?.length !== 7) throw cannotParse(text, MICRO_LAYOUT)
  // The digits are carried over as text: a double does not hold every microsecond.
  return `${iso(Math.floor(epochMs / 1000) * 1000).slice(0, 19)}.${fraction.slice(1)}Z`
}

function parse(text: string, layout: string): { epochMs: number; fraction: string | undefined } {
  const parts = RFC3339.exec(text)
  if (!parts) throw cannotParse(text, layout)
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const inRange: [string, boolean][] = [
    ['month', month >= 1 && month <= 12],
    ['day', day >= 1 && day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0))],
    ['hour', hour < 24],
    ['minute', minute < 60],
    ['second', second < 60],
    ['time zone offset hour', parts[9] === undefined || Number(parts[9]) <= 24],
    ['time zone offset minute', parts[10] === undefined || Number(parts[10]) < 60],
  ]
  const wrong = inRange.find(([, ok]) => !ok)
  if (wrong) throw new TimeError(`parsing time ${JSON.stringify(text)}: ${wrong[0]} out of range`)
  const at = new Date(0)
  // Date.UTC would read a year below 100 as one of the 1900s.
  at.setUTCFullYear(year, month - 1, day)
  at.setUTCHours(hour, minute, second)
  const zoneMinutes = parts[9] === undefined ? 0 : Number(parts[9]) * 60 + Number(parts[10])
  const zoneMs = (parts[8]!.startsWith('-') ? -zoneMinutes : zoneMinutes) * 60_000
  const fractionMs = parts[7] === undefined ? 0 : Number(`0.${parts[7].slice(1)}`) * 1000
  return { epochMs: at.getTime() - zoneMs + fractionMs, fraction: parts[7] }
}

/** What the layout expects in turn; the name is the layout's own piece. The fraction is optional except in MicroTime. */
const PIECES: readonly [RegExp, string][] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [/^\d\d/, '01'],
  [/^-/, '-'],
  [/^\d\d/, '02'],
  [/^T/, 'T'],
  [/^\d\d/, '15'],
  [/^:/, ':'],
  [/^\d\d/, '04'],
  [/^:/, ':'],
  [/^\d\d/, '05'],
  [/^(?:[.,]\d+)?/, '.000000'],
  [/^(?:Z|[+-]\d\d:\d\d)/, 'Z07:00'],
]

/** Finds the first piece of the layout that the text does not have. */
function cannotParse(text: string, layout: string): TimeError {
  let rest = text
  for (const [pattern, piece] of PIECES) {
    const found = pattern.exec(rest)?.[0]
    if (found === undefined || (piece === '.000000' && layout === MICRO_LAYOUT && found.length !== 7)) {
      const [whole, expected, left] = [text, piece, rest].map((value) => JSON.stringify(value))
      return new TimeError(`parsing time ${whole} as ${JSON.stringify(layout)}: cannot parse ${left} as ${expected}`)
    }
    rest = rest.slice(found.length)
  }
  return new TimeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`)
}

function iso(epochMs: number): string {
  const text = new Date(epochMs).toISOString()
  if (text.length !== 24) throw new RangeError(`time ${text} is outside of the years 0 to 9999`)
  return text
}
