import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalMicroTime,
  canonicalTime,
  formatMicroTime,
  formatTime,
  parseMicroTime,
  parseTime,
  TimeError,
} from './time.ts'

describe('time', () => {
  it('is written with whole seconds, or six digits', () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
    expect(formatTime(at)).toBe('2026-01-02T03:04:05Z')
    expect(formatMicroTime(at)).toBe('2026-01-02T03:04:05.678000Z')
    expect(formatMicroTime(at + 0.25)).toBe('2026-01-02T03:04:05.678250Z')
    expect(formatTime(-1)).toBe('1969-12-31T23:59:59Z')
  })

  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05.999Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05+02:30', '2026-01-02T00:34:05Z'],
    ['2026-01-01T00:00:00-05:00', '2026-01-01T05:00:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('%s is kept as %s', (text, expected) => {
    expect(canonicalTime(text)).toBe(expected)
  })

  it('keeps every digit of a micro time', () => {
    expect(canonicalMicroTime('2026-01-02T03:04:05.123457+01:00')).toBe('2026-01-02T02:04:05.123457Z')
    expect(parseMicroTime('2026-01-02T03:04:05.250000Z')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 250))
  })

  const as = 'as "2006-01-02T15:04:05Z07:00": cannot parse'
  it.each([
    ['', `parsing time "" ${as} "" as "2006"`],
    ['yesterday', `parsing time "yesterday" ${as} "yesterday" as "2006"`],
    ['2026-01-02', `parsing time "2026-01-02" ${as} "" as "T"`],
    ['2026-01-02T03:04:05', `parsing time "2026-01-02T03:04:05" ${as} "" as "Z07:00"`],
    ['2026-01-02T03:04:05Zx', 'parsing time "2026-01-02T03:04:05Zx": extra text: "x"'],
    ['2026-13-02T03:04:05Z', 'parsing time "2026-13-02T03:04:05Z": month out of range'],
    ['2025-02-29T03:04:05Z', 'parsing time "2025-02-29T03:04:05Z": day out of range'],
    ['2026-01-02T24:00:00Z', 'parsing time "2026-01-02T24:00:00Z": hour out of range'],
  ])('refuses %j', (text, message) => {
    expect(() => parseTime(text)).toThrow(new TimeError(message))
  })

  it('refuses a micro time without six digits', () => {
    expect(() => parseMicroTime('2026-01-02T03:04:05Z')).toThrow(/cannot parse "Z" as ".000000"/)
    expect(() => parseMicroTime('2026-01-02T03:04:05.123Z')).toThrow(TimeError)
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        expect(parseTime(formatTime(ms))).toBe(Math.floor(ms / 1000) * 1000)
        expect(Math.round(parseMicroTime(formatMicroTime(ms)))).toBe(ms)
        expect(canonicalMicroTime(formatMicroTime(ms))).toBe(formatMicroTime(ms))
      }),
    )
  })
})
