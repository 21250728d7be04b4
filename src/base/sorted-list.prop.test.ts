import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Order, SortedList } from './sorted-list.ts'

interface Element {
  key: string
  round: number
}
const order: Order<Element> = { keyOf: ({ key }) => key, compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0) }

const keyOf = (i: number) => `k${String(i).padStart(5, '0')}`
const inOrder = (model: Map<string, Element>) => [...model.values()].sort((a, b) => order.compare(a.key, b.key))

describe('a sorted list', () => {
  it('holds what a sorted map holds, in any part', () => {
    const key = fc.nat(40).map(keyOf)
    const steps = fc.array(fc.record({ key, remove: fc.boolean() }))
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), steps, key, fc.nat(50), fc.nat(50), (first, steps, asked, from, to) => {
        const model = new Map(first.map((i) => [keyOf(i), { key: keyOf(i), round: -1 }]))
        const list = new SortedList(order, inOrder(model))
        steps.forEach(({ key, remove }, round) => {
          if (remove) {
            list.delete(key)
            model.delete(key)
          } else {
            list.set({ key, round })
            model.set(key, { key, round })
          }
        })
        const expected = inOrder(model)
        expect(list.size).toBe(expected.length)
        expect(list.slice()).toEqual(expected)
        expect(list.slice(from, to)).toEqual(expected.slice(from, Math.max(from, to)))
        expect(list.countBefore(asked)).toBe(expected.filter((element) => element.key < asked).length)
      }),
    )
  })

  it.each([
    { name: 'ascending', at: (i: number) => i },
    { name: 'descending', at: (i: number) => 9_999 - i },
    { name: 'scattered', at: (i: number) => (i * 7919) % 10_000 },
  ])('holds many chunks of them, put in in $name order', ({ at }) => {
    const list = new SortedList(order)
    for (let i = 0; i < 10_000; i++) list.set({ key: keyOf(at(i)), round: 0 })
    for (let i = 0; i < 10_000; i += 2) list.set({ key: keyOf(i), round: 1 })
    for (let i = 0; i < 10_000; i += 3) list.delete(keyOf(i))
    const expected: Element[] = []
    for (let i = 0; i < 10_000; i++) if (i % 3 !== 0) expected.push({ key: keyOf(i), round: i % 2 === 0 ? 1 : 0 })
    expect(list.slice()).toEqual(expected)
    expect(new SortedList(order, expected).slice()).toEqual(expected)
    expect(list.slice(3_000, 5_500)).toEqual(expected.slice(3_000, 5_500))
    expect(list.countBefore(keyOf(7_777))).toBe(expected.findIndex((element) => element.key >= keyOf(7_777)))
    for (const { key } of expected) list.delete(key)
    expect(list.slice()).toEqual([])
    expect(list.countBefore('z')).toBe(0)
  })
})
