/** `serviceaccounts/token`: issues a token. Upstream: `TokenREST` of `pkg/registry/core/serviceaccount/storage`. */
import { TokenRequest } from '#api/authentication/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { nodes, pods, secrets, serviceAccounts } from '#api/resources.ts'
import { badRequest, conflict, type FieldError, invalid, methodNotAllowed } from '#machinery/status-error.ts'
import type { Api, SubresourceHandler } from '../api.ts'
import type { Bound, ServiceAccountTokens, TokenSubject } from '../authn/service-account-tokens.ts'
import { invalidValue, timestamp } from '../registry/object-meta.ts'
import { decodeObject } from '../decode-object.ts'

const MIN_SECONDS = 600
const MAX_SECONDS = 2 ** 32
const DEFAULT_SECONDS = 3600
/** What pods are given a token for when they don't say: clients that never read theirs again are borne with. */
const LENIENT_SECONDS = 3607
const EXTENDED_SECONDS = 365 * 24 * 3600

const boundKinds: Readonly<Record<string, Resource>> = { Pod: pods, Secret: secrets, Node: nodes }
const TOKEN_REQUEST = { group: 'authentication.k8s.io', kind: 'TokenRequest', plural: 'TokenRequest' }

export function serviceAccountToken(tokens: ServiceAccountTokens): SubresourceHandler {
  return {
    async perform(api, caller, request) {
      if (request.verb !== 'create') throw methodNotAllowed()
      const namespace = request.namespace!
      const name = request.name!
      const draft = decodeObject(caller, request, TokenRequest, request.body)
      const findAccount = () => api.registry(serviceAccounts).get(namespace, name).object
      await api.admit(caller, request, 'CREATE', TokenRequest, draft, () => {
        checkNames(draft.metadata, namespace, name)
        complete(draft as unknown as TokenRequest, findAccount(), [tokens.audience], api.now())
      })
      const { metadata, spec } = draft as unknown as TokenRequest
      const account = findAccount()
      const seconds = spec.expirationSeconds ?? DEFAULT_SECONDS
      const { audiences = [] } = spec
      const bound = boundObject(api, namespace, name, spec.boundObjectRef)
      const isLenient =
        bound.pod !== undefined && seconds === LENIENT_SECONDS && audiences.every((each) => each === tokens.audience)
      const subject: TokenSubject = { namespace, serviceaccount: identity(account), ...bound }
      const nowMs = api.now()
      const token = await tokens.issue(subject, audiences, isLenient ? EXTENDED_SECONDS : seconds, isLenient && seconds)
      const object = {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata,
        spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
        status: { token, expirationTimestamp: timestamp(nowMs + seconds * 1000) },
      }
      return { type: 'object', code: 201, object: object as unknown as KubeObject }
    },
  }
}

/** Fills in what the request leaves open. Throws Conflict for another account's UID, Invalid. */
function complete({ metadata, spec }: TokenRequest, account: KubeObject, audiences: string[], nowMs: number) {
  const { name, namespace, uid } = account.metadata
  if (metadata.uid && metadata.uid !== uid) {
    const why = `the UID in the token request (${metadata.uid}) does not match the UID of the service account (${uid})`
    throw conflict(TOKEN_REQUEST, name, why)
  }
  if (!spec.audiences?.length) spec.audiences = audiences
  Object.assign(metadata, { name, namespace, uid, creationTimestamp: timestamp(nowMs) })
  checkSeconds(spec.expirationSeconds ?? DEFAULT_SECONDS)
}

function checkNames(metadata: TokenRequest['metadata'], namespace: string, name: string) {
  if (metadata.name && metadata.name !== name) {
    const problem = invalidValue('metadata.name', metadata.name, 'must match the service account name if specified')
    throw invalid(TOKEN_REQUEST, name, [problem])
  }
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

function checkSeconds(seconds: number) {
  const errors: FieldError[] = []
  const refuse = (why: string) => errors.push(invalidValue('spec.expirationSeconds', seconds, why))
  if (seconds < MIN_SECONDS) refuse('may not specify a duration less than 10 minutes')
  if (seconds > MAX_SECONDS) refuse('may not specify a duration larger than 2^32 seconds')
  if (errors.length > 0) throw invalid(TOKEN_REQUEST, '', errors)
}

const identity = (object: KubeObject): Bound => ({ name: object.metadata.name, uid: object.metadata.uid })

/** The claims for `spec.boundObjectRef`. Throws BadRequest, NotFound, Conflict. */
function boundObject(
  api: Api,
  namespace: string,
  account: string,
  ref: TokenRequest['spec']['boundObjectRef'],
): Partial<TokenSubject> {
  if (!ref) return {}
  const { kind = '', apiVersion = '', name = '' } = ref
  const resource = Object.hasOwn(boundKinds, kind) && !apiVersion.includes('/') ? boundKinds[kind] : undefined
  if (!resource) {
    const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`
    throw badRequest(`cannot bind token to object of type ${groupVersion}, Kind=${kind}`)
  }
  const object = api.registry(resource).get(resource.namespaced ? namespace : undefined, name).object
  const { spec } = object as Pod
  if (resource === pods && spec.serviceAccountName !== account)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  if (ref.uid && ref.uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict({ group: '', plural: kind }, name, why)
  }
  if (resource !== pods) return { [resource.singular]: identity(object) }
  if (!spec.nodeName) return { pod: identity(object) }
  const registry = api.registry(nodes)
  const node = registry.cache.get(registry.key(undefined, spec.nodeName))?.object
  return { pod: identity(object), node: node ? identity(node) : { name: spec.nodeName } }
}
