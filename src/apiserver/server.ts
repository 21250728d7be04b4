/**
 * The API server put together: from a store and a set of keys to something that answers. Nothing here reads files or
 * starts other components; see `main/`.
 */
import { Registry as MetricsRegistry } from 'prom-client'
import { allResources, services } from '#api/resources.ts'
import type { Service } from '#api/core/v1/service.ts'
import { addressAt, parseCidr } from '#base/ip.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { Client } from '#client/client.ts'
import type { Transport } from '#client/transport.ts'
import { nodes, pods, secrets, serviceAccounts } from '#api/resources.ts'
import type { Store } from '#storage/store.ts'
import { defaultAdmissionPlugins } from './admission/default-plugins.ts'
import { ServiceAllocator } from './allocation/service-allocator.ts'
import { Api, resourceKey } from './api.ts'
import { Authenticator, type StaticToken, staticTokens } from './authn/authenticator.ts'
import { ServiceAccountTokens, type SigningKey, type TokenSubject } from './authn/service-account-tokens.ts'
import { bootstrap } from './bootstrap.ts'
import { discoveryPaths } from './http/discovery-paths.ts'
import { createConnectHandler } from './http/connect.ts'
import { openApiPaths } from './http/openapi-paths.ts'
import { createRequestMetrics } from './http/request-metrics.ts'
import { HttpServer } from './http/server.ts'
import { systemPaths, type VersionInfo } from './http/system-paths.ts'
import { createInProcessTransport } from './in-process-transport.ts'
import { OpenApiDocuments } from './openapi/documents.ts'
import { strategies } from './strategies/all.ts'
import { printers } from './table/all.ts'
import { createRenderer } from './table/renderer.ts'
import { allSubresources } from './subresources/all.ts'
import { superusersOnly, type User } from './user.ts'
import { allVirtualResources } from './virtual/all.ts'

export interface ApiServerOptions {
  store: Store
  serviceCidr: string
  tokens: readonly StaticToken[]
  signingKey: SigningKey
  /** PEM. */
  tls: { cert: string; key: string; clientCa: string }
  /** The server's identity towards kubelets. */
  kubeletTls: { ca: string; cert: string; key: string }
  version: VersionInfo
  clock: Clock
  random: Random
  log: Log
}

/** Issuer and default audience of service-account tokens. */
const ISSUER = 'https://kubernetes.default.svc.cluster.local'

export interface ApiServer {
  readonly api: Api
  readonly metrics: MetricsRegistry
  /** The first address of the service network. */
  readonly serviceIp: string
  /** A transport within this process, for a component that acts as `user`. */
  transport(user: User): Transport
  /** Returns the port. */
  listen(address: string, port: number): Promise<number>
  /** Makes the objects that every cluster has; the address is where nodes and pods reach this server. */
  bootstrap(advertise: { address: string; port: number }): Promise<void>
  close(): Promise<void>
}

/** The user that components in the server's process act as, until each has rights of its own. */
export const systemUser = (name: string): User => ({ name, groups: ['system:masters', 'system:authenticated'] })

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, random, log } = options
  const metrics = new MetricsRegistry()
  const allocator = new ServiceAllocator(options.serviceCidr, random)
  const tokens = new ServiceAccountTokens({
    key: options.signingKey,
    issuer: ISSUER,
    audience: ISSUER,
    clock,
    random,
    isAlive: (subject) => isAlive(api, subject, clock.now()),
  })
  const authenticator = new Authenticator([staticTokens(options.tokens, ISSUER), tokens], ISSUER)
  const authorizer = superusersOnly
  const api: Api = new Api({
    store,
    resources: allResources,
    strategies: new Map([
      ...strategies,
      [resourceKey(services), allocator.extend(strategies.get(resourceKey(services)) ?? {})],
    ]),
    subresources: allSubresources({ tokens }),
    virtual: allVirtualResources({ authenticator, authorizer }),
    admission: defaultAdmissionPlugins(() => api, clock),
    authorizer,
    clock,
    random,
    log,
  })
  await api.start()
  const existing = api.registry(services)
  for (const entry of existing.cache.list(existing.prefix(undefined))) allocator.adopt(entry.object as Service)

  let isBootstrapped = false
  let advertised = ''
  const openApi = new OpenApiDocuments({
    resources: allResources,
    version: options.version.gitVersion,
    returnsDeleted: (resource) => strategies.get(resourceKey(resource))?.returnsDeleted === true,
  })
  const http = new HttpServer({
    api,
    authenticator,
    authorizer,
    tls: options.tls,
    renderer: createRenderer(clock, printers),
    paths: systemPaths({
      version: options.version,
      live: { ping: () => undefined },
      ready: {
        ping: () => undefined,
        bootstrap: () => (isBootstrapped ? undefined : 'the system objects are not there yet'),
      },
      metrics,
      others: [
        discoveryPaths(
          () => api.resources,
          () => advertised,
        ),
        openApiPaths(() => openApi),
      ],
    }),
    connect: createConnectHandler({ api, kubeletTls: options.kubeletTls, clock, log }),
    metrics: createRequestMetrics(metrics),
    clock,
    random,
    log,
  })
  const serviceIp = addressAt(parseCidr(options.serviceCidr), 1)
  const transport = (user: User) => createInProcessTransport(api, user, clock)
  return {
    api,
    metrics,
    serviceIp,
    transport,
    listen: (address, port) => http.listen(address, port),
    async bootstrap(advertise) {
      advertised = `${advertise.address}:${advertise.port}`
      await bootstrap({ client: new Client(transport(systemUser('system:apiserver'))), serviceIp, advertise })
      isBootstrapped = true
    },
    async close() {
      // Ends all watches, each after a whole line.
      api.stop()
      await http.close()
    },
  }
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
