/**
 * Values as upstream's language prints them: its errors show values and types that way, and its users know them by it.
 * Names and forms follow Go's `fmt` verbs `%v` and `%s` and `reflect.TypeOf`.
 */

/** A value, e.g. `map[a:1 b:[x y]]`. */
export function goText(value: unknown): string {
  if (value === null) return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([key, member]) => `${key}:${goText(member)}`).join(' ')}]`
}

/** A value where text is expected, e.g. `x` or `%!s(int64=5)`. */
export function goString(value: unknown): string {
  if (value === null) return '%!s(<nil>)'
  return typeof value === 'number' || typeof value === 'boolean' ? `%!s(${goType(value)}=${value})` : goText(value)
}

/** The type of a value that JSON knows, e.g. `[]interface {}`. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}
