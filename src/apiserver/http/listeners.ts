/**
 * The ports that the server listens on: TLS with HTTP/1.1 and HTTP/2, the connections that are open, and their limits.
 *
 * Limits, so that nobody who can reach the port can use the server up: a handshake and the head of a request must arrive
 * in time, heads are bounded in bytes and in fields, a connection without requests is closed after a while. How often
 * streams may be reset is bounded by nghttp2 itself.
 */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type Clock, every, type Timer } from '#base/clock.ts'
import { systemCode } from '#base/errors.ts'
import { asRequest, asResponse, type Request, type Response } from './exchange.ts'

export interface ListenersOptions {
  /** PEM; connections are verified against any of `clientCas`. */
  tls: { cert: string; key: string; clientCas: string[] }
  clock: Clock
  onRequest(req: Request, res: Response): void
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Forward secrecy and authenticated encryption only: TLS 1.3, and of TLS 1.2 what is as good. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const HANDSHAKE_TIMEOUT_MS = 10_000
/** Of the head of a request: its line, in which the words of an exec are, and all fields together. Go's limit. */
const MAX_HEAD_BYTES = 1 << 20
/** HPACK as Node speaks it can't say more. */
const MAX_HTTP2_HEAD_BYTES = 64 << 10
const MAX_HEAD_FIELDS = 256
const MAX_STREAMS = 1000
/** What a connection's streams may hold back together, in MiB; new ones are refused beyond it. */
const MAX_SESSION_MEMORY_MIB = 64
const STREAM_WINDOW_BYTES = 1 << 20
/** Longer than clients keep idle connections themselves (90 s), so that they are not closed under a new request. */
const IDLE_MS = 120_000
const SWEEP_MS = 30_000
/** How long a server that closes waits for what has been written to be taken. */
const CLOSE_TIMEOUT_MS = 2_000

export class Listeners {
  readonly #options: ListenersOptions
  readonly #servers: Http2SecureServer[] = []
  #serving: { cert: string; key: string }
  /** All connections. */
  readonly #sockets = new Set<TLSSocket>()
  /** Those of them that speak HTTP/2. */
  readonly #sessions = new Map<ServerHttp2Session, SessionState>()
  #sweep: Timer | undefined
  #isClosing = false

  constructor(options: ListenersOptions) {
    this.#options = options
    const { cert, key } = options.tls
    this.#serving = { cert, key }
  }

  /** New connections are shown this certificate from now on; the others stay. */
  useCertificate({ cert, key }: { cert: string; key: string }): void {
    this.#serving = { cert, key }
    for (const server of this.#servers) server.setSecureContext(this.#secureContext())
  }

  #secureContext() {
    const ca = this.#options.tls.clientCas
    return { ...this.#serving, ca, minVersion: 'TLSv1.2' as const, ciphers: CIPHERS }
  }

  /** Listens on one more address; port 0 picks a free one. Returns the port. Throws a plain Error for an occupied port. */
  listen(address: string, port: number): Promise<number> {
    const { clock, onRequest, onUpgrade } = this.#options
    const server = createSecureServer({
      ...this.#secureContext(),
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      // HTTP/2 sets it by itself; without it the last segment of an HTTP/1.1 answer waits for the client's delayed ACK.
      noDelay: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxHeaderListPairs: MAX_HEAD_FIELDS,
      maxSessionMemory: MAX_SESSION_MEMORY_MIB,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: MAX_HTTP2_HEAD_BYTES,
      },
    } as Parameters<typeof createSecureServer>[0])
    // Node takes these for HTTP/1.1 from nowhere else.
    const asHttp1 = server as unknown as Server & { maxHeaderSize: number }
    asHttp1.maxHeaderSize = MAX_HEAD_BYTES
    asHttp1.keepAliveTimeout = IDLE_MS
    asHttp1.maxHeadersCount = MAX_HEAD_FIELDS
    server.on('session', (session) => this.#onSession(session))
    server.on('secureConnection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (req, res) => onRequest(asRequest(req), asResponse(res)))
    server.on('upgrade', onUpgrade)
    server.on('sessionError', () => {})
    this.#servers.push(server)
    this.#sweep ??= every(clock, SWEEP_MS, () => this.#closeIdle())
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        const why = systemCode(cause) === 'EADDRINUSE' ? 'the port is in use' : cause.message
        reject(new Error(`cannot listen on ${address}:${port}: ${why}`, { cause }))
      })
      server.listen(port, address, () => resolve((server.address() as { port: number }).port))
    })
  }

  #onSession(session: ServerHttp2Session) {
    const { clock } = this.#options
    const state: SessionState = { streams: 0, idleSinceMs: clock.monotonic(), isDismissed: false }
    this.#sessions.set(session, state)
    session.on('close', () => this.#sessions.delete(session))
    session.on('stream', (stream) => {
      state.streams++
      stream.on('close', () => {
        state.streams--
        state.idleSinceMs = clock.monotonic()
        if (this.#isClosing && state.streams === 0) endSoon(session)
      })
    })
  }

  /** Says goodbye to HTTP/2 clients that have asked for nothing in a while, and ends connections that outlast it. */
  #closeIdle() {
    const longAgo = this.#options.clock.monotonic() - IDLE_MS
    for (const [session, state] of this.#sessions) {
      if (state.streams > 0 || state.idleSinceMs > longAgo) continue
      if (state.isDismissed) session.close()
      else sayGoodbye(session)
      state.isDismissed = true
    }
  }

  /** No new connections and requests; what has been written is still sent, but who does not take it is cut off. */
  async close(): Promise<void> {
    this.#sweep?.cancel()
    const closed = Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
    this.#isClosing = true
    for (const socket of this.#sockets) if (socket.alpnProtocol !== 'h2') socket.destroySoon()
    for (const [session, { streams }] of this.#sessions) {
      sayGoodbye(session)
      if (streams === 0) endSoon(session)
    }
    const timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => {
      for (const connection of [...this.#sessions.keys(), ...this.#sockets]) connection.destroy()
    })
    await closed
    timer.cancel()
  }
}

interface SessionState {
  streams: number
  idleSinceMs: number
  /** It has been told to go away. */
  isDismissed: boolean
}

/** Tells the client by GOAWAY to make its next request on another connection; nghttp2 ignores new ones from then on. */
function sayGoodbye(session: ServerHttp2Session) {
  if (!session.destroyed) session.goaway()
}

/**
 * Ends a session that has been told goodbye, once what is written has gone out. Without the goodbye, and the time to send
 * it, Node 20 would refuse further streams in the middle of nghttp2's reading, which then uses freed memory
 * (nodejs/node#64113).
 */
function endSoon(session: ServerHttp2Session) {
  setImmediate(() => setImmediate(() => session.close()))
}
