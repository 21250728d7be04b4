/** `serviceaccounts/token`: issues a token. Upstream: `TokenREST` of `pkg/registry/core/serviceaccount/storage`. */
import { TokenRequest } from '#api/authentication/v1.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { nodes, pods, secrets, serviceAccounts } from '#api/resources.ts'
import { badRequest, conflict, type FieldError, invalid, methodNotAllowed } from '#machinery/status-error.ts'
import { type Api, decodeObject, type SubresourceHandler } from '../api.ts'
import type { Bound, ServiceAccountTokens, TokenSubject } from '../authn/service-account-tokens.ts'
import { timestamp } from '../registry/object-meta.ts'

const MIN_SECONDS = 600
const MAX_SECONDS = 2 ** 32
const DEFAULT_SECONDS = 3600

const boundKinds: Record<string, Resource> = { Pod: pods, Secret: secrets, Node: nodes }

export function serviceAccountToken(tokens: ServiceAccountTokens): SubresourceHandler {
  return {
    async perform(api, caller, request) {
      if (request.verb !== 'create') throw methodNotAllowed()
      const { namespace, name } = request
      const draft = decodeObject(caller, request, TokenRequest, request.body)
      await api.admit(caller, request, 'CREATE', TokenRequest, draft)
      const body = draft as unknown as TokenRequest
      const seconds = body.spec.expirationSeconds ?? DEFAULT_SECONDS
      const errors: FieldError[] = []
      if (seconds < MIN_SECONDS)
        errors.push({
          type: 'Invalid',
          field: 'spec.expirationSeconds',
          message: `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`,
        })
      if (seconds > MAX_SECONDS)
        errors.push({
          type: 'TooLong',
          field: 'spec.expirationSeconds',
          message: `Too long: may not be more than ${MAX_SECONDS} bytes`,
        })
      if (errors.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors)
      const account = api.registry(serviceAccounts).get(namespace, name!).object
      const subject: TokenSubject = {
        namespace: namespace!,
        serviceaccount: bound(account),
        ...boundObject(api, request.namespace!, name!, body),
      }
      const { token, expiresMs } = await tokens.issue(subject, body.spec.audiences ?? [], seconds)
      const object = {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name: name!, namespace: namespace!, creationTimestamp: timestamp(api.now()) },
        spec: { ...body.spec, expirationSeconds: seconds },
        status: { token, expirationTimestamp: timestamp(expiresMs) },
      }
      return { type: 'object', code: 201, object: object as unknown as KubeObject }
    },
  }
}

const bound = (object: KubeObject): Bound => ({ name: object.metadata.name, uid: object.metadata.uid })

/** The claims for `spec.boundObjectRef`. Throws BadRequest, NotFound, Conflict. */
function boundObject(api: Api, namespace: string, account: string, body: TokenRequest): Partial<TokenSubject> {
  const ref = body.spec.boundObjectRef
  if (!ref) return {}
  const resource = boundKinds[ref.kind ?? '']
  if (!resource)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to type: ${ref.apiVersion ?? ''}, Kind=${ref.kind ?? ''}`,
    )
  const object = api.registry(resource).get(resource.namespaced ? namespace : undefined, ref.name ?? '').object
  if (ref.uid && ref.uid !== object.metadata.uid) {
    throw conflict(
      resource,
      ref.name ?? '',
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  if (resource !== pods) return { [resource.singular]: bound(object) }
  const { spec } = object as KubeObject & { spec: { serviceAccountName?: string; nodeName?: string } }
  if (spec.serviceAccountName !== account)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  const registry = api.registry(nodes)
  const node = spec.nodeName ? registry.cache.get(registry.key(undefined, spec.nodeName)) : undefined
  return { pod: bound(object), ...(node && { node: bound(node.object) }) }
}
