/**
 * Requests that are passed on to somebody else: to a pod's kubelet (log, exec, attach, port-forward), or to a pod, service
 * or node itself (proxy). Upstream: the connecters of `pkg/registry/core/pod/rest` and `UpgradeAwareHandler`.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { own } from '#base/own.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { nodes, pods } from '#api/resources.ts'
import { badRequest, notFound, methodNotAllowed, StatusError, type StatusReason } from '#machinery/status-error.ts'
import { proxyStream, type ProxyStreamOptions } from '#streaming/proxy-stream.ts'
import { sendOverWebSocket } from '#streaming/websocket-reader.ts'
import type { Api } from '../api.ts'
import type { User } from '../user.ts'
import type { Draft } from '../registry/strategy.ts'
import { connectOptions, type ConnectOptionsObject } from './connect-options.ts'
import { kubeletBase } from './kubelet-address.ts'
import { proxyTarget } from './proxy-target.ts'
import type { Request, Response } from './exchange.ts'
import { methodVerbs } from './request-info.ts'
import type { ResourceRoute } from './route.ts'

export interface Connection {
  route: ResourceRoute
  query: URLSearchParams
  user: User
  /** Throws Forbidden. */
  authorize(verb: string): void
}

export interface ConnectHandler {
  /** Shows this certificate to kubelets from now on. */
  useCertificate(pair: { cert: string; key: string }): void
  /** Whether the subresource is one that is passed on. */
  handles(route: ResourceRoute): boolean
  request(connection: Connection & { req: Request; res: Response }): void | Promise<void>
  /** Takes over the socket. Rejects with a StatusError where nothing was sent yet. */
  upgrade(connection: Connection & { req: IncomingMessage; socket: Duplex; head: Buffer }): Promise<void>
}

export interface ConnectOptions {
  api: Api
  /** The API server's identity towards kubelets, and the authority that has signed theirs. */
  kubeletTls: { ca: string; cert: string; key: string }
  clock: Clock
  log: Log
}

type StreamKind = 'exec' | 'attach' | 'portforward'
/** The kubelet's own names for the streaming subresources. */
const kubeletPaths: Record<StreamKind, string> = { exec: 'exec', attach: 'attach', portforward: 'portForward' }

const CONNECTED = new Set([
  'pods/log',
  'pods/exec',
  'pods/attach',
  'pods/portforward',
  'pods/proxy',
  'services/proxy',
  'nodes/proxy',
])

/** Bound on connecting to a kubelet and on its first byte. */
const KUBELET_TIMEOUT_MS = 30_000
/** Characters of a kubelet's error that are passed on. */
const MAX_ERROR_TEXT = 2048

