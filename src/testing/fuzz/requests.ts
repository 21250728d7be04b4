/** Requests to the API: what is asked for, with which headers, and in which bytes. */
import type { Resource } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import {
  allResources,
  configMaps,
  customResourceDefinitions,
  deployments,
  deviceClasses,
  events,
  eventsV1,
  horizontalPodAutoscalersV1,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  namespaces,
  pods,
  resourceClaims,
  services,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
} from '#api/resources.ts'
import { objectLike } from './api-objects.ts'
import { bodyOf, patchOf } from './bodies.ts'
import type { Choices } from './choices.ts'
import { ExtensionObjects, FUZZED_GROUP, GADGET_GROUP } from './extension-objects.ts'
import { type Headers, type Identity, unusualHeaders } from './headers.ts'
import { escaped, queryOf } from './queries.ts'

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: Buffer | undefined
  readonly as: Identity
  /** It has no end of its own: the client goes away as soon as it has an answer. */
  readonly isEndless: boolean
  /** It may have to wait for somebody else than the server. */
  readonly mayWait: boolean
  /** Sent as it is, instead of what the rest says: the bytes of a connection. */
  readonly raw: Buffer | undefined
}

/** What a path can be about. */
interface Target {
  readonly root: string
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly subresources: readonly string[]
  readonly type: Message | undefined
}

/** Kinds that much depends on, and those that hold expressions. */
const frequent: readonly Resource[] = [
  pods,
  services,
  deployments,
  namespaces,
  configMaps,
  events,
  eventsV1,
  horizontalPodAutoscalersV1,
  customResourceDefinitions,
  customResourceDefinitions,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
  deviceClasses,
  resourceClaims,
]

const ofResource = ({ group, apiVersion, kind, plural, namespaced, subresources, type }: Resource): Target => {
  const root = `${group ? '/apis' : '/api'}/${apiVersion}`
  return { root, apiVersion, kind, plural, namespaced, subresources: Object.keys(subresources), type }
}
const custom = (group: string, version: string, plural: string, kind: string): Target => ({
  root: `/apis/${group}/${version}`,
  apiVersion: `${group}/${version}`,
  kind,
  plural,
  namespaced: true,
  subresources: ['status', 'scale'],
  type: undefined,
})
const common: readonly Target[] = [
  ...frequent.map(ofResource),
  custom(GADGET_GROUP, 'v1', 'gadgets', 'Gadget'),
  custom(GADGET_GROUP, 'v1', 'gadgets', 'Gadget'),
  custom(GADGET_GROUP, 'v2', 'gadgets', 'Gadget'),
  custom(FUZZED_GROUP, 'v1', 'as', 'A'),
  custom(FUZZED_GROUP, 'v1', 'as', 'A'),
  custom(FUZZED_GROUP, 'v1', 'bs', 'B'),
]
const all: readonly Target[] = allResources.map(ofResource)

const METHODS = ['GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'DELETE']
/** Heads are refused altogether that are larger than the server takes. */
const MAX_PATH = 20_000
const ODD_METHODS = ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'LINK']
const PATHS = [
  '/',
  '/apis',
  '/api/v1',
  '/version',
  '/%',
  '/readyz/x',
  '/livez?verbose',
  '//',
  '/metrics',
  '/apis/apps/v1/',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/apis/apps/v1',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '/api/v1/watch',
  '/apis/fuzz.example.com',
  '/?%',
  '/\u00ff',
]
/** Subresources behind which is somebody else. */
const ELSEWHERE = /\/(proxy|exec|attach|log|portforward)(\/|\?|$)/
/** They wait for the account of their namespace, which somebody else makes. */
const PODS = /\/pods(\/|\?|$)/

export class FuzzRequests {
  readonly choices: Choices
  readonly #extensions: ExtensionObjects

  constructor(choices: Choices) {
    this.choices = choices
    this.#extensions = new ExtensionObjects(choices)
  }

