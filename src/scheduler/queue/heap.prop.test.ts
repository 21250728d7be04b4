import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap } from './heap.ts'

describe('Heap', () => {
  it('hands out elements in order, whatever was removed or moved meanwhile', () => {
    const operations = fc.array(fc.tuple(fc.constantFrom('push', 'pop', 'remove', 'change'), fc.nat(50), fc.nat(1000)))
    fc.assert(
      fc.property(operations, (ops) => {
        const heap = new Heap<{ heapIndex: number; value: number }>((a, b) => a.value < b.value)
        const model: { heapIndex: number; value: number }[] = []
        for (const [op, pick, value] of ops) {
          const element = model[pick % Math.max(model.length, 1)]
          if (op === 'push') {
            const added = { heapIndex: -1, value }
            heap.push(added)
            model.push(added)
          } else if (op === 'pop') {
            const popped = heap.pop()
            expect(popped?.value).toBe(model.length > 0 ? Math.min(...model.map((e) => e.value)) : undefined)
            if (popped) model.splice(model.indexOf(popped), 1)
          } else if (element && op === 'remove') {
            heap.remove(element)
            expect(element.heapIndex).toBe(-1)
            model.splice(model.indexOf(element), 1)
          } else if (element) {
            element.value = value
            heap.moved(element)
          }
          expect(heap.size).toBe(model.length)
        }
        const rest = model.map((e) => e.value).sort((a, b) => a - b)
        expect(rest.map(() => heap.pop()!.value)).toEqual(rest)
      }),
    )
  })
})
