import { describe, expect, it } from 'vitest'
import { batchFailures, batchText, isAbsent, isPresent, type IpCommand, type IpFailure } from './host.ts'
import { HostBatch } from './host-batch.ts'
import { RecordingHost } from './recording-host.ts'

describe('batches of ip', () => {
  it('find the command that failed, and why', () => {
    const stderr = 'RTNETLINK answers: File exists\nCommand failed -:2\nCannot find device "x"\nCommand failed -:5\n'
    const failures = batchFailures(stderr)
    expect(failures).toEqual([
      { index: 1, message: 'RTNETLINK answers: File exists' },
      { index: 4, message: 'Cannot find device "x"' },
    ])
    expect(failures.map(isPresent)).toEqual([true, false])
    expect(failures.map(isAbsent)).toEqual([false, true])
  })

  it('refuse arguments that would become other commands', () => {
    expect(batchText([['link', 'show'], ['route']])).toBe('link show\nroute\n')
    for (const bad of ['a b', 'a\nlink del eth0', '', '"', '#x'])
      expect(() => batchText([['link', bad]])).toThrow(TypeError)
  })

  it('tell every caller of its own failures only', async () => {
    const host = new RecordingHost()
    host.failing.set('bad', 'no')
    const batch = new HostBatch(host)
    const ask = (...commands: IpCommand[]): Promise<IpFailure[]> => batch.run(commands)
    const [a, b, c] = await Promise.all([ask(['ok']), ask(['ok'], ['bad'], ['ok']), ask(['bad'])])
    expect([a, b, c]).toEqual([[], [{ index: 1, message: 'no' }], [{ index: 0, message: 'no' }]])
    expect(host.batches).toBe(1)
  })
})
