/**
 * Places and values in the errors of custom resources and their definitions, worded as upstream does. Places are plain
 * texts, because they are only made where something is wrong. Upstream: `apimachinery/pkg/util/validation/field`.
 */
import { isObject } from '#base/json.ts'
import { type FieldError, MAX_FIELD_ERRORS } from '#machinery/status-error.ts'

/** What a place without a name is called. */
export const NOWHERE = '<nil>'

export const child = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)
export const keyed = (path: string, key: string) => `${path}[${key}]`
export const placed = (path: string) => path || NOWHERE

/** Adds to `errors` as many as are ever told. */
export function append(errors: FieldError[], more: readonly FieldError[]) {
  for (const error of more) {
    if (errors.length >= MAX_FIELD_ERRORS) break
    errors.push(error)
  }
}

const HTML: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }

/** JSON as Go writes it: members in the order of their names, and nothing that HTML could mistake for a tag. */
export const goJson = (value: unknown): string => sortedJson(value).replace(/[<>&]/g, (character) => HTML[character]!)

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${sortedJson(value[name])}`)
    .join(',')}}`
}

/** A floating point number as Go's `%v` prints it: with an exponent from 1e6 on and below 1e-4. */
export function goFloat(value: number): string {
  const magnitude = Math.abs(value)
  if (value === 0 || (magnitude >= 1e-4 && magnitude < 1e6)) return String(value)
  const [mantissa, exponent = '+0'] = value.toExponential().split('e')
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** A number of JSON: whole ones are integers to Go. */
export const goNumber = (value: number) => (Number.isInteger(value) ? String(value) : goFloat(value))

/** JSON as Go's `%v` prints it. */
export function goValue(value: unknown): string {
  if (value === null) return '<nil>'
  if (typeof value === 'number') return goNumber(value)
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const members = Object.entries(value as object).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `map[${members.map(([name, member]) => `${name}:${goValue(member)}`).join(' ')}]`
}

/** The value is not shown. */
export const OMITTED: unique symbol = Symbol('omitted')

/** A value that is shown in these words. */
export class Worded {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const shown = (value: unknown) => {
  if (value === OMITTED) return ''
  if (value instanceof Worded) return `: ${value.text}`
  if (typeof value === 'number') return `: ${goNumber(value)}`
  if (typeof value === 'string') return `: ${JSON.stringify(value)}`
  return `: ${typeof value === 'boolean' ? value : goJson(value)}`
}

const error = (type: FieldError['type'], path: string, message: string, detail: string): FieldError => ({
  type,
  field: placed(path),
  message: detail === '' ? message : `${message}: ${detail}`,
})

export const invalidAt = (path: string, value: unknown, why: string) =>
  error('Invalid', path, `Invalid value${shown(value)}`, why)
/** The value's type is not the one that it must have. */
export const typeInvalidAt = (path: string, value: unknown, why: string) =>
  error('TypeInvalid', path, `Invalid value${shown(value)}`, why)
export const requiredAt = (path: string, why = '') => error('Required', path, 'Required value', why)
export const forbiddenAt = (path: string, why: string) => error('Forbidden', path, 'Forbidden', why)
export const duplicateAt = (path: string, value: unknown) =>
  error('Duplicate', path, `Duplicate value${shown(value)}`, '')
export const unsupportedAt = (path: string, value: unknown, supported: readonly string[]) =>
  error(
    'NotSupported',
    path,
    `Unsupported value${shown(value)}`,
    supported.length === 0 ? '' : `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
  )
export const tooLongAt = (path: string, max: number) =>
  error('TooLong', path, 'Too long', `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`)
export const tooManyAt = (path: string, count: number, max: number) =>
  error('TooMany', path, `Too many: ${count}`, `must have at most ${max} ${max === 1 ? 'item' : 'items'}`)
export const internalAt = (path: string, why: string) => error('InternalError', path, 'Internal error', why)

/** Several errors in one text, as an aggregate of Go's. */
export function aggregate(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`
}
