import { describe, expect, it } from 'vitest'
import { BackOff } from './back-off.ts'

const S = 1000

describe('BackOff', () => {
  it('doubles from the first pause to the longest', () => {
    const backOff = new BackOff({ initialMs: 10 * S, maxMs: 300 * S })
    const delays: number[] = []
    let now = 0
    for (let i = 0; i < 8; i++) {
      backOff.lengthen('c', now, now)
      delays.push(backOff.delayMs('c') / S)
      now += backOff.delayMs('c') + 1
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300, 300])
  })

  it('counts the pause from the event', () => {
    const backOff = new BackOff({ initialMs: 10 * S, maxMs: 300 * S })
    expect(backOff.until('c', 5 * S, 6 * S)).toBeUndefined()
    backOff.lengthen('c', 0, 1 * S)
    expect(backOff.until('c', 5 * S, 6 * S)).toBe(15 * S)
    expect(backOff.until('c', 5 * S, 15 * S)).toBeUndefined()
    expect(backOff.untilFromUpdate('c', 6 * S)).toBe(11 * S)
    expect(backOff.untilFromUpdate('c', 11 * S)).toBeUndefined()
  })

  it('starts afresh after twice the longest pause without an event', () => {
    const backOff = new BackOff({ initialMs: 10 * S, maxMs: 300 * S })
    backOff.lengthen('c', 0, 0)
    backOff.lengthen('c', 20 * S, 20 * S)
    backOff.lengthen('c', 621 * S, 621 * S)
    expect(backOff.delayMs('c')).toBe(10 * S)
    backOff.sweep(621 * S + 601 * S)
    expect(backOff.size).toBe(0)
  })
})
