/**
 * The server's half of an HTTP/1.1 upgrade: reading what a client asks for, and answering on the raw socket that Node
 * hands to an `upgrade` listener, where no ServerResponse exists.
 */
import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { headerItems, SPDY_UPGRADE } from './protocols.ts'

/** A client that was refused and keeps its connection open loses it after this long without a byte. */
const ANSWERED_LINGER_MS = 5_000

/** The request was answered with an HTTP error; there is no upgraded connection. `status` is what was sent. */
export class UpgradeRefusedError extends Error {
  override readonly name = 'UpgradeRefusedError'
  readonly status: number
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export function isSpdyUpgrade(req: IncomingMessage): boolean {
  return (
    wantsUpgrade(req) &&
    String(req.headers.upgrade ?? '')
      .toLowerCase()
      .includes(SPDY_UPGRADE.toLowerCase())
  )
}

export function isWebSocketUpgrade(req: IncomingMessage): boolean {
  return wantsUpgrade(req) && String(req.headers.upgrade ?? '').toLowerCase() === 'websocket'
}

export function wantsUpgrade(req: IncomingMessage): boolean {
  return String(req.headers.connection ?? '')
    .toLowerCase()
    .includes('upgrade')
}

/** The WebSocket subprotocols that the client offers, in its order. */
export function webSocketProtocols(req: IncomingMessage): string[] {
  return headerItems(req.headers['sec-websocket-protocol'])
}

/** Writes a whole response and closes. */
export function respondOnSocket(
  socket: Duplex,
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>>,
  body: string | Uint8Array,
): void {
  if (socket.destroyed || socket.writableEnded) return
  const bytes = Buffer.from(body as Uint8Array)
  const all = { ...headers, 'Content-Length': String(bytes.length), Connection: 'close' }
  socket.on('error', () => {})
  socket.write(responseHead(status, STATUS_CODES[status] ?? 'Unknown', flatten(all)))
  socket.end(bytes)
  // Input that stays unread would turn the close into a reset, which can take the answer with it.
  socket.resume()
  const { setTimeout: limitIdle } = socket as Partial<Socket>
  limitIdle?.call(socket, ANSWERED_LINGER_MS, () => socket.destroy())
}

/** Answers with plain text and returns the error to throw. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  message: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): UpgradeRefusedError {
  respondOnSocket(
    socket,
    status,
    { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff', ...headers },
    `${message}\n`,
  )
  return new UpgradeRefusedError(status, message)
}

export function writeSwitchingProtocols(
  socket: Duplex,
  upgrade: string,
  headers: Readonly<Record<string, string>>,
): void {
  socket.write(
    responseHead(101, 'Switching Protocols', flatten({ Connection: 'Upgrade', Upgrade: upgrade, ...headers })),
  )
}

/** `pairs` alternates names and values, as `rawHeaders` does. Line breaks in them are dropped. */
export function responseHead(status: number, reason: string, pairs: readonly string[]): string {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let i = 0; i + 1 < pairs.length; i += 2) head += `${pairs[i]}: ${pairs[i + 1]!.replace(/[\r\n]/g, '')}\r\n`
  return `${head}\r\n`
}

function flatten(headers: Readonly<Record<string, string | readonly string[]>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).flatMap((one) => [name, one]),
  )
}
