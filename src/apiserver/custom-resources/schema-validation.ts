/**
 * Whether a schema of a CustomResourceDefinition may be used: what of OpenAPI is supported, how lists and maps are told
 * apart, and that its rules compile and do not cost too much. Upstream: `ValidateCustomResourceDefinitionOpenAPISchema` of
 * `apiextensions-apiserver/pkg/apis/apiextensions/validation`.
 */
import type { ValidationRule } from '#api/apiextensions/v1.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { child, forbiddenAt, invalidAt, keyed, requiredAt, unsupportedAt, append } from './field-errors.ts'
import { placeAt, SchemaPathError } from './schema-field-path.ts'
import { RuleCosts, type RuleScope } from './rule-costs.ts'
import { isSchema, type SchemaProps } from './structural.ts'

export interface SchemaCheckOptions {
  /** undefined where rules are not looked at, because the schema is not in order. */
  rules: RuleScope | undefined
  /** Rules that were there before may cost what they do. */
  ignoresRuleCosts: boolean
}

/** Errors of the schema, and after them those of its rules. */
export function schemaErrors(
  schema: SchemaProps,
  path: string,
  { rules, ignoresRuleCosts }: SchemaCheckOptions,
): FieldError[] {
  const found: Found = { schema: [], rules: [] }
  const costs = new RuleCosts(ignoresRuleCosts)
  check(
    schema,
    path,
    { isRoot: true, isInMeta: false, whyNoDefault: undefined, uncorrelated: undefined },
    rules,
    costs,
    found,
  )
  return [...found.schema, ...found.rules, ...costs.errors(path)]
}

interface Found {
  schema: FieldError[]
  rules: FieldError[]
}

/** Where in a definition's schema a schema is. */
interface Position {
  readonly isRoot: boolean
  /** Inside of apiVersion, kind or metadata of an object. */
  readonly isInMeta: boolean
  /** Defaults are not allowed, for this reason. */
  readonly whyNoDefault: string | undefined
  /** The outermost place whose old and new values can't be matched up. */
  readonly uncorrelated: string | undefined
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const META_FIELDS: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion'])

function check(
  schema: SchemaProps,
  path: string,
  position: Position,
  scope: RuleScope | undefined,
  costs: RuleCosts,
  found: Found,
) {
  const own: Found = { schema: [], rules: [] }
  append(own.schema, unsupportedErrors(schema, path, position))
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    own.schema.push(forbiddenAt(child(path, 'uniqueItems'), why))
  }
  const inner = (one: unknown, at: string, where: Position, innerScope?: RuleScope) => {
    if (isSchema(one)) check(one, at, { ...where, isRoot: false }, innerScope, costs, own)
  }
  checkOthers(schema, path, position, own, (others, at, where) => inner(others, at, where, scope?.inner(others)))
  for (const [name, property] of entriesOf(schema.properties)) {
    const isMeta = (position.isRoot || schema['x-kubernetes-embedded-resource']) && META_FIELDS.has(name)
    const isKnownMap = ['', 'granular', 'atomic'].includes(schema['x-kubernetes-map-type'] ?? '')
    const where = {
      ...position,
      isInMeta: position.isInMeta || Boolean(isMeta),
      whyNoDefault: isMeta && position.isRoot ? `in top-level ${name}` : position.whyNoDefault,
      uncorrelated: position.uncorrelated ?? (isKnownMap ? undefined : path),
    }
    inner(property, keyed(child(path, 'properties'), name), where, scope?.inner(property))
  }
  inner(schema.not, child(path, 'not'), position)
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const)
    (schema[junctor] as unknown[] | undefined)?.forEach((one, i) =>
      inner(one, `${child(path, junctor)}[${i}]`, position),
    )
  for (const [name, one] of entriesOf(schema.definitions)) inner(one, keyed(child(path, 'definitions'), name), position)
  const { items } = schema
  const isKeyed = schema['x-kubernetes-list-type'] === 'map'
  const ofItems = { ...position, uncorrelated: position.uncorrelated ?? (isKeyed ? undefined : path) }
  if (isSchema(items)) inner(items, child(path, 'items'), ofItems, scope?.inner(items))
  else if (Array.isArray(items)) items.forEach((one, i) => inner(one, `${child(path, 'items')}[${i}]`, ofItems))
  for (const [name, one] of entriesOf(schema.dependencies))
    inner(one, keyed(child(path, 'dependencies'), name), position)

  append(own.schema, extensionErrors(schema, path))
  append(own.schema, listKeyErrors(schema, path))
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly ValidationRule[]
  if (rules.length > 0) {
    const at = child(path, 'x-kubernetes-validations')
    rules.forEach((rule, i) => append(own.schema, ruleErrors(schema, rule, `${at}[${i}]`)))
    // A schema that is not in order can make rules look wrong that are not.
    if (own.schema.length === 0 && scope) append(own.rules, costs.check(schema, scope, position.uncorrelated, at))
  }
  append(found.schema, own.schema)
  append(found.rules, own.rules)
}

