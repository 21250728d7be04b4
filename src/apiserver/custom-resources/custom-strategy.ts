/**
 * What a custom resource does beyond the generic registry, in one of its versions: generations, the status of its own,
 * and all validation that its definition asks for. Upstream: `customResourceStrategy` and `statusStrategy` of
 * `apiextensions-apiserver/pkg/registry/customresource`.
 */
import type { CustomResourceSubresourceScale, SelectableField } from '#api/apiextensions/v1.ts'
import type { Resource } from '#api/kind.ts'
import { JsonPath } from '#machinery/json-path.ts'
import { qualifiedName } from '#machinery/names.ts'
import { forbidden, type FieldError } from '#machinery/status-error.ts'
import type { Draft, Stored, Strategy, StrategyContext } from '../registry/strategy.ts'
import { Correlation } from './correlation.ts'
import { scaleSpecErrors, scaleStatusErrors } from './custom-scale.ts'
import { checkEmbedded, hasEmbedded } from './embedded-objects.ts'
import { append, goNumber, invalidAt } from './field-errors.ts'
import { checkListTypes, hasListTypes } from './list-types.ts'
import type { RuleValidator } from './rule-validation.ts'
import type { Structural } from './structural.ts'
import { ValueValidator } from './value-validation.ts'

export interface CustomStrategyOptions {
  resource: Resource
  schema: Structural
  /** undefined where the schema has no rules. */
  rules: RuleValidator | undefined
  hasStatus: boolean
  scale: CustomResourceSubresourceScale | undefined
  selectableFields: readonly SelectableField[]
  /** Whether the definition is being deleted: nothing is created any more. */
  isTerminating(): boolean
}

export function customStrategy(options: CustomStrategyOptions): Strategy {
  const { resource, schema, rules, hasStatus, scale, selectableFields, isTerminating } = options
  const whole = new ValueValidator(schema.source)
  const statusSchema = schema.properties.get('status')
  const status = hasStatus && statusSchema ? new ValueValidator(statusSchema.source) : undefined
  const [embeds, lists] = [hasEmbedded(schema), hasListTypes(schema)]
  const embedded = (object: Stored) => (embeds ? checkEmbedded(schema, object) : [])
  const listTypes = (object: Stored) => (lists ? checkListTypes(schema, object) : [])
  /** Rules see only what is otherwise in order. */
  const withRules = (errors: FieldError[], check: () => FieldError[]): FieldError[] => {
    if (!rules) return errors
    return errors.some(({ type }) => blocking.has(type)) ? [...errors, NOT_CHECKED] : [...errors, ...check()]
  }
  return {
    countsGeneration: true,
    generationOf: ({ metadata: _metadata, ...rest }) => rest,
    separatesStatus: hasStatus,
    needsResourceVersion: true,
    selectableFields: Object.fromEntries(selectableFields.map(({ jsonPath }) => selectable(jsonPath))),
    prepareForCreate(object) {
      if (isTerminating()) throw forbidden(resource, object.metadata.name, TERMINATING)
      if (hasStatus) delete object.status
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource === 'status') keepMetadata(object, old)
      if (object.status === undefined) delete object.status
    },
    validate(object) {
      const errors = whole.accepts(object) ? [] : whole.errors(object, '')
      if (scale) errors.push(...scaleSpecErrors(scale, object), ...scaleStatusErrors(scale, object))
      append(errors, embedded(object))
      append(errors, listTypes(object))
      // That there is no name is found elsewhere, and is in the way all the same.
      if (!object.metadata.name && rules) return [...errors, NOT_CHECKED]
      return withRules(errors, () => rules!.validate(object).errors)
    },
    validateUpdate(object, old, context) {
      const correlation = new Correlation(object, old, schema)
      const isStatus = context.subresource === 'status'
      const errors = isStatus
        ? statusErrors(status, object, correlation)
        : whole.accepts(object)
          ? []
          : whole.errors(object, '', correlation)
      if (scale && !isStatus) errors.push(...scaleSpecErrors(scale, object))
      if (scale) errors.push(...scaleStatusErrors(scale, object))
      if (!isStatus) append(errors, embedded(object))
      const repeated = listTypes(object)
      if (repeated.length > 0 && listTypes(old).length === 0) append(errors, repeated)
      return withRules(errors, () => checkRules(rules!, object, old, correlation, context))
    },
    warnings: (object, old) => finalizerWarnings(object, old),
  }
}

const TERMINATING = 'create not allowed while custom resource definition is terminating'
const NOT_CHECKED = invalidAt(
  '',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)
const blocking: ReadonlySet<FieldError['type']> = new Set([
  'NotSupported',
  'Required',
  'TooLong',
  'TooMany',
  'TypeInvalid',
])

function statusErrors(validator: ValueValidator | undefined, object: Stored, correlation: Correlation): FieldError[] {
  const { status } = object
  if (!validator || status === undefined || validator.accepts(status)) return []
  return validator.errors(status, 'status', correlation.field('status'))
}

function checkRules(
  rules: RuleValidator,
  object: Stored,
  old: Stored,
  correlation: Correlation,
  context: StrategyContext,
): FieldError[] {
  const { errors, warnings } = rules.validate(object, { old, correlation })
  for (const warning of warnings) context.warnings?.push(warning)
  return errors
}

/** Of the metadata only who owns which field may change. */
function keepMetadata(object: Draft, old: Stored) {
  const { resourceVersion, managedFields } = object.metadata
  const { managedFields: _before, ...metadata } = old.metadata
  object.metadata = { ...metadata, resourceVersion, ...(managedFields && { managedFields }) }
}

function selectable(jsonPath: string): [string, (object: Stored) => string] {
  const path = new JsonPath(jsonPath)
  const read = (object: Stored): string => {
    const [value] = path.find(object)
    if (value === undefined || value === null) return ''
    return typeof value === 'number' ? goNumber(value) : String(value)
  }
  return [jsonPath.replace(/^\./, ''), read]
}

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])

function finalizerWarnings(object: Stored, old: Stored | undefined): string[] {
  const before = new Set(old?.metadata.finalizers)
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer))
  return added.toSorted().flatMap((finalizer) => {
    const about = `metadata.finalizers: ${JSON.stringify(finalizer)}: `
    const warnings = qualifiedName(finalizer).map((why) => about + why)
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) return warnings
    const path = finalizer.includes('.') ? ' including a path (/)' : ''
    const why = `prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`
    return [...warnings, about + why]
  })
}