  next(): FuzzRequest {
    const { choices } = this
    choices.damage = choices.one([0, 0, 1, 3, 10])
    const method = choices.chance(3) ? choices.one(ODD_METHODS) : choices.one(METHODS)
    const target = choices.one(choices.chance(65) ? common : all)
    const isWatch = method === 'GET' && choices.chance(4)
    const isDefinition = target.plural === 'customresourcedefinitions'
    const name = choices.one(isDefinition ? [`as.${FUZZED_GROUP}`, `bs.${FUZZED_GROUP}`] : ['a', 'b'])
    const path = this.#path(method, target, name, isWatch)
    const { headers, as } = unusualHeaders(choices)
    const isEndless = isWatch || /[?&]follow/.test(path)
    const bare = {
      method,
      path,
      headers,
      as,
      isEndless,
      mayWait: ELSEWHERE.test(path) || (method !== 'GET' && PODS.test(path)),
      raw: undefined,
    }
    if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) && choices.chance(99))
      return this.#maybeRaw({ ...bare, body: undefined })
    const { apiVersion, kind, type } = target
    const content = { apiVersion, kind, type, object: this.#object(target, name) }
    const { contentType, bytes } = method === 'PATCH' ? patchOf(choices, content) : bodyOf(choices, content)
    if (method === 'DELETE' && choices.chance(60)) return this.#maybeRaw({ ...bare, body: undefined })
    headers['content-type'] = contentType
    return this.#maybeRaw({ ...bare, body: bytes })
  }

  #object({ apiVersion, kind, plural, type }: Target, name: string): Record<string, unknown> {
    const { choices } = this
    const typeMeta = choices.chance(97) && { apiVersion, kind }
    if (plural === 'customresourcedefinitions' && choices.chance(90))
      return { ...this.#extensions.definition(name.split('.', 1)[0]!), ...typeMeta }
    const special = this.#extensions.byKind[kind === 'B' ? 'A' : kind]
    const content =
      special && choices.chance(90) ? special() : type ? objectLike(choices, type) : { spec: choices.junk() }
    return { ...content, ...typeMeta, ...(choices.chance(95) && { metadata: this.#metadata(name) }) }
  }

  #metadata(name: string): Record<string, unknown> {
    const { choices } = this
    return {
      name: choices.chance(95) ? name : choices.text(),
      ...(choices.chance(10) && { labels: { a: choices.mostly('b', choices.text()) } }),
      ...(choices.chance(5) && { managedFields: choices.junk() }),
      ...(choices.chance(5) && { finalizers: choices.mostly([], ['x/y'], choices.junk()) }),
      ...(choices.chance(5) && {
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: choices.text() }],
      }),
      ...(choices.chance(5) && { resourceVersion: choices.one(['1', '0', '', 'x', '99999999']) }),
    }
  }

  #path(method: string, { root, plural, namespaced, subresources }: Target, name: string, isWatch: boolean): string {
    const { choices } = this
    const segment = () => escaped(choices.one(['a', 'b', choices.text()]))
    let path = root
    if (isWatch && choices.chance(20)) path += '/watch'
    if (namespaced ? !choices.chance(3) : choices.chance(2))
      path += `/namespaces/${choices.chance(97) ? 'default' : segment()}`
    path += `/${choices.chance(98) ? plural : segment()}`
    const named: Record<string, number> = { POST: 10, GET: 60, DELETE: 60 }
    if (!isWatch && choices.chance(named[method] ?? 97)) {
      path += `/${choices.chance(95) ? name : segment()}`
      if (choices.chance(20))
        path += `/${choices.chance(90) && subresources.length > 0 ? choices.one(subresources) : segment()}`
      if (choices.chance(1)) path += `/${segment()}`
    }
    if (!isWatch && choices.chance(2)) path = choices.one(PATHS)
    if (choices.chance(1)) path = path.replace(/[aeiou]/, '%')
    if (choices.chance(0.5)) path += 'x'.repeat(choices.one([1000, 10_000]))
    let query = queryOf(choices)
    if (path.includes('?')) return path.slice(0, MAX_PATH)
    if (isWatch) query = `${query || '?'}&watch=1&timeoutSeconds=${choices.mostly('5', '0', '-1', 'x')}`
    else if (method === 'PATCH' && choices.chance(40))
      query = `${query || '?'}&fieldManager=${choices.one(['m', 'n', escaped(choices.text())])}`
    return (path + query).slice(0, MAX_PATH)
  }

  /** A few requests are sent as bytes that no proper client would send. */
  #maybeRaw(request: FuzzRequest): FuzzRequest {
    const { choices } = this
    if (!choices.chance(0.7)) return request
    const { method, path, headers, body = Buffer.alloc(0) } = request
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
    const odd = choices.some(3, () => choices.one(ODD_LINES)())
    const length = choices.mostly(`content-length: ${body.length}`, 'content-length: -1', 'content-length: 99999', '')
    const host = choices.one([
      'host: 127.0.0.1',
      'host: ',
      'host: a b',
      `host: ${'x'.repeat(3000)}`,
      'host: a\r\nhost: b',
      '',
    ])
    const head = [
      `${method} ${path} HTTP/${choices.mostly('1.1', '1.0', '0.9', '3.0')}`,
      host,
      ...lines,
      ...odd,
      length,
    ]
    const text = head.filter((line) => line !== '').join(choices.mostly('\r\n', '\n'))
    const whole = Buffer.concat([Buffer.from(`${text}\r\n\r\n`, 'latin1'), body])
    return { ...request, raw: choices.spoiledBytes(whole, 40) }
  }
}

const ODD_LINES: readonly (() => string)[] = [
  () => 'transfer-encoding: chunked',
  () => 'transfer-encoding: chunked, x',
  () => 'expect: 100-continue',
  () => 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13',
  () => 'connection: upgrade\r\nupgrade: SPDY/3.1',
  () => 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA',
  () => 'x\u0000y: z',
  () => ': x',
  () => 'x',
  () => ' folded: a\r\n b',
  () => `x-long: ${'y'.repeat(70_000)}`,
  () => Array.from({ length: 400 }, (_, i) => `x-${i}: y`).join('\r\n'),
  () => 'content-length: 1\r\ncontent-length: 2',
]
