/**
 * A short hash of a pod template, for the names of what is made from it and the label `pod-template-hash`. It stays the
 * same for the same template in any order of its keys; `collisionCount` changes it where two templates have collided.
 */
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** The alphabet of generated names, which spells no words. Upstream: `rand.SafeEncodeString`. */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

export function templateHash(template: unknown, collisionCount = 0): string {
  const text = canonicalJson(template) + (collisionCount > 0 ? `#${collisionCount}` : '')
  return safeEncode(String(fnv1a32(text)))
}

export function fnv1a32(text: string): number {
  let hash = FNV_OFFSET
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, FNV_PRIME)
  return hash >>> 0
}

function safeEncode(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) out += SAFE_ALPHABET[text.charCodeAt(i) % SAFE_ALPHABET.length]
  return out
}

/** JSON with sorted keys, without what is absent. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const record = value as Record<string, unknown>
  const keys = Object.keys(record).filter((key) => record[key] !== undefined && record[key] !== null)
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`)
    .join(',')}}`
}
