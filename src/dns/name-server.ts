/**
 * What the name server answers to a message: from the cluster's zone, from the few names that never leave a host, or from
 * other servers. Synchronous wherever nobody else must be asked.
 */
import { decode } from 'dns-packet'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/errors.ts'
import { type Forwarder, ForwardError } from './forwarder.ts'
import type { DnsMetrics } from './metrics.ts'
import {
  CLASS_IN,
  HEADER_BYTES,
  MAX_TCP_BYTES,
  type Query,
  RCODES,
  type Rcode,
  readQuery,
  type ResourceRecord,
  type Response,
  TYPES,
  udpLimit,
  writeError,
  writeResponse,
} from './wire.ts'
import { addressOfReverse } from './wire-address.ts'
import type { Zone } from './zone.ts'

export interface NameServerOptions {
  zone: Zone
  domain: string
  forwarder: Forwarder
  metrics: DnsMetrics
  log: Log
  /** The host's search domains: a name of the cluster with one of these behind it is a resolver's guess. */
  searches: () => readonly string[]
  /** Whether an address is one that only the cluster can know the name of. */
  isClusterAddress: (ip: string) => boolean
}

const OPCODE_QUERY = 0
const HOST_TTL_SECONDS = 3_600

export function createNameServer(options: NameServerOptions) {
  const { zone, domain, forwarder, metrics, log, searches, isClusterAddress } = options

  function respond(query: Query, response: Response, overTcp: boolean): Buffer {
    const bytes = writeResponse(query, response, overTcp ? MAX_TCP_BYTES : udpLimit(query))
    metrics.answered(response.rcode)
    if (bytes[2]! & 0x02) metrics.truncated++
    return bytes
  }

  function refuse(query: Query | { id: number }, rcode: Rcode): Buffer {
    metrics.answered(rcode)
    return writeError(query, rcode)
  }

  /** Names that are answered here although they are not the cluster's; undefined for all others. */
  function ownAnswer({ name, type }: Query): Response | undefined {
    if (name === 'localhost' || name.endsWith('.localhost')) return localhost(name, type)
    if (name === 'invalid' || name.endsWith('.invalid')) return zone.denial()
    // `web.default.svc.cluster.local.example.com`: the cluster's domain, and then one of the host's search domains.
    const marker = `.${domain}.`
    const at = name.indexOf(marker)
    if (at >= 0 && searches().includes(name.slice(at + marker.length))) return zone.denial()
    if (!name.endsWith('.arpa')) return undefined
    const known = zone.reverse(name, type)
    if (known) return known
    const ip = addressOfReverse(name)
    return ip !== undefined && isClusterAddress(ip) ? zone.denial() : undefined
  }

  async function forward(query: Query, overTcp: boolean): Promise<Buffer> {
    if (!forwarder.hasServers) return refuse(query, RCODES.REFUSED)
    try {
      const answer = await forwarder.forward(query, overTcp)
      metrics.answered(answer[3]! & 15)
      if (overTcp || answer.length <= udpLimit(query)) return answer
      metrics.truncated++
      return truncated(answer, query)
    } catch (err) {
      if (!(err instanceof ForwardError)) log.error({ err: messageOf(err) }, 'cannot forward a question')
      return refuse(query, RCODES.SERVFAIL)
    }
  }

  /** The alias, and behind it what other servers say of its target. */
  async function chase(query: Query, response: Response, target: string, overTcp: boolean): Promise<Buffer> {
    if (!forwarder.hasServers) return respond(query, response, overTcp)
    try {
      const answers = [...response.answers, ...recordsOf(await forwarder.resolve(target, query.type))]
      return respond(query, { ...response, answers }, overTcp)
    } catch (err) {
      log.debug({ target, err: messageOf(err) }, 'cannot find where an alias leads')
      return respond(query, { ...response, rcode: RCODES.SERVFAIL }, overTcp)
    }
  }

  return function answer(message: Buffer, overTcp: boolean): Buffer | undefined | Promise<Buffer> {
    const query = readQuery(message)
    if (!query) return undefined
    metrics.requests[overTcp ? 'tcp' : 'udp']++
    if ('malformed' in query) {
      metrics.malformed++
      return refuse(query, RCODES.FORMERR)
    }
    if (query.opcode !== OPCODE_QUERY) return refuse(query, RCODES.NOTIMP)
    if (query.edns && query.edns.version !== 0) return refuse(query, RCODES.BADVERS)
    if (query.class !== CLASS_IN || query.type === TYPES.AXFR || query.type === TYPES.IXFR)
      return refuse(query, RCODES.REFUSED)
    if (forwarder.isLoop(query)) return refuse(query, RCODES.REFUSED)
    const local = zone.answer(query.name, query.type)
    if (local) {
      if (local.chase === undefined) return respond(query, local, overTcp)
      const address = query.type === TYPES.A || query.type === TYPES.AAAA
      return address ? chase(query, local, local.chase, overTcp) : respond(query, local, overTcp)
    }
    const own = ownAnswer(query)
    return own ? respond(query, own, overTcp) : forward(query, overTcp)
  }
}

function localhost(name: string, type: number): Response {
  const records: ResourceRecord[] = []
  if (type === TYPES.A || type === TYPES.ANY)
    records.push({ name, ttlSeconds: HOST_TTL_SECONDS, data: { type: 'A', ip: '127.0.0.1' } })
  if (type === TYPES.AAAA || type === TYPES.ANY)
    records.push({ name, ttlSeconds: HOST_TTL_SECONDS, data: { type: 'AAAA', ip: '::1' } })
  return { rcode: RCODES.NOERROR, authoritative: true, answers: records, authorities: [], additionals: [] }
}

/** Addresses and aliases of another server's answer. Throws for an answer that cannot be read, or that is a failure. */
function recordsOf(answer: Buffer): ResourceRecord[] {
  const rcode = answer[3]! & 15
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN)
    throw new ForwardError(`the name server answered with code ${rcode}`)
  const records: ResourceRecord[] = []
  for (const record of decode(answer).answers ?? []) {
    if (record.type !== 'A' && record.type !== 'AAAA' && record.type !== 'CNAME') continue
    const { type, name, ttl = 0, data } = record
    records.push({
      name: name.toLowerCase(),
      ttlSeconds: ttl,
      data: type === 'CNAME' ? { type, target: data.toLowerCase() } : { type, ip: data },
    })
  }
  return records
}

/** Only the question, with the flag that makes the client ask again over TCP. */
function truncated(answer: Buffer, query: Query): Buffer {
  const bytes = Buffer.from(answer.subarray(0, HEADER_BYTES + query.question.length))
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x0200, 2)
  bytes.writeUInt16BE(0, 6)
  bytes.writeUInt16BE(0, 8)
  bytes.writeUInt16BE(0, 10)
  return bytes
}
