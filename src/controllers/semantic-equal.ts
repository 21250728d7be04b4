/**
 * Whether two API values mean the same: absent, null, empty text, zero-length lists and empty objects are alike, as they are
 * once Go has decoded them. Upstream: `apiequality.Semantic.DeepEqual`.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isNothing(a)) return isNothing(b)
  if (typeof a !== 'object' || typeof b !== 'object' || b === null || a === null) return false
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]))
  }
  if (Array.isArray(b)) return false
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in left) if (!semanticEqual(left[key], right[key])) return false
  for (const key in right) if (!(key in left) && !isNothing(right[key])) return false
  return true
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const key in value) if (!isNothing((value as Record<string, unknown>)[key])) return false
  return true
}
