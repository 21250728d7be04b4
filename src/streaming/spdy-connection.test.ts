import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { seededRandom } from '#base/random.ts'
import { SpdyConnection, SpdyConnectionError, type SpdyConnectionOptions } from './spdy-connection.ts'
import { dataFrameHeader, SpdyDecoder, SpdyEncoder, type SpdyFrame } from './spdy-framing.ts'
import { SpdyProtocolError } from './spdy-header-block.ts'
import type { SpdyStream } from './spdy-stream.ts'

/** Two ends of a wire: what one writes the other reads, with back-pressure. */
function wire(): [Duplex, Duplex] {
  const ends: [Duplex, Duplex] = [end(() => ends[1]), end(() => ends[0])]
  return ends
}

function end(other: () => Duplex): Duplex & { release?: () => void } {
  const duplex: Duplex & { release?: () => void } = new Duplex({
    read: () => (other() as typeof duplex).release?.(),
    write(chunk: Buffer, _encoding, done) {
      // One chunk at most waits for the reader.
      duplex.release = () => {
        duplex.release = undefined
        done()
      }
      if (other().push(Buffer.from(chunk))) duplex.release?.()
    },
    final(done) {
      other().push(null)
      done()
    },
    destroy(error, done) {
      if (!other().destroyed) queueMicrotask(() => other().destroy())
      done(error)
    },
  })
  return duplex
}

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

function pair(
  server: Partial<SpdyConnectionOptions> = {},
  clock = systemClock,
): { client: SpdyConnection; server: SpdyConnection; streams: SpdyStream[] } {
  const [a, b] = wire()
  const streams: SpdyStream[] = []
  const ends = {
    client: new SpdyConnection(a, { role: 'client', clock }),
    server: new SpdyConnection(b, {
      role: 'server',
      clock,
      onStream: (stream) => void streams.push(stream),
      ...server,
    }),
  }
  cleanups.push(
    () => ends.client.destroy(),
    () => ends.server.destroy(),
  )
  return { ...ends, streams }
}

/** A peer that writes frames by hand, as server or client, and records what it gets. */
function rawPeer(options: Partial<SpdyConnectionOptions> = {}) {
  const [a, b] = wire()
  const streams: SpdyStream[] = []
  const connection = new SpdyConnection(a, {
    role: 'server',
    clock: systemClock,
    onStream: (stream) => void streams.push(stream),
    ...options,
  })
  cleanups.push(() => connection.destroy())
  const decoder = new SpdyDecoder()
  const frames: SpdyFrame[] = []
  b.on('error', () => {})
  b.on('data', (chunk: Buffer) => decoder.push(chunk, (frame) => frames.push(frame)))
  const encoder = new SpdyEncoder()
  const syn = (streamId: number, headers: Record<string, string> = {}) =>
    b.write(
      encoder.control({
        type: 'SYN_STREAM',
        streamId,
        associatedStreamId: 0,
        priority: 0,
        fin: false,
        unidirectional: false,
        headers: new Map(Object.entries(headers).map(([k, v]) => [k, [v]])),
      }),
    )
  const data = (streamId: number, payload: Buffer, fin = false) =>
    b.write(Buffer.concat([dataFrameHeader(streamId, payload.length, fin), payload]))
  return { connection, streams, frames, syn, data, encoder, wire: b }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 10_000) throw new Error('the condition never came true')
    await turn()
  }
}

