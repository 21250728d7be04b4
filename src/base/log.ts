/**
 * Structured logs: one JSON object a line (pino), or nothing. A message says what could not be done, to what, and why;
 * values go into fields. Secrets never do: log names and digests, not tokens, keys or bodies.
 */
import pino from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A log whose lines all carry `fields`, e.g. `{ component: 'scheduler' }`. */
  child(fields: object): Log
}

/** Writes to `fd` (2 = standard error). */
export function createLog(level: LogLevel, fd = 2): Log {
  if (level === 'silent') return silentLog
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: pino.stdSerializers.err } },
    pino.destination({ fd, sync: true }),
  )
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }
