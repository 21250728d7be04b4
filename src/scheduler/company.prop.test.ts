import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import type { Pod, PodSpec } from '#api/core/v1/pod.ts'
import { type NodeFixture, TestCluster, testNode, testPod } from './fixtures.ts'
import { fitErrorMessage } from './framework/diagnosis.ts'
import {
  naiveCompanyRefusal,
  naiveCompanyScores,
  naiveSpreadRefusal,
  naiveSpreadScores,
  type NamespaceLabels,
} from './naive-company-oracle.ts'
import { type NaiveNode, naiveRefusal, naiveScores } from './naive-oracle.ts'

const ZONE = 'topology.kubernetes.io/zone'
const NAMESPACES: NamespaceLabels = { default: { team: 'a' }, other: { team: 'b' } }
const SERVICE = { app: 'x' }

const app = fc.constantFrom('x', 'y', 'z')
const topologyKey = fc.constantFrom(ZONE, 'kubernetes.io/hostname', 'rack')
const labelSelector = fc.oneof(
  { weight: 5, arbitrary: app.map((value) => ({ matchLabels: { app: value } })) },
  { weight: 1, arbitrary: fc.constant({}) },
)
const podTerm = fc.record(
  {
    topologyKey,
    labelSelector,
    namespaces: fc.subarray(['default', 'other'], { minLength: 1 }),
    namespaceSelector: fc.constantFrom({}, { matchLabels: { team: 'b' } }),
  },
  { requiredKeys: ['topologyKey'] },
)
const weighted = fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: podTerm })
const terms = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.array(podTerm, { maxLength: 2 }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(weighted, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)
const spread = fc.record(
  {
    topologyKey,
    maxSkew: fc.integer({ min: 1, max: 3 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector,
    minDomains: fc.integer({ min: 1, max: 4 }),
    nodeAffinityPolicy: fc.constantFrom('Honor', 'Ignore'),
    nodeTaintsPolicy: fc.constantFrom('Honor', 'Ignore'),
    matchLabelKeys: fc.constant(['app']),
  },
  { requiredKeys: ['topologyKey', 'maxSkew', 'whenUnsatisfiable'] },
)
const template = fc.record({
  app,
  namespace: fc.constantFrom('default', 'default', 'other'),
  spec: fc.record(
    {
      affinity: fc.record({ podAffinity: terms, podAntiAffinity: terms }, { requiredKeys: [] }),
      topologySpreadConstraints: fc.array(spread, { minLength: 1, maxLength: 2 }),
      nodeSelector: fc.constant({ rack: 'r1' }),
    },
    { requiredKeys: [] },
  ),
})
const node = fc.record({
  labels: fc.record(
    { [ZONE]: fc.constantFrom('z1', 'z2', 'z3'), rack: fc.constantFrom('r1', 'r2') },
    { requiredKeys: [] },
  ),
  spec: fc.record(
    { taints: fc.constantFrom([{ key: 'k', effect: 'NoSchedule' }], [{ key: 'k', effect: 'PreferNoSchedule' }]) },
    { requiredKeys: [] },
  ),
})

describe('the company of other pods', () => {
  it('counts as the naive scheduler counts it', () => {
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 3, maxLength: 9 }),
        fc.array(template, { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer(),
        (fixtures, templates, stepCount, seed) => {
          const random = seededRandom(seed)
          const real = new TestCluster(random)
          for (const [name, labels] of Object.entries(NAMESPACES))
            real.listers.namespaces.put({ metadata: { name, labels } } as object as Pod)
          real.listers.services.put({
            metadata: { name: 's', namespace: 'default' },
            spec: { selector: SERVICE },
          } as object as Pod)
          const naive: NaiveNode[] = fixtures.map((fixture, i) => {
            const { labels, ...rest } = fixture
            const object = testNode(`n${i}`, { labels, ...rest } as NodeFixture)
            real.cache.setNode(object)
            return { node: object, pods: [] }
          })
          for (let i = 0; i < stepCount; i++) {
            if (random.int(5) === 0) {
              const crowded = naive.filter((n) => n.pods.length > 0)
              const on = crowded[random.int(Math.max(crowded.length, 1))]
              const gone = on?.pods.pop()
              if (gone) real.cache.removePod(gone.metadata.uid)
              continue
            }
            const { namespace, spec, app } = templates[random.int(4)]!
            const pod = testPod(`p${i}`, {
              namespace,
              labels: { app },
              spec: spec as Partial<PodSpec>,
              terminating: false,
            })

            const refusals = naive.map((n) => {
              const single = naiveRefusal(pod, n)
              if (single.length > 0) return single
              const uneven = naiveSpreadRefusal(pod, n, naive)
              return uneven.length > 0 ? uneven : naiveCompanyRefusal(pod, n, naive, NAMESPACES)
            })
            const feasible = naive.filter((_, k) => refusals[k]!.length === 0)
            const expected = naiveScores(pod, feasible, naive)
            const company = naiveCompanyScores(pod, feasible, naive, NAMESPACES)
            const isServed = namespace === 'default' && app === 'x'
            const even = naiveSpreadScores(pod, feasible, naive, isServed ? SERVICE : undefined)
            for (const [k, { node }] of feasible.entries()) {
              const total = expected.get(node.metadata.name)! + 2 * company[k]! + 2 * (even?.[k] ?? 0)
              expected.set(node.metadata.name, total)
            }
            expect(real.scores(pod)).toEqual(Object.fromEntries(expected))

            const decision = real.algorithm.decide(real.info(pod))
            if ('misfit' in decision) {
              const reasons = new Map<string, number>()
              for (const reason of refusals.flat()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
              const counts = { nodeCount: naive.length, preFilterMessage: '', reasons, postFilterMessage: '' }
              expect(decision.misfit.message).toBe(fitErrorMessage(counts))
              continue
            }
            const { nodeName } = decision.placement
            expect(expected.get(nodeName)).toBe(Math.max(...expected.values()))
            const isTerminating = random.int(8) === 0
            const metadata = isTerminating
              ? { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
              : pod.metadata
            const placed = { ...pod, metadata, spec: { ...pod.spec, nodeName } } as Pod
            real.cache.addPod(real.info(placed))
            naive.find((n) => n.node.metadata.name === nodeName)!.pods.push(placed)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
