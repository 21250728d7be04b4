/**
 * How many pods a second the scheduler alone places: queue, decision and cache in this process, no API server.
 *
 *     npx esbuild bench/scheduler.ts --bundle --platform=node --format=esm --packages=external --outfile=/tmp/bench-scheduler.mjs
 *     node /tmp/bench-scheduler.mjs [pods] [scenario ...]
 *
 * Prints one JSON document a line; bench/run.mjs reads them.
 */
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { SchedulingQueue } from '#scheduler/queue/scheduling-queue.ts'
import { TestCluster, testNode, testPod } from '#scheduler/fixtures.ts'

interface Scenario {
  name: string
  nodes: number
  /** Zones that nodes are spread over. */
  zones?: number
  pod: (i: number) => Pod
}

const requests = { cpu: '100m', memory: '100Mi' }
const spread = (topologyKey: string, whenUnsatisfiable: string) => ({
  topologySpreadConstraints: [
    { maxSkew: 5, topologyKey, whenUnsatisfiable, labelSelector: { matchLabels: { app: 'spread' } } },
  ],
})
const podTerm = (color: string, topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: { color } } })

const scenarios: Scenario[] = [
  { name: 'one template', nodes: 1000, pod: (i) => testPod(`p${i}`, { requests }) },
  { name: 'one template', nodes: 5000, pod: (i) => testPod(`p${i}`, { requests }) },
  {
    name: '40 templates',
    nodes: 5000,
    pod: (i) => testPod(`p${i}`, { requests: { cpu: `${100 + (i % 40)}m`, memory: '100Mi' } }),
  },
  {
    name: '500 templates',
    nodes: 5000,
    pod: (i) => testPod(`p${i}`, { requests: { cpu: `${100 + (i % 500)}m`, memory: '100Mi' } }),
  },
  {
    name: 'preferred node affinity',
    nodes: 5000,
    pod: (i) => {
      const preference = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['zone-1', 'zone-2'] }] }
      const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] }
      return testPod(`p${i}`, { requests, spec: { affinity: { nodeAffinity } } })
    },
  },
  {
    name: 'daemon pods (one node each)',
    nodes: 5000,
    pod: (i) => {
      const matchFields = [{ key: 'metadata.name', operator: 'In', values: [`node-${i % 5000}`] }]
      const required = { nodeSelectorTerms: [{ matchFields }] }
      const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required }
      return testPod(`p${i}`, { requests, spec: { affinity: { nodeAffinity } } })
    },
  },
  { name: 'unschedulable', nodes: 5000, pod: (i) => testPod(`p${i}`, { requests: { cpu: '900' } }) },
  {
    name: 'required spreading over zones',
    nodes: 5000,
    pod: (i) => testPod(`p${i}`, { requests, labels: { app: 'spread' }, spec: spread('zone', 'DoNotSchedule') }),
  },
  {
    name: 'preferred spreading over nodes',
    nodes: 5000,
    pod: (i) =>
      testPod(`p${i}`, {
        requests,
        labels: { app: 'spread' },
        spec: spread('kubernetes.io/hostname', 'ScheduleAnyway'),
      }),
  },
  {
    name: 'preferred pod affinity',
    nodes: 5000,
    pod: (i) => {
      const terms = [{ weight: 1, podAffinityTerm: podTerm('red', 'kubernetes.io/hostname') }]
      const podAffinity = { preferredDuringSchedulingIgnoredDuringExecution: terms }
      return testPod(`p${i}`, { requests, labels: { color: 'red' }, spec: { affinity: { podAffinity } } })
    },
  },
  {
    name: 'required pod anti-affinity',
    nodes: 5000,
    pod: (i) => {
      const terms = [podTerm('green', 'kubernetes.io/hostname')]
      const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: terms }
      return testPod(`p${i}`, { requests, labels: { color: 'green' }, spec: { affinity: { podAntiAffinity } } })
    },
  },
]

const podCount = Number(process.argv[2] ?? 5000)
const asked = process.argv.slice(3)
for (const scenario of scenarios) {
  if (asked.length > 0 && !asked.includes(scenario.name)) continue
  const cluster = new TestCluster(seededRandom(1))
  const queue = new SchedulingQueue({
    clock: systemClock,
    log: silentLog,
    profiles: new Map([[cluster.profile.schedulerName, cluster.profile]]),
    onReady: () => {},
  })
  const zones = scenario.zones ?? 10
  for (let i = 0; i < scenario.nodes; i++) {
    cluster.cache.setNode(testNode(`node-${i}`, { labels: { zone: `zone-${i % zones}` } }))
  }
  const pods = Array.from({ length: podCount }, (_, i) => scenario.pod(i))
  let placed = 0
  const start = performance.now()
  for (const pod of pods) queue.add(cluster.info(pod))
  for (let queued = queue.pop(); queued; queued = queue.pop()) {
    const decision = cluster.algorithm.decide(queued.info)
    if ('misfit' in decision) {
      queued.unschedulablePlugins = new Set(decision.misfit.plugins)
      queue.addUnschedulable(queued, queued.info)
      continue
    }
    const { nodeName } = decision.placement
    cluster.cache.assume(queued.info, nodeName)
    queue.done(queued.info.uid)
    // The API's answer, as the informer would show it.
    const { pod } = queued.info
    cluster.cache.addPod(cluster.info({ ...pod, spec: { ...pod.spec, nodeName } }))
    placed++
  }
  const seconds = (performance.now() - start) / 1000
  queue.close()
  const perSecond = Math.round(podCount / seconds)
  console.log(JSON.stringify({ scenario: scenario.name, nodes: scenario.nodes, perSecond, pods: podCount, placed }))
}
