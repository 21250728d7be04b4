/** Durations as Go prints them, because they are part of messages that people search for: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms < 1) return '0s'
  if (ms < 1000) return `${Math.floor(ms)}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms % 3_600_000) / 60_000)
  const seconds = `${Math.floor(ms % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
