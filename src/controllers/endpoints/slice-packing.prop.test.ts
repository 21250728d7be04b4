import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Endpoint, EndpointSlice } from '#api/discovery/v1.ts'
import { packEndpoints } from './slice-packing.ts'

const endpoint = (id: number, ready = true): Endpoint => ({
  addresses: [`10.0.${id >> 8}.${id & 255}`],
  conditions: { ready },
  targetRef: { kind: 'Pod', namespace: 'ns', name: `p${id}` },
})
const sliceOf = (name: string, endpoints: Endpoint[]) =>
  ({ metadata: { name }, addressType: 'IPv4', endpoints }) as unknown as EndpointSlice

/** Applies rounds of desired sets and returns the slices after each. */
function apply(existing: EndpointSlice[], desired: Endpoint[], max: number) {
  const packing = packEndpoints(existing, desired, max, () => false)
  const kept = existing
    .filter((slice) => !packing.delete.includes(slice))
    .map((slice) => (packing.update.has(slice) ? { ...slice, endpoints: packing.update.get(slice)! } : slice))
  const created = packing.create.map((endpoints, i) => sliceOf(`s${existing.length}-${i}-${kept.length}`, endpoints))
  return { packing, slices: [...kept, ...created] }
}

const ids = fc.uniqueArray(fc.nat(60), { maxLength: 40 })

describe('packing endpoints into slices', () => {
  it('places each endpoint exactly once, never more than fit, and writes nothing when nothing changed', () => {
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 10 }), (rounds, max) => {
        let slices: EndpointSlice[] = []
        for (const round of rounds) {
          const desired = round.map((id) => endpoint(id))
          slices = apply(slices, desired, max).slices
          const placed = slices.flatMap((slice) => slice.endpoints!.map((e) => e.targetRef!.name!))
          expect(placed.toSorted()).toEqual(round.map((id) => `p${id}`).toSorted())
          expect(Math.max(0, ...slices.map((slice) => slice.endpoints!.length))).toBeLessThanOrEqual(max)
          const { packing } = apply(slices, desired, max)
          expect([packing.update.size, packing.create.length, packing.delete.length]).toEqual([0, 0, 0])
        }
      }),
    )
  })

  it('creates as few slices as can hold the endpoints of an empty start', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 10 }), (count, max) => {
        const { packing } = apply(
          [],
          Array.from({ length: count }, (_, i) => endpoint(i)),
          max,
        )
        expect(packing.create.length).toBe(Math.ceil(count / max))
      }),
    )
  })

  it('touches only the slice of an endpoint that changes', () => {
    const slices = [sliceOf('a', [endpoint(1), endpoint(2)]), sliceOf('b', [endpoint(3), endpoint(4)])]
    const { packing } = apply(slices, [endpoint(1), endpoint(2), endpoint(3, false), endpoint(4)], 2)
    expect([...packing.update.keys()].map((slice) => slice.metadata.name)).toEqual(['b'])
    expect(packing.create).toEqual([])
  })

  it('adds to the unchanged slice with just enough room', () => {
    const slices = [sliceOf('a', [endpoint(1)]), sliceOf('b', [endpoint(2), endpoint(3)])]
    const { packing } = apply(
      slices,
      [1, 2, 3, 4].map((id) => endpoint(id)),
      3,
    )
    expect([...packing.update.keys()].map((slice) => slice.metadata.name)).toEqual(['b'])
  })
})
