/**
 * The API without a front: registry, admission, authorisation, subresources and reviews over a store, as both the HTTPS
 * server and tests use it.
 */
import { BOOTSTRAP_TOKEN_NAMESPACE } from '#api/core/v1/bootstrap-token.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { Resource } from '#api/kind.ts'
import { allResources, secrets, services, customResourceDefinitions } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Environment } from '#cel/environment.ts'
import type { Store } from '#storage/store.ts'
import { defaultAdmissionPlugins } from './admission/default-plugins.ts'
import { dynamicAdmission } from './admission/dynamic-admission.ts'
import { expressionCompiler } from './admission/expressions/expression-compiler.ts'
import { QuotaLedger } from './admission/quota/quota-ledger.ts'
import { resourceQuota } from './admission/quota/resource-quota.ts'
import type { WebhookMetrics } from './admission/webhook/webhook-metrics.ts'
import { ServiceAllocator } from './allocation/service-allocator.ts'
import { Api } from './api.ts'
import { resourceKey } from '#api/kind.ts'
import { CustomResources } from './custom-resources/custom-resources.ts'
import { definitionStrategy } from './custom-resources/definition-strategy.ts'
import { RuleCompiler } from './custom-resources/rule-compiler.ts'
import { RuleValidator } from './custom-resources/rule-validation.ts'
import { sameFields } from './custom-resources/version-forms.ts'
import { webhookConverter } from './custom-resources/webhook-converter.ts'
import { Authenticator, type StaticToken, staticTokens } from './authn/authenticator.ts'
import { ClusterAuthorizer } from './authz/authorizer.ts'
import { escalationCheck } from './authz/escalation.ts'
import { nodeRules } from './authz/policy/cluster-roles.ts'
import { bootstrapTokens } from './authn/bootstrap-tokens.ts'
import type { FrontProxyOptions } from './authn/front-proxy.ts'
import { ServiceAccountTokens, type SigningKey } from './authn/service-account-tokens.ts'
import { LAST_USED, TokenSubjects } from './authn/token-subjects.ts'
import { componentUser } from './user.ts'
import { createBaseEnvironment } from './cel/base-environment.ts'
import { WebhookClient } from './outbound/webhook-client.ts'
import { admissionStrategies } from './strategies/admission-strategies.ts'
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
  /** PEM of the authority of client certificates. Default: none count. */
  clientCa?: string | undefined
  /** Who may speak for others. Default: nobody. */
  frontProxy?: FrontProxyOptions | undefined
  /** Whether those who show no credentials are `system:anonymous`. Default: true. */
  anonymous?: boolean | undefined
  webhookMetrics?: WebhookMetrics | undefined
  clock: Clock
  random: Random
  log: Log
}

export interface AssembledApi {
  readonly api: Api
  readonly authenticator: Authenticator
  readonly authorizer: ClusterAuthorizer
  /** Where all expressions start from; made when the first needs it. */
  readonly environment: () => Environment
}

/** Issuer and default audience of service-account tokens: the name by which pods reach this server. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local'

/** Resolves when everything that is stored is loaded. Throws RangeError for a malformed `serviceCidr`. */
export async function assembleApi(options: ApiAssemblyOptions): Promise<AssembledApi> {
  const { store, clock, random, log } = options
  const allocator = new ServiceAllocator(options.serviceCidr, random)
  const registry = (resource: Resource) => api.registry(resource)
  const noteUse = ({ metadata: { namespace, name, uid } }: Secret, today: string) => {
    const body = { metadata: { uid, labels: { [LAST_USED]: today } } }
    const patch = { verb: 'patch', resource: secrets, namespace: namespace!, name, patchType: 'merge', body } as const
    api.performAuthorized({ user: componentUser('apiserver'), warnings: [] }, patch).catch((thrown: unknown) => {
      log.debug({ namespace, name, reason: messageOf(thrown) }, 'cannot note the use of a token')
    })
  }
  const subjects = new TokenSubjects({ registry, clock, noteUse })
  const tokens = new ServiceAccountTokens({
    key: options.signingKey,
    issuer: ISSUER,
    audience: ISSUER,
    clock,
    random,
    isAlive: (subject) => subjects.isAlive(subject),
    isKept: (subject, token) => subjects.isKept(subject, token),
  })
  const webhookClient = new WebhookClient({ api: () => api, clock, random })
  let environment: Environment | undefined
  const expressions = () => (environment ??= createBaseEnvironment())
  const ruleCompiler = new RuleCompiler(expressions)
  const secret = (name: string) => {
    const stored = registry(secrets)
    return stored.cache.get(stored.key(BOOTSTRAP_TOKEN_NAMESPACE, name))?.object as Secret | undefined
  }
  const authenticator = new Authenticator({
    clientCa: options.clientCa,
    frontProxy: options.frontProxy,
    tokens: [staticTokens(options.tokens, ISSUER), tokens, bootstrapTokens({ secret, audience: ISSUER, clock })],
    audience: ISSUER,
    anonymous: options.anonymous,
    clock,
  })
  const authorizer = new ClusterAuthorizer(registry, nodeRules)
  const quotas = new QuotaLedger(() => api, clock, log)
  const api: Api = new Api({
    store,
    resources: allResources,
    strategies: new Map([
      ...strategies,
      [resourceKey(services), allocator.extend(strategies.get(resourceKey(services)) ?? {})],
      [resourceKey(customResourceDefinitions), definitionStrategy(ruleCompiler)],
      ...admissionStrategies(expressionCompiler(expressions)),
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
      escalationCheck(authorizer),
      // Last, so that nothing is counted that others refuse.
      resourceQuota(() => api, quotas),
    ],
    authorizer,
    clock,
    random,
    log,
  })
  await api.start()
  quotas.start()
  authorizer.start()
  const existing = api.registry(services)
  for (const entry of existing.cache.list(existing.prefix(undefined))) allocator.adopt(entry.object as Service)
  await new CustomResources({
    api,
    converterOf: ({ spec: { conversion } }) =>
      conversion?.strategy === 'Webhook' ? webhookConverter(conversion, { client: webhookClient, random }) : sameFields,
    rulesOf: (schema) => RuleValidator.of(schema, true, ruleCompiler),
    clock,
    random,
    log,
  }).start()
  return { api, authenticator, authorizer, environment: expressions }
}
