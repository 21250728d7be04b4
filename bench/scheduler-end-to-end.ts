/**
 * Pods created and bound a second, with the API server, its admission and the scheduler in this one process.
 *
 *     npx esbuild bench/scheduler-end-to-end.ts --bundle --platform=node --format=esm --packages=external --outfile=/tmp/bench-e2e.mjs
 *     node /tmp/bench-e2e.mjs [pods] [nodes]
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { namespaces, nodes, pods, serviceAccounts } from '#api/resources.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import { startInProcessApi } from '#testing/in-process-api.ts'

const podCount = Number(process.argv[2] ?? 5000)
const nodeCount = Number(process.argv[3] ?? 1000)
const CREATORS = 64

// Nothing else keeps the process alive: timers of the system clock do not.
setInterval(() => {}, 1000)
const api = await startInProcessApi()
const { client, informers, recorder, clock, random, log, signal } = api
await client.create(namespaces, { metadata: { name: 'bench' } })
await client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'bench' } })
const allocatable = { cpu: '4', memory: '32Gi', pods: '110' }
for (let i = 0; i < nodeCount; i++) {
  await client.create(nodes, { metadata: { name: `node-${i}` }, status: { allocatable } } as unknown as Node)
  // No controller runs here that would find the node ready.
  await client.patch(nodes, { name: `node-${i}` }, { spec: { taints: null } })
}
const scheduler = startScheduler({ client, informers, recorder, clock, random, log, signal })
await scheduler.synced()

let bound = 0
const allBound = new Promise<void>((resolve) => {
  const seen = (pod: Pod) => pod.spec.nodeName && ++bound === podCount && resolve()
  informers.for(pods).handle({ added: seen, updated: (pod, before) => !before.spec.nodeName && seen(pod) })
})
const containers = [
  { name: 'main', image: 'registry.example/app:1', resources: { requests: { cpu: '100m', memory: '500Mi' } } },
]
const measure = async (name: string, work: () => Promise<unknown>) => {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const perPod = Math.round((user + system) / podCount)
  console.log(`${name}: ${Math.round(podCount / seconds)} pods/s, ${perPod} us of CPU a pod`)
}
await measure(`${podCount} pods on ${nodeCount} nodes, created and bound`, async () => {
  let next = 0
  const create = async () => {
    while (next < podCount) {
      const metadata = { name: `p${next++}`, namespace: 'bench' }
      await client.create(pods, { metadata, spec: { containers } } as unknown as Pod)
    }
  }
  await Promise.all([...Array.from({ length: CREATORS }, create), allBound])
})
await api.close()
process.exit(0)