const entriesOf = (schemas: unknown) => Object.entries((schemas ?? {}) as Record<string, SchemaProps>)

function checkOthers(
  schema: SchemaProps,
  path: string,
  position: Position,
  own: Found,
  inner: (schema: SchemaProps, path: string, position: Position) => void,
) {
  const others: unknown = schema.additionalProperties
  if (others === undefined) return
  const at = child(path, 'additionalProperties')
  if (entriesOf(schema.properties).length > 0 && others !== true)
    own.schema.push(forbiddenAt(at, 'additionalProperties and properties are mutual exclusive'))
  if (!isSchema(others)) return
  const whyNoDefault = position.isInMeta
    ? 'inside additionalProperties applying to object metadata'
    : position.whyNoDefault
  inner(others, at, { ...position, whyNoDefault })
}

/** What of OpenAPI is not supported, by field. */
const unsupportedFields: readonly (readonly [string, (value: any) => boolean])[] = [
  ['id', (value) => value !== ''],
  ['additionalItems', () => true],
  ['patternProperties', (value) => Object.keys(value).length > 0],
  ['definitions', (value) => Object.keys(value).length > 0],
  ['dependencies', () => true],
  ['$ref', () => true],
]

function unsupportedErrors(schema: SchemaProps, path: string, { isInMeta, whyNoDefault }: Position): FieldError[] {
  const errors: FieldError[] = []
  const { type = '' } = schema
  if (type !== '' && !TYPES.includes(type)) errors.push(unsupportedAt(child(path, 'type'), type, TYPES))
  if (schema.default !== undefined && whyNoDefault !== undefined)
    errors.push(forbiddenAt(child(path, 'default'), `must not be set ${whyNoDefault}`))
  for (const [name, isSet] of unsupportedFields) {
    const value: unknown = schema[name]
    if (value !== undefined && isSet(value)) errors.push(forbiddenAt(child(path, name), `${name} is not supported`))
  }
  if (type === 'null')
    errors.push(forbiddenAt(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative'))
  if (Array.isArray(schema.items) && schema.items.length > 0)
    errors.push(forbiddenAt(child(path, 'items'), 'items must be a schema object and not an array'))
  if (isInMeta && schema['x-kubernetes-embedded-resource'])
    errors.push(forbiddenAt(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'))
  return errors
}

function extensionErrors(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '' } = schema
  const typeMustBe = (wanted: string, extension: string) => {
    const why = `must be ${wanted} if ${extension} is specified`
    const at = child(path, 'type')
    errors.push(type === '' ? requiredAt(at, why) : invalidAt(at, type, why))
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalidAt(child(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'))
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined) {
    if (type !== 'object') typeMustBe('object', 'x-kubernetes-map-type')
    if (mapType !== 'atomic' && mapType !== 'granular')
      errors.push(unsupportedAt(child(path, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']))
  }
  const listType = schema['x-kubernetes-list-type']
  if (listType !== undefined) {
    if (type !== 'array') typeMustBe('array', 'x-kubernetes-list-type')
    else if (listType === 'set' && isSchema(schema.items)) append(errors, setErrors(schema.items, child(path, 'items')))
    if (!['atomic', 'set', 'map'].includes(listType))
      errors.push(unsupportedAt(child(path, 'x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']))
  }
  return errors
}

/** Elements of a set are compared as wholes. */
function setErrors(items: SchemaProps, path: string): FieldError[] {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const listType = items['x-kubernetes-list-type']
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [invalidAt(child(path, 'x-kubernetes-list-type'), listType, why)]
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    return [invalidAt(child(path, 'x-kubernetes-map-type'), listType ?? null, why)]
  return []
}

function listKeyErrors(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = []
  const listType = schema['x-kubernetes-list-type']
  const keys: readonly string[] = schema['x-kubernetes-list-map-keys'] ?? []
  const [typeAt, keysAt, itemsAt] = [
    child(path, 'x-kubernetes-list-type'),
    child(path, 'x-kubernetes-list-map-keys'),
    child(path, 'items'),
  ]
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? requiredAt(typeAt, why) : invalidAt(typeAt, listType, why))
  }
  const { items } = schema
  if (listType === 'map') {
    if (keys.length === 0) errors.push(requiredAt(keysAt, 'must not be empty if x-kubernetes-list-type is map'))
    if (items === undefined) errors.push(requiredAt(itemsAt, 'must have a schema if x-kubernetes-list-type is map'))
    else if (!isSchema(items))
      errors.push(invalidAt(itemsAt, items, 'must only have a single schema if x-kubernetes-list-type is map'))
    else if (items.type !== 'object') {
      const why = "must be object if parent array's x-kubernetes-list-type is map"
      errors.push(invalidAt(child(itemsAt, 'type'), items.type ?? '', why))
    } else append(errors, keyErrors(items, keys, keysAt, itemsAt))
  }
  if ((listType === 'map' || listType === 'set') && isSchema(items)) {
    const propertyAt = (key: string, field: string) => child(keyed(child(itemsAt, 'properties'), key), field)
    if (items.nullable)
      errors.push(
        forbiddenAt(child(itemsAt, 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`),
      )
    for (const key of listType === 'map' ? keys : []) {
      const property = (items.properties as Record<string, SchemaProps> | undefined)?.[key]
      if (!property) continue
      const isKey = 'this property is in x-kubernetes-list-map-keys, so it'
      if (!items.required?.includes(key) && property.default === undefined)
        errors.push(requiredAt(propertyAt(key, 'default'), `${isKey} must have a default or be a required property`))
      if (property.nullable) errors.push(forbiddenAt(propertyAt(key, 'nullable'), `${isKey} cannot be nullable`))
    }
  }
  return errors
}

function keyErrors(items: SchemaProps, keys: readonly string[], keysAt: string, itemsAt: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const key of keys) {
    const property = (items.properties as Record<string, SchemaProps> | undefined)?.[key]
    if (!property) errors.push(invalidAt(keysAt, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      const at = child(keyed(child(itemsAt, 'properties'), key), 'type')
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(invalidAt(at, items.type, why))
    }
    if (seen.has(key)) errors.push(invalidAt(keysAt, keys, 'must not contain duplicate entries'))
    seen.add(key)
  }
  return errors
}

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasLineBreaks = (text: string) => /[\n\r]/.test(text)

/** What is wrong with a rule before it is compiled. */
function ruleErrors(schema: SchemaProps, rule: ValidationRule, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { rule: expression = '', message = '', messageExpression = '', reason, fieldPath = '' } = rule
  const [isBlank, saysNothing] = [expression.trim() === '', message.trim() === '']
  const messageAt = child(path, 'message')
  if (isBlank) errors.push(requiredAt(child(path, 'rule'), 'rule is not specified'))
  else if (message !== '' && saysNothing) errors.push(invalidAt(messageAt, message, 'must be non-empty if specified'))
  else if (hasLineBreaks(message.trim())) errors.push(invalidAt(messageAt, message, 'must not contain line breaks'))
  else if (hasLineBreaks(expression.trim()) && saysNothing)
    errors.push(requiredAt(messageAt, 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(requiredAt(child(path, 'messageExpression'), 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !REASONS.includes(reason))
    errors.push(unsupportedAt(child(path, 'reason'), reason, REASONS))
  const fieldAt = child(path, 'fieldPath')
  if (fieldPath !== '' && fieldPath.trim() === '')
    errors.push(invalidAt(fieldAt, fieldPath, 'must be non-empty if specified'))
  if (hasLineBreaks(fieldPath)) errors.push(invalidAt(fieldAt, fieldPath, 'must not contain line breaks'))
  if (fieldPath !== '' && !leadsSomewhere(fieldPath, schema))
    errors.push(invalidAt(fieldAt, fieldPath, 'must be a valid path'))
  return errors
}

function leadsSomewhere(path: string, schema: SchemaProps): boolean {
  try {
    placeAt(path, schema)
    return true
  } catch (err) {
    if (err instanceof SchemaPathError) return false
    throw err
  }
}
