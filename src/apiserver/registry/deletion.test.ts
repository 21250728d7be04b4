import { describe, expect, it } from 'vitest'
import { type DeleteRequest, planDeletion } from './deletion.ts'
import { timestamp } from './object-meta.ts'
import type { Stored, Strategy } from './strategy.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const at = (seconds: number) => timestamp(NOW + seconds * 1000)

const object = (metadata: object = {}): Stored =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'u', ...metadata } }) as unknown as Stored

/** Waits as long as it is asked to, 30 s by default. */
const graceful: Strategy = { gracePeriod: (_object, asked) => asked ?? 30 }

/** What becomes of the object's metadata; `gone` or `as it was` in short. */
function outcome(metadata: object, request: DeleteRequest, strategy: Strategy = {}) {
  const plan = planDeletion(object(metadata), request, strategy, NOW)
  if (plan.kind === 'remove') return 'gone'
  if (plan.kind === 'nothing') return 'as it was'
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [], generation } = plan.object.metadata
  return { at: deletionTimestamp, grace: deletionGracePeriodSeconds, finalizers, ...(generation && { generation }) }
}

describe('a deletion', () => {
  it('removes what nothing holds', () => expect(outcome({}, {})).toBe('gone'))

  it('waits for finalizers', () => {
    expect(outcome({ finalizers: ['x/y'] }, {})).toEqual({ at: at(0), grace: 0, finalizers: ['x/y'] })
    expect(outcome({ finalizers: ['x/y'], deletionTimestamp: at(-9), deletionGracePeriodSeconds: 0 }, {})).toBe(
      'as it was',
    )
  })

  it('waits for the grace period, and at once for none', () => {
    expect(outcome({}, {}, graceful)).toEqual({ at: at(30), grace: 30, finalizers: [] })
    expect(outcome({}, { gracePeriodSeconds: 5 }, graceful)).toEqual({ at: at(5), grace: 5, finalizers: [] })
    expect(outcome({}, { gracePeriodSeconds: 0 }, graceful)).toBe('gone')
  })

  it('shows what it removed as it would have gone, where its kind has grace periods', () => {
    const shown = (metadata: object, request: DeleteRequest, strategy: Strategy) => {
      const plan = planDeletion(object(metadata), request, strategy, NOW)
      return plan.kind === 'remove' && plan.object.metadata
    }
    const counting: Strategy = { ...graceful, countsGeneration: true }
    const gone = { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, generation: 2 }
    expect(shown({ generation: 1 }, { gracePeriodSeconds: 0 }, counting)).toMatchObject(gone)
    const deleting = { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30, generation: 2 }
    expect(shown(deleting, { gracePeriodSeconds: 0 }, counting)).toMatchObject(gone)
    expect(shown({}, {}, {})).toEqual({ name: 'a', uid: 'u' })
  })

  it('waits for what the kind itself waits for', () => {
    const strategy: Strategy = {
      blocksDeletion: () => true,
      beginDeletion: (draft) => {
        draft.status = { phase: 'Terminating' }
      },
    }
    const plan = planDeletion(object(), {}, strategy, NOW)
    expect(plan).toMatchObject({ kind: 'mark', object: { status: { phase: 'Terminating' } } })
    expect(plan).not.toHaveProperty('object.metadata.deletionGracePeriodSeconds')
  })

  it('counts as a change of what should be', () => {
    const strategy = { ...graceful, countsGeneration: true }
    expect(outcome({ generation: 3 }, {}, strategy)).toMatchObject({ generation: 4 })
  })

  it('may be a long time ahead', () => {
    expect(outcome({}, { gracePeriodSeconds: 1e15 }, graceful)).toMatchObject({ at: '9999-12-31T23:59:59Z' })
  })

  describe('asked for again', () => {
    const deleting = { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }

    it('changes nothing without a grace period, or with a longer one', () => {
      expect(outcome(deleting, {}, graceful)).toBe('as it was')
      expect(outcome(deleting, { gracePeriodSeconds: 30 }, graceful)).toBe('as it was')
      expect(outcome(deleting, { gracePeriodSeconds: 60 }, graceful)).toBe('as it was')
    })

    it('shortens the grace period, counted from its begin', () => {
      expect(outcome(deleting, { gracePeriodSeconds: 15 }, graceful)).toMatchObject({ at: at(5), grace: 15 })
    })

    it('stays graceful where the shorter period is over already', () => {
      expect(outcome(deleting, { gracePeriodSeconds: 5 }, graceful)).toMatchObject({ at: at(0), grace: 1 })
      expect(outcome(deleting, { gracePeriodSeconds: -1 }, graceful)).toMatchObject({ at: at(0), grace: 1 })
    })

    it('removes at once for a grace period of 0, or waits for finalizers alone', () => {
      expect(outcome(deleting, { gracePeriodSeconds: 0 }, graceful)).toBe('gone')
      const held = { ...deleting, finalizers: ['x/y'] }
      expect(outcome(held, { gracePeriodSeconds: 0 }, graceful)).toEqual({ at: at(0), grace: 0, finalizers: ['x/y'] })
    })

    it('leaves the policy as it is while the grace period runs', () => {
      const orphaned = { ...deleting, finalizers: ['orphan'] }
      expect(outcome(orphaned, { propagationPolicy: 'Background' }, graceful)).toBe('as it was')
    })
  })

  describe('with a propagation policy', () => {
    it.each([
      ['Orphan', [], ['orphan']],
      ['Foreground', ['x/y'], ['x/y', 'foregroundDeletion']],
      ['Foreground', ['orphan'], ['foregroundDeletion']],
      ['Background', ['orphan', 'x/y'], ['x/y']],
    ] as const)('%s turns finalizers %j into %j', (propagationPolicy, before, after) => {
      expect(outcome({ finalizers: [...before] }, { propagationPolicy })).toMatchObject({ finalizers: after })
    })

    it('of Background removes what only a policy held', () => {
      expect(outcome({ finalizers: ['orphan'] }, { propagationPolicy: 'Background' })).toBe('gone')
      const deleting = { finalizers: ['foregroundDeletion'], deletionTimestamp: at(-5), deletionGracePeriodSeconds: 0 }
      expect(outcome(deleting, { propagationPolicy: 'Background' })).toBe('gone')
      expect(outcome(deleting, { propagationPolicy: 'Orphan' })).toMatchObject({ finalizers: ['orphan'] })
    })

    it('obeys the deprecated orphanDependents', () => {
      expect(outcome({}, { orphanDependents: true })).toMatchObject({ finalizers: ['orphan'] })
      expect(outcome({ finalizers: ['orphan'] }, { orphanDependents: false })).toBe('gone')
    })

    it('or without, obeys the finalizers, and then what the kind is used to', () => {
      expect(outcome({ finalizers: ['orphan'] }, {})).toMatchObject({ finalizers: ['orphan'] })
      const strategy: Strategy = { orphansByDefault: true }
      expect(outcome({}, {}, strategy)).toMatchObject({ finalizers: ['orphan'] })
      expect(outcome({ finalizers: ['foregroundDeletion'] }, {}, strategy)).toMatchObject({
        finalizers: ['foregroundDeletion'],
      })
      expect(outcome({}, { propagationPolicy: 'Background' }, strategy)).toBe('gone')
    })
  })
})
