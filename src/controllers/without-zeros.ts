/** Drops counts of zero, as Go's `omitempty` does, so that a status compares equal to the one that was stored. */
export function withoutZeros<T extends Record<string, unknown>>(fields: T): Partial<T> {
  const out: Partial<T> = {}
  for (const key in fields) if (fields[key] !== 0 && fields[key] !== undefined) out[key] = fields[key]
  return out
}
