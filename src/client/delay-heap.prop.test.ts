import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DelayHeap } from './delay-heap.ts'

describe('DelayHeap', () => {
  it('gives back what a sorted list would', () => {
    const step = fc.oneof(
      fc.record({ key: fc.integer({ min: 0, max: 20 }), atMs: fc.integer({ min: 0, max: 100 }) }),
      fc.record({ remove: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ dueAtMs: fc.integer({ min: 0, max: 100 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new DelayHeap<number>()
        const model = new Map<number, number>()
        for (const s of steps) {
          if ('key' in s) {
            heap.add(s.key, s.atMs)
            model.set(s.key, Math.min(model.get(s.key) ?? Infinity, s.atMs))
          } else if ('remove' in s) {
            expect(heap.remove(s.remove)).toBe(model.delete(s.remove))
          } else {
            const due = heap.takeDue(s.dueAtMs)
            const times = due.map((key) => model.get(key)!)
            expect(times).toEqual(times.toSorted((a, b) => a - b))
            const expected = [...model].filter(([, atMs]) => atMs <= s.dueAtMs).map(([key]) => key)
            expect(due.toSorted()).toEqual(expected.toSorted())
            for (const key of due) model.delete(key)
          }
          expect(heap.size).toBe(model.size)
          expect(heap.nextAtMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
        }
      }),
    )
  })
})
