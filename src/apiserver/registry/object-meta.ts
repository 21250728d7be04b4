/**
 * What every object's metadata goes through on its way in (upstream: `rest.BeforeCreate`, `rest.BeforeUpdate`,
 * `ValidateObjectMeta`).
 */
import type { Resource } from '#api/kind.ts'
import { nameSuffix, type Random, uuid } from '#base/random.ts'
import { validateLabels } from '#machinery/labels.ts'
import { asPrefix, dnsLabel, dnsSubdomain, type NameCheck, qualifiedName } from '#machinery/names.ts'
import { badRequest, type FieldError, isAllThatIsTold, MAX_FIELD_ERRORS } from '#machinery/status-error.ts'
import type { Draft, Stored } from './strategy.ts'

const SUFFIX_LENGTH = 5
const MAX_GENERATED_BASE = 63 - SUFFIX_LENGTH
const MAX_ANNOTATIONS_BYTES = 256 << 10

/** The last moment that RFC 3339 can express. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/** `2026-01-31T12:00:00Z` */
export function timestamp(nowMs: number): string {
  return `${new Date(Math.min(nowMs, LAST_MS)).toISOString().slice(0, 19)}Z`
}

/** A name that begins with `base`. */
export function generatedName(base: string, random: Random): string {
  return base.slice(0, MAX_GENERATED_BASE) + nameSuffix(random, SUFFIX_LENGTH)
}

/** Gives the new object its UID and time. Throws BadRequest when its namespace is not the request's. Its version is left. */
export function prepareMetaForCreate(
  object: Draft,
  resource: Resource,
  namespace: string | undefined,
  nowMs: number,
  random: Random,
) {
  const meta = object.metadata as Draft['metadata'] & Record<string, unknown>
  matchNamespace(meta, resource, namespace)
  meta.name ??= ''
  meta.uid = uuid(random)
  meta.creationTimestamp = timestamp(nowMs)
  delete meta.deletionTimestamp
  delete meta.deletionGracePeriodSeconds
  delete meta.selfLink
  delete meta.generation
}

/** Throws BadRequest where a new object, which is fine otherwise, says that it has been stored before. */
export function refuseVersion({ metadata }: Draft) {
  if (metadata.resourceVersion && metadata.resourceVersion !== '0')
    throw badRequest('resourceVersion should not be set on objects to be created')
  delete (metadata as { resourceVersion?: string }).resourceVersion
}

/** Carries over what an update may not change. */
export function prepareMetaForUpdate(object: Draft, old: Stored, resource: Resource, namespace: string | undefined) {
  const meta = object.metadata as Draft['metadata'] & Record<string, unknown>
  matchNamespace(meta, resource, namespace)
  meta.creationTimestamp = old.metadata.creationTimestamp
  meta.uid ||= old.metadata.uid
  carry('generation')
  if (old.metadata.deletionTimestamp) carry('deletionTimestamp')
  meta.deletionGracePeriodSeconds ??= old.metadata.deletionGracePeriodSeconds
  if (meta.deletionGracePeriodSeconds === undefined) delete meta.deletionGracePeriodSeconds
  carry('generateName')
  delete meta.selfLink
  function carry(key: 'generation' | 'deletionTimestamp' | 'generateName') {
    if (old.metadata[key] === undefined) delete meta[key]
    else (meta as Record<string, unknown>)[key] = old.metadata[key]
  }
}

function matchNamespace(meta: { namespace?: string }, resource: Resource, namespace: string | undefined) {
  if (!resource.namespaced) {
    delete meta.namespace
    return
  }
  if (meta.namespace && meta.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  meta.namespace = namespace
}

export const quoted = (value: unknown) =>
  typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' ? JSON.stringify(value) : String(value)
export const invalidValue = (field: string, value: unknown, why: string): FieldError => ({
  type: 'Invalid',
  field,
  message: `Invalid value: ${quoted(value)}${why && `: ${why}`}`,
})
export const requiredValue = (field: string, why = ''): FieldError => ({
  type: 'Required',
  field,
  message: `Required value${why && `: ${why}`}`,
})
export const immutableValue = (field: string, value: unknown): FieldError =>
  invalidValue(field, value, 'field is immutable')
export const forbiddenValue = (field: string, why: string): FieldError => ({
  type: 'Forbidden',
  field,
  message: `Forbidden: ${why}`,
})
export const unsupportedValue = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'NotSupported',
  field,
  message: `Unsupported value: ${quoted(value)}: supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`,
})
export const duplicateValue = (field: string, value: unknown): FieldError => ({
  type: 'Duplicate',
  field,
  message: `Duplicate value: ${quoted(value)}`,
})

