/**
 * What a key is and how keys are ordered: by their UTF-8 bytes, as in etcd and lmdb. JavaScript compares UTF-16 code
 * units, which differs for characters beyond the basic plane; names of RBAC objects may contain them.
 */

/** The longest key in bytes; lmdb's pages allow 1,978. The longest name, namespace and group together need below 700. */
export const MAX_KEY_BYTES = 1_024

const LONE_SURROGATE = /\p{Surrogate}/u

/** Throws RangeError for what cannot be a key: empty, too long, with NUL, or not well-formed Unicode. */
export function checkKey(key: string): void {
  if (key.length === 0) throw new RangeError('a key must not be empty')
  // A UTF-16 code unit takes at most three bytes, so that short keys need no counting.
  if (key.length > MAX_KEY_BYTES / 3 && Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new RangeError(`a key may have ${MAX_KEY_BYTES} bytes, got ${Buffer.byteLength(key)}`)
  if (key.includes('\0')) throw new RangeError(`a key must not contain NUL: ${JSON.stringify(key)}`)
  if (LONE_SURROGATE.test(key)) throw new RangeError(`a key must be well-formed Unicode: ${JSON.stringify(key)}`)
}

/** Negative, zero or positive: the order of the UTF-8 bytes of two well-formed strings. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) {
      // Surrogates (D800-DFFF) stand for code points above every other code unit.
      return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
    }
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** The least key that comes after `key`. */
export const justAfter = (key: string): string => `${key}\0`

/** What every key that starts with `prefix` comes before, and no key that follows them: U+10FFFF is no character. */
export const lastUnder = (prefix: string): string => `${prefix}\u{10ffff}`
