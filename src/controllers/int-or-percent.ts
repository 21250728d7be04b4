/** Counts given as a number or as a percentage of a total, such as `maxUnavailable: 25%`. Upstream: `util/intstr`. */
import { TerminalError } from '#base/errors.ts'

/** Throws TerminalError for a text that is no percentage. */
export function scaledValue(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)
  if (!percent) throw new TerminalError(`invalid value for IntOrString: ${JSON.stringify(value)} is not a percentage`)
  const scaled = (Number(percent[1]) * total) / 100
  return round === 'up' ? Math.ceil(scaled) : Math.floor(scaled)
}
