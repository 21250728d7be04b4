/**
 * Sends requests over real connections: HTTP/2, HTTP/1.1, or bytes as they are. Every request is answered, or rejected when
 * its connection breaks or nothing comes for `patienceMs`.
 */
import { type ClientHttp2Session, connect as http2Connect } from 'node:http2'
import { connect as tlsConnect } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import type { SentAs, TestServer } from '../test-server.ts'
import type { FuzzRequest } from './requests.ts'
import type { Identity } from './headers.ts'

export interface Answer {
  readonly code: number
  /** Empty for those that have no end. */
  readonly text: string
}

/** The answer to bytes as they are: the server has closed the connection, whatever it said. */
const CLOSED: Answer = { code: 200, text: '' }

/** Node's client counts what it could not send of a body that was answered early, and refuses answers beyond this. */
const MAX_SESSION_MEMORY_MIB = 1000

export class Wire {
  readonly #server: TestServer
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #sessions = new Map<Identity, ClientHttp2Session>()

  constructor(server: TestServer, clock: Clock, patienceMs: number) {
    this.#server = server
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  async send(request: FuzzRequest, protocol: 'http1' | 'http2'): Promise<Answer> {
    const stop = new AbortController()
    const late = this.#clock.after(this.#patienceMs, () => stop.abort(new Error(`nothing for ${this.#patienceMs} ms`)))
    try {
      if (request.raw) return await this.#sendRaw(request, request.raw, stop.signal)
      return await (protocol === 'http2'
        ? this.#overHttp2(request, stop.signal)
        : this.#overHttp1(request, stop.signal))
    } finally {
      late.cancel()
    }
  }

  /** Ends connections that nobody waits for. Servers bear only so many streams that are reset on one, as watches are here. */
  renew() {
    for (const session of this.#sessions.values()) session.destroy()
    this.#sessions.clear()
  }

  #identity(as: Identity): SentAs {
    return as === 'proxy' ? this.#server.pki.frontProxy.client : as
  }

  #tls(as: Identity): { ca: string; cert?: string; key?: string } {
    const { pki } = this.#server
    const pair = as === 'admin' ? pki.admin : as === 'proxy' ? pki.frontProxy.client : {}
    return { ca: pki.authority.cert, ...pair }
  }

  async #overHttp1({ method, path, headers, body, as, isEndless }: FuzzRequest, signal: AbortSignal): Promise<Answer> {
    const init = { method, headers, signal, as: this.#identity(as), ...(body !== undefined && { body }) }
    const answer = await this.#server.fetch(path, init)
    if (isEndless && answer.ok) {
      await answer.body?.cancel()
      return { code: answer.status, text: '' }
    }
    return { code: answer.status, text: await answer.text() }
  }

  #session(as: Identity): ClientHttp2Session {
    const known = this.#sessions.get(as)
    if (known && !known.closed && !known.destroyed) return known
    const session = http2Connect(this.#server.url, { ...this.#tls(as), maxSessionMemory: MAX_SESSION_MEMORY_MIB })
    // Whoever waits for an answer is told by its stream.
    session.on('error', () => {})
    this.#sessions.set(as, session)
    return session
  }

  #overHttp2({ method, path, headers, body, as, isEndless }: FuzzRequest, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const head = { ':method': method, ':path': path, ...headers }
      const stream = this.#session(as).request(head, { endStream: body === undefined, signal })
      let code = 0
      let text = ''
      stream.on('response', (answer) => {
        code = answer[':status']!
        if (!isEndless || code !== 200) return
        resolve({ code, text })
        stream.close()
      })
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      stream.on('error', reject)
      stream.on('close', () =>
        code === 0 ? reject(new Error('the stream was closed without an answer')) : resolve({ code, text }),
      )
      if (body !== undefined) stream.end(body)
    })
  }

  #sendRaw({ as }: FuzzRequest, bytes: Buffer, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { port } = this.#server
      const socket = tlsConnect({ host: '127.0.0.1', port, ...this.#tls(as), ALPNProtocols: ['http/1.1'] })
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error)
        socket.destroy()
      })
      // A server that does not want to read on may reset the connection.
      socket.on('error', () => {})
      socket.on('close', () => resolve(CLOSED))
      socket.on('secureConnect', () => socket.end(bytes))
      socket.resume()
    })
  }
}
