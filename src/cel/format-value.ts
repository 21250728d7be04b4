/** Values as messages show them: Go's `%v` of cel-go's values. */
import { EvaluationError } from './errors.ts'
import { formatDuration } from './durations.ts'
import { formatG } from './go-numbers.ts'
import { formatTimestamp } from './timestamps.ts'
import { Dictionary, Double, Duration, List, Opaque, Optional, Timestamp, TypeValue, Uint } from './values.ts'
import type { Result } from './values.ts'

export function formatValue(value: Result): string {
  if (typeof value === 'string') return value
  if (value === null) return '0'
  if (typeof value !== 'object') return String(value)
  if (value instanceof EvaluationError) return value.message
  if (value instanceof Double) return formatG(value.value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof TypeValue) return value.type.name
  if (value instanceof Optional)
    return value.value === undefined ? 'optional.none()' : `optional(${formatValue(value.value)})`
  if (value instanceof List) {
    const elements = Array.from({ length: value.size }, (_, i) => formatValue(value.at(i)))
    return `[${elements.join(', ')}]`
  }
  if (value instanceof Dictionary) {
    const entries = value.keys().map((key) => `${formatValue(key)}: ${formatValue(value.find(key)!)}`)
    return `{${entries.join(', ')}}`
  }
  if (value instanceof Opaque) return value.type.name
  return `[${[...value].join(' ')}]`
}