export function createConnectHandler(options: ConnectOptions): ConnectHandler {
  const { api, clock, log } = options
  let { kubeletTls } = options
  const createKubeletAgent = () => new Agent({ ...kubeletTls, keepAlive: true, maxSockets: 256 })
  let kubeletAgent = createKubeletAgent()

  const podOf = ({ namespace, name }: ResourceRoute) => api.registry(pods).get(namespace, name!).object as Pod
  const kubeletUrl = (pod: Pod, path: string): URL => {
    const nodeName = pod.spec.nodeName
    if (!nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
    const node = api.registry(nodes).cache.get(api.registry(nodes).key(undefined, nodeName))?.object as Node | undefined
    if (!node) throw notFound(nodes, nodeName)
    return new URL(path, kubeletBase(node))
  }

  /** What the request asks for once admission has had its say. */
  const admitted = async ({ route, query, user }: Connection): Promise<ConnectOptionsObject> => {
    const { resource, namespace, name, subresource } = route
    const { type, object } = connectOptions(route, query)
    const request = { verb: 'create' as const, resource, namespace, name, subresource }
    await api.admit({ user, warnings: [] }, request, 'CONNECT', type, object as Draft)
    return object
  }

  const streamTarget = (route: ResourceRoute, asked: ConnectOptionsObject): URL => {
    const pod = podOf(route)
    const kind = route.subresource as StreamKind
    const { namespace, name } = pod.metadata
    if (kind === 'portforward') {
      const url = kubeletUrl(pod, `/portForward/${namespace}/${name}`)
      for (const port of asked.ports ?? []) url.searchParams.append('port', String(port))
      return url
    }
    const container = containerFor(pod, asked.container ?? '', kind === 'attach')
    const url = kubeletUrl(pod, `/${kubeletPaths[kind]}/${namespace}/${name}/${container}`)
    const flags = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const
    for (const [flag, kubeletFlag] of Object.entries(flags))
      if (asked[flag as keyof typeof flags]) url.searchParams.set(kubeletFlag, '1')
    if (kind === 'exec') {
      const { command = [] } = asked
      if (command.length === 0) throw badRequest('you must specify at least one command for the container')
      for (const word of command) url.searchParams.append('command', word)
    }
    return url
  }

  const logTarget = (route: ResourceRoute, query: URLSearchParams): URL => {
    const pod = podOf(route)
    const container = containerFor(pod, query.get('container') ?? '', false)
    const url = kubeletUrl(pod, `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}`)
    for (const name of [
      'follow',
      'previous',
      'sinceSeconds',
      'sinceTime',
      'timestamps',
      'tailLines',
      'limitBytes',
      'stream',
    ]) {
      const value = query.get(name)
      if (value !== null && value !== '') url.searchParams.set(name, value)
    }
    return url
  }

  return {
    useCertificate({ cert, key }) {
      kubeletTls = { ...kubeletTls, cert, key }
      // Requests under way end on the connections that they have; none waits for a free one.
      kubeletAgent.maxFreeSockets = 0
      kubeletAgent = createKubeletAgent()
    },

    handles: (route) => CONNECTED.has(`${route.resource.plural}/${route.subresource}`),

    async request(connection) {
      const { route, query, authorize, req, res } = connection
      const { subresource } = route
      if (subresource === 'log') {
        authorize('get')
        if (req.method !== 'GET') throw methodNotAllowed()
        await relay(logTarget(route, query), req, res, kubeletAgent, { isLog: true })
        return
      }
      if (subresource === 'proxy') {
        authorize(verbOfMethod(req.method ?? 'GET'))
        await admitted(connection)
        const target = proxyTarget(api, route, query)
        await relay(target.url, req, res, target.isKubelet ? kubeletAgent : undefined)
        return
      }
      authorize(verbOfMethod(req.method ?? 'GET'))
      authorize('create')
      throw badRequest('Upgrade request required')
    },

    async upgrade(connection) {
      const { route, query, authorize, req, socket, head } = connection
      authorize(verbOfMethod(req.method ?? 'GET'))
      if (route.subresource === 'log') {
        const answer = await logOf(logTarget(route, query), kubeletAgent)
        try {
          await sendOverWebSocket(req, socket, head, answer)
        } finally {
          answer.destroy()
        }
        return
      }
      // A browser can only GET here, and what it gets is more than reading.
      if (route.subresource !== 'proxy') authorize('create')
      const asked = await admitted(connection)
      const isProxy = route.subresource === 'proxy'
      const target = isProxy ? proxyTarget(api, route, query) : { url: streamTarget(route, asked), isKubelet: true }
      const streamOptions: ProxyStreamOptions = {
        kind: isProxy ? 'raw' : (route.subresource as StreamKind),
        target: target.url,
        ...(target.isKubelet && { tls: kubeletTls }),
        clock,
        log,
      }
      await proxyStream(req, socket, head, streamOptions)
    },
  }
}

/** The container that is meant, or the only one. Throws BadRequest as upstream words it. */
function containerFor(pod: Pod, asked: string, canAttach: boolean): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const all = [...containers, ...initContainers, ...ephemeralContainers]
  if (asked) {
    if (all.some((c) => c.name === asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`)
  }
  const first = containers[0]?.name
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  if (annotated && all.some((c) => c.name === annotated)) return annotated
  if (containers.length === 1 && first && (canAttach || initContainers.length === 0)) return first
  if (containers.length === 1 && first && initContainers.length > 0) {
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${first}] or one of the init containers: [${initContainers.map((c) => c.name).join(' ')}]`,
    )
  }
  const init =
    initContainers.length > 0 ? ` or one of the init containers: [${initContainers.map((c) => c.name).join(' ')}]` : ''
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.map((c) => c.name).join(' ')}]${init}`,
  )
}

const verbOfMethod = (method: string) => own(methodVerbs, method) ?? 'get'

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
  'host',
  'authorization',
  'http2-settings',
])

/**
 * Forwards a plain request and streams its answer back. Credentials of the client stay here. For logs, an answer that is an
 * error becomes a Status with the kubelet's words: rejects with StatusError.
 */
function relay(
  target: URL,
  req: Request,
  res: Response,
  agent: Agent | undefined,
  { isLog = false } = {},
): Promise<void> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(req.headers)) {
    if (
      value !== undefined &&
      !name.startsWith(':') &&
      !HOP_BY_HOP.has(name) &&
      !name.startsWith('impersonate-') &&
      !name.startsWith('x-remote-')
    )
      headers[name] = value
  }
  return new Promise((resolve, reject) => {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = send(target, {
      method: req.method ?? 'GET',
      headers,
      ...(agent && { agent }),
      timeout: KUBELET_TIMEOUT_MS,
    })
    outgoing.on('response', (answer) => {
      outgoing.setTimeout(0)
      if (isLog && answer.statusCode !== 200) {
        statusOfAnswer(answer).then(reject, reject)
        return
      }
      const out: Record<string, string | string[]> = {}
      for (const [name, value] of Object.entries(answer.headers))
        if (value !== undefined && !HOP_BY_HOP.has(name)) out[name] = value
      if (isLog) out['content-type'] = 'text/plain'
      res.writeHead(answer.statusCode ?? 502, out)
      ;(res as unknown as { flushHeaders?: () => void }).flushHeaders?.()
      answer.pipe(res as unknown as NodeJS.WritableStream)
      answer.on('end', resolve)
      answer.on('error', () => {
        res.destroy()
        resolve()
      })
      res.once('close', () => {
        answer.destroy()
        resolve()
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${KUBELET_TIMEOUT_MS / 1000} s`)))
    outgoing.on('error', (cause) => {
      if (res.headersSent) {
        res.destroy()
        resolve()
      } else reject(new StatusError('ServiceUnavailable', `error trying to reach service: ${cause.message}`, { cause }))
    })
    req.pipe(outgoing)
  })
}

