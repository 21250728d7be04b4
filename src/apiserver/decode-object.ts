/**
 * Bodies of requests as objects: decoded and complete, patched, or read as options. What they say twice or nobody knows is
 * told to the client as `fieldValidation` asks for it.
 */
import { decode, DecodeError, freezeParts } from '#api/decode.ts'
import { apiVersionOf, type KubeObject } from '#api/kind.ts'
import { DeleteOptions } from '#api/meta/v1.ts'
import type { Message } from '#api/schema.ts'
import { isObject } from '#base/json.ts'
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, invalid, StatusError } from '#machinery/status-error.ts'
import { withoutManagers } from './apply/managers.ts'
import { applyPatch } from './patch/apply-patch.ts'
import { goText } from './patch/go-text.ts'
import { checkDeleteRequest, type DeleteRequest } from './registry/deletion.ts'
import { immutableValue, invalidValue } from './registry/object-meta.ts'
import type { Draft, Stored } from './registry/strategy.ts'
import { inTurns } from './turns.ts'

/** Who is told. */
interface Listener {
  /** Collects messages for `Warning` headers. */
  readonly warnings: string[]
}

/** How a body that does not fit is refused. */
type Refusal = (why: string, cause?: unknown) => StatusError

/**
 * Decodes a body of `type`, which is a top-level kind, obeying `fieldValidation`. Throws BadRequest, unless `refusal`
 * makes another error of it. What the body shares with `known` is taken over; see `decode`.
 */
export function decodeObject(
  caller: Listener,
  { options, patchType }: Pick<ApiRequest, 'options' | 'patchType'>,
  type: Message,
  body: unknown,
  refusal?: Refusal,
  known?: KubeObject,
): Draft {
  const { version, kind: expected } = type.gvk!
  const apiVersion = apiVersionOf(type.gvk!)
  const refuse: Refusal =
    refusal ??
    ((why, cause) =>
      badRequest(`${expected} in version ${JSON.stringify(version)} cannot be handled as a ${expected}: ${why}`, cause))
  if (!isObject(body)) {
    const found = body === undefined || body === null ? 'null' : Array.isArray(body) ? 'array' : typeof body
    const why = `json: cannot unmarshal ${found} into Go value of type ${version}.${expected}`
    throw refusal ? refusal(why) : badRequest(`couldn't get version/kind; json parse error: ${why}`)
  }
  const { apiVersion: foundVersion, kind: found } = body as { apiVersion?: unknown; kind?: unknown }
  if (type.schema) checkCustomType(type, body as Record<string, unknown>)
  const isOther = (found && found !== expected) || (foundVersion && foundVersion !== apiVersion)
  if (isOther && refusal) throw refusal(notRegistered(String(foundVersion || apiVersion), String(found || expected)))
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
    // Who applies a null means it.
    decoded = decode(type, body, { keepsNulls: patchType === 'apply', known: known as Stored | undefined })
  } catch (cause) {
    throw cause instanceof DecodeError ? refuse(cause.message, cause) : cause
  }
  const duplicates = duplicatesOf(body)
  const unknown = decoded.unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  // Custom resources are looked through for duplicates before their schema is asked.
  const problems =
    duplicates.length > 0 && unknown.length > 0 && !type.schema
      ? inDocumentOrder(body, [...duplicates, ...unknown])
      : [...duplicates, ...unknown]
  if (problems.length > 0 && options?.fieldValidation !== 'Ignore') {
    if (options?.fieldValidation === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`)
    caller.warnings.push(...problems)
  }
  const draft = decoded.object as unknown as Draft
  draft.apiVersion = apiVersion
  draft.kind = expected
  ;(draft as { metadata: Partial<Draft['metadata']> }).metadata ??= {}
  // An empty list says that nobody shall manage anything any more, so it must not be taken for none. Custom resources
  // can't say it that way, for what is empty in their metadata is dropped before.
  const { managedFields } = (body as Partial<Draft>).metadata ?? {}
  if (Array.isArray(managedFields) && managedFields.length === 0 && !type.schema) draft.metadata.managedFields = []
  return draft
}

const WITH_PATH = /^(?:duplicate|unknown) field (".*")$/s

/**
 * Problems in the order in which their fields first stand in `body`, where they end with a quoted path. Those of YAML, which
 * name a line instead, come first.
 */
function inDocumentOrder(body: object, problems: readonly string[]): string[] {
  const places = new Map<string | undefined, number>([[undefined, -1]])
  const pathOf = (quoted: string | undefined) => (quoted === undefined ? undefined : (JSON.parse(quoted) as string))
  const wanted = new Map(problems.map((text) => [text, pathOf(WITH_PATH.exec(text)?.[1])]))
  const paths = new Set(wanted.values())
  const walk = (value: unknown, path: string) => {
    if (paths.has(path) && !places.has(path)) places.set(path, places.size)
    if (typeof value !== 'object' || value === null) return
    for (const [key, member] of Object.entries(value))
      walk(member, Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key)
  }
  walk(body, '')
  const placeOf = (text: string) => places.get(wanted.get(text)) ?? places.size
  return problems.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** What a patched object is that claims to be of another kind. */
function notRegistered(apiVersion: string, kind: string): string {
  const named = `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`
  return `${named} in scheme "pkg/api/legacyscheme/scheme.go:30"`
}

const SHOWN_BYTES = 30

/** A custom resource has to say itself what it is. Throws BadRequest, Invalid. */
function checkCustomType({ gvk }: Message, body: Record<string, unknown>) {
  const { group, kind: expected } = gvk!
  const expectedVersion = apiVersionOf(gvk!)
  const { apiVersion, kind: found, metadata } = body
  if (!found) {
    const text = JSON.stringify(body)
    const start = text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)} ...` : text
    const why = `Object 'Kind' is missing in '${text}'`
    throw badRequest(`the object provided is unrecognized (must be of type ${expected}): ${why} (${start})`)
  }
  if (apiVersion !== expectedVersion) {
    const wanted = `does not match the expected API version (${expectedVersion})`
    throw badRequest(`the API version in the data (${String(apiVersion ?? '')}) ${wanted}`)
  }
  if (found === expected) return
  const { name } = (metadata ?? {}) as { name?: unknown }
  const error = invalidValue('kind', found, `must be ${expected}`)
  throw invalid({ group, kind: String(found) }, String(name ?? ''), [error])
}

