import { describe, expect, it } from 'vitest'
import { CronError, isTimeZone, parseCron } from './cron.ts'

const valuesOf = (bits: bigint) =>
  Array.from({ length: 64 }, (_, i) => i).filter((i) => (bits & (1n << BigInt(i))) !== 0n)

describe('parseCron', () => {
  it('reads lists, ranges, steps and names', () => {
    const schedule = parseCron('5,10-12 */6 1 jan-mar MON,5')
    expect(valuesOf(schedule.minute)).toEqual([5, 10, 11, 12])
    expect(valuesOf(schedule.hour)).toEqual([0, 6, 12, 18])
    expect(valuesOf(schedule.dayOfMonth)).toEqual([1])
    expect(valuesOf(schedule.month)).toEqual([1, 2, 3])
    expect(valuesOf(schedule.dayOfWeek)).toEqual([1, 5])
    expect([schedule.anyDayOfMonth, schedule.anyDayOfWeek]).toEqual([false, false])
  })

  it('takes a number with a step as the beginning of a range', () => {
    expect(valuesOf(parseCron('50/4 * * * *').minute)).toEqual([50, 54, 58])
  })

  it('knows descriptors', () => {
    expect(parseCron('@weekly')).toEqual(parseCron('0 0 * * 0'))
    expect(parseCron('@every 1h30m').everyMs).toBe(5_400_000)
  })

  it.each([
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['@sometimes', 'unrecognized descriptor: @sometimes'],
    ['TZ=Nowhere * * * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
  ])('refuses %j', (text, message) => {
    expect(() => parseCron(text)).toThrow(new CronError(message))
  })
})

describe('isTimeZone', () => {
  it('knows the zones of the database only', () => {
    expect(['Europe/Zurich', 'UTC', 'Nowhere/Town', '+02:00'].map(isTimeZone)).toEqual([true, true, false, false])
  })
})
