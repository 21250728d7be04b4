/** What a manager is called who does not say: the name in the User-Agent. Upstream: `handlers.prefixFromUserAgent`. */

/** In bytes of UTF-8. */
export const MAX_MANAGER_BYTES = 128

/** What Go's `unicode.IsPrint` says no to: controls, and all spaces but the plain one. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u

export const isPrintable = (char: string) => char === ' ' || !UNPRINTABLE.test(char)

/** `kubectl/v1.36.0 (linux/amd64) ...` is `kubectl`. What can't be printed is left out. */
export function managerFromUserAgent(userAgent: string): string {
  let name = ''
  let bytes = 0
  for (const char of userAgent.split('/', 1)[0]!) {
    if (!isPrintable(char)) continue
    bytes += Buffer.byteLength(char)
    if (bytes > MAX_MANAGER_BYTES) break
    name += char
  }
  return name
}