/**
 * `old` with the request's patch applied, complete and decoded, and still the same object. It fits whatever is there
 * unless the patch itself sets a resourceVersion (see `withoutOldVersion`). Throws BadRequest, Invalid.
 */
export const patchObject = (caller: Listener, request: ApiRequest, type: Message, old: KubeObject): Draft =>
  patchedObject(caller, request, type, old, patchedBody(request, type, old))

/** `patchObject`, with others served in between. */
export const patchInTurns = (caller: Listener, request: ApiRequest, type: Message, old: KubeObject): Promise<Draft> =>
  inTurns(patchedBody(request, type, old), (patched) => patchedObject(caller, request, type, old, patched))

/** What the patch makes of `old`. */
function patchedBody(request: ApiRequest, type: Message, old: KubeObject): unknown {
  const { patchType, body } = request
  if (patchType === undefined || patchType === 'apply') throw new TypeError(`${patchType} is no way to patch an object`)
  // What a patch leaves alone the new object shares with the old one: it need not be decoded again, and whoever compares the
  // two sees at once that it is the same. Custom resources are frozen by who knows whether they are complete.
  if (!type.schema) freezeParts(old)
  return applyPatch(patchType, mentionsManagers(request) ? old : withoutManagers(old), body, type)
}

/** What was patched as the object that it has to be. */
function patchedObject(caller: Listener, request: ApiRequest, type: Message, old: KubeObject, patched: unknown): Draft {
  const { patchType, body, resource, name } = request
  // What the patch says twice is the patched object's problem.
  const duplicates = duplicatesOf(body)
  const noted = {
    ...(patched as object),
    // A strategic merge patch knows what it is applied to, whatever it says of that itself.
    ...(patchType === 'strategic' && { apiVersion: apiVersionOf(type.gvk!), kind: type.gvk!.kind }),
    ...(duplicates.length > 0 && { [kDuplicates]: duplicates }),
  }
  const refuse: Refusal = (why, cause) => {
    const value = patchType === 'strategic' ? goText(body) : JSON.stringify(patched)
    const error = invalid({ group: '', kind: '' }, '', [invalidValue('patch', value, why)])
    return new StatusError('Invalid', error.message, { details: error.details!, cause })
  }
  const draft = decodeObject(caller, request, type, isObject(patched) ? noted : patched, refuse, old)
  const { uid } = draft.metadata
  if (uid && uid !== old.metadata.uid) throw invalid(resource, name!, [immutableValue('metadata.uid', uid)])
  return withoutOldVersion(withName(draft, name), old)
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

/** Throws BadRequest for an object that is not the one that the request names. */
export function withName(draft: Draft, name: string | undefined): Draft {
  if (!draft.metadata.name)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (draft.metadata.name !== name) {
    throw badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`)
  }
  return draft
}

/** Unless a patch itself sets a resourceVersion, it fits whatever is there. One that takes it away leaves an empty one. */
export function withoutOldVersion(draft: Draft, old: KubeObject): Draft {
  const metadata = draft.metadata as { resourceVersion?: string }
  if (metadata.resourceVersion === old.metadata.resourceVersion) delete metadata.resourceVersion
  else metadata.resourceVersion ??= ''
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
