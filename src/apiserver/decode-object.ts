/**
 * Bodies of requests as objects: decoded and complete, patched, or read as options. What they say twice or nobody knows is
 * told to the client as `fieldValidation` asks for it.
 */
import { decode, DecodeError } from '#api/decode.ts'
import type { KubeObject } from '#api/kind.ts'
import { DeleteOptions } from '#api/meta/v1.ts'
import type { Message } from '#api/schema.ts'
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, invalid, StatusError } from '#machinery/status-error.ts'
import { applyPatch } from './patch/apply-patch.ts'
import { checkDeleteRequest, type DeleteRequest } from './registry/deletion.ts'
import { invalidValue } from './registry/object-meta.ts'
import type { Draft } from './registry/strategy.ts'

/** Who is told. */
interface Listener {
  /** Collects messages for `Warning` headers. */
  readonly warnings: string[]
}

/** How a body that does not fit is refused. */
type Refusal = (why: string, cause?: unknown) => StatusError

/**
 * Decodes a body of `type`, which is a top-level kind, obeying `fieldValidation`. Throws BadRequest, unless `refusal`
 * makes another error of it.
 */
export function decodeObject(
  caller: Listener,
  { options }: Pick<ApiRequest, 'options'>,
  type: Message,
  body: unknown,
  refusal?: Refusal,
): Draft {
  const { group, version, kind: expected } = type.gvk!
  const apiVersion = group === '' ? version : `${group}/${version}`
  const refuse: Refusal =
    refusal ??
    ((why, cause) =>
      badRequest(`${expected} in version ${JSON.stringify(version)} cannot be handled as a ${expected}: ${why}`, cause))
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const found = body === undefined || body === null ? 'null' : Array.isArray(body) ? 'array' : typeof body
    const why = `json: cannot unmarshal ${found} into Go value of type ${version}.${expected}`
    throw refusal ? refusal(why) : badRequest(`couldn't get version/kind; json parse error: ${why}`)
  }
  const { apiVersion: foundVersion, kind: found } = body as { apiVersion?: unknown; kind?: unknown }
  if (type.schema) checkCustomType(type, body as Record<string, unknown>)
  if (found && found !== expected) {
    const from = String(foundVersion || apiVersion)
    throw badRequest(
      `${String(found)} in version ${JSON.stringify(from.slice(from.indexOf('/') + 1))} cannot be handled as a ${expected}: it is no ${expected}`,
    )
  }
  if (foundVersion && foundVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(foundVersion)}) does not match the expected API version (${apiVersion})`,
    )
  }
  let decoded
  try {
    decoded = decode(type, body)
  } catch (cause) {
    throw cause instanceof DecodeError ? refuse(cause.message, cause) : cause
  }
  const problems = [...duplicatesOf(body), ...decoded.unknown.map((path) => `unknown field ${JSON.stringify(path)}`)]
  if (problems.length > 0 && options?.fieldValidation !== 'Ignore') {
    if (options?.fieldValidation === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`)
    caller.warnings.push(...problems)
  }
  const draft = decoded.object as unknown as Draft
  draft.apiVersion = apiVersion
  draft.kind = expected
  ;(draft as { metadata: Partial<Draft['metadata']> }).metadata ??= {}
  // An empty list says that nobody shall manage anything any more, so it must not be taken for none.
  const { managedFields } = (body as Partial<Draft>).metadata ?? {}
  if (Array.isArray(managedFields) && managedFields.length === 0) draft.metadata.managedFields = []
  return draft
}

const SHOWN_BYTES = 30

