/** Whether two JSON values are the same; the order of an object's members does not count, `undefined` members are absent. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!jsonEqual(a[i], b[i])) return false
    return true
  }
  if (Array.isArray(b)) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  let members = 0
  for (const key in x) {
    if (x[key] === undefined) continue
    members++
    if (!jsonEqual(x[key], y[key])) return false
  }
  for (const key in y) if (y[key] !== undefined) members--
  return members === 0
}
