/** Values of custom resources at dotted paths such as `.spec.replicas`. Upstream: `unstructured.NestedFieldNoCopy`. */
import { isObject } from '#base/json.ts'
import { own } from '#base/own.ts'
import { goValue } from './field-errors.ts'

export const splitPath = (path: string): string[] => path.replace(/^\./, '').split('.')

/** Why a value is not where, or what, it is expected to be. */
export class PathError extends Error {
  override readonly name = 'PathError'
}

const goTypes = { string: 'string', boolean: 'bool', object: 'map[string]interface {}', number: 'int64' } as const

function describe(value: unknown): string {
  if (value === null) return `<nil> is of the type <nil>`
  if (Array.isArray(value)) return `${goValue(value)} is of the type []interface {}`
  const isFloat = typeof value === 'number' && !Number.isInteger(value)
  const type = isFloat ? 'float64' : goTypes[typeof value as keyof typeof goTypes]
  return `${goValue(value)} is of the type ${type}`
}

/** Undefined where there is none. Throws PathError where something that holds nothing is in the way. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object
  for (const [i, name] of path.entries()) {
    if (value === undefined) return undefined
    if (value === null && i > 0) return undefined
    if (!isObject(value)) {
      const place = `.${path.slice(0, i + 1).join('.')}`
      throw new PathError(`${place} accessor error: ${describe(value)}, expected map[string]interface{}`)
    }
    value = own(value, name)
  }
  return value
}

/** Throws PathError for what is no whole number. */
export function integerAt(object: unknown, path: readonly string[]): number | undefined {
  const value = valueAt(object, path)
  if (value === undefined || Number.isInteger(value)) return value as number | undefined
  throw new PathError(`.${path.join('.')} accessor error: ${describe(value)}, expected int64`)
}

/** Throws PathError for what is no string. */
export function textAt(object: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(object, path)
  if (value === undefined || typeof value === 'string') return value
  throw new PathError(`.${path.join('.')} accessor error: ${describe(value)}, expected string`)
}

/** A copy of `object` in which `value` is at `path`; what is not on the way is shared. Throws PathError. */
export function withValueAt(object: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (object !== undefined && !isObject(object))
    throw new PathError(`value cannot be set because .${path.join('.')} is not a map[string]interface{}`)
  return { ...object, [name]: withValueAt(object?.[name], rest, value) }
}
