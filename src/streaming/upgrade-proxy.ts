/**
 * Passes an upgraded connection through to another server: relays the request, then the response head, then bytes both
 * ways. What runs inside is not looked at. A target that does not upgrade has its answer relayed as an ordinary response.
 *
 * Upstream: UpgradeAwareHandler of apimachinery/pkg/util/proxy.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { respondOnSocket, responseHead, UpgradeRefusedError } from './http-upgrade.ts'
import { DEFAULT_IDLE_TIMEOUT_MS } from './idle.ts'
import { linkAbort } from './linked-abort.ts'
import { splice } from './splice.ts'
import { tuneSocket } from './spdy-upgrade.ts'
import { throttle } from './throttle.ts'
import { openUpgrade, type UpgradeResponse, type UpgradeTlsOptions } from './upgrade-client.ts'

export interface UpgradeProxyOptions {
  target: URL
  tls?: UpgradeTlsOptions
  /** Replaces or adds headers of the request, e.g. credentials for the target. Names are lower case. */
  headers?: Readonly<Record<string, string>>
  /** Further headers of the request, which may be several of one name: names and values in turn. */
  moreHeaders?: readonly string[]
  /** In each direction. Default: no limit. */
  maxBytesPerSecond?: number
  clock: Clock
  log: Log
  signal?: AbortSignal
  /** Default 4 hours. */
  idleTimeoutMs?: number
}

/** Once one side has closed its half, how long the other may be silent. */
const HALF_OPEN_TIMEOUT_MS = 60_000

/**
 * Credentials and identities are meant for this server only: whoever proxies has used them up, and a node must not see
 * them.
 */
const DROPPED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-length',
  'transfer-encoding',
  'expect',
])
const DROPPED_PREFIXES = ['impersonate-', 'x-remote-']
const HOP_BY_HOP: ReadonlySet<string> = new Set(['connection', 'transfer-encoding', 'keep-alive', 'upgrade', 'trailer'])

/** Resolves when both sides are closed. Throws UpgradeRefusedError after answering, or the error that broke the stream. */
export async function proxyUpgrade(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: UpgradeProxyOptions,
): Promise<void> {
  // At once: a client that has closed its half already would otherwise end before its first bytes are back.
  if (head.length > 0) socket.unshift(head)
  const response = await dialTarget(req, socket, options, forwardedHeaders(req, options), req.method ?? 'GET')
  if (!response.upgraded) return relayResponse(socket, response.response)
  const { statusMessage, rawHeaders } = response.head
  tuneSocket(socket)
  socket.write(responseHead(101, statusMessage || 'Switching Protocols', rawHeaders))
  await joinConnections(socket, response.socket, options)
}

/** Sends the request on; gives up when the client does. Answers, and throws, when the target cannot be reached. */
export async function dialTarget(
  req: IncomingMessage,
  socket: Duplex,
  options: UpgradeProxyOptions,
  headers: readonly string[],
  method: string,
): Promise<UpgradeResponse> {
  const gone = new AbortController()
  const { signal, unlink } = linkAbort(gone.signal, options.signal)
  const onClose = () => gone.abort(new Error('the client went away'))
  socket.on('error', onClose)
  socket.on('close', onClose)
  try {
    const response = await openUpgrade({
      url: options.target,
      method,
      headers,
      tls: options.tls,
      clock: options.clock,
      signal,
    })
    if (!socket.destroyed) return response
    if (response.upgraded) response.socket.destroy()
    else response.response.destroy()
    throw new UpgradeRefusedError(499, 'the client went away')
  } catch (error) {
    if (error instanceof UpgradeRefusedError) throw error
    options.log.warn(
      { err: error, target: options.target.host, path: req.url?.split('?')[0] },
      'cannot reach the target of a stream',
    )
    throw refuseWithStatus(socket, 500, `error dialing backend: ${messageOf(error)}`)
  } finally {
    unlink()
    socket.off('error', onClose)
    socket.off('close', onClose)
  }
}

export async function joinConnections(client: Duplex, target: Duplex, options: UpgradeProxyOptions): Promise<void> {
  const { clock, maxBytesPerSecond } = options
  await splice(client, target, {
    clock,
    signal: options.signal,
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    halfOpenTimeoutMs: HALF_OPEN_TIMEOUT_MS,
    ...(maxBytesPerSecond && { through: () => throttle(clock, maxBytesPerSecond) }),
  })
}

/** Relays a response that is no upgrade, body included. An answer that is neither 101 nor an error makes no sense here. */
export async function relayResponse(socket: Duplex, response: IncomingMessage): Promise<void> {
  const status = response.statusCode ?? 500
  if (status < 400) {
    response.destroy()
    throw refuseWithStatus(socket, 500, `invalid upgrade response: status code ${status}`)
  }
  const pairs: string[] = []
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const name = response.rawHeaders[i]!
    if (!HOP_BY_HOP.has(name.toLowerCase())) pairs.push(name, response.rawHeaders[i + 1]!)
  }
  socket.write(responseHead(status, response.statusMessage ?? '', [...pairs, 'Connection', 'close']))
  socket.resume()
  await pipeline(response, socket)
}

/** The headers of `req` as they go on, as alternating names and values, for `options.target`. */
export function forwardedHeaders(
  req: IncomingMessage,
  options: UpgradeProxyOptions,
  without: ReadonlySet<string> = new Set(),
): string[] {
  const replaced = options.headers ?? {}
  const out = ['Host', options.target.host]
  const forwardedFor: string[] = []
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i]!
    const key = name.toLowerCase()
    if (key === 'x-forwarded-for') forwardedFor.push(req.rawHeaders[i + 1]!)
    else if (DROPPED_HEADERS.has(key) || without.has(key) || key in replaced) continue
    else if (!DROPPED_PREFIXES.some((prefix) => key.startsWith(prefix))) out.push(name, req.rawHeaders[i + 1]!)
  }
  const client = (req.socket as Socket | undefined)?.remoteAddress
  if (client) forwardedFor.push(client)
  if (forwardedFor.length > 0) out.push('X-Forwarded-For', forwardedFor.join(', '))
  if (req.method === 'POST') out.push('Content-Length', '0')
  return [...out, ...Object.entries(replaced).flat(), ...(options.moreHeaders ?? [])]
}

/** Answers with a metav1.Status, which is what kubectl can show. */
export function refuseWithStatus(socket: Duplex, code: number, message: string): UpgradeRefusedError {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code }
  respondOnSocket(socket, code, { 'Content-Type': 'application/json' }, `${JSON.stringify(status)}\n`)
  return new UpgradeRefusedError(code, message)
}
