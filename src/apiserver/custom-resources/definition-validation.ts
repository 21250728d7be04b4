/**
 * Whether a CustomResourceDefinition may be stored. Places in errors are those of upstream's internal version, in which
 * whatever all versions have in common stands once, at the top: `spec.validation` rather than `spec.versions[0].schema`.
 * Upstream: `apiextensions-apiserver/pkg/apis/apiextensions/validation`.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '#api/apiextensions/v1.ts'
import { jsonEqual } from '#base/equal.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { immutableValue } from '../registry/object-meta.ts'
import type { Stored } from '../registry/strategy.ts'
import { type Path, SPEC, STATUS } from '../strategies/validation/check.ts'
import { APPROVAL_ANNOTATION, approvalOf } from './api-approval.ts'
import { bundleProblem } from './certificate-bundle.ts'
import {
  columnErrors,
  conversionErrors,
  deprecationErrors,
  namesErrors,
  scaleErrors,
  versionNameErrors,
  wholeErrors,
} from './definition-fields.ts'
import { definitionSchemaErrors } from './definition-schema.ts'
import { duplicateAt, invalidAt, requiredAt, tooManyAt, append } from './field-errors.ts'
import type { RuleCompiler } from './rule-compiler.ts'
import { placeAt, SchemaPathError } from './schema-field-path.ts'
import { type SchemaProps, someSchema } from './structural.ts'

export type Definition = CustomResourceDefinition & Stored
type Spec = Definition['spec']
type Version = CustomResourceDefinitionVersion

interface SpecOptions {
  compiler: RuleCompiler
  /** The certificates of a conversion webhook have to be readable. */
  checksBundle: boolean
  /** What the schema of a version was before. */
  schemaBefore(version: string): SchemaProps | undefined
}

