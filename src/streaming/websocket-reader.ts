/**
 * One stream of bytes to a WebSocket, for clients that read a log from a page in a browser: each message is a piece of it,
 * as bytes or, for clients that can't take them, as base64 text. Upstream: `httpstream/wsstream.Reader`.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { UpgradeRefusedError } from './http-upgrade.ts'
import { type AcceptedWebSocket, acceptWebSocket } from './websocket-upgrade.ts'

/** Subprotocols; a client that names none is sent bytes. */
const BASE64_OF: ReadonlyMap<string, boolean> = new Map([
  ['', false],
  ['binary.k8s.io', false],
  ['base64.binary.k8s.io', true],
])

/**
 * Takes over the client's socket and sends it all of `source`, no faster than it takes it. Resolves when either end is
 * done, or the client was refused. Who calls ends `source`.
 */
export async function sendOverWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  source: AsyncIterable<Buffer>,
): Promise<void> {
  const accepted = accept(req, socket, head)
  if (!accepted) return
  const { ws, protocol } = accepted
  const isBase64 = BASE64_OF.get(protocol) === true
  ws.on('error', () => {})
  const closed = new Promise<false>((resolve) => ws.once('close', () => resolve(false)))
  const send = (chunk: Buffer) =>
    new Promise<boolean>((resolve) =>
      ws.send(isBase64 ? chunk.toString('base64') : chunk, { binary: !isBase64 }, (err) => resolve(!err)),
    )
  // Tells a client that waits for the first message that it is connected.
  await Promise.race([send(Buffer.alloc(0)), closed])
  try {
    const pieces = source[Symbol.asyncIterator]()
    for (;;) {
      const piece = await Promise.race([pieces.next(), closed])
      if (piece === false || piece.done) break
      if (!(await Promise.race([send(piece.value), closed]))) break
    }
    ws.close(1000)
  } catch {
    ws.close(1011)
  }
}

function accept(req: IncomingMessage, socket: Duplex, head: Buffer): AcceptedWebSocket | undefined {
  try {
    return acceptWebSocket(req, socket, head, BASE64_OF.keys())
  } catch (err) {
    if (err instanceof UpgradeRefusedError) return undefined
    throw err
  }
}
