/**
 * Everything that is asked of one schema of a CustomResourceDefinition, in the order in which it is told.
 * Upstream: `validateCustomResourceDefinitionValidation` of `apiextensions-apiserver/pkg/apis/apiextensions/validation`.
 */
import type { FieldError } from '#machinery/status-error.ts'
import { defaultErrors } from './default-validation.ts'
import { child, forbiddenAt, invalidAt, append } from './field-errors.ts'
import { RuleScope } from './rule-costs.ts'
import type { RuleCompiler } from './rule-compiler.ts'
import { schemaErrors } from './schema-validation.ts'
import { type SchemaProps, Structural, unreadable } from './structural.ts'
import { structuralErrors } from './structural-rules.ts'

export interface DefinitionSchemaOptions {
  compiler: RuleCompiler
  hasStatus: boolean
  /** The schema was there before: its rules may cost what they do. */
  isUnchanged: boolean
}

/** `path` is that of the schema's holder, which has it as `openAPIV3Schema`. */
export function definitionSchemaErrors(
  schema: SchemaProps,
  path: string,
  { compiler, hasStatus, isUnchanged }: DefinitionSchemaOptions,
): FieldError[] {
  const at = child(path, 'openAPIV3Schema')
  const errors = hasStatus ? rootErrors(schema, at) : []
  if (schema.nullable) errors.push(forbiddenAt(child(at, 'nullable'), 'nullable cannot be true at the root'))
  const why = unreadable(schema)
  let rules: RuleScope | undefined
  if (why === undefined) {
    const found = structuralErrors(schema, at)
    if (found.length === 0) append(found, defaultErrors(new Structural(schema), at, compiler))
    if (found.length === 0) rules = RuleScope.root(compiler, schema)
    append(errors, found)
  }
  append(errors, schemaErrors(schema, at, { rules, ignoresRuleCosts: isUnchanged }))
  // The same is mostly said, more clearly, by what was found before.
  return errors.length === 0 && why !== undefined ? [invalidAt(at, '', why)] : errors
}

/** What may stand beside `properties` where the schema of the status is taken out of them, as upstream names it. */
const rootFields: Readonly<Record<string, string>> = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
}

function rootErrors(schema: SchemaProps, path: string): FieldError[] {
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || value === '' || value === false) continue
    if (name === 'type') {
      if (value === 'object') continue
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      return [invalidAt(child(path, 'type'), value, why)]
    }
    if (Object.hasOwn(rootFields, name)) continue
    const why = `only [${Object.values(rootFields).join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
    return [invalidAt(path, schema, why)]
  }
  return []
}