export function definitionErrors(definition: Definition, compiler: RuleCompiler): FieldError[] {
  const { metadata, spec } = definition
  const name = `${spec.names.plural}.${spec.group}`
  const errors: FieldError[] = []
  if (metadata.name !== name)
    errors.push(invalidAt('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  append(errors, specErrors(spec, { compiler, checksBundle: false, schemaBefore: () => undefined }))
  return [...errors, ...commonErrors(definition, undefined)]
}

export function definitionUpdateErrors(definition: Definition, old: Definition, compiler: RuleCompiler): FieldError[] {
  const { spec } = definition
  const errors: FieldError[] = []
  const isEstablished = isConditionTrue(old.status.conditions, 'Established')
  // What was accepted stays accepted while it stays as it is.
  if (!jsonEqual(spec, old.spec)) {
    const bundle = old.spec.conversion?.webhook?.clientConfig?.caBundle
    const checksBundle = isEstablished && (bundle === undefined || bundleProblem(bundle) === undefined)
    const schemaBefore = (version: string) => schemaOf(old.spec.versions.find(({ name }) => name === version))
    append(errors, specErrors(spec, { compiler, checksBundle, schemaBefore }))
  }
  const stays = (path: string, now: unknown, before: unknown) => {
    if (now !== before) errors.push(immutableValue(path, now))
  }
  if (isEstablished) {
    stays('spec.scope', spec.scope, old.spec.scope)
    stays('spec.names.kind', spec.names.kind, old.spec.names.kind)
  }
  stays('spec.group', spec.group, old.spec.group)
  stays('spec.names.plural', spec.names.plural, old.spec.names.plural)
  return [...errors, ...commonErrors(definition, old)]
}

export const definitionStatusErrors = ({ status }: Definition): FieldError[] =>
  namesErrors(status.acceptedNames ?? {}, STATUS.at('acceptedNames'), false)

function commonErrors(definition: Definition, old: Definition | undefined): FieldError[] {
  const { spec } = definition
  const errors = [
    ...definitionStatusErrors(definition),
    ...storedVersionErrors(definition),
    ...approvalErrors(definition, old),
  ]
  if (spec.preserveUnknownFields && !old?.spec.preserveUnknownFields) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(invalidAt('spec.preserveUnknownFields', true, why))
  }
  return errors
}

const schemaOf = (version: Version | undefined) => version?.schema?.openAPIV3Schema as SchemaProps | undefined

/** What all versions have the same of stands at the top, and nowhere else. */
const sharedFields = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const
type SharedField = (typeof sharedFields)[number]

const topNames: Readonly<Record<SharedField, string>> = {
  schema: 'validation',
  subresources: 'subresources',
  additionalPrinterColumns: 'additionalPrinterColumns',
  selectableFields: 'selectableFields',
}

function specErrors(spec: Spec, options: SpecOptions): FieldError[] {
  const { versions } = spec
  const first = versions[0]
  const isShared = (field: SharedField) => versions.every((version) => jsonEqual(version[field], first?.[field]))
  const shared = new Set(sharedFields.filter(isShared))
  const errors = wholeErrors(spec)
  const versionsAt = SPEC.at('versions')
  if (!shared.has('schema') || !schemaOf(first)) {
    versions.forEach((version, i) => {
      if (!schemaOf(version)) errors.push(requiredAt(String(versionsAt.index(i).at('schema', 'openAPIV3Schema'))))
    })
  }
  const hasDefaults = versions.some((version) => {
    const schema = schemaOf(version)
    return schema && someSchema(schema, (one) => one.default !== undefined)
  })
  if (hasDefaults && spec.preserveUnknownFields)
    errors.push(invalidAt('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'))

  versions.forEach((version, i) => {
    const at = versionsAt.index(i)
    append(errors, versionNameErrors(version.name, at.at('name')))
    append(errors, deprecationErrors(version, at.at('deprecationWarning')))
    const parts = partsOf(version, (field) => !shared.has(field))
    append(
      errors,
      partErrors(parts, (field) => at.at(field), { ...options, version, hasStatus: hasStatus(version) }),
    )
  })

  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    errors.push(invalidAt('spec.versions', versions, 'must contain unique version names'))
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(invalidAt('spec.versions', versions, 'must have exactly one version marked as storage version'))
  if (first) append(errors, versionNameErrors(first.name, SPEC.at('version')))
  append(errors, namesErrors(spec.names, SPEC.at('names'), true))
  if (first) {
    const parts = partsOf(first, (field) => shared.has(field))
    const partOptions = { ...options, version: first, hasStatus: versions.some(hasStatus) }
    append(
      errors,
      partErrors(parts, (field) => SPEC.at(topNames[field]), partOptions),
    )
  }
  if (spec.conversion) append(errors, conversionErrors(spec.conversion, options.checksBundle))
  return errors
}

const hasStatus = ({ subresources }: Version) => subresources?.status !== undefined

type Parts = Partial<Pick<Version, SharedField>>

const partsOf = (version: Version, isThere: (field: SharedField) => boolean): Parts =>
  Object.fromEntries(sharedFields.filter(isThere).map((field) => [field, version[field]]))

interface PartOptions extends SpecOptions {
  version: Version
  hasStatus: boolean
}

function partErrors(parts: Parts, pathOf: (field: SharedField) => Path, options: PartOptions): FieldError[] {
  const errors: FieldError[] = []
  const schema = parts.schema?.openAPIV3Schema as SchemaProps | undefined
  if (schema) {
    const { compiler, version, schemaBefore } = options
    const isUnchanged = jsonEqual(schema, schemaBefore(version.name))
    const schemaOptions = { compiler, hasStatus: options.hasStatus, isUnchanged }
    append(errors, definitionSchemaErrors(schema, String(pathOf('schema')), schemaOptions))
  }
  if (parts.subresources) append(errors, scaleErrors(parts.subresources, pathOf('subresources')))
  append(errors, columnErrors(parts.additionalPrinterColumns, pathOf('additionalPrinterColumns')))
  const { selectableFields = [] } = parts
  if (selectableFields.length > 0)
    append(errors, selectableErrors(selectableFields, schema, String(pathOf('selectableFields'))))
  return errors
}

const MAX_SELECTABLE = 8
const SELECTABLE_TYPES: readonly unknown[] = ['string', 'boolean', 'integer']

function selectableErrors(
  fields: NonNullable<Version['selectableFields']>,
  schema: SchemaProps | undefined,
  path: string,
): FieldError[] {
  // The schema stands elsewhere where all versions have the same one; upstream does not look for it there.
  if (!schema) return [invalidAt(path, '', 'may only be set when `version.schema.openAPIV3Schema` is not included')]
  const errors: FieldError[] = []
  const seen = new Set<string>()
  fields.forEach(({ jsonPath }, i) => {
    const at = `${path}[${i}].jsonPath`
    if (!jsonPath) return errors.push(requiredAt(at))
    try {
      const place = placeAt(jsonPath, schema, { allowsBrackets: false })
      if (place.root === 'metadata') errors.push(invalidAt(at, jsonPath, 'must not point to fields in metadata'))
      if (!SELECTABLE_TYPES.includes(place.schema.type)) {
        const why =
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
        errors.push(invalidAt(at, jsonPath, why))
      }
      if (seen.has(place.path)) errors.push(duplicateAt(at, jsonPath))
      seen.add(place.path)
    } catch (err) {
      if (!(err instanceof SchemaPathError)) throw err
      errors.push(invalidAt(at, jsonPath, `is an invalid path: ${err.message}`))
    }
  })
  if (seen.size > MAX_SELECTABLE) errors.push(tooManyAt(path, seen.size, MAX_SELECTABLE))
  return errors
}

function storedVersionErrors({ spec, status }: Definition): FieldError[] {
  const stored = status.storedVersions ?? []
  const path = 'status.storedVersions'
  if (stored.length === 0) return [invalidAt(path, null, 'must have at least one stored version')]
  const errors: FieldError[] = []
  for (const { name, storage } of spec.versions)
    if (storage && !stored.includes(name)) errors.push(invalidAt(path, stored, `must have the storage version ${name}`))
  const known = new Set(spec.versions.map(({ name }) => name))
  stored.forEach((name, i) => {
    if (known.has(name)) return
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(invalidAt(`${path}[${i}]`, name, why))
  })
  return errors
}

/** An annotation that is not in order may stay as it is. */
function approvalErrors({ metadata, spec }: Definition, old: Definition | undefined): FieldError[] {
  const approval = approvalOf(spec.group, metadata.annotations)
  if (!approval || (approval.state !== 'Missing' && approval.state !== 'Invalid')) return []
  if (old && approvalOf(spec.group, old.metadata.annotations)?.state === approval.state) return []
  const at = `metadata.annotations[${APPROVAL_ANNOTATION}]`
  if (approval.state === 'Missing') return [requiredAt(at, approval.message)]
  return [invalidAt(at, metadata.annotations?.[APPROVAL_ANNOTATION] ?? '', approval.message)]
}
