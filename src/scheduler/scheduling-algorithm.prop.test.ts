import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { type NodeFixture, TestCluster, testNode, testPod } from './fixtures.ts'
import { fitErrorMessage } from './framework/diagnosis.ts'
import { type NaiveNode, naiveRefusal, naiveScores } from './naive-oracle.ts'

const effects = fc.constantFrom('NoSchedule', 'NoExecute', ...Array<string>(6).fill('PreferNoSchedule'))
const keys = fc.constantFrom('a', 'b', 'c')
const values = fc.constantFrom('1', '2', '7', '8', '9')
const taint = fc.record({ key: keys, value: values, effect: effects })
const toleration = fc.record(
  { key: keys, operator: fc.constantFrom('Exists', 'Equal'), value: values, effect: effects },
  { requiredKeys: ['operator'] },
)
const image = fc.constantFrom('app:1', 'db', 'reg/web:2', 'rare', 'rare')
const imageSizes: Record<string, number> = { 'app:1': 700 << 20, 'db:latest': 2000 << 20, 'reg/web:2': 90 << 20 }

const node = fc.record({
  cpu: fc.constantFrom('1', '2500m', '8', '8', '0'),
  memory: fc.constantFrom('1Gi', '3000M', '8Gi', '8Gi'),
  pods: fc.constantFrom('1', '2', '3', '110'),
  resources: fc.constantFrom(
    {},
    { 'example.com/gpu': '2' },
    { 'hugepages-2Mi': '64Mi' },
    { 'ephemeral-storage': '5Gi' },
  ),
  labels: fc.dictionary(keys, values, { maxKeys: 3, size: 'max' }),
  spec: fc.record(
    { unschedulable: fc.boolean(), taints: fc.array(taint, { maxLength: 3, size: 'max' }) },
    { requiredKeys: [] },
  ),
  status: fc.record({
    images: fc
      .uniqueArray(fc.constantFrom(...Object.keys(imageSizes)), { maxLength: 3 })
      .map((names) => names.map((name) => ({ names: [name], sizeBytes: imageSizes[name]! }))),
  }),
}) as fc.Arbitrary<NodeFixture>

const requests = fc.record(
  {
    cpu: fc.constantFrom('0', '100m', '0.5', '1'),
    memory: fc.constantFrom('0', '64Mi', '300M', '1Gi'),
    'ephemeral-storage': fc.constantFrom('1Gi', '3Gi'),
    'example.com/gpu': fc.constantFrom('0', '1', '2'),
    'hugepages-2Mi': fc.constantFrom('2Mi', '64Mi'),
  },
  { requiredKeys: [] },
)
const port = fc.record({
  containerPort: fc.constant(80),
  hostPort: fc.constantFrom(8080, 9090),
  protocol: fc.constantFrom('TCP', 'UDP'),
  hostIP: fc.constantFrom('', '127.0.0.1', '10.0.0.1'),
})
const container = fc.record(
  { name: fc.constant('c'), image, resources: fc.record({ requests }), ports: fc.array(port, { maxLength: 1 }) },
  { requiredKeys: ['name', 'image'] },
)
const initContainer = fc
  .tuple(container, fc.boolean())
  .map(([c, sidecar]) => (sidecar ? { ...c, restartPolicy: 'Always' } : c))
const expression = fc.oneof(
  fc.record({ key: keys, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(values, { minLength: 1 }) }),
  fc.record({ key: keys, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({ key: keys, operator: fc.constantFrom('Gt', 'Lt'), values: values.map((v) => [v]) }),
)
const expressions = fc.array(expression, { maxLength: 2 })
const byName = fc.constantFrom('n0', 'n1').map((n) => [{ key: 'metadata.name', operator: 'In', values: [n] }])
const term = fc.oneof(
  { weight: 9, arbitrary: fc.record({ matchExpressions: expressions }) },
  { weight: 1, arbitrary: fc.record({ matchExpressions: expressions, matchFields: byName }) },
)
const nodeAffinity = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.record({
      nodeSelectorTerms: fc.array(term, { minLength: 1, maxLength: 2 }),
    }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(
      fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }),
      { minLength: 1, maxLength: 4, size: 'max' },
    ),
  },
  { requiredKeys: [] },
)
const podSpec = fc.record(
  {
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    initContainers: fc.array(initContainer, { maxLength: 3 }),
    tolerations: fc.array(toleration, { maxLength: 2 }),
    nodeSelector: fc.dictionary(keys, values, { maxKeys: 1 }),
    affinity: fc.record({ nodeAffinity }, { requiredKeys: [] }),
    overhead: fc.constant({ cpu: '50m', memory: '10Mi' }),
  },
  { requiredKeys: ['containers'] },
)

