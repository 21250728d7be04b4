/**
 * A whole API server for a test: registry, admission, authentication, TLS and all, on a free port of this machine, up in
 * tens of milliseconds. Nothing is faked; what `rostrum server` starts is what this starts, over a store that goes away.
 *
 *     await using server = await startTestServer()
 *     await server.client.create(pods, { metadata: { namespace: 'default', name: 'web' }, spec: { ... } })
 */
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Clock, systemClock } from '#base/clock.ts'
import { type Log, silentLog } from '#base/log.ts'
import { type Random, systemRandom } from '#base/random.ts'
import { issueCertificate, type KeyPair } from '#base/x509.ts'
import { namespaces, serviceAccounts } from '#api/resources.ts'
import type { StaticToken } from '#apiserver/authn/authenticator.ts'
import { type ApiServer, createApiServer, systemUser } from '#apiserver/server.ts'
import { componentUser, serviceAccountUser, type User } from '#apiserver/user.ts'
import { kubeconfigFor } from '#cli/kubeconfig-file.ts'
import { Client } from '#client/client.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import { createHttpsTransport, type HttpsTransport } from '#client/https-transport.ts'
import type { Informers } from '#client/informer.ts'
import { createInformers } from '#client/informers.ts'
import type { Controller } from '#controllers/controller.ts'
import { CONTROLLER_NAMESPACE, serviceAccountOf } from '#controllers/identities.ts'
import { ensurePki, frontProxyOf, type Pki, pkiInMemory } from '#main/pki.ts'
import { kubernetesVersion } from '#main/version.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import { createMemoryStore } from '#storage/memory-store.ts'
import type { Store } from '#storage/store.ts'

export interface TestServerOptions {
  /** Default: `memory`. `lmdb` keeps its files in a directory that `close` removes. */
  store?: 'memory' | 'lmdb' | Store
  /** Run beside the server until `close`. Default: none. */
  controllers?: readonly Controller[]
  /** Whether pods are bound to nodes. Default: false. */
  scheduler?: boolean
  tokens?: readonly StaticToken[]
  /** Of another server, which this one takes the place of. Default: new ones. */
  pki?: Pki
  /** Default: `10.96.0.0/16`. */
  serviceCidr?: string
  /** A watch over HTTP whose client is further behind is ended. Default: 32 MiB. */
  maxWatchBacklogBytes?: number
  clock?: Clock
  random?: Random
  log?: Log
}

/** As whom a request is sent: the administrator, nobody, or the owner of a certificate. */
export type SentAs = 'admin' | 'nobody' | KeyPair

export interface FetchInit {
  method?: string
  /** Values that are arrays are sent as several headers. */
  headers?: Record<string, string | string[]>
  /** An object is sent as JSON, and so labelled unless the headers say otherwise. */
  body?: string | Uint8Array | object
  /** Default: `admin`. */
  as?: SentAs
  signal?: AbortSignal
}

