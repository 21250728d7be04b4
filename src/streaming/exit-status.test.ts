import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStatus, encodeStatus, type ExitStatus } from './exit-status.ts'
import { createResizeParser, encodeResize } from './resize-events.ts'
import type { TerminalSize } from './remote-command-session.ts'

describe('exit status', () => {
  it('survives the wire, and does not collect prefixes on the way', () => {
    const status: fc.Arbitrary<ExitStatus> = fc.oneof(
      fc.record({ exitCode: fc.integer({ min: 0, max: 255 }) }),
      fc.record({ error: fc.string({ minLength: 1 }).filter((text) => !text.startsWith('Internal error')) }),
    )
    fc.assert(
      fc.property(status, (exit) => {
        const once = decodeStatus(encodeStatus(exit, 4).toString(), 4)
        expect(decodeStatus(encodeStatus(once, 5).toString(), 5)).toEqual(exit)
      }),
    )
  })

  it.each([
    ['', { exitCode: 0 }],
    ['{"status":"Success"}', { exitCode: 0 }],
    ['{"status":"Failure","message":"no","reason":"NotFound"}', { error: 'no' }],
    [
      '{"status":"Failure","reason":"NonZeroExitCode"}',
      { error: 'error stream protocol error: no ExitCode cause given' },
    ],
    [
      '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"-1"}]}}',
      { error: 'error stream protocol error: invalid exit code value "-1"' },
    ],
    ['null', { error: 'error stream protocol error: unknown error' }],
    ['garbage', { error: 'error stream protocol error: not JSON: "garbage"' }],
  ])('%s', (text, expected) => {
    expect(decodeStatus(text, 4)).toEqual(expected)
  })

  it('whatever an error channel holds, something comes back', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeStatus(text, 4)))
  })
})

describe('terminal sizes', () => {
  const size = fc.record({ width: fc.integer({ min: 0, max: 0xffff }), height: fc.integer({ min: 0, max: 0xffff }) })

  it('come out of a stream however it is cut', () => {
    fc.assert(
      fc.property(fc.array(size), fc.integer({ min: 1, max: 50 }), (sizes, cut) => {
        const wire = sizes.map(encodeResize).join('')
        const seen: TerminalSize[] = []
        const parse = createResizeParser((one) => seen.push(one))
        for (let i = 0; i < wire.length; i += cut) expect(parse(wire.slice(i, i + cut))).toBe(true)
        expect(seen).toEqual(sizes)
      }),
    )
  })

  it.each(['{"Width":-1,"Height":1}', '{"Width":1.5,"Height":1}', '{"Width":70000,"Height":1}', '}', 'x'.repeat(2000)])(
    'refuse %s',
    (text) => {
      expect(createResizeParser(() => {})(text)).toBe(false)
    },
  )

  it('take names in any case, as Go does', () => {
    const seen: TerminalSize[] = []
    createResizeParser((one) => seen.push(one))('{"width":3,"HEIGHT":4}')
    expect(seen).toEqual([{ width: 3, height: 4 }])
  })
})