/** The same cluster twice: once as the scheduler keeps it, once as plain objects. */
class Both {
  readonly real = new TestCluster(seededRandom(7))
  readonly naive = new Map<string, NaiveNode>()
  readonly placed: Pod[] = []

  setNode(object: Node) {
    this.real.cache.setNode(object)
    const { name } = object.metadata
    this.naive.set(name, { node: object, pods: this.placed.filter((p) => p.spec.nodeName === name) })
  }

  removeNode(name: string) {
    this.real.cache.removeNode(name)
    this.naive.delete(name)
  }

  place(pod: Pod, nodeName: string) {
    const assigned = { ...pod, spec: { ...pod.spec, nodeName } }
    this.real.cache.assume(this.real.info(pod), nodeName)
    this.placed.push(assigned)
    this.naive.get(nodeName)!.pods.push(assigned)
  }

  delete(pod: Pod) {
    this.real.cache.removePod(pod.metadata.uid)
    this.placed.splice(this.placed.indexOf(pod), 1)
    const on = this.naive.get(pod.spec.nodeName!)?.pods
    on?.splice(on.indexOf(pod), 1)
  }

  /** Compares feasible nodes, totals, the choice and the message; returns the choice. */
  check(pod: Pod): string | undefined {
    const all = [...this.naive.values()]
    const refusals = all.map((n) => naiveRefusal(pod, n))
    const feasible = all.filter((_, i) => refusals[i]!.length === 0)
    const expected = naiveScores(pod, feasible, all)
    const conflict = this.real.decide(pod).includes('terms conflict')
    if (!conflict) expect(this.real.scores(pod)).toEqual(Object.fromEntries(expected))

    const decision = this.real.algorithm.decide(this.real.info(pod))
    if ('placement' in decision) {
      const { nodeName } = decision.placement
      expect(expected.get(nodeName)).toBe(Math.max(...expected.values()))
      return nodeName
    }
    expect(feasible).toEqual([])
    const named = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    if (all.length > 0 && !named?.some((t) => 'matchFields' in t)) {
      const reasons = new Map<string, number>()
      for (const reason of refusals.flat()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      const counts = { nodeCount: all.length, preFilterMessage: '', reasons, postFilterMessage: '' }
      expect(decision.misfit.message).toBe(fitErrorMessage(counts))
    }
    return undefined
  }
}

describe('the decision for a pod', () => {
  it('is that of the naive scheduler, whatever happened before', () => {
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 12, maxLength: 20 }),
        fc.array(podSpec, { minLength: 3, maxLength: 3 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer(),
        (fixtures, specs, stepCount, seed) => {
          const both = new Both()
          const random = seededRandom(seed)
          const nodeCount = fixtures.length - 4
          const newPod = (i: number) => testPod(`p${i}`, { spec: specs[random.int(3)] as Pod['spec'] })
          for (let i = 0; i < nodeCount; i++) both.setNode(testNode(`n${i}`, fixtures[i]!))
          for (let i = 0; i < stepCount; i++) {
            const name = `n${random.int(nodeCount)}`
            const dice = random.int(20)
            if (dice === 0) both.setNode(testNode(name, fixtures[random.int(fixtures.length)]!))
            else if (dice === 1) both.removeNode(name)
            else if (dice === 2 && both.naive.has(name)) {
              // Somebody else put it there, whether it fits or not.
              both.place(newPod(i), name)
            } else if (dice < 8) {
              if (both.placed.length > 0) both.delete(both.placed[random.int(both.placed.length)]!)
            } else {
              const pod = newPod(i)
              const chosen = both.check(pod)
              if (chosen) both.place(pod, chosen)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