/** `anyFinalizer`: a finalizer may be named otherwise than Kubernetes' own or as a path below a domain. */
export function validateMeta(
  object: Stored,
  resource: Resource,
  nameCheck: NameCheck = dnsSubdomain,
  anyFinalizer = resource.type.schema !== undefined || looseGroups.has(resource.group),
): FieldError[] {
  const meta = object.metadata
  const errors: FieldError[] = []
  if (meta.generateName) {
    for (const why of asPrefix(nameCheck)(meta.generateName))
      errors.push(invalidValue('metadata.generateName', meta.generateName, why))
  }
  if (!meta.name) errors.push(requiredValue('metadata.name', 'name or generateName is required'))
  else for (const why of nameCheck(meta.name)) errors.push(invalidValue('metadata.name', meta.name, why))
  if (resource.namespaced) {
    if (!meta.namespace) errors.push(requiredValue('metadata.namespace'))
    else
      for (const why of dnsLabel(meta.namespace)) errors.push(invalidValue('metadata.namespace', meta.namespace, why))
  }
  if (meta.labels) errors.push(...validateLabels(meta.labels, 'metadata.labels'))
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'))
  if (meta.finalizers) errors.push(...finalizerErrors(meta.finalizers, anyFinalizer))
  if (meta.ownerReferences) errors.push(...ownerErrors(meta.ownerReferences))
  return errors
}

function finalizerErrors(finalizers: readonly string[], anyFinalizer: boolean): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, finalizer] of finalizers.entries()) {
    if (errors.length >= MAX_FIELD_ERRORS) break
    for (const why of qualifiedName(finalizer)) errors.push(invalidValue('metadata.finalizers', finalizer, why))
    if (anyFinalizer || finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue
    const why = 'name is neither a standard finalizer name nor is it fully qualified'
    errors.push(invalidValue(`metadata.finalizers[${i}]`, finalizer, why))
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const why = 'finalizer foregroundDeletion and orphan cannot be both set'
    errors.push(invalidValue('metadata.finalizers', finalizers, why))
  }
  return errors
}

const OWNER_KEYS = ['apiVersion', 'kind', 'name', 'uid'] as const

/** Upstream does not say which of the references it is. */
function ownerErrors(owners: NonNullable<Draft['metadata']['ownerReferences']>): FieldError[] {
  const errors: FieldError[] = []
  let controller: string | undefined
  let length = 0
  for (const owner of owners) {
    if (isAllThatIsTold(errors.length, length)) break
    for (const key of OWNER_KEYS) {
      const isMissing = key === 'apiVersion' ? !hasVersion(owner.apiVersion) : !owner[key]
      const why = key === 'apiVersion' ? 'version must not be empty' : 'must not be empty'
      if (isMissing) errors.push(invalidValue(`metadata.ownerReferences.${key}`, owner[key] ?? '', why))
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      const why = '/v1, Kind=Event is disallowed from being an owner'
      errors.push(invalidValue('metadata.ownerReferences', owner, why))
    }
    if (!owner.controller) continue
    const name = `${owner.kind}/${owner.name}`
    if (controller) {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`
      // Each that is one too many is told of with all the references there are.
      const error = invalidValue('metadata.ownerReferences', owners, why)
      length += error.message.length
      errors.push(error)
    } else controller = name
  }
  return errors
}

const hasVersion = (apiVersion = '') => /^(?:[^/]*\/)?[^/]+$/.test(apiVersion)

/** Groups whose kinds may have finalizers of any name. */
const looseGroups: ReadonlySet<string> = new Set([
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'admissionregistration.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'policy',
])
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

/** Fields that an update may not change, and metadata's own rules. */
export function validateMetaUpdate(
  object: Stored,
  old: Stored,
  resource: Resource,
  nameCheck?: NameCheck,
): FieldError[] {
  const errors = validateMeta(object, resource, nameCheck)
  const [meta, was] = [object.metadata, old.metadata]
  if (meta.name !== was.name) errors.push(immutableValue('metadata.name', meta.name))
  if (meta.uid !== was.uid) errors.push(immutableValue('metadata.uid', meta.uid))
  for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (meta[key] !== was[key]) errors.push(immutableValue(`metadata.${key}`, meta[key] ?? null))
  }
  if (was.deletionTimestamp) {
    const known = new Set(was.finalizers)
    const added = (meta.finalizers ?? []).filter((finalizer) => !known.has(finalizer))
    if (added.length > 0) {
      errors.push(
        forbiddenValue(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.toSorted().map(quoted).join(', ')}}`,
        ),
      )
    }
  }
  return errors
}

export function validateAnnotations(annotations: Record<string, string>, field: string): FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    if (errors.length >= MAX_FIELD_ERRORS) break
    for (const why of qualifiedName(key.toLowerCase())) errors.push(invalidValue(field, key, why))
    bytes += key.length + value.length
  }
  if (bytes > MAX_ANNOTATIONS_BYTES)
    errors.push({ type: 'TooLong', field, message: `Too long: may not be more than ${MAX_ANNOTATIONS_BYTES} bytes` })
  return errors
}