describe('SpdyConnection', () => {
  it('carries headers and both directions, each with its own end', async () => {
    const { client, streams } = pair()
    const stream = client.createStream({ streamType: 'data', requestID: '7' })
    stream.write('ping')
    await stream.accepted
    const [remote] = streams
    expect([remote!.header('streamtype'), remote!.header('requestid')]).toEqual(['data', '7'])
    stream.end()
    const received: string[] = []
    remote!.on('data', (chunk) => received.push(String(chunk)))
    await once(remote!, 'end')
    expect(received).toEqual(['ping'])
    remote!.end('pong')
    expect(await text(stream)).toBe('pong')
    await eventually(() => client.streamCount === 0)
  })

  it('sends no data before the peer has accepted the stream, since spdystream would drop it', async () => {
    const raw = rawPeer({ role: 'client', onStream: undefined })
    const stream = raw.connection.createStream({})
    stream.write('early')
    await turn()
    await turn()
    expect(raw.frames.map((frame) => frame.type)).toEqual(['SETTINGS', 'SYN_STREAM'])
    raw.wire.write(raw.encoder.control({ type: 'SYN_REPLY', streamId: stream.id, fin: false, headers: new Map() }))
    await eventually(() => raw.frames.at(-1)?.type === 'DATA')
  })

  it('answers a stream before anything is sent on it', async () => {
    const { frames, syn } = rawPeer({ onStream: (stream) => void stream.end('at once') })
    syn(1)
    await eventually(() => frames.some((frame) => frame.type === 'DATA' && frame.fin))
    expect(frames.map((frame) => frame.type).slice(0, 3)).toEqual(['SETTINGS', 'SYN_REPLY', 'DATA'])
  })

  it('reads a reset as an end, after what came before it', async () => {
    const { streams, syn, data, wire: peer, encoder } = rawPeer()
    syn(1)
    data(1, Buffer.from('last words'))
    peer.write(encoder.control({ type: 'RST_STREAM', streamId: 1, status: 5 }))
    await eventually(() => streams.length === 1)
    expect(await text(streams[0]!)).toBe('last words')
  })

  it('keeps one stream going while nobody reads another', async () => {
    const { client, streams } = pair({ limits: { streamBufferBytes: 64 << 10 } })
    const stuck = client.createStream({ name: 'stuck' })
    const live = client.createStream({ name: 'live' })
    stuck.write(Buffer.alloc(1 << 20))
    await Promise.all([stuck.accepted, live.accepted])
    const reading = new Promise<number>((resolve) => {
      let bytes = 0
      streams[1]!.on('data', (chunk: Buffer) => (bytes += chunk.length))
      streams[1]!.on('end', () => resolve(bytes))
    })
    live.end(Buffer.alloc(1 << 20))
    expect(await reading).toBe(1 << 20)
    expect(streams[0]!.readableLength).toBeLessThanOrEqual(64 << 10)
  })

  it('stops reading from a peer without windows once a stream is full, and goes on when it is read', async () => {
    const { streams, syn, data, wire: peer } = rawPeer({ limits: { streamBufferBytes: 64 << 10 } })
    syn(1)
    await eventually(() => streams.length === 1)
    for (let i = 0; i < 64 && peer.writableLength < 256 << 10; i++) {
      data(1, Buffer.alloc(16 << 10))
      await turn()
    }
    expect(peer.writableLength).toBeGreaterThan(200 << 10)
    expect(streams[0]!.readableLength).toBeLessThanOrEqual(96 << 10)
    streams[0]!.resume()
    await once(peer, 'drain')
  })

  it('grants a peer that does not speak of windows more than it can use', async () => {
    const { streams, frames, syn, data } = rawPeer()
    syn(1)
    await eventually(() => streams.length === 1)
    streams[0]!.resume()
    data(1, Buffer.alloc(40 << 10))
    await eventually(() => frames.filter((frame) => frame.type === 'WINDOW_UPDATE').length === 2)
    const updates = frames.filter((frame) => frame.type === 'WINDOW_UPDATE')
    expect(updates.map((frame) => frame.streamId)).toEqual([1, 0])
    expect(updates.every((frame) => frame.deltaBytes > 0x7ff0_0000)).toBe(true)
  })

  it('refuses more streams than its limit', async () => {
    const { frames, syn } = rawPeer({ limits: { streams: 2 } })
    for (const id of [1, 3, 5]) syn(id)
    await eventually(() => frames.some((frame) => frame.type === 'RST_STREAM'))
    expect(frames.filter((frame) => frame.type === 'RST_STREAM')).toEqual([
      { type: 'RST_STREAM', streamId: 5, status: 3 },
    ])
  })

  it('answers pings, and measures its own', async () => {
    const { client } = pair()
    expect(await client.ping()).toBeGreaterThanOrEqual(0)
  })

  it('drops a peer that only makes it talk', async () => {
    const { connection, encoder, wire: peer } = rawPeer()
    peer.removeAllListeners('data')
    peer.pause()
    const pings = Buffer.concat(Array.from({ length: 4096 }, () => encoder.control({ type: 'PING', id: 1 })))
    let error: Error | undefined
    void connection.closed.then((reason) => (error = reason))
    for (let i = 0; i < 200 && !error; i++) {
      if (!peer.destroyed) peer.write(pings)
      await turn()
    }
    expect(error?.message).toBe('the peer asks for answers but does not read them')
  })

  it('ends on garbage with an error that says so, and tells every stream', async () => {
    const random = seededRandom(7)
    for (let i = 0; i < 50; i++) {
      const { connection, streams, syn, wire: peer } = rawPeer()
      syn(1)
      await eventually(() => streams.length === 1)
      const failed = new Promise((resolve) => streams[0]!.on('close', resolve))
      // A control frame of another version, then noise.
      peer.write(Buffer.concat([Buffer.from([0x80, 0x02]), Buffer.from(random.bytes(64))]))
      expect(await connection.closed).toBeInstanceOf(SpdyProtocolError)
      await failed
    }
  })

  it('closes in an orderly way: what was written arrives, streams end, both sides are done', async () => {
    const { client, server, streams } = pair()
    const stream = client.createStream({})
    await stream.accepted
    streams[0]!.end('bye')
    await once(streams[0]!, 'finish')
    server.close()
    expect(await text(stream)).toBe('bye')
    expect(await client.closed).toBeUndefined()
    expect(await server.closed).toBeUndefined()
    expect(() => client.createStream({})).toThrow(SpdyConnectionError)
  })

  it('fails streams whose connection breaks, and writes to them', async () => {
    const { client, server, streams } = pair()
    const stream = client.createStream({})
    await stream.accepted
    server.destroy()
    await expect(text(stream)).rejects.toThrow('connection lost')
    const error = await new Promise((resolve) => stream.write('x', resolve))
    expect(error).toBeInstanceOf(Error)
    expect(streams[0]!.destroyed).toBe(true)
  })

  it('closes when nothing has moved for its idle time', async () => {
    const clock = new FakeClock()
    const { server } = pair({ idleTimeoutMs: 1000 }, clock)
    await clock.advance(5000)
    expect((await server.closed)?.message).toBe('nothing moved for 1000 ms')
  })
})
