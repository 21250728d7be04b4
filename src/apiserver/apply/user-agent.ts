/**
 * Names of managers: what one may look like, and what a manager is called who does not say, which is the name in the
 * User-Agent. Upstream: `metav1/validation.ValidateFieldManager`, `ValidateManagedFields`, `handlers.prefixFromUserAgent`.
 */
import type { ManagedFieldsEntry } from '#api/meta/v1.ts'
import { type FieldError, MAX_FIELD_ERRORS, MAX_FIELD_ERRORS_LENGTH } from '#machinery/status-error.ts'
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

const tooLong = (field: string, bytes: number): FieldError => ({
  type: 'TooLong',
  field,
  message: `Too long: may not be more than ${bytes} bytes`,
})

/** All that nearly every name is. */
const PLAIN = /^[ -~]{0,128}$/

/** What is wrong with the name of a manager. */
export function managerErrors(name: string, field = 'fieldManager'): FieldError[] {
  const errors: FieldError[] = []
  if (PLAIN.test(name)) return errors
  if (Buffer.byteLength(name) > MAX_BYTES) errors.push(tooLong(field, MAX_BYTES))
  let at = 0
  // Each mistake is told with the whole name.
  const most = Math.min(MAX_FIELD_ERRORS, MAX_FIELD_ERRORS_LENGTH / name.length)
  for (const char of name) {
    if (errors.length > most) break
    if (!isPrintable(char)) {
      const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
      errors.push(invalidValue(field, name, `invalid character U+${code} (at position ${at})`))
    }
    at += Buffer.byteLength(char)
  }
  return errors
}

const MAX_SUBRESOURCE_BYTES = 256

/** What is wrong with who is said to own fields. */
export function managedFieldsErrors(entries: readonly ManagedFieldsEntry[] | undefined): FieldError[] {
  const errors: FieldError[] = []
  entries?.forEach(({ operation = '', fieldsType = '', manager = '', subresource = '' }, i) => {
    if (errors.length >= MAX_FIELD_ERRORS) return
    const field = `metadata.managedFields[${i}]`
    if (operation !== 'Apply' && operation !== 'Update')
      errors.push(invalidValue(`${field}.operation`, operation, 'must be `Apply` or `Update`'))
    if (fieldsType !== '' && fieldsType !== 'FieldsV1')
      errors.push(invalidValue(`${field}.fieldsType`, fieldsType, 'must be `FieldsV1`'))
    for (const error of managerErrors(manager, `${field}.manager`)) errors.push(error)
    if (Buffer.byteLength(subresource) > MAX_SUBRESOURCE_BYTES)
      errors.push(tooLong(`${field}.subresource`, MAX_SUBRESOURCE_BYTES))
  })
  return errors
}
