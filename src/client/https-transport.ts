/**
 * Transport to an API server elsewhere: JSON over HTTPS with kept-alive HTTP/1.1 connections, one for each watch.
 * Answers that carry a Retry-After are tried again after that time, as client-go does; everything else is the caller's.
 */
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import type { KubeObject } from '#api/kind.ts'
import { type Status, statusCodes, StatusError, type StatusReason } from '#machinery/status-error.ts'
import { JsonLines } from './json-lines.ts'
import { requestPath } from './request-path.ts'
import type { ApiRequest, Transport, WatchEvent, WatchSink } from './transport.ts'

/** How to reach an API server, and as whom. */
export interface Connection {
  /** `https://host:port`, possibly with a path that all requests are below. */
  server: string
  /** PEM. The system's authorities where absent. */
  ca?: string
  /** PEM of the client certificate and its key. */
  cert?: string
  key?: string
  /** Asked for before each request; it may cache, and may be asked for a fresh one after a refusal. */
  token?(fresh: boolean): Promise<string | undefined>
  /** Name in the server's certificate, where it isn't the host of `server`. */
  serverName?: string
  /** Accepts any certificate. For tests. */
  insecureSkipTlsVerify?: boolean
  /** Sent with every request. */
  headers?: Record<string, string | string[]>
  /** Act as somebody else. */
  impersonate?: { user?: string; groups?: readonly string[]; uid?: string; extra?: Record<string, readonly string[]> }
}

export interface HttpsTransportOptions {
  connection: Connection
  clock: Clock
  userAgent?: string
  /** Bound on anything but a watch. Default 60 s. */
  callTimeoutMs?: number
  /** Larger answers are refused. Default 256 MiB. */
  maxResponseBytes?: number
  /** Calls in flight; the others wait. Default 64. */
  maxSockets?: number
  /** Makes all connections, in place of what `connection` says of certificates; whoever made it closes it. */
  agent?: HttpsAgent
}

/** The server could not be reached, or the connection broke. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

const MAX_RETRIES = 10
const MAX_LINE_BYTES = 64 << 20

export interface HttpsTransport extends Transport {
  /**
   * Shows this client certificate from now on. Requests that are under way end as they began; watches stay on their
   * connections until they are renewed, which the server sees to every few minutes.
   */
  useCertificate(pair: { cert: string; key: string }): void
  /** Closes idle connections and refuses further calls. */
  close(): void
}

