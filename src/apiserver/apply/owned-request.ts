/** Requests as writes by somebody: who it is, what is applied, and what admission may do to managedFields. */
import { isObject } from '#base/json.ts'
import type { Message } from '#api/schema.ts'
import { jsonEqual } from '#base/equal.ts'
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, conflict, type FieldError, invalid } from '#machinery/status-error.ts'
import { decodeObject, duplicatesOf, withName, withoutOldVersion } from '../decode-object.ts'
import { immutableValue, requiredValue } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { builtInKind } from './built-in-kind.ts'
import { type FieldOwners, managersProblem, type OwnedWrite } from './field-owners.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { resetFilter } from './reset-fields.ts'
import { managerFromUserAgent } from './user-agent.ts'

/** Who asks. */
interface Writer {
  readonly userAgent?: string | undefined
  /** Collects messages for `Warning` headers. */
  readonly warnings: string[]
  /** What is asked for is so large that others are to have their turn in between. */
  readonly isLarge?: boolean
}

/** `custom` describes a custom resource; `type` is what objects of the request are of. */
export function ownedWrite(
  { userAgent = '', isLarge = false }: Writer,
  { resource, subresource = '', options }: ApiRequest,
  type: Message,
  custom: ManagedKind | undefined,
): OwnedWrite {
  return {
    kind: custom ?? builtInKind(type),
    subresource,
    manager: options?.fieldManager || managerFromUserAgent(userAgent),
    filter: resetFilter(resource, subresource, custom !== undefined),
    isLarge,
  }
}

/**
 * What an apply makes of the live object, complete and decoded; `live` is undefined where there is none yet. Throws
 * BadRequest, Conflict, Invalid, and what else upstream refuses.
 */
export function appliedObject(
  owners: FieldOwners,
  caller: Writer,
  request: ApiRequest,
  write: OwnedWrite,
  type: Message,
  live: Stored | undefined,
): Draft | Promise<Draft> {
  const { options, body, resource, name } = request
  checkOptions(request)
  const complete = (object: JsonObject): Draft => {
    tellDuplicates(caller, request)
    const lenient = { options: { fieldValidation: 'Ignore' }, patchType: 'apply' } as const
    const draft = decodeObject(caller, lenient, type, object)
    const { uid } = draft.metadata
    if (live) {
      if (uid !== live.metadata.uid) throw invalid(resource, name!, [immutableValue('metadata.uid', uid)])
      return withoutOldVersion(withName(draft, name), live)
    }
    if (uid) {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
      throw conflict(resource, name!, why)
    }
    delete (draft.metadata as { resourceVersion?: string }).resourceVersion
    if (!draft.metadata.name) {
      throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
    }
    return withName(draft, name)
  }
  const applied = owners.apply(write, live, appliedBody(body), options?.force === true)
  return applied instanceof Promise ? applied.then(complete) : complete(applied)
}

function checkOptions({ options }: ApiRequest) {
  if (options?.fieldManager) return
  const errors: FieldError[] = [requiredValue('fieldManager', 'is required for apply patch')]
  throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors)
}

function appliedBody(body: unknown): JsonObject {
  if (isObject(body)) return body
  if (body === null || body === undefined) return {}
  const found = Array.isArray(body) ? 'array' : typeof body
  throw badRequest(
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
  )
}

/** The only thing about an applied object that is a matter of `fieldValidation`: unknown fields are always refused. */
function tellDuplicates({ warnings }: Writer, { body, options }: ApiRequest) {
  const duplicates = duplicatesOf(body)
  if (duplicates.length === 0 || options?.fieldValidation === 'Ignore') return
  if (options?.fieldValidation === 'Strict') {
    const lines = duplicates.map((duplicate) => `\n  ${duplicate}`).join('')
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`)
  }
  warnings.push(...duplicates)
}

/** `narrowed` with the managers of what it was narrowed from: they have been worked out from all that was asked for. */
export function withManagers(narrowed: Draft, { metadata: { managedFields } }: Draft): Draft {
  if (managedFields) narrowed.metadata.managedFields = managedFields
  else delete narrowed.metadata.managedFields
  return narrowed
}

/**
 * Sees to it that admission leaves managedFields in a state that means something: else they are as they were `before`
 * it, and the client is warned.
 */
export function checkAdmitted({ warnings }: Writer, before: Draft['metadata']['managedFields'], draft: Draft): void {
  const after = draft.metadata.managedFields
  if (after === before) return
  const problem = jsonEqual(after, before) ? '' : managersProblem(after)
  if (problem === undefined) return
  if (before === undefined) delete draft.metadata.managedFields
  else draft.metadata.managedFields = before
  if (problem === '') return
  warnings.push(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
  )
}
