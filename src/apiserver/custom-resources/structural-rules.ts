/**
 * What makes a schema structural: every value has a type, whatever `anyOf` and its like say only narrows what is said
 * outside of them, and metadata is left alone. Upstream: `apiextensions-apiserver/pkg/apiserver/schema/validation.go` and
 * `complete.go`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { child, forbiddenAt, invalidAt, keyed, requiredAt } from './field-errors.ts'
import { Pattern, PatternError } from './pattern.ts'
import { isSchema, type SchemaProps } from './structural.ts'

type Level = 'root' | 'item' | 'field'

/** In the order of their texts. `schema` can be read (`unreadable`). */
export function structuralErrors(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = []
  checkInvariants(schema, 'root', path, errors)
  checkComplete(schema, schema, path, path, errors)
  const text = ({ field, message }: FieldError) => `${field}: ${message}`
  return errors.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}

const propertiesOf = ({ properties }: SchemaProps) => Object.entries((properties ?? {}) as Record<string, SchemaProps>)

const INTEGER_OR_STRING = [{ type: 'integer' }, { type: 'string' }]
const isIntegerOrString = (alternatives: unknown) => jsonEqual(alternatives, INTEGER_OR_STRING)

const emptyAt: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

function checkInvariants(schema: SchemaProps, level: Level, path: string, errors: FieldError[]) {
  const { type = '', items, additionalProperties: others } = schema
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const at = (name: string) => child(path, name)
  if (type === 'array' && !isSchema(items)) errors.push(requiredAt(at('items'), 'must be specified'))
  if (isSchema(items)) checkInvariants(items, 'item', at('items'), errors)
  for (const [name, property] of propertiesOf(schema))
    checkInvariants(property, 'field', keyed(at('properties'), name), errors)
  if (others !== undefined) {
    if (level === 'root') errors.push(forbiddenAt(at('additionalProperties'), 'must not be used at the root'))
    if (isSchema(others)) checkInvariants(others, 'field', at('additionalProperties'), errors)
  }
  if (isIntOrString && preserves) {
    const why = 'must be false if x-kubernetes-int-or-string is true'
    errors.push(invalidAt(at('x-kubernetes-preserve-unknown-fields'), true, why))
  }
  if (isIntOrString && isEmbedded) {
    const why = 'must be false if x-kubernetes-int-or-string is true'
    errors.push(invalidAt(at('x-kubernetes-embedded-resource'), true, why))
  }
  const firstAllOf = (schema.allOf as SchemaProps[] | undefined)?.[0]
  checkValidations(
    schema,
    { skipsAnyOf: isIntegerOrString(schema.anyOf), skipsFirst: isIntegerOrString(firstAllOf?.anyOf) },
    path,
    errors,
  )
  if (isEmbedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? requiredAt(at('type'), why) : invalidAt(at('type'), type, why))
  } else if (type === '' && !isIntOrString && !preserves) errors.push(requiredAt(at('type'), emptyAt[level]))
  if (isEmbedded && others !== undefined) {
    const why = 'must not be used if x-kubernetes-embedded-resource is set'
    errors.push(forbiddenAt(at('additionalProperties'), why))
  }
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalidAt(at('type'), type, 'must be object at the root'))
  checkMetaFields(schema, level, isEmbedded, at('properties'), errors)
  if (isEmbedded && !preserves && propertiesOf(schema).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(requiredAt(at('properties'), why))
  }
}

function checkMetaFields(schema: SchemaProps, level: Level, isEmbedded: boolean, path: string, errors: FieldError[]) {
  const { kind, apiVersion, metadata } = (schema.properties ?? {}) as Record<string, SchemaProps | undefined>
  const isObject = level === 'root' || isEmbedded
  const typeAt = (name: string) => child(keyed(path, name), 'type')
  for (const [name, field] of Object.entries({ kind, apiVersion })) {
    if (field && isObject && field.type !== 'string')
      errors.push(invalidAt(typeAt(name), field.type ?? '', 'must be string'))
  }
  if (!metadata) return
  if (isObject && metadata.type !== 'object')
    errors.push(invalidAt(typeAt('metadata'), metadata.type ?? '', 'must be object'))
  if (level === 'root' && !restrictsOnlyNames(metadata)) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(forbiddenAt(keyed(path, 'metadata'), why))
  }
}

function restrictsOnlyNames({ type: _type, default: _default, properties, ...rest }: SchemaProps): boolean {
  const names = Object.keys((properties ?? {}) as object)
  return names.every((name) => name === 'name' || name === 'generateName') && Object.keys(rest).length === 0
}