/** Throws TypeError where the server's URL isn't one, or would send credentials in the clear. */
export function createHttpsTransport(options: HttpsTransportOptions): HttpsTransport {
  const { connection, clock, callTimeoutMs = 60_000, maxResponseBytes = 256 << 20 } = options
  const base = parseServer(connection)
  const host = connection.serverName ?? base.hostname.replace(/^\[|\]$/g, '')
  const identity = { cert: connection.cert, key: connection.key }
  const agentOptions = {
    keepAlive: true,
    keepAliveMsecs: 30_000,
    ca: connection.ca,
    rejectUnauthorized: !connection.insecureSkipTlsVerify,
    ...(isIP(host) === 0 && { servername: host }),
  }
  const createAgent = (maxSockets: number) => {
    if (options.agent) return options.agent
    return base.protocol === 'https:'
      ? new HttpsAgent({ ...agentOptions, ...identity, maxSockets })
      : new HttpAgent({ keepAlive: true, maxSockets })
  }
  let calls = createAgent(options.maxSockets ?? 64)
  let watches = createAgent(Infinity)
  /** Agents that take no new requests, but may still have some under way. */
  const retired = new Set<HttpAgent>()
  const retire = (agent: HttpAgent) => {
    // A connection that is not in use ends now, one that is in use when it no longer is.
    agent.maxFreeSockets = 0
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
    for (const known of retired) if (Object.keys(known.sockets).length === 0) retired.delete(known)
    retired.add(agent)
  }
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest
  let closed = false

  const open = async (apiRequest: ApiRequest, signal: AbortSignal, freshToken: boolean): Promise<IncomingMessage> => {
    if (closed) throw new ConnectionError('the transport is closed')
    const { method, path, contentType } = requestPath(apiRequest)
    const token = await connection.token?.(freshToken)
    const body = apiRequest.body === undefined ? undefined : JSON.stringify(apiRequest.body)
    const headers = {
      accept: 'application/json',
      'user-agent': options.userAgent ?? 'rostrum',
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
      ...connection.headers,
      ...impersonationHeaders(connection),
    }
    signal.throwIfAborted()
    const agent = apiRequest.verb === 'watch' ? watches : calls
    return new Promise((resolve, reject) => {
      const outgoing: ClientRequest = send(
        new URL(base.pathname.replace(/\/$/, '') + path, base),
        { method, headers, agent, signal },
        resolve,
      )
      outgoing.on('error', (cause) => {
        if (signal.aborted) reject(signal.reason)
        else reject(new ConnectionError(`cannot reach ${base.origin}: ${cause.message}`, { cause }))
      })
      outgoing.end(body)
    })
  }

  /** One that the server accepted; anything else is thrown as StatusError, after the retries it asks for. */
  const openAccepted = async (apiRequest: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> => {
    let freshToken = false
    for (let retries = 0; ; retries++) {
      const response = await open(apiRequest, signal, freshToken)
      const code = response.statusCode ?? 0
      if (code >= 200 && code < 300) return response
      const error = refusal(code, await readBody(response, maxResponseBytes, signal))
      const retryAfter = Number(response.headers['retry-after'])
      const mayRetry = (code === 429 || code >= 500) && Number.isFinite(retryAfter) && retries < MAX_RETRIES
      if (mayRetry) await sleep(clock, Math.min(retryAfter, 30) * 1000, signal)
      else if (code === 401 && connection.token && !freshToken) freshToken = true
      else throw error
    }
  }

  return {
    async call(apiRequest, callerSignal) {
      const late = new AbortController()
      const timer = clock.after(callTimeoutMs, () => {
        late.abort(new ConnectionError(`${base.origin} did not answer within ${callTimeoutMs} ms`))
      })
      const signal = callerSignal ? AbortSignal.any([callerSignal, late.signal]) : late.signal
      try {
        const response = await openAccepted(apiRequest, signal)
        const answer: unknown = parseBody(await readBody(response, maxResponseBytes, signal))
        return apiRequest.verb === 'list' ? withTypedItems(answer, apiRequest) : answer
      } finally {
        timer.cancel()
      }
    },

    watch(apiRequest, sink) {
      const cancelled = new AbortController()
      void follow(() => openAccepted(apiRequest, cancelled.signal), sink, cancelled.signal)
      return () => cancelled.abort()
    },

    useCertificate(pair) {
      Object.assign(identity, pair)
      for (const agent of [calls, watches]) retire(agent)
      calls = createAgent(options.maxSockets ?? 64)
      watches = createAgent(Infinity)
    },

    close() {
      closed = true
      if (options.agent) return
      calls.destroy()
      watches.destroy()
      for (const agent of retired) agent.destroy()
    },
  }
}

/** Hands the lines of a watch to its sink, those of one chunk at once. Never rejects. */
async function follow(open: () => Promise<IncomingMessage>, sink: WatchSink, signal: AbortSignal): Promise<void> {
  let failure: Error | undefined
  try {
    const response = await open()
    // A dead peer is noticed by TCP, since a watch without changes is silent.
    response.socket.setKeepAlive(true, 30_000)
    const lines = new JsonLines<WatchEvent<KubeObject>>(MAX_LINE_BYTES)
    for await (const chunk of response) {
      const events = lines.push(chunk as Uint8Array)
      if (signal.aborted) return
      if (events.length > 0) sink.onEvents(events)
    }
  } catch (cause) {
    const isOwn = cause instanceof StatusError || cause instanceof ConnectionError
    failure = isOwn ? cause : new ConnectionError(`the watch broke: ${(cause as Error).message}`, { cause })
  }
  if (!signal.aborted) sink.onEnd(failure)
}

async function readBody(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length
      if (bytes > maxBytes) throw new ConnectionError(`the answer is larger than ${maxBytes} bytes`)
      chunks.push(chunk as Buffer)
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    if (cause instanceof ConnectionError) throw cause
    throw new ConnectionError(`the connection broke: ${(cause as Error).message}`, { cause })
  }
  return Buffer.concat(chunks, bytes)
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new ConnectionError('the answer is not JSON', { cause })
  }
}

/** The error that an answer with this code stands for, whether or not its body is a Status. */
function refusal(code: number, body: Buffer): StatusError {
  const text = body.toString('utf8')
  try {
    const status = JSON.parse(text) as Partial<Status>
    if (status.kind === 'Status') return StatusError.from(status as Status)
  } catch {
    // Something in between that does not speak the API, such as a proxy, has answered.
  }
  const reason = (Object.entries(statusCodes).find(([, value]) => value === code)?.[0] ?? '') as StatusReason | ''
  return new StatusError(reason, `the server answered with code ${code}: ${text.trim().slice(0, 512)}`, { code })
}

/** Items of a list do not repeat their type, but objects are passed around one by one here. */
function withTypedItems(answer: unknown, { resource }: ApiRequest): unknown {
  const list = answer as { items?: KubeObject[] | null }
  list.items = (list.items ?? []).map((item) => ({ ...item, apiVersion: resource.apiVersion, kind: resource.kind }))
  return list
}

function impersonationHeaders({ impersonate }: Connection): Record<string, string | string[]> {
  if (!impersonate) return {}
  const { user, groups, uid, extra } = impersonate
  const headers: Record<string, string | string[]> = {}
  if (user) headers['impersonate-user'] = user
  if (uid) headers['impersonate-uid'] = uid
  if (groups?.length) headers['impersonate-group'] = [...groups]
  for (const [key, values] of Object.entries(extra ?? {}))
    headers[`impersonate-extra-${encodeURIComponent(key)}`] = [...values]
  return headers
}

function parseServer({ server, token, cert }: Connection): URL {
  let url: URL
  try {
    url = new URL(server.includes('://') ? server : `https://${server}`)
  } catch (cause) {
    throw new TypeError(`"${server}" is not the URL of a server`, { cause })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError(`cannot speak ${url.protocol} to ${server}`)
  if (url.protocol === 'http:' && (token || cert))
    throw new TypeError(`credentials are not sent to ${server} without TLS`)
  return url
}
