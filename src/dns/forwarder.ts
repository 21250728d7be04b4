/**
 * Asks other servers what the cluster does not know: in turn until one answers, those that failed lately last; each question
 * only once at a time, however many clients have it; answers are kept for their TTL. A server that turns out to be
 * ourselves, directly or by a loop, is not asked again.
 */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { AnswerCache, type CacheLimits, DEFAULT_CACHE_LIMITS } from './answer-cache.ts'
import { ExchangeError, exchangeTcp, exchangeUdp } from './exchange.ts'
import type { DnsMetrics } from './metrics.ts'
import type { ServerAddress } from './resolv-conf.ts'
import { HEADER_BYTES, type Query, TYPES, writeQuery } from './wire.ts'

export interface ForwarderOptions {
  clock: Clock
  random: Random
  log: Log
  metrics: DnsMetrics
  /** Addresses at which this process listens: never forwarded to. */
  own: readonly ServerAddress[]
  limits?: CacheLimits
  /** Questions under way at once; more are refused. Default 1,000. */
  maxConcurrent?: number
  /** For one server. Default 2 s. */
  timeoutMs?: number
}

interface Server extends ServerAddress {
  /** Monotonic time until which others are preferred. */
  avoidUntilMs: number
  looping: boolean
}

const AVOID_MS = 10_000
const MAX_TRIES = 3
const PROBE_SUFFIX = 'loop.rostrum.invalid'

/** No server answered, or too many questions are under way. */
export class ForwardError extends Error {
  override readonly name = 'ForwardError'
}

export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #cache: AnswerCache
  readonly #underWay = new Map<string, Promise<Buffer>>()
  /** Names sent to find loops, each with the server it was sent to. */
  readonly #probes = new Map<string, Server>()
  #servers: Server[] = []

  constructor(options: ForwarderOptions) {
    this.#options = options
    this.#cache = new AnswerCache(options.limits ?? DEFAULT_CACHE_LIMITS)
  }

  get hasServers(): boolean {
    return this.#servers.some((s) => !s.looping)
  }

  /** Replaces the servers, and probes new ones for loops. */
  setServers(addresses: readonly ServerAddress[]): void {
    const { own, log } = this.#options
    const known = new Map(this.#servers.map((s) => [`${s.ip} ${s.port}`, s]))
    this.#servers = []
    for (const { ip, port } of addresses) {
      if (own.some((o) => o.port === port && (o.ip === ip || o.ip === '0.0.0.0' || o.ip === '::') && isOwn(o.ip, ip))) {
        log.error({ server: ip, port }, 'this name server is configured to forward to itself; the entry is ignored')
        continue
      }
      const server = known.get(`${ip} ${port}`)
      this.#servers.push(server ?? { ip, port, avoidUntilMs: 0, looping: false })
      if (!server) this.#probe(this.#servers.at(-1)!)
    }
  }

  /** Whether a question that came in is one that we sent out to find loops; if so, its server is out. */
  isLoop(query: Query): boolean {
    const server = this.#probes.get(query.name)
    if (!server) return false
    if (!server.looping) {
      const { ip, port } = server
      this.#options.log.error(
        { server: ip, port },
        'questions forwarded to this name server come back; it is not asked again',
      )
    }
    server.looping = true
    return true
  }

  /** Resolves to the bytes of an answer with the client's id and question. Rejects with ForwardError. */
  async forward(query: Query, overTcp: boolean): Promise<Buffer> {
    const { clock, metrics, maxConcurrent = 1_000 } = this.#options
    const flags = `${query.edns ? 1 : 0}${query.edns?.dnssecOk ? 1 : 0}${query.checkingDisabled ? 1 : 0}`
    const key = `${query.name} ${query.type} ${query.class} ${flags}`
    const kept = this.#cache.get(key, clock.monotonic())
    if (kept) {
      metrics.cacheHits++
      return personalised(kept, query)
    }
    metrics.cacheMisses++
    const askedKey = `${key} ${overTcp}`
    let answer = this.#underWay.get(askedKey)
    if (!answer) {
      if (this.#underWay.size >= maxConcurrent) {
        metrics.forwardRefused++
        throw new ForwardError(`more than ${maxConcurrent} questions are under way`)
      }
      answer = this.#ask(query.message, overTcp).finally(() => this.#underWay.delete(askedKey))
      this.#underWay.set(askedKey, answer)
      answer.then(
        (message) => this.#cache.put(key, message, clock.monotonic()),
        () => {},
      )
    }
    return personalised(Buffer.from(await answer), query)
  }

  /** Asks for the addresses of a name that an alias in the cluster leads to. */
  async resolve(name: string, type: number): Promise<Buffer> {
    const message = writeQuery(0, name, type)
    const question = message.subarray(HEADER_BYTES, message.length - 11)
    const edns = { udpBytes: 1232, version: 0, dnssecOk: false }
    return this.forward(
      {
        id: 0,
        opcode: 0,
        recursionDesired: true,
        checkingDisabled: false,
        name,
        type,
        class: 1,
        edns,
        question,
        message,
      },
      false,
    ).then((answer) => (answer.readUInt16BE(2) & 0x0200 ? this.#ask(message, true) : answer))
  }

  async #ask(message: Buffer, overTcp: boolean): Promise<Buffer> {
    const { clock, random, metrics, timeoutMs = 2_000 } = this.#options
    const now = clock.monotonic()
    const usable = this.#servers.filter((s) => !s.looping)
    const order = [...usable.filter((s) => s.avoidUntilMs <= now), ...usable.filter((s) => s.avoidUntilMs > now)]
    let last: unknown
    for (const server of order.slice(0, MAX_TRIES)) {
      const query = Buffer.from(message)
      query.writeUInt16BE(random.int(65_536), 0)
      metrics.forwarded++
      try {
        const exchange = overTcp ? exchangeTcp : exchangeUdp
        const answer = await exchange({ server, query, timeoutMs, clock })
        server.avoidUntilMs = 0
        return answer
      } catch (err) {
        if (!(err instanceof ExchangeError)) throw err
        last = err
        metrics.forwardFailures++
        server.avoidUntilMs = clock.monotonic() + AVOID_MS
      }
    }
    throw new ForwardError('no name server answered', { cause: last })
  }

  #probe(server: Server) {
    const { random, clock, timeoutMs = 2_000 } = this.#options
    const name = `${Buffer.from(random.bytes(12)).toString('hex')}.${PROBE_SUFFIX}`
    this.#probes.set(name, server)
    const query = writeQuery(random.int(65_536), name, TYPES.HINFO)
    // What is answered does not matter, only whether the question comes back to us.
    exchangeUdp({ server, query, timeoutMs, clock })
      .catch(() => {})
      .finally(() => clock.after(timeoutMs, () => this.#probes.delete(name)))
  }
}

/** Listening on every address means on every local one; of those only loopback is known here. */
const isOwn = (listening: string, target: string) =>
  listening === target || target.startsWith('127.') || target === '::1'

/** The answer as this client expects it: its id, its spelling of the question. */
function personalised(answer: Buffer, query: Query): Buffer {
  answer.writeUInt16BE(query.id, 0)
  if (answer.length >= HEADER_BYTES + query.question.length && answer.readUInt16BE(4) === 1)
    query.question.copy(answer, HEADER_BYTES)
  return answer
}