interface Exceptions {
  skipsAnyOf: boolean
  skipsFirst: boolean
}
const NONE: Exceptions = { skipsAnyOf: false, skipsFirst: false }

/** `isAllOf`: rules may stand only where all alternatives hold. */
function checkValidations(
  schema: SchemaProps,
  { skipsAnyOf, skipsFirst }: Exceptions,
  path: string,
  errors: FieldError[],
) {
  const list = (name: 'anyOf' | 'allOf' | 'oneOf') => (schema[name] ?? []) as SchemaProps[]
  const at = (name: string, i: number) => `${child(path, name)}[${i}]`
  if (!skipsAnyOf) list('anyOf').forEach((one, i) => checkNested(one, NONE, at('anyOf', i), errors))
  list('allOf').forEach((one, i) =>
    checkNested(one, { skipsAnyOf: skipsFirst && i === 0, skipsFirst: false }, at('allOf', i), errors),
  )
  list('oneOf').forEach((one, i) => checkNested(one, NONE, at('oneOf', i), errors))
  if (schema.not) checkNested(schema.not as SchemaProps, NONE, child(path, 'not'), errors)
  const { pattern } = schema
  if (pattern) {
    try {
      void new Pattern(pattern)
    } catch (err) {
      if (!(err instanceof PatternError)) throw err
      const why = `must be a valid regular expression, but isn't: ${err.message}`
      errors.push(invalidAt(child(path, 'pattern'), pattern, why))
    }
  }
}

/** What must not stand under a junctor, whether it stands there, and what is said then. */
const forbidden: readonly (readonly [string, (value: any) => boolean, string])[] = [
  ['type', (value) => value !== '', 'must be empty to be structural'],
  ['additionalProperties', (value) => value !== false, 'must be undefined to be structural'],
  ['default', () => true, 'must be undefined to be structural'],
  ['title', (value) => value !== '', 'must be empty to be structural'],
  ['description', (value) => value !== '', 'must be empty to be structural'],
  ['nullable', (value) => value === true, 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', (value) => value === true, 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', (value) => value === true, 'must be false to be structural'],
  ['x-kubernetes-int-or-string', (value) => value === true, 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', (value) => value.length > 0, 'must be empty to be structural'],
  ['x-kubernetes-list-type', () => true, 'must be undefined to be structural'],
  ['x-kubernetes-map-type', () => true, 'must be undefined to be structural'],
  ['x-kubernetes-validations', (value) => value.length > 0, 'must be empty to be structural'],
]

function checkNested(schema: SchemaProps, exceptions: Exceptions, path: string, errors: FieldError[]) {
  checkValidations(schema, exceptions, path, errors)
  if (isSchema(schema.items)) checkNested(schema.items, NONE, child(path, 'items'), errors)
  for (const [name, property] of propertiesOf(schema))
    checkNested(property, NONE, keyed(child(path, 'properties'), name), errors)
  for (const [name, isThere, why] of forbidden) {
    const value: unknown = schema[name]
    if (value !== undefined && isThere(value)) errors.push(forbiddenAt(child(path, name), why))
  }
  if (Object.hasOwn(schema.properties ?? {}, 'metadata')) {
    const place = keyed(child(path, 'properties'), 'metadata')
    errors.push(forbiddenAt(place, 'must not be specified in a nested context'))
  }
}

/** Whatever a junctor at `at` narrows has to be there outside of it: `schema`, at `path`. */
function checkComplete(narrowing: SchemaProps, schema: SchemaProps, path: string, at: string, errors: FieldError[]) {
  if (narrowing.not) completeNested(narrowing.not as SchemaProps, schema, path, child(at, 'not'), errors)
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const)
    ((narrowing[name] ?? []) as SchemaProps[]).forEach((one, i) =>
      completeNested(one, schema, path, `${child(at, name)}[${i}]`, errors),
    )
}

function completeNested(
  narrowing: SchemaProps,
  schema: SchemaProps | undefined,
  path: string,
  at: string,
  errors: FieldError[],
) {
  if (!schema) {
    errors.push(requiredAt(path, `because it is defined in ${at}`))
    return
  }
  checkComplete(narrowing, schema, path, at, errors)
  if (isSchema(narrowing.items)) {
    const items = isSchema(schema.items) ? schema.items : undefined
    completeNested(narrowing.items, items, child(path, 'items'), child(at, 'items'), errors)
  }
  for (const [name, property] of propertiesOf(narrowing)) {
    const own = (schema.properties as Record<string, SchemaProps> | undefined)?.[name]
    const [ownPath, place] = [keyed(child(path, 'properties'), name), keyed(child(at, 'properties'), name)]
    completeNested(property, own, ownPath, place, errors)
  }
}
