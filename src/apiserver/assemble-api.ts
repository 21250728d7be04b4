/**
 * The API without a front: registry, admission, authorisation, subresources and reviews over a store, as both the HTTPS
 * server and tests use it.
 */
import type { Service } from '#api/core/v1/service.ts'
import { allResources, nodes, pods, secrets, serviceAccounts, services } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Environment } from '#cel/environment.ts'
import type { Store } from '#storage/store.ts'
import { defaultAdmissionPlugins } from './admission/default-plugins.ts'
import { dynamicAdmission } from './admission/dynamic-admission.ts'
import type { WebhookMetrics } from './admission/webhook/webhook-metrics.ts'
import { ServiceAllocator } from './allocation/service-allocator.ts'
import { Api, resourceKey } from './api.ts'
import { Authenticator, type StaticToken, staticTokens } from './authn/authenticator.ts'
import { ClusterAuthorizer } from './authz/authorizer.ts'
import { nodeRules } from './authz/policy/cluster-roles.ts'
import { ServiceAccountTokens, type SigningKey, type TokenSubject } from './authn/service-account-tokens.ts'
import { createBaseEnvironment } from './cel/base-environment.ts'
import { WebhookClient } from './outbound/webhook-client.ts'
import { strategies } from './strategies/all.ts'
import { allSubresources } from './subresources/all.ts'
import { allVirtualResources } from './virtual/all.ts'

export interface ApiAssemblyOptions {
  store: Store
  /** Network of the cluster IPs, e.g. `10.96.0.0/16`. */
  serviceCidr: string
  /** Static tokens; each is a user of its own. */
  tokens: readonly StaticToken[]
  signingKey: SigningKey
  webhookMetrics?: WebhookMetrics | undefined
  clock: Clock
  random: Random
  log: Log
}

export interface AssembledApi {
  readonly api: Api
  readonly authenticator: Authenticator
  readonly authorizer: ClusterAuthorizer
}

/** Issuer and default audience of service-account tokens. */
const ISSUER = 'https://kubernetes.default.svc.cluster.local'

/** Resolves when everything that is stored is loaded. Throws RangeError for a malformed `serviceCidr`. */
export async function assembleApi(options: ApiAssemblyOptions): Promise<AssembledApi> {
  const { store, clock, random, log } = options
  const allocator = new ServiceAllocator(options.serviceCidr, random)
  const tokens = new ServiceAccountTokens({
    key: options.signingKey,
    issuer: ISSUER,
    audience: ISSUER,
    clock,
    random,
    isAlive: (subject) => isAlive(api, subject, clock.now()),
  })
  const webhookClient = new WebhookClient({ api: () => api, clock, random })
  let environment: Environment | undefined
  const expressions = () => (environment ??= createBaseEnvironment())
  const authenticator = new Authenticator([staticTokens(options.tokens, ISSUER), tokens], ISSUER)
  const authorizer = new ClusterAuthorizer((resource) => api.registry(resource), nodeRules)
  const api: Api = new Api({
    store,
    resources: allResources,
    strategies: new Map([
      ...strategies,
      [resourceKey(services), allocator.extend(strategies.get(resourceKey(services)) ?? {})],
    ]),
    subresources: allSubresources({ tokens }),
    virtual: allVirtualResources({ authenticator, authorizer }),
    admission: [
      ...defaultAdmissionPlugins(() => api, clock, random),
      ...dynamicAdmission({
        api: () => api,
        client: webhookClient,
        authorizer,
        environment: expressions,
        webhookMetrics: options.webhookMetrics,
        clock,
        random,
        log,
      }),
    ],
    authorizer,
    clock,
    random,
    log,
  })
  await api.start()
  authorizer.start()
  const existing = api.registry(services)
  for (const entry of existing.cache.list(existing.prefix(undefined))) allocator.adopt(entry.object as Service)
  return { api, authenticator, authorizer }
}

/** What is being deleted may still use its token a little longer than it should need to. */
const LEEWAY_MS = 60_000

/** A token is worth nothing once the account, or what it is bound to, is gone. */
function isAlive(api: Api, { namespace, serviceaccount, pod, secret, node }: TokenSubject, nowMs: number): boolean {
  const bound = [
    [serviceAccounts, serviceaccount],
    [pods, pod],
    [secrets, secret],
    // A pod's token only tells where it runs.
    [nodes, pod ? undefined : node],
  ] as const
  return bound.every(([resource, object]) => {
    if (!object) return true
    const registry = api.registry(resource)
    const found = registry.cache.get(registry.key(resource.namespaced ? namespace : undefined, object.name))
    if (found?.object.metadata.uid !== object.uid) return false
    const { deletionTimestamp } = found.object.metadata
    return deletionTimestamp === undefined || nowMs < Date.parse(deletionTimestamp) + LEEWAY_MS
  })
}
