import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#api/kind.ts'
import { configMaps, pods } from '#api/resources.ts'
import { OwnershipGraph } from './ownership-graph.ts'

interface State {
  owners: number[]
  deleting: boolean
}

const objectOf = (id: number, { owners, deleting }: State, version: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `n${id}`,
    namespace: 'ns',
    uid: `u${id}`,
    resourceVersion: String(version),
    creationTimestamp: '2026-01-01T00:00:00Z',
    ownerReferences: owners.map((o) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      name: `n${o}`,
      uid: `u${o}`,
      blockOwnerDeletion: true,
    })),
    ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['foregroundDeletion'] }),
  },
})

const ids = fc.nat(8)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ put: ids, owners: fc.uniqueArray(ids, { maxLength: 3 }), deleting: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ remove: ids }) },
  { weight: 1, arbitrary: fc.record({ relist: fc.uniqueArray(ids) }) },
  { weight: 1, arbitrary: fc.constant({ unwatch: true }) },
)

describe('the ownership graph', () => {
  it('knows all dependents of every owner, and asks for a check of whatever may have lost its last one', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const checked = new Set<string>()
        const graph = new OwnershipGraph({ check: ({ uid }) => checked.add(uid), orphan() {} })
        const model = new Map<number, State>()
        /** Uids do not come back. */
        const gone = new Set<number>()
        let version = 0
        /** What goes together is not there to be checked. */
        const remove = (...removed: number[]) => {
          const known = removed.filter((id) => model.delete(id))
          for (const id of removed) gone.add(id)
          for (const [other, { owners }] of model) {
            if (owners.some((owner) => known.includes(owner))) expect(checked).toContain(`u${other}`)
          }
        }
        for (const s of steps) {
          checked.clear()
          if ('put' in s && gone.has(s.put)) continue
          if ('put' in s) {
            const state = { owners: s.owners.filter((o) => o !== s.put), deleting: s.deleting }
            const isNew = !model.has(s.put)
            model.set(s.put, state)
            graph.observe(pods, objectOf(s.put, state, ++version))
            const hasUnseenOwner = state.owners.some((o) => !model.has(o))
            if (isNew && hasUnseenOwner) expect(checked).toContain(`u${s.put}`)
          } else if ('remove' in s) {
            graph.remove(`u${s.remove}`)
            remove(s.remove)
          } else if ('relist' in s) {
            const present = s.relist.filter((id) => model.has(id))
            graph.removeOthers(pods, new Set(present.map((id) => `u${id}`)))
            graph.removeOthers(configMaps, new Set())
            remove(...[...model.keys()].filter((id) => !present.includes(id)))
          } else {
            graph.unwatch(pods)
            model.clear()
          }
          const referred = new Set([...model.values()].flatMap(({ owners }) => owners))
          for (let id = 0; id <= 8; id++) {
            const node = graph.get(`u${id}`)
            expect(node?.resource !== undefined).toBe(model.has(id))
            const expected = [...model].filter(([, { owners }]) => owners.includes(id)).map(([other]) => `u${other}`)
            // Owners that are known to be gone need no placeholder.
            if (node) expect([...node.dependents].map(({ uid }) => uid).toSorted()).toEqual(expected.toSorted())
            else expect(model.has(id)).toBe(false)
            if (node && !model.has(id)) expect(referred).toContain(id)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
