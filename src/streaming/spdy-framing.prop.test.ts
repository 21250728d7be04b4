import { deflateSync, constants, createDeflate } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dataFrameHeader, SpdyDecoder, SpdyEncoder, type SpdyControlFrame, type SpdyFrame } from './spdy-framing.ts'
import { SpdyProtocolError, HeaderBlockDecoder, HeaderBlockEncoder, SPDY_DICTIONARY } from './spdy-header-block.ts'

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff })
const word = fc.integer({ min: 0, max: 0x7fff_ffff })
const headers = fc
  .dictionary(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
    fc.array(
      fc.string({ maxLength: 40 }).map((s) => s.replaceAll('\0', '')),
      { minLength: 1, maxLength: 3 },
    ),
    { maxKeys: 8 },
  )
  .map((fields) => new Map(Object.entries(fields)))

const control: fc.Arbitrary<SpdyControlFrame> = fc.oneof(
  fc.record({
    type: fc.constant('SYN_STREAM' as const),
    streamId,
    associatedStreamId: word,
    priority: fc.integer({ min: 0, max: 7 }),
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    headers,
  }),
  fc.record({ type: fc.constant('SYN_REPLY' as const), streamId, fin: fc.boolean(), headers }),
  fc.record({ type: fc.constant('HEADERS' as const), streamId, fin: fc.boolean(), headers }),
  fc.record({ type: fc.constant('RST_STREAM' as const), streamId, status: word }),
  fc.record({ type: fc.constant('PING' as const), id: word }),
  fc.record({ type: fc.constant('GOAWAY' as const), lastGoodStreamId: word, status: word }),
  fc.record({ type: fc.constant('WINDOW_UPDATE' as const), streamId: word, deltaBytes: word }),
  fc.record({
    type: fc.constant('SETTINGS' as const),
    settings: fc
      .array(fc.tuple(fc.integer({ min: 0, max: 0xff_ffff }), word), { maxLength: 5 })
      .map((pairs) => new Map(pairs)),
  }),
)
const data = fc.record({
  type: fc.constant('DATA' as const),
  streamId,
  fin: fc.boolean(),
  data: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
})

/** Feeds `bytes` in pieces whose sizes `cuts` gives in turn, and joins the pieces of each DATA frame again. */
function decode(bytes: Buffer, cuts: readonly number[]): SpdyFrame[] {
  const decoder = new SpdyDecoder()
  const frames: SpdyFrame[] = []
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const end = offset + (cuts[i % cuts.length] ?? 1)
    decoder.push(Buffer.from(bytes.subarray(offset, end)), (frame) => {
      frames.push('data' in frame ? { ...frame, data: Buffer.from(frame.data) } : frame)
    })
    offset = end
  }
  return frames
}

describe('SPDY frames', () => {
  it('come back as they were, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(control, data), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }),
        (frames, cuts) => {
          const encoder = new SpdyEncoder()
          const bytes = Buffer.concat(
            frames.flatMap((f) =>
              f.type === 'DATA' ? [dataFrameHeader(f.streamId, f.data.length, f.fin), f.data] : [encoder.control(f)],
            ),
          )
          const decoded = decode(bytes, cuts)
          const joined: SpdyFrame[] = []
          let expectedBytes = 0
          for (const frame of decoded) {
            const wanted = frames[joined.length - 1]
            const last = joined.at(-1)
            if (
              frame.type === 'DATA' &&
              last?.type === 'DATA' &&
              wanted?.type === 'DATA' &&
              last.data.length < expectedBytes
            ) {
              joined[joined.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) }
            } else {
              joined.push(frame)
              const next = frames[joined.length - 1]
              expectedBytes = next?.type === 'DATA' ? next.data.length : 0
            }
          }
          expect(joined).toEqual(frames)
        },
      ),
    )
  })

  it('that are garbage end in SpdyProtocolError or are ignored, never in anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (bytes, cut) => {
        try {
          decode(Buffer.from(bytes), [cut])
        } catch (error) {
          expect(error).toBeInstanceOf(SpdyProtocolError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('that are almost right end the same way', () => {
    fc.assert(
      fc.property(
        fc.array(control, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        (frames, at, byte) => {
          const encoder = new SpdyEncoder()
          const bytes = Buffer.concat(frames.map((frame) => encoder.control(frame)))
          bytes[at % bytes.length] = byte
          try {
            decode(bytes, [bytes.length])
          } catch (error) {
            expect(error).toBeInstanceOf(SpdyProtocolError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of 16 MB are handed on as they arrive', () => {
    const decoder = new SpdyDecoder()
    let pieces = 0
    let ends = 0
    const onFrame = (frame: SpdyFrame) => {
      pieces++
      if (frame.type === 'DATA' && frame.fin) ends++
    }
    decoder.push(dataFrameHeader(1, 1 << 23, true), onFrame)
    for (let i = 0; i < 128; i++) decoder.push(Buffer.alloc(1 << 16), onFrame)
    expect({ pieces, ends }).toEqual({ pieces: 128, ends: 1 })
  })
})

describe('header blocks', () => {
  it('decode what zlib compressed as one stream, flushed after each block, like Go does', async () => {
    const plain = (fields: Record<string, string>) => {
      const parts: Buffer[] = []
      const number = (value: number) => {
        const out = Buffer.alloc(4)
        out.writeUInt32BE(value)
        parts.push(out)
      }
      number(Object.keys(fields).length)
      for (const text of Object.entries(fields).flat()) {
        number(text.length)
        parts.push(Buffer.from(text))
      }
      return Buffer.concat(parts)
    }
    const deflate = createDeflate({ dictionary: SPDY_DICTIONARY, level: 9 })
    const compress = (block: Buffer) =>
      new Promise<Buffer>((resolve) => {
        const out: Buffer[] = []
        const collect = (chunk: Buffer) => out.push(chunk)
        deflate.on('data', collect)
        deflate.write(block, () =>
          deflate.flush(constants.Z_SYNC_FLUSH, () => {
            deflate.off('data', collect)
            resolve(Buffer.concat(out))
          }),
        )
      })
    const decoder = new HeaderBlockDecoder()
    // More than the 32 KiB that back references can reach.
    for (let i = 0; i < 300; i++) {
      const fields = { streamtype: i % 2 ? 'data' : 'error', port: '8080', requestid: String(i), filler: 'x'.repeat(i) }
      expect(Object.fromEntries(decoder.decode(await compress(plain(fields))))).toEqual(
        Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])),
      )
    }
    deflate.close()
  })

  it('refuses a block that expands without bound', () => {
    const bomb = deflateSync(Buffer.alloc(10 << 20), {
      dictionary: SPDY_DICTIONARY,
      finishFlush: constants.Z_SYNC_FLUSH,
    })
    expect(bomb.length).toBeLessThan(20_000)
    expect(() => new HeaderBlockDecoder().decode(bomb)).toThrow(SpdyProtocolError)
  })

  it('refuses to send a block that no peer would take', () => {
    expect(() => new HeaderBlockEncoder().encode(new Map([['x', ['y'.repeat(70_000)]]]))).toThrow(RangeError)
  })
})
