import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { formatLogTime, LogFramer, MAX_LINE_BYTES } from './cri-log.ts'

const T = '2024-01-01T00:00:00.000000001Z'
const frame = (...chunks: string[]) => {
  const framer = new LogFramer('stdout')
  return chunks.map((chunk) => framer.push(Buffer.from(chunk), T)).join('') + framer.end(T)
}

describe('CRI log', () => {
  it('prints nanoseconds', () => {
    expect(formatLogTime(1_704_067_200_000_000_001n)).toBe(T)
    expect(formatLogTime(1_704_067_200_123_456_789n)).toBe('2024-01-01T00:00:00.123456789Z')
  })

  it('tags every line, keeps empty ones, and joins a line that came in pieces', () => {
    expect(frame('a\n\nb', 'c\n')).toBe(`${T} stdout F a\n${T} stdout F \n${T} stdout F bc\n`)
  })

  it('writes a last line without an end', () => {
    expect(frame('a\nb')).toBe(`${T} stdout F a\n${T} stdout F b\n`)
    expect(frame('')).toBe('')
  })

  it('cuts long lines into P pieces that end with F', () => {
    const long = 'x'.repeat(MAX_LINE_BYTES)
    expect(frame(`${long}yz\n`)).toBe(`${T} stdout P ${long}\n${T} stdout F yz\n`)
    expect(frame(`${long}\n`)).toBe(`${T} stdout F ${long}\n`)
    expect(frame(`s\n${long}${long}e\nt\n`)).toBe(
      `${T} stdout F s\n${T} stdout P ${long}\n${T} stdout P ${long}\n${T} stdout F e\n${T} stdout F t\n`,
    )
  })

  it('says the same however the bytes arrive', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constant('\n'),
      fc.constant('y'.repeat(MAX_LINE_BYTES - 1)),
      fc.constant('é\n'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const strip = (log: string) =>
          log
            .split('\n')
            .slice(0, -1)
            .map((line) => line.slice(T.length + 10))
            .join('')
        const original = Buffer.from(pieces.join('')).toString('latin1').replaceAll('\n', '')
        expect(strip(frame(...pieces))).toBe(original)
        expect(strip(frame(pieces.join('')))).toBe(original)
      }),
      { numRuns: 100 },
    )
  })
})