/** The log that the kubelet has at `target`. Rejects with StatusError. */
async function logOf(target: URL, agent: Agent): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpsRequest(target, { agent, timeout: KUBELET_TIMEOUT_MS })
    outgoing.on('response', (found) => {
      outgoing.setTimeout(0)
      resolve(found)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${KUBELET_TIMEOUT_MS / 1000} s`)))
    outgoing.on('error', (cause) =>
      reject(new StatusError('ServiceUnavailable', `error trying to reach service: ${cause.message}`, { cause })),
    )
    outgoing.end()
  })
  if (answer.statusCode !== 200) throw await statusOfAnswer(answer)
  return answer
}

/** Upstream: `GenericHttpResponseChecker`. */
async function statusOfAnswer(answer: IncomingMessage): Promise<StatusError> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk
    if (text.length >= MAX_ERROR_TEXT) break
  }
  const reasons: Record<number, StatusReason> = { 400: 'BadRequest', 403: 'Forbidden', 404: 'NotFound' }
  const reason = reasons[answer.statusCode ?? 500] ?? 'InternalError'
  const said = text.slice(0, MAX_ERROR_TEXT).trim() || `the kubelet answered ${answer.statusCode}`
  return new StatusError(reason, reason === 'InternalError' ? `Internal error occurred: ${said}` : said)
}
