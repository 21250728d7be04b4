/**
 * The client's half of an HTTP/1.1 upgrade, to a kubelet, a container runtime or an API server. Never follows redirects: a
 * node must not be able to send the API server, with its credentials, elsewhere.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import { SpdyConnection, type SpdyConnectionOptions } from './spdy-connection.ts'
import { HEADER_PROTOCOL_VERSION, SPDY_UPGRADE } from './protocols.ts'
import { tuneSocket } from './spdy-upgrade.ts'

/**
 * Certificates, server name and the like for `https:` targets. A `secureContext` made once (tls.createSecureContext) saves
 * some milliseconds on every connection over giving `ca`, `cert` and `key`.
 */
export type UpgradeTlsOptions = Pick<
  ConnectionOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'pfx'
  | 'passphrase'
  | 'servername'
  | 'rejectUnauthorized'
  | 'checkServerIdentity'
  | 'secureContext'
  | 'session'
>

export interface UpgradeRequest {
  /** `http:` or `https:`. */
  url: URL
  method: string
  /** Names and values in turn, or by name. `Connection` and `Upgrade` are up to the caller. */
  headers: readonly string[] | Readonly<Record<string, string | readonly string[]>>
  tls?: UpgradeTlsOptions
  clock: Clock
  signal?: AbortSignal
  /** For connecting and for the response head together. Default 30 s. */
  timeoutMs?: number
}

export type UpgradeResponse =
  /** 101: the socket speaks the new protocol; bytes that came with the head are already back in it. */
  | { upgraded: true; head: IncomingMessage; socket: Duplex }
  /** Anything else: an ordinary response with its body unread. */
  | { upgraded: false; response: IncomingMessage }

/** The target could not be reached, or gave no answer. */
export class DialError extends Error {
  override readonly name = 'DialError'
}

/** The target answered, but did not upgrade; `message` is its own text. */
export class UpgradeFailedError extends Error {
  override readonly name = 'UpgradeFailedError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_ERROR_BODY_BYTES = 64 << 10

/** Sends the request and waits for the response head. Throws DialError, or the signal's reason. */
export function openUpgrade(options: UpgradeRequest): Promise<UpgradeResponse> {
  return new Promise((resolve, reject) => {
    const { url, signal } = options
    if (signal?.aborted) return reject(signal.reason)
    const request = createRequest(options)
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const timer = options.clock.after(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    const onAbort = () => request.destroy(new Error('aborted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    const settle = () => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    request.on('socket', (socket) => tuneSocket(socket))
    request.on('upgrade', (head, socket, first) => {
      settle()
      socket.on('error', () => {})
      if (first.length > 0) socket.unshift(first)
      resolve({ upgraded: true, head, socket })
    })
    request.on('response', (response) => {
      settle()
      resolve({ upgraded: false, response })
    })
    request.on('error', (cause) => {
      settle()
      reject(signal?.aborted ? signal.reason : new DialError(`dial ${url.host}: ${cause.message}`, { cause }))
    })
    request.end()
  })
}

function createRequest({ url, method, headers, tls }: UpgradeRequest): ClientRequest {
  // IPv6 literals keep their brackets in URL.hostname, which `request` does not understand.
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const target = {
    hostname,
    port: url.port,
    path: url.pathname + url.search,
    method,
    headers: headers as string[],
    agent: false as const,
  }
  if (url.protocol === 'http:') return httpRequest(target)
  // An upgrade exists in HTTP/1.1 only, so nothing else may be agreed on.
  const secure = { ...target, ...tls, ALPNProtocols: ['http/1.1'] }
  if (url.protocol === 'https:') return httpsRequest(secure)
  throw new TypeError(`cannot upgrade a connection to ${url.protocol}//${url.host}`)
}

export interface DialSpdyOptions extends Pick<UpgradeRequest, 'url' | 'tls' | 'clock' | 'signal' | 'timeoutMs'> {
  /** Sent beside those of the upgrade, e.g. `Authorization`. */
  headers?: Readonly<Record<string, string>>
  /** For `X-Stream-Protocol-Version`, best first. */
  protocols: readonly string[]
  connection?: Omit<SpdyConnectionOptions, 'role' | 'clock'>
}

/** Opens SPDY to a URL by POST. Throws DialError or UpgradeFailedError. */
export async function dialSpdy(options: DialSpdyOptions): Promise<{ connection: SpdyConnection; protocol: string }> {
  const response = await openUpgrade({
    ...options,
    method: 'POST',
    headers: {
      ...options.headers,
      Host: options.url.host,
      Connection: 'Upgrade',
      Upgrade: SPDY_UPGRADE,
      'Content-Length': '0',
      'X-Stream-Protocol-Version': [...options.protocols],
    },
  })
  if (!response.upgraded) throw await upgradeFailure(response.response)
  const { head, socket } = response
  const upgrade = String(head.headers.upgrade ?? '').toLowerCase()
  if (!upgrade.includes(SPDY_UPGRADE.toLowerCase())) {
    socket.destroy()
    throw new UpgradeFailedError(101, `unable to upgrade connection: the server switched to ${JSON.stringify(upgrade)}`)
  }
  const protocol = String(head.headers[HEADER_PROTOCOL_VERSION] ?? '').trim()
  return {
    connection: new SpdyConnection(socket, { ...options.connection, clock: options.clock, role: 'client' }),
    protocol,
  }
}

/** The error for a response that is no upgrade, with the server's own words: a Status' message, or the text. */
export async function upgradeFailure(response: IncomingMessage): Promise<UpgradeFailedError> {
  const text = await readBody(response)
  return new UpgradeFailedError(response.statusCode ?? 0, `unable to upgrade connection: ${errorText(text)}`)
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      if ((bytes += chunk.length) >= MAX_ERROR_BODY_BYTES) break
    }
  } catch {
    // What arrived before the connection broke is still the best explanation there is.
  }
  return Buffer.concat(chunks).toString('utf8')
}

function errorText(body: string): string {
  try {
    const status = JSON.parse(body) as { message?: unknown }
    if (typeof status?.message === 'string' && status.message !== '') return status.message
  } catch {
    // Not a Status: plain text.
  }
  return body.trim() || 'empty server response'
}
