/**
 * The node agent's HTTPS server: logs, exec, attach, port-forward, statistics and metrics of this node's pods, for the API
 * server and administrators. Streams are passed through to the runtime's own streaming server, unread.
 * Upstream: `kubelet/server`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { messageOf } from '#base/errors.ts'
import type { KeyPair } from '#base/x509.ts'
import type { Pod, PodStatus } from '#api/core/v1/pod.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import { SERVING_KEY_PROOF } from '#contracts/kubelet/serving-key-proof.ts'
import { refuseUpgrade, UpgradeRefusedError } from '#streaming/http-upgrade.ts'
import { isTranslatableRequest, translateStreams } from '#streaming/stream-translator.ts'
import { isTunnelRequest, tunnelSpdy } from '#streaming/tunnel.ts'
import { proxyUpgrade } from '#streaming/upgrade-proxy.ts'
import { readLog } from '../logs/log-reader.ts'
import type { ObservedPod } from '../observed-pod.ts'
import { containerNamed } from '../pod-spec.ts'
import { cadvisorFamilies, exposition, type Family, resourceFamilies } from '../stats/exposition.ts'
import type { Summary } from '../stats/summary.ts'
import { type AccessOptions, ServerAccess } from './access.ts'
import { containerOfLog, LogRequestError, parseLogRequest } from './log-request.ts'

export interface ServedPod {
  pod: Pod
  /** As last computed on this node. */
  status: PodStatus
  observed: ObservedPod
}

export interface KubeletServerOptions extends AccessOptions {
  cri: CriClient
  /** PEM. `clientCa` signs clients' certificates. */
  tls: { cert: string; key: string; clientCa: string }
  listen: { address: string; port: number }
  pods(): readonly ServedPod[]
  pod(namespace: string, name: string): ServedPod | undefined
  summary(): Promise<Summary>
  metrics(): readonly Family[]
  config(): object
  /** Why the agent is not healthy, or undefined. */
  healthError(): string | undefined
}

export interface KubeletServer {
  readonly port: number
  /** New connections are shown this certificate from now on; the others stay. */
  useCertificate(pair: KeyPair): void
  /** What is shown to those who ask for `SERVING_KEY_PROOF`; undefined: the same as to everybody. */
  proveKey(pair: KeyPair | undefined): void
  close(): Promise<void>
}

/** The request can't be served: the text and code that the client gets. */
class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

interface Exchange {
  req: IncomingMessage
  res: ServerResponse
  /** The path's parts behind the route's name, decoded. */
  parts: string[]
  query: URLSearchParams
}

const MAX_CONNECTIONS = 1_000
const HEADERS_TIMEOUT_MS = 10_000
/** As much as the API server takes: the words of an exec are in the request's line. */
const MAX_HEAD_BYTES = 1 << 20

