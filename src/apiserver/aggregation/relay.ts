/**
 * Passes a request on to an extension API server, and its answer back: bodies are streamed both ways, connections that
 * are upgraded are joined. The identity of the client travels in headers, its credentials do not. Upstream:
 * `kube-aggregator/pkg/apiserver.proxyHandler`.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { proxyStream } from '#streaming/proxy-stream.ts'
import type { Request, Response } from '../http/exchange.ts'
import { failureText } from '../outbound/network-failure.ts'
import type { User } from '../user.ts'
import { identityHeaders } from './remote-identity.ts'
import type { RemoteServer } from './remote-server.ts'

export interface Relayed {
  server: RemoteServer
  user: User
  /** With its query. */
  url: string
  clock: Clock
  log: Log
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])
/** Meant for this server: whoever reads them has used them up. */
const isForThisServer = (name: string) =>
  name === 'host' || name === 'authorization' || name.startsWith('impersonate-') || name.startsWith('x-remote-')

/** Until an extension server answers at all; then a watch may be silent for as long as it likes. */
const ANSWER_TIMEOUT_MS = 60_000
/** Discovery is asked for by everybody all the time, and has to be quick. */
const DISCOVERY_TIMEOUT_MS = 5_000
const REDIRECTED = 'the backend attempted to redirect this request, which is not permitted'

/** Resolves once the answer is over, whatever it was. Throws StatusError where too many requests are under way. */
export function relay(req: Request, res: Response, { server, user, url, clock }: Relayed): Promise<void> {
  if (!server.isAvailable) return refuse(res, 503, 'service unavailable')
  try {
    server.address()
  } catch {
    return refuse(res, 503, 'service unavailable')
  }
  const body = bodyOf(req)
  const framing = body === 'unmeasured' ? ['Transfer-Encoding', 'chunked'] : []
  const outgoing = server.open(req.method ?? 'GET', url, [...forwardedHeaders(req, user), ...framing])
  return new Promise((resolve) => {
    const timeoutMs = isDiscovery(url) ? DISCOVERY_TIMEOUT_MS : ANSWER_TIMEOUT_MS
    const timer = clock.after(timeoutMs, () => outgoing.destroy(new Error('context deadline exceeded')))
    const end = () => {
      timer.cancel()
      resolve()
    }
    outgoing.on('response', (answer) => {
      timer.cancel()
      passBack(answer, res, end)
    })
    outgoing.on('error', (cause) => {
      if (res.headersSent) res.destroy()
      else void refuse(res, 503, `error trying to reach service: ${failureText(cause)}`)
      end()
    })
    res.once('close', () => {
      outgoing.destroy()
      end()
    })
    if (body === 'none') outgoing.end()
    else req.pipe(outgoing)
  })
}

/** Whether there is a body, and its length is known: a length that is not told would make the next request part of it. */
function bodyOf(req: Request): 'none' | 'measured' | 'unmeasured' {
  const length = req.headers['content-length']
  if (length !== undefined) return length === '0' ? 'none' : 'measured'
  if ('stream' in req) return req.stream.endAfterHeaders ? 'none' : 'unmeasured'
  return req.headers['transfer-encoding'] === undefined ? 'none' : 'unmeasured'
}

function passBack(answer: IncomingMessage, res: Response, end: () => void) {
  const code = answer.statusCode ?? 502
  if (code >= 300 && code <= 399 && answer.headers.location !== undefined) {
    answer.destroy()
    void refuse(res, 502, REDIRECTED)
    return end()
  }
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value
  res.writeHead(code, headers)
  ;(res as unknown as { flushHeaders?: () => void }).flushHeaders?.()
  answer.pipe(res as unknown as NodeJS.WritableStream)
  answer.on('end', end)
  answer.on('error', () => {
    res.destroy()
    end()
  })
}

/** Takes over the socket. Rejects with nothing: the client has been answered. */
export async function relayUpgrade(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  relayed: Relayed,
): Promise<void> {
  const { server, user, url, clock, log } = relayed
  let target: URL | undefined
  try {
    const { host, port } = server.address()
    target = new URL(url, `https://${host.includes(':') ? `[${host}]` : host}:${port}`)
  } catch {
    target = undefined
  }
  if (!server.isAvailable || !target) {
    const text = 'service unavailable\n'
    const lines = ['HTTP/1.1 503 Service Unavailable', 'content-type: text/plain; charset=utf-8', 'connection: close']
    socket.end(`${lines.join('\r\n')}\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
    return
  }
  const { cert, key, ca, servername, checkServerIdentity, rejectUnauthorized } = server.tls
  const tls = { cert, key, ca, servername, checkServerIdentity, rejectUnauthorized } as Parameters<
    typeof proxyStream
  >[3]['tls']
  const moreHeaders = identityHeaders(user)
  await proxyStream(req, socket, head, { kind: 'raw', target, tls: tls!, moreHeaders, clock, log })
}

/** Names and values in turn. */
function forwardedHeaders(req: Request, user: User): string[] {
  const out: string[] = []
  const forwardedFor: string[] = []
  const raw = req.rawHeaders
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    const lower = name.toLowerCase()
    if (lower === 'x-forwarded-for') forwardedFor.push(value)
    else if (!lower.startsWith(':') && !HOP_BY_HOP.has(lower) && !isForThisServer(lower)) out.push(name, value)
  }
  const client = req.socket?.remoteAddress
  if (client) forwardedFor.push(client)
  if (forwardedFor.length > 0) out.push('X-Forwarded-For', forwardedFor.join(', '))
  return [...out, ...identityHeaders(user)]
}

/** `/apis/group/version`, and nothing below it. */
const isDiscovery = (url: string) =>
  url
    .split('?')[0]!
    .replace(/^\/|\/$/g, '')
    .split('/').length === 3

async function refuse(res: Response, code: number, text: string): Promise<void> {
  res.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
  res.end(`${text}\n`)
}
