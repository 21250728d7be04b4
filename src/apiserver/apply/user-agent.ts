/**
 * Names of managers: what one may look like, and what a manager is called who does not say, which is the name in the
 * User-Agent. Upstream: `metav1/validation.ValidateFieldManager`, `handlers.prefixFromUserAgent`.
 */
import type { FieldError } from '#machinery/status-error.ts'
import { invalidValue } from '../registry/object-meta.ts'

/** In bytes of UTF-8. */
const MAX_BYTES = 128

/** What Go's `unicode.IsPrint` says no to: controls, and all spaces but the plain one. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u

const isPrintable = (char: string) => char === ' ' || !UNPRINTABLE.test(char)

/** `kubectl/v1.36.0 (linux/amd64) ...` is `kubectl`. What can't be printed is left out. */
export function managerFromUserAgent(userAgent: string): string {
  let name = ''
  let bytes = 0
  for (const char of userAgent.split('/', 1)[0]!) {
    if (!isPrintable(char)) continue
    bytes += Buffer.byteLength(char)
    if (bytes > MAX_BYTES) break
    name += char
  }
  return name
}

/** What is wrong with the `fieldManager` of a request. */
export function managerErrors(name: string): FieldError[] {
  const errors: FieldError[] = []
  if (Buffer.byteLength(name) > MAX_BYTES) {
    const message = `Too long: may not be more than ${MAX_BYTES} bytes`
    errors.push({ type: 'TooLong', field: 'fieldManager', message })
  }
  let at = 0
  for (const char of name) {
    if (!isPrintable(char)) {
      const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
      errors.push(invalidValue('fieldManager', name, `invalid character U+${code} (at position ${at})`))
    }
    at += Buffer.byteLength(char)
  }
  return errors
}