/** Resolves when it listens. Rejects with the system error when it can't. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { tls, listen, log } = options
  const handlers = new Handlers(options)
  let proof: SecureContext | undefined
  const contextOf = ({ cert, key }: KeyPair) => ({ cert, key, ca: tls.clientCa, minVersion: 'TLSv1.2' as const })
  const server = createServer({
    ...contextOf(tls),
    requestCert: true,
    // Who has no certificate may have a token.
    rejectUnauthorized: false,
    SNICallback: (name, done) => done(null, name === SERVING_KEY_PROOF ? proof : undefined),
    ALPNProtocols: ['http/1.1'],
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('request', (req, res) => void handlers.request(req, res))
  server.on('upgrade', (req, socket: Duplex, head) => {
    socket.on('error', () => {})
    handlers.upgrade(req, socket, head).catch((thrown: unknown) => {
      log.debug({ path: req.url?.split('?')[0], reason: messageOf(thrown) }, 'a stream broke')
      if (!(thrown instanceof UpgradeRefusedError)) socket.destroy()
    })
  })
  server.on('tlsClientError', (error) => log.debug({ reason: error.message }, 'a client was not let in'))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.address, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    useCertificate: (pair) => server.setSecureContext(contextOf(pair)),
    proveKey(pair) {
      proof = pair && createSecureContext(contextOf(pair))
    },
    close: () => close(server),
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

class Handlers {
  readonly #options: KubeletServerOptions
  readonly #access: ServerAccess
  readonly #routes: Readonly<Record<string, (exchange: Exchange) => Promise<void> | void>>

  constructor(options: KubeletServerOptions) {
    this.#options = options
    this.#access = new ServerAccess(options)
    this.#routes = {
      healthz: ({ res }) => this.#health(res),
      pods: ({ res }) => sendJson(res, this.#podList()),
      containerLogs: (exchange) => this.#logs(exchange),
      run: (exchange) => this.#run(exchange),
      stats: (exchange) => this.#stats(exchange),
      metrics: (exchange) => this.#metrics(exchange),
      configz: ({ res }) => sendJson(res, { kubeletconfig: this.#options.config() }),
    }
  }

  async request(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const { name, parts, query } = split(req)
      await this.#authorize(req, name)
      const route = this.#routes[name]
      if (!route || !Object.hasOwn(this.#routes, name)) throw new HttpError(404, '404 page not found')
      await route({ req, res, parts, query })
    } catch (thrown) {
      const status = thrown instanceof HttpError || thrown instanceof LogRequestError ? thrown.status : 500
      if (status === 500)
        this.#options.log.warn({ path: req.url?.split('?')[0], reason: messageOf(thrown) }, 'cannot serve a request')
      if (res.headersSent) return void res.destroy()
      res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${messageOf(thrown)}\n`)
    }
  }

  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { clock, log } = this.#options
    let target: URL
    let streams = { stdin: false, stdout: false, stderr: false, tty: false }
    const { name, parts, query } = split(req)
    try {
      await this.#authorize(req, name)
      if (name === 'portForward') target = await this.#portForwardUrl(parts, query)
      else if (name === 'exec' || name === 'attach') {
        streams = streamsOf(query)
        target = await this.#commandUrl(name, parts, query, streams)
      } else throw new HttpError(404, '404 page not found')
    } catch (thrown) {
      const status = thrown instanceof HttpError ? thrown.status : 500
      throw refuseUpgrade(socket, status, messageOf(thrown))
    }
    const options = { target, clock, log }
    if (name === 'portForward' && isTunnelRequest(req)) return tunnelSpdy(req, socket, head, options)
    if (name !== 'portForward' && isTranslatableRequest(req)) {
      return translateStreams(req, socket, head, { ...options, streams })
    }
    return proxyUpgrade(req, socket, head, options)
  }

  /** Throws HttpError. */
  async #authorize(req: IncomingMessage, route: string): Promise<void> {
    const refusal = await this.#access.refusal(req, route)
    if (refusal) throw new HttpError(refusal.status, refusal.message)
  }

  #health(res: ServerResponse) {
    const error = this.#options.healthError()
    res.writeHead(error ? 500 : 200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(error ?? 'ok')
  }

  #podList() {
    const items = this.#options.pods().map(({ pod, status }) => ({ ...pod, status }))
    return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }
  }

  #pod(namespace: string | undefined, name: string | undefined, uid?: string): ServedPod {
    const found = this.#options.pod(namespace ?? '', name ?? '')
    if (!found || (uid && found.pod.metadata.uid !== uid)) throw new HttpError(404, 'pod does not exist')
    return found
  }

  /** Parts are namespace, pod, perhaps the pod's uid, and container. */
  #running(parts: readonly string[]) {
    const [namespace, podName, ...rest] = parts
    const [uid, containerName] = rest.length > 1 ? rest : [undefined, rest[0]]
    const { observed } = this.#pod(namespace, podName, uid)
    const container = observed.containers.find((c) => c.name === containerName)
    if (!container) throw new HttpError(500, `container not found ("${containerName ?? ''}")`)
    return container
  }

  async #commandUrl(
    kind: 'exec' | 'attach',
    parts: readonly string[],
    query: URLSearchParams,
    streams: ReturnType<typeof streamsOf>,
  ): Promise<URL> {
    const { cri } = this.#options
    const { id: containerId } = this.#running(parts)
    if (!streams.stdin && !streams.stdout && !streams.stderr) {
      throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr')
    }
    // With a terminal there is one output only.
    const asked = { ...streams, stderr: streams.stderr && !streams.tty }
    const { url } =
      kind === 'exec'
        ? await cri.runtime.exec({ containerId, cmd: query.getAll('command'), ...asked })
        : await cri.runtime.attach({ containerId, ...asked })
    return new URL(url)
  }

  async #portForwardUrl([namespace, name, uid]: readonly string[], query: URLSearchParams): Promise<URL> {
    const { observed } = this.#pod(namespace, name, uid)
    const sandbox = observed.sandboxes.find((s) => s.isReady)
    if (!sandbox) throw new HttpError(500, `failed to find sandbox of pod ${name ?? ''}`)
    const port = query.getAll('port').concat(query.getAll('ports')).map(Number)
    const { url } = await this.#options.cri.runtime.portForward({ podSandboxId: sandbox.id, port })
    return new URL(url)
  }

  async #logs({ req, res, parts, query }: Exchange): Promise<void> {
    const { clock } = this.#options
    const [namespace, podName = '', containerName = ''] = parts
    const request = parseLogRequest(query, clock.now())
    const served = this.#options.pod(namespace ?? '', podName)
    if (!served) throw new HttpError(404, `pod "${podName}" does not exist`)
    if (!containerNamed(served.pod, containerName)) {
      throw new HttpError(404, `container "${containerName}" not found in pod "${podName}"`)
    }
    const id = containerOfLog(podName, served.status, containerName, request.previous)
    const container = served.observed.containers.find((c) => c.id === id)
    if (!container) throw new HttpError(400, `unable to retrieve container logs for ${id}`)
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    req.resume()
    const isRunning = () => {
      const now = this.#options.pod(namespace ?? '', podName)?.observed.containers.find((c) => c.id === id)
      return now?.state === 'running'
    }
    const source = { path: container.logPath, isRunning, clock, signal: gone.signal }
    const begin = () => {
      if (!res.headersSent) res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).flushHeaders()
    }
    // A follower must learn that it is connected before the container says anything.
    if (request.options.follow) begin()
    await readLog(source, request.options, async (bytes) => {
      begin()
      if (!res.write(bytes)) await drained(res)
    })
    begin()
    res.end()
  }

  async #run({ req, res, parts, query }: Exchange): Promise<void> {
    if (req.method !== 'POST') throw new HttpError(405, 'Method Not Allowed')
    req.resume()
    const { id: containerId } = this.#running(parts)
    const cmd = (query.get('cmd') ?? '').split(' ')
    const { stdout, stderr, exitCode } = await this.#options.cri.runtime.execSync({ containerId, cmd, timeout: 60 })
    if (exitCode !== 0) {
      throw new HttpError(500, `command '${cmd.join(' ')}' exited with ${exitCode}: ${Buffer.from(stderr).toString()}`)
    }
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(Buffer.concat([stdout, stderr]))
  }

  async #stats({ res, parts, query }: Exchange): Promise<void> {
    if (parts[0] !== 'summary') throw new HttpError(404, '404 page not found')
    const summary = await this.#options.summary()
    if (query.get('only_cpu_and_memory') !== 'true') return sendJson(res, summary)
    const { nodeName, startTime, cpu, memory } = summary.node
    sendJson(res, {
      node: { nodeName, startTime, cpu, memory },
      pods: summary.pods.map((pod) => ({
        podRef: pod.podRef,
        startTime: pod.startTime,
        containers: pod.containers.map((c) => ({ name: c.name, startTime: c.startTime, cpu: c.cpu, memory: c.memory })),
        cpu: pod.cpu,
        memory: pod.memory,
      })),
    })
  }

  async #metrics({ res, parts }: Exchange): Promise<void> {
    const [which = ''] = parts
    let families: readonly Family[]
    if (which === '') families = this.#options.metrics()
    else if (which === 'resource') families = resourceFamilies(await this.#options.summary())
    else if (which === 'cadvisor') families = cadvisorFamilies(await this.#options.summary())
    else throw new HttpError(404, '404 page not found')
    res.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(exposition(families))
  }
}

function split(req: IncomingMessage): { name: string; parts: string[]; query: URLSearchParams } {
  const [path = '', search = ''] = (req.url ?? '').split(/\?(.*)/s)
  try {
    const [name = '', ...parts] = path
      .split('/')
      .filter((p) => p !== '')
      .map(decodeURIComponent)
    return { name, parts, query: new URLSearchParams(search) }
  } catch {
    throw new HttpError(400, 'the path is not valid')
  }
}

/** The kubelet's own names for the streams; those of the API are understood as well. */
function streamsOf(query: URLSearchParams) {
  const isSet = (...names: string[]) => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''))
  return {
    stdin: isSet('input', 'stdin'),
    stdout: isSet('output', 'stdout'),
    stderr: isSet('error', 'stderr'),
    tty: isSet('tty'),
  }
}

function sendJson(res: ServerResponse, value: unknown) {
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done)
      res.off('close', done)
      resolve()
    }
    res.on('drain', done)
    res.on('close', done)
  })
}
