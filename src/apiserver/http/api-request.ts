/** From an HTTP request to what it asks of the API: verb, options, body. */
import { own } from '#base/own.ts'
import { TokenRequest } from '#api/authentication/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { Binding } from '#api/core/v1/pod.ts'
import type { Verb } from '#api/kind.ts'
import { DeleteOptions } from '#api/meta/v1.ts'
import { Eviction } from '#api/policy/v1.ts'
import type { Message } from '#api/schema.ts'
import { type ApiRequest, type PatchType, patchContentTypes, type RequestOptions } from '#client/transport.ts'
import { escapeValue, FieldSelector, parseFieldSelector } from '#machinery/fields.ts'
import { badRequest, isStatus, methodNotAllowed, StatusError } from '#machinery/status-error.ts'
import { parseSelector } from '../selection.ts'
import { type BodyType, mediaType, parseBody, readBody } from './body.ts'
import type { Request } from './exchange.ts'
import { deleteOptionsOf, isTrue, NO_QUERY, optionsOf } from './query.ts'
import type { ResourceRoute } from './route.ts'

export const noSuchPath = () => new StatusError('NotFound', 'the server could not find the requested resource')

const verbsOfNamed: Readonly<Record<string, Verb>> = {
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  POST: 'create',
}
const verbsOfCollection: Readonly<Record<string, Verb>> = {
  GET: 'list',
  POST: 'create',
  DELETE: 'deletecollection',
}

/** Throws NotFound, MethodNotAllowed. */
export function verbOf(method: string, route: ResourceRoute, query: URLSearchParams): Verb {
  const { resource, namespace, name, subresource, isWatchPath } = route
  let verb = own(name ? verbsOfNamed : verbsOfCollection, method)
  if (verb === 'list' || (isWatchPath && verb === 'get')) {
    if (isWatchPath || isTrue(query.get('watch'))) verb = 'watch'
  }
  if (subresource) {
    if (!Object.hasOwn(resource.subresources, subresource)) throw noSuchPath()
    if (!verb) throw methodNotAllowed()
    return verb
  }
  if (!verb || !resource.verbs.includes(verb) || (verb === 'create' && name)) throw methodNotAllowed()
  if (resource.namespaced && !namespace) {
    if (name) throw noSuchPath()
    if (verb === 'create' || verb === 'deletecollection') throw methodNotAllowed()
  }
  return verb
}

/** Throws BadRequest, Invalid, UnsupportedMediaType. */
export function requestOf(req: Request, route: ResourceRoute, verb: Verb, query: URLSearchParams): ApiRequest {
  const { resource, name, namespace, subresource, isWatchPath } = route
  const request: ApiRequest = { verb, resource, namespace, name, subresource }
  if (verb === 'patch') request.patchType = patchTypeOf(req.headers['content-type'])
  if (query !== NO_QUERY) request.options = optionsOf(query, verb, request.patchType)
  if (isWatchPath && name)
    request.options = { ...request.options, fieldSelector: selectorOfName(name, request.options) }
  return request
}

/** Throws BadRequest for a selector that asks for another object than the path. */
function selectorOfName(name: string, { fieldSelector = '' }: RequestOptions = {}): string {
  const { requirements } = parseSelector(() => parseFieldSelector(fieldSelector))
  if (requirements.length > 0 && new FieldSelector(requirements).exactValue('metadata.name') !== name)
    throw badRequest("fieldSelector metadata.name doesn't match requested name")
  return fieldSelector || `metadata.name=${escapeValue(name)}`
}

function patchTypeOf(contentType: string | undefined): PatchType {
  const type = mediaType(contentType)
  for (const [name, value] of Object.entries(patchContentTypes)) if (value === type) return name as PatchType
  throw new StatusError('UnsupportedMediaType', '415: Unsupported Media Type')
}

/** Kinds of bodies that only subresources take, by `apiVersion/kind`. */
const subresourceTypes: ReadonlyMap<string, Message> = new Map<string, Message>([
  ['v1/Binding', Binding],
  ['policy/v1/Eviction', Eviction],
  ['autoscaling/v1/Scale', Scale],
  ['authentication.k8s.io/v1/TokenRequest', TokenRequest],
])

/** The type of a kind that is sent either way, where it has one: `resourceTypes` knows those of resources. */
export function typeLookup(resourceTypes: { typeOf(apiVersion: string, kind: string): Message | undefined }) {
  return (apiVersion: string, kind: string): Message | undefined =>
    resourceTypes.typeOf(apiVersion, kind) ??
    subresourceTypes.get(`${apiVersion}/${kind}`) ??
    (kind === 'DeleteOptions' ? DeleteOptions : undefined)
}

/**
 * Reads what a request that changes something carries; the answer is its length in bytes. Throws BadRequest,
 * RequestEntityTooLarge, UnsupportedMediaType.
 */
export async function addBody(
  req: Request,
  request: ApiRequest,
  query: URLSearchParams,
  typeOf: ReturnType<typeof typeLookup>,
): Promise<number> {
  const { verb, resource, subresource } = request
  const contentType = req.headers['content-type']
  const bytes = await readBody(req)
  if (verb === 'delete' || verb === 'deletecollection') {
    const inQuery = deleteOptionsOf(query)
    const expected = { apiVersion: 'v1', kind: 'DeleteOptions' }
    if (bytes.length > 0) request.body = parseBody(bytes, contentType, typeOf, expected)
    if (inQuery) request.body = { ...inQuery, ...(request.body as object | undefined) }
  } else if (verb === 'patch') {
    request.body = parseBody(bytes, contentType, typeOf, undefined)
  } else {
    const { kind, apiVersion = resource.apiVersion } = (subresource && resource.subresources[subresource]) || resource
    const expected: BodyType = { apiVersion, kind: kind ?? resource.kind }
    try {
      // A null is an object without anything, as Go's decoder has it.
      request.body = parseBody(bytes, contentType, typeOf, expected) ?? {}
    } catch (err) {
      if (!isStatus(err, 'BadRequest')) throw err
      const about = `the object provided is unrecognized (must be of type ${expected.kind})`
      throw badRequest(`${about}: ${err.message} (${beginningOf(bytes)})`, err)
    }
  }
  return bytes.length
}

/** What of a body is shown in an error. */
function beginningOf(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const shown = bytes.subarray(0, SHOWN_BYTES)
  return `${bytes[0] === 0x7b ? shown.toString() : shown.toString('hex')}${bytes.length > SHOWN_BYTES ? ' ...' : ''}`
}
const SHOWN_BYTES = 30
