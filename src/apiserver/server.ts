/**
 * The API server put together: from a store and a set of keys to something that answers. Nothing here reads files or
 * starts other components; see `main/`.
 */
import { Registry as MetricsRegistry } from 'prom-client'
import { every, type Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { KeyPair } from '#base/x509.ts'
import { addressAt, parseCidr } from '#base/ip.ts'
import { Client } from '#client/client.ts'
import type { Transport } from '#client/transport.ts'
import { startPolicyStatus } from './admission/policy/policy-status.ts'
import { createWebhookMetrics } from './admission/webhook/webhook-metrics.ts'
import { Aggregator } from './aggregation/aggregator.ts'
import { extendedTransport } from './aggregation/extended-transport.ts'
import { type RemoteResources, remoteResources } from './aggregation/remote-resources.ts'
import { type Api } from './api.ts'
import { resourceKey } from '#api/kind.ts'
import { namespaces } from '#api/resources.ts'
import { policyKeeper } from './authz/bootstrap-policy.ts'
import { ensureAuthenticationInfo } from './authentication-info.ts'
import { bootstrap } from './bootstrap.ts'
import { discoveryPaths } from './http/discovery-paths.ts'
import { startEventExpiry } from './event-expiry.ts'
import { createConnectHandler } from './http/connect.ts'
import { Health } from './http/health-checks.ts'
import { issuerPaths } from './http/issuer-paths.ts'
import { openApiPaths } from './http/openapi-paths.ts'
import { createRequestMetrics } from './http/request-metrics.ts'
import { HttpServer } from './http/server.ts'
import { systemPaths, type VersionInfo } from './http/system-paths.ts'
import { createInProcessTransport } from './in-process-transport.ts'
import { type ApiAssemblyOptions, assembleApi, ISSUER } from './assemble-api.ts'
import { OpenApiDocuments } from './openapi/documents.ts'
import { strategies } from './strategies/all.ts'
import { printers } from './table/all.ts'
import { createRenderer } from './table/renderer.ts'
import type { User } from './user.ts'

/** What somebody deleted of the system objects is missing for no longer than this. */
const BOOTSTRAP_PERIOD_MS = 10_000

export interface ApiServerOptions extends ApiAssemblyOptions {
  /** A watch whose client is further behind is ended. Default: 32 MiB. */
  maxWatchBacklogBytes?: number | undefined
  /** PEM. */
  tls: { cert: string; key: string; clientCa: string }
  /** The server's identity towards kubelets. */
  kubeletTls: { ca: string; cert: string; key: string }
  /** Shown to extension API servers, which take its word for who asks. */
  proxyClient?: KeyPair | undefined
  version: VersionInfo
}

export interface ApiServer {
  readonly api: Api
  readonly metrics: MetricsRegistry
  /** The first address of the service network. */
  readonly serviceIp: string
  /** What extension API servers serve. */
  readonly extensions: RemoteResources
  /** A transport within this process, for a component that acts as `user`; it reaches extension API servers too. */
  transport(user: User): Transport
  /** Returns the port. */
  listen(address: string, port: number): Promise<number>
  /** Shows these from now on, to clients and to kubelets. PEM. */
  useCertificates(certificates: { serving: KeyPair; kubeletClient: KeyPair; frontProxy?: { client: KeyPair } }): void
  /** Makes the objects that every cluster has; the address is where nodes and pods reach this server. */
  bootstrap(advertise: { address: string; port: number }): Promise<void>
  close(): Promise<void>
}

/** A user who may do everything: the API server itself, and whoever owns the process. */
export const systemUser = (name: string): User => ({ name, groups: ['system:masters', 'system:authenticated'] })

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, log } = options
  const metrics = new MetricsRegistry()
  const { api, authenticator, authorizer, environment } = await assembleApi({
    ...options,
    clientCa: options.tls.clientCa,
    webhookMetrics: createWebhookMetrics(metrics),
  })

  const health = new Health({ readStore: () => void options.store.latest('/registry/health'), clock })
  health.done('assembled')
  const timers: Timer[] = []
  const stop = new AbortController()
  let advertised = ''
  let openApi = new OpenApiDocuments({
    resources: api.resources,
    version: options.version.gitVersion,
    // Of namespaces the documents have always promised a Status, which generated clients rely on.
    returnsDeleted: (resource) =>
      resource !== namespaces && strategies.get(resourceKey(resource))?.returnsDeleted === true,
  })
  const { proxyClient, random } = options
  const aggregator = new Aggregator({ api, proxyClient, clock, random, log })
  const connect = createConnectHandler({ api, kubeletTls: options.kubeletTls, clock, log })
  const http = new HttpServer({
    api,
    authenticator,
    authorizer,
    tls: { ...options.tls, clientCas: [options.tls.clientCa, ...(options.frontProxy ? [options.frontProxy.ca] : [])] },
    renderer: createRenderer(
      clock,
      (resource) => api.catalog.entryOf(resource)?.printer ?? printers.get(resourceKey(resource)),
    ),
    paths: systemPaths({
      version: options.version,
      health,
      metrics,
      startedAtMs: clock.now(),
      others: [
        discoveryPaths(
          () => api.resources,
          () => advertised,
          () => aggregator.discovery.versions,
        ),
        issuerPaths(ISSUER, options.signingKey),
        openApiPaths(() => aggregator.openApi.with((openApi = openApi.with(api.resources)))),
      ],
    }),
    maxWatchBacklogBytes: options.maxWatchBacklogBytes,
    connect,
    aggregator,
    metrics: createRequestMetrics(metrics),
    clock,
    random: options.random,
    log,
  })
  const serviceIp = addressAt(parseCidr(options.serviceCidr), 1)
  const transport = (user: User) =>
    extendedTransport(createInProcessTransport(api, user, clock), { api, aggregator, user, clock })
  return {
    api,
    metrics,
    serviceIp,
    extensions: remoteResources(aggregator.discovery),
    transport,
    listen: (address, port) => http.listen(address, port),
    useCertificates({ serving, kubeletClient, frontProxy }) {
      if (frontProxy) aggregator.useCertificate(frontProxy.client)
      http.useCertificate(serving)
      connect.useCertificate(kubeletClient)
    },
    async bootstrap(advertise) {
      advertised = `${advertise.address}:${advertise.port}`
      const client = new Client(transport(systemUser('system:apiserver')))
      const keepPolicy = policyKeeper(client, authorizer.grants)
      const authentication = { clientCa: options.tls.clientCa, frontProxy: options.frontProxy }
      const restore = async () => {
        await bootstrap({ client, serviceIp, advertise })
        health.done('objects')
        await keepPolicy()
        health.done('policy')
        await ensureAuthenticationInfo(client, authentication)
        health.done('authentication')
      }
      await restore()
      await aggregator.start(client)
      health.done('aggregation')
      timers.push(startEventExpiry(api, clock, log))
      startPolicyStatus({ api, client, environment, clock, log, signal: stop.signal })
      const renewal = every(clock, BOOTSTRAP_PERIOD_MS, () => {
        restore().catch((thrown: unknown) =>
          log.debug({ reason: messageOf(thrown) }, 'cannot restore the system objects; trying again'),
        )
      })
      timers.push(renewal)
    },
    async close() {
      health.stopping()
      for (const timer of timers) timer.cancel()
      stop.abort(new Error('the API server is closing'))
      aggregator.close()
      // Ends all watches, each after a whole line.
      api.stop()
      await http.close()
    },
  }
}