/** A custom resource has to say itself what it is. Throws BadRequest, Invalid. */
function checkCustomType({ gvk }: Message, body: Record<string, unknown>) {
  const { group, version, kind: expected } = gvk!
  const { apiVersion, kind: found, metadata } = body
  if (!found) {
    const text = JSON.stringify(body)
    const start = text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)} ...` : text
    const why = `Object 'Kind' is missing in '${text}'`
    throw badRequest(`the object provided is unrecognized (must be of type ${expected}): ${why} (${start})`)
  }
  if (apiVersion !== `${group}/${version}`) {
    const wanted = `does not match the expected API version (${group}/${version})`
    throw badRequest(`the API version in the data (${String(apiVersion ?? '')}) ${wanted}`)
  }
  if (found === expected) return
  const { name } = (metadata ?? {}) as { name?: unknown }
  const error = invalidValue('kind', found, `must be ${expected}`)
  throw invalid({ group, kind: String(found) }, String(name ?? ''), [error])
}

/** `old` with the request's patch applied, complete and decoded. Throws BadRequest, Invalid. */
export function patchObject(caller: Listener, request: ApiRequest, type: Message, old: KubeObject): Draft {
  const { patchType, body } = request
  if (patchType === undefined || patchType === 'apply') throw new TypeError(`${patchType} is no way to patch an object`)
  const patched = applyPatch(patchType, mentionsManagers(request) ? old : withoutManagers(old), body, type)
  // What the patch says twice is the patched object's problem.
  const duplicates = duplicatesOf(body)
  const noted = duplicates.length === 0 ? patched : { ...(patched as object), [kDuplicates]: duplicates }
  return decodeObject(caller, request, type, noted, (why, cause) => {
    const value = patchType === 'strategic' ? goText(body) : JSON.stringify(patched)
    const error = invalid({ group: '', kind: '' }, '', [invalidValue('patch', value, why)])
    return new StatusError('Invalid', error.message, { details: error.details!, cause })
  })
}

/** Whether a patch may have to do with managedFields, which are the larger part of most objects. */
function mentionsManagers({ patchType, body }: ApiRequest): boolean {
  if (patchType === 'json') return !Array.isArray(body) || body.some((operation) => reachesManagers(operation))
  return (body as { metadata?: { managedFields?: unknown } } | null)?.metadata?.managedFields !== undefined
}

function reachesManagers(operation: unknown): boolean {
  const { path, from } = (operation ?? {}) as { path?: unknown; from?: unknown }
  return [path, from].some((to) => to === '' || to === '/metadata' || String(to).startsWith('/metadata/managedFields'))
}

function withoutManagers(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** A value as Go prints it, by which users know a patch in an error. */
function goText(value: unknown): string {
  if (value === null) return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([key, member]) => `${key}:${goText(member)}`).join(' ')}]`
}

/** Throws BadRequest for an object that is not the one that the request names. */
export function withName(draft: Draft, name: string | undefined): Draft {
  if (!draft.metadata.name) draft.metadata.name = name!
  else if (draft.metadata.name !== name) {
    throw badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`)
  }
  return draft
}

/** Unless a patch itself sets a resourceVersion, it fits whatever is there. */
export function withoutOldVersion(draft: Draft, old: KubeObject): Draft {
  if (draft.metadata.resourceVersion === old.metadata.resourceVersion)
    delete (draft.metadata as { resourceVersion?: string }).resourceVersion
  return draft
}

/** The body and the parameters of a deletion as one. Throws BadRequest, Invalid. */
export function deleteRequestOf({ body, options }: Pick<ApiRequest, 'body' | 'options'>): DeleteRequest {
  let request: DeleteRequest = {}
  if (body !== undefined) {
    try {
      request = decode(DeleteOptions, body, { withDefaults: false }).object
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${cause.message}`, cause)
    }
  }
  if (options?.dryRun === 'All') request.dryRun ??= ['All']
  const problem = checkDeleteRequest(request)
  if (problem) throw problem
  return request
}

/** Where the body's parser noted members that stood twice in one object; a JavaScript object can't show them. */
export const kDuplicates = Symbol('duplicate members')

export function duplicatesOf(body: unknown): string[] {
  return (body as { [kDuplicates]?: string[] } | undefined)?.[kDuplicates] ?? []
}
