import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { formatTime } from '#machinery/time.ts'
import { inDeletionOrder } from './deletion-order.ts'
import { planReplicas, type Replicated, statusOf } from './replica-plan.ts'

const NOW = Date.UTC(2026, 0, 2)
const HOUR = 3_600_000

interface Traits {
  node?: string
  phase?: string
  readyForMs?: number
  cost?: string
  restarts?: number
  ageMs?: number
  labels?: Record<string, string>
}

const podNamed = (
  name: string,
  { node = 'n1', phase = 'Running', readyForMs = HOUR, cost, restarts = 0, ageMs = HOUR, labels }: Traits = {},
): Pod =>
  ({
    metadata: {
      name,
      uid: name,
      labels,
      creationTimestamp: formatTime(NOW - ageMs),
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { nodeName: node, containers: [] },
    status: {
      phase,
      conditions:
        readyForMs < 0 ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(NOW - readyForMs) }],
      containerStatuses: [{ restartCount: restarts }],
    },
  }) as unknown as Pod

const setOf = (replicas: number, spec: object = {}, status: object = {}): Replicated =>
  ({ metadata: { name: 'web', generation: 3 }, spec: { replicas, ...spec }, status }) as unknown as Replicated

describe('pods to be deleted', () => {
  const rules: [rule: string, first: Traits, second: Traits][] = [
    ['unassigned before assigned', { node: '' }, {}],
    ['pending before running', { phase: 'Pending', readyForMs: -1 }, { readyForMs: -1 }],
    ['not ready before ready', { readyForMs: -1 }, {}],
    ['cheap before expensive', { cost: '-5' }, { cost: '3' }],
    ['ready for a shorter time first', { readyForMs: HOUR }, { readyForMs: 20 * HOUR }],
    ['more restarts first', { restarts: 3 }, { restarts: 1 }],
    ['younger before older', { ageMs: HOUR }, { ageMs: 20 * HOUR }],
  ]
  it.each(rules)('%s', (_, first, second) => {
    const pods = [podNamed('b', second), podNamed('a', first)]
    expect(inDeletionOrder(pods, pods, NOW).map((p) => p.metadata.name)).toEqual(['a', 'b'])
  })

  it('come from the node with most of their siblings', () => {
    const pods = [podNamed('a'), podNamed('b', { node: 'n2' }), podNamed('c', { node: 'n2' })]
    expect(inDeletionOrder(pods, pods, NOW).at(-1)!.metadata.name).toBe('a')
  })

  it('do not differ by times of the same magnitude', () => {
    const pods = [podNamed('b', { readyForMs: 5.1 * HOUR }), podNamed('a', { readyForMs: 5 * HOUR })]
    expect(inDeletionOrder(pods, pods, NOW).map((p) => p.metadata.name)).toEqual(['a', 'b'])
  })

  it.each(['1e3', '007', '+1', '99999999999'])('a cost of %s counts as none', (cost) => {
    const pods = [podNamed('b', { cost }), podNamed('a', { cost: '-1' })]
    expect(inDeletionOrder(pods, pods, NOW)[0]!.metadata.name).toBe('a')
  })
})

describe('a replica plan', () => {
  it('brings any number of pods to the wanted one, 500 at a time', () => {
    fc.assert(
      fc.property(fc.nat(1500), fc.nat(1500), (have, want) => {
        let count = have
        let rounds = 0
        for (; count !== want; rounds++) {
          const active = Array.from({ length: count }, (_, i) => podNamed(`p${i}`))
          const plan = planReplicas(setOf(want), active, () => active, NOW)
          expect(plan.create === 0 || plan.delete.length === 0).toBe(true)
          count += plan.create - plan.delete.length
        }
        expect(rounds).toBe(Math.ceil(Math.abs(have - want) / 500))
      }),
      { numRuns: 15 },
    )
  })
})

describe('the status of replicas', () => {
  it('counts the labelled, the ready and the available', () => {
    const active = [
      podNamed('a', { labels: { app: 'web', v: '1' } }),
      podNamed('b', { labels: { app: 'web' }, readyForMs: 5_000 }),
      podNamed('c', { readyForMs: -1 }),
    ]
    const set = setOf(3, { minReadySeconds: 10, template: { metadata: { labels: { app: 'web' } } } })
    expect(statusOf(set, { active, terminating: 0 }, NOW)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 0,
      observedGeneration: 3,
    })
  })

  it('tells of a failure until there is none any more', () => {
    const failed = statusOf(setOf(2), { active: [], terminating: 0, failure: 'quota' }, NOW)
    expect(failed.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' },
    ])
    const again = statusOf(setOf(2, {}, failed), { active: [], terminating: 0, failure: 'other' }, NOW + HOUR)
    expect(again.conditions).toEqual(failed.conditions)
    expect(statusOf(setOf(2, {}, failed), { active: [], terminating: 0 }, NOW).conditions).toBeUndefined()
  })
})