export interface TestServer extends AsyncDisposable {
  readonly apiServer: ApiServer
  readonly store: Store
  readonly pki: Pki
  readonly port: number
  /** `https://127.0.0.1:port` */
  readonly url: string
  /** Within this process, with all rights. */
  readonly client: Client
  /** Over HTTPS, as the administrator. */
  readonly httpsClient: Client
  readonly informers: Informers
  /** YAML for kubectl, with the administrator's certificate in it. */
  readonly kubeconfig: string
  /** Aborts when the server closes. */
  readonly signal: AbortSignal
  /** Within this process, as somebody. */
  clientFor(user: User): Client
  /** A client certificate that this server trusts. */
  issueClient(commonName: string, organizations?: readonly string[]): KeyPair
  /** A new namespace with its `default` service account, which pods need and a controller would make. */
  createNamespace(name: string): Promise<void>
  /** One HTTP/1.1 request; the path is sent as it is. The body of the answer is a stream, so watches work too. */
  fetch(path: string, init?: FetchInit): Promise<Response>
  /** Ends everything. May be called twice. */
  close(): Promise<void>
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = systemClock, random = systemRandom, log = silentLog, serviceCidr = '10.96.0.0/16' } = options
  const { store, removeStore } = await openStore(options.store ?? 'memory', clock)
  const pki = options.pki ?? ensurePki(pkiInMemory(), ['127.0.0.1', 'localhost'], clock, random)
  const apiServer = await createApiServer({
    store,
    serviceCidr,
    tokens: options.tokens ?? [],
    signingKey: pki.signingKey,
    frontProxy: frontProxyOf(pki),
    maxWatchBacklogBytes: options.maxWatchBacklogBytes,
    tls: { ...pki.serving, clientCa: pki.authority.cert },
    kubeletTls: { ca: pki.authority.cert, ...pki.kubeletClient },
    proxyClient: pki.frontProxy.client,
    version: kubernetesVersion,
    clock,
    random,
    log,
  })
  const port = await apiServer.listen('127.0.0.1', 0)
  await apiServer.bootstrap({ address: '127.0.0.1', port })
  const url = `https://127.0.0.1:${port}`

  const stop = new AbortController()
  const { signal } = stop
  const clientFor = (user: User) => new Client(apiServer.transport(user))
  const client = clientFor(systemUser('test'))
  const informers = createInformers({
    client: clientFor(componentUser('kube-controller-manager')),
    clock,
    random,
    log,
    signal,
  })
  const contextOf = (component: string, own = clientFor(componentUser(component))) => ({
    client: own,
    informers,
    recorder: createEventRecorder({ client: own, clock, random, log, component, signal }),
    clock,
    random,
    log: log.child({ component }),
    signal,
  })
  await addDefaultAccount(client, 'default')
  for (const controller of options.controllers ?? []) {
    const account = serviceAccountUser(CONTROLLER_NAMESPACE, serviceAccountOf(controller.name))
    await controller.start({ ...contextOf('kube-controller-manager'), client: clientFor(account) })
  }
  if (options.scheduler) startScheduler(contextOf('kube-scheduler'))

  const { cert, key } = pki.admin
  const agents = new Map<SentAs, Agent>()
  let transport: HttpsTransport | undefined
  let closed: Promise<void> | undefined
  const close = async () => {
    stop.abort(new Error('the test server is closing'))
    // Ends all connections, so that the agents of `fetch` have none left to end.
    await apiServer.close()
    transport?.close()
    await store.close()
    await removeStore()
  }
  const end = () => (closed ??= close())
  return {
    apiServer,
    store,
    pki,
    port,
    url,
    client,
    get httpsClient() {
      const connection = { server: url, ca: pki.authority.cert, cert, key }
      // The same manager of fields as `client` is.
      transport ??= createHttpsTransport({ connection, clock, userAgent: 'test' })
      return new Client(transport)
    },
    informers,
    get kubeconfig() {
      return kubeconfigFor({ name: 'test', server: url, ca: pki.authority.cert, clientCert: cert, clientKey: key })
    },
    signal,
    clientFor,
    issueClient: (commonName, organizations = []) =>
      issueCertificate(pki.authority, {
        commonName,
        organizations,
        usages: ['client'],
        days: 1,
        nowMs: clock.now(),
        random,
      }),
    async createNamespace(name) {
      await client.create(namespaces, { metadata: { name } })
      await addDefaultAccount(client, name)
    },
    async fetch(path, { as = 'admin', ...init } = {}) {
      let agent = agents.get(as)
      if (!agent) {
        const identity = as === 'admin' ? { cert, key } : as === 'nobody' ? {} : as
        agents.set(as, (agent = new Agent({ keepAlive: true, ca: pki.authority.cert, ...identity })))
      }
      return send(agent, port, path, init)
    },
    close: end,
    [Symbol.asyncDispose]: end,
  }
}

async function openStore(
  wanted: 'memory' | 'lmdb' | Store,
  clock: Clock,
): Promise<{ store: Store; removeStore: () => Promise<void> }> {
  const nothing = async () => {}
  if (wanted === 'memory') return { store: createMemoryStore(), removeStore: nothing }
  if (wanted !== 'lmdb') return { store: wanted, removeStore: nothing }
  const path = await mkdtemp(join(tmpdir(), 'rostrum-test-'))
  const { openLmdbStore } = await import('#storage/lmdb-store.ts')
  const store = await openLmdbStore({ path: join(path, 'store'), clock })
  return { store, removeStore: () => rm(path, { recursive: true, force: true }) }
}

async function addDefaultAccount(client: Client, namespace: string): Promise<void> {
  if (await client.find(serviceAccounts, { namespace, name: 'default' })) return
  await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
}

async function send(agent: Agent, port: number, path: string, init: Omit<FetchInit, 'as'>): Promise<Response> {
  const { method = 'GET', body, signal } = init
  const isObject = typeof body === 'object' && !(body instanceof Uint8Array)
  const bytes =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const headers = {
    ...(isObject && { 'content-type': 'application/json' }),
    ...(bytes !== undefined && { 'content-length': Buffer.byteLength(bytes) }),
    ...init.headers,
  }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpsRequest(
      { host: '127.0.0.1', port, path, method, headers, agent, ...(signal && { signal }) },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
  const status = answer.statusCode!
  const answered = new Headers()
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    answered.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!)
  const isEmpty = status === 204 || status === 304 || method === 'HEAD'
  if (isEmpty) answer.resume()
  return new Response(isEmpty ? null : (Readable.toWeb(answer) as ReadableStream), { status, headers: answered })
}
