import { decode, encode, type Packet, type RecordType } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lifetimeOf, DEFAULT_CACHE_LIMITS } from './answer-cache.ts'
import { isAnswerTo } from './exchange.ts'
import {
  MAX_TCP_BYTES,
  type Query,
  RCODES,
  readQuery,
  type ResourceRecord,
  TYPES,
  udpLimit,
  writeError,
  writeQuery,
  writeResponse,
} from './wire.ts'
import { canonicalIp } from './wire-address.ts'

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9-]{0,20}[a-z0-9])?$/)
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'))
const v6 = fc.ipV6().map(canonicalIp)
const data = fc.oneof(
  fc.ipV4().map((ip) => ({ type: 'A' as const, ip })),
  v6.map((ip) => ({ type: 'AAAA' as const, ip })),
  name.map((target) => ({ type: 'CNAME' as const, target })),
  fc.record({
    type: fc.constant('SRV' as const),
    priority: fc.nat(65535),
    weight: fc.nat(65535),
    port: fc.nat(65535),
    target: name,
  }),
  fc.string({ minLength: 1, maxLength: 40 }).map((text) => ({ type: 'TXT' as const, text })),
)
const record: fc.Arbitrary<ResourceRecord> = fc.record({ name, ttlSeconds: fc.nat(86_400), data })

function query(question: string, type: RecordType, edns?: number): Query {
  const packet: Packet = { type: 'query', id: 77, flags: 256, questions: [{ name: question, type }] }
  if (edns)
    packet.additionals = [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: edns,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ]
  return readQuery(encode(packet)) as Query
}

/** What an independent reader makes of a record, in our shape. */
function reread(answer: NonNullable<Packet['answers']>[number]) {
  const { type, name: owner, ttl, data: d } = answer as { type: string; name: string; ttl: number; data: any }
  const shapes: Record<string, () => object> = {
    A: () => ({ type, ip: d }),
    AAAA: () => ({ type, ip: canonicalIp(d) }),
    CNAME: () => ({ type, target: d }),
    SRV: () => ({ type, ...d }),
    TXT: () => ({ type, text: Buffer.concat(d).toString() }),
  }
  return { name: owner, ttlSeconds: ttl, data: shapes[type]!() }
}

describe('messages', () => {
  it('say to others what was meant', () => {
    fc.assert(
      fc.property(name, fc.array(record, { maxLength: 12 }), (question, answers) => {
        const bytes = writeResponse(
          query(question, 'A'),
          { rcode: RCODES.NOERROR, authoritative: true, answers, authorities: [], additionals: [] },
          MAX_TCP_BYTES,
        )
        const packet = decode(bytes)
        expect(packet).toMatchObject({
          id: 77,
          flag_aa: true,
          flag_qr: true,
          flag_tc: false,
          flag_rd: true,
          flag_ra: true,
        })
        expect(packet.questions).toEqual([{ name: question, type: 'A', class: 'IN' }])
        expect(packet.answers!.map(reread)).toEqual(answers)
      }),
    )
  })

  it('never exceed what the client takes, and say when something is missing', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 60 }),
        fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
        (answers, edns) => {
          const asked = query('web.default.svc.cluster.local', 'A', edns)
          const limit = udpLimit(asked)
          const bytes = writeResponse(
            asked,
            { rcode: RCODES.NOERROR, authoritative: true, answers, authorities: [], additionals: [] },
            limit,
          )
          const packet = decode(bytes)
          expect(bytes.length).toBeLessThanOrEqual(limit)
          expect(packet.answers!.length < answers.length).toBe((packet as { flag_tc?: boolean }).flag_tc)
          expect(packet.answers!.map(reread)).toEqual(answers.slice(0, packet.answers!.length))
          expect(packet.additionals!.map((a) => a.type)).toEqual(edns ? ['OPT'] : [])
        },
      ),
    )
  })

  it('are read without harm whatever they contain', () => {
    const valid = encode({ type: 'query', id: 1, questions: [{ name: 'a.b', type: 'A' }] })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(40), (noise, at) => {
        const mixed = Buffer.concat([valid.subarray(0, at), Buffer.from(noise)])
        for (const bytes of [Buffer.from(noise), mixed]) {
          const read = readQuery(bytes)
          if (read) expect(writeError(read, RCODES.SERVFAIL).length).toBeGreaterThanOrEqual(12)
          lifetimeOf(bytes, DEFAULT_CACHE_LIMITS)
          isAnswerTo(valid, bytes)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('keep the spelling of the question but not in the name looked up', () => {
    const asked = query('WeB.Default.SVC.cluster.LOCAL', 'A')
    expect(asked.name).toBe('web.default.svc.cluster.local')
    const answer = { name: asked.name, ttlSeconds: 5, data: { type: 'A' as const, ip: '10.0.0.1' } }
    const bytes = writeResponse(
      asked,
      { rcode: 0, authoritative: true, answers: [answer], authorities: [], additionals: [] },
      512,
    )
    expect(decode(bytes).answers![0]!.name).toBe('WeB.Default.SVC.cluster.LOCAL')
    expect(bytes.length).toBe(12 + asked.question.length + 16)
  })

  it('do not take a dot inside a label for the end of it', () => {
    const bytes = Buffer.concat([
      writeQuery(1, '', TYPES.A).subarray(0, 12),
      Buffer.from('\x03a.b\x05local\0\0\x01\0\x01', 'latin1'),
    ])
    bytes.writeUInt16BE(0, 10)
    expect(readQuery(bytes)).toMatchObject({ name: 'a\\046b.local' })
  })

  it('that point forward or in circles are malformed', () => {
    const header = writeQuery(9, '', TYPES.A).subarray(0, 12)
    for (const pointer of [12, 13, 200]) {
      const bytes = Buffer.concat([header, Buffer.from([0xc0, pointer, 0, 1, 0, 1])])
      expect(readQuery(bytes)).toEqual({ malformed: true, id: 9 })
    }
  })

  it('that are answers themselves are not answered', () => {
    expect(readQuery(encode({ type: 'response', id: 1, questions: [{ name: 'a', type: 'A' }] }))).toBeUndefined()
  })
})
