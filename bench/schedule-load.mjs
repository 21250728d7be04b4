/** Pods created and bound end to end: any Kubernetes API with a scheduler, with nodes that exist as objects only. */
import { benchNamespace, inParallel, pause, seconds } from './kube-api.mjs'

const NODES = 1000
const PODS = 5000
const TIMEOUT_MS = 120_000

/** Pods a second, from the first creation to the last binding that a watch shows. Removes nodes and pods. */
export async function measureScheduling(api) {
  const namespace = await benchNamespace(api)
  const { name, pods } = namespace
  const allocatable = { cpu: '64', memory: '256Gi', pods: '500', 'ephemeral-storage': '1Ti' }
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const node = (i) => ({
    metadata: { name: `${name}-${i}`, labels: { 'topology.kubernetes.io/zone': `z${i % 3}`, bench: name } },
  })
  const conditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
    reason: 'Bench',
    message: '',
  }))
  const status = { status: { capacity: allocatable, allocatable, conditions } }
  const pod = (i) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p-${i}`, labels: { app: 'x' } },
    spec: {
      nodeSelector: { bench: name },
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m', memory: '100Mi' } } }],
    },
  })
  let stop = () => {}
  try {
    await inParallel(NODES, async (i) => {
      await api.call('POST', '/api/v1/nodes', node(i))
      await api.call('PATCH', `/api/v1/nodes/${name}-${i}/status`, status, 'application/strategic-merge-patch+json')
    })
    // Admission and the node controller mark new nodes as not ready; nodes of a bench are.
    await inParallel(NODES, (i) =>
      api.call('PATCH', `/api/v1/nodes/${name}-${i}`, { spec: { taints: null } }, 'application/merge-patch+json'),
    )
    const bound = new Set()
    let finish
    const all = new Promise((resolve) => (finish = resolve))
    stop = await api.watch(pods, ({ object }) => {
      if (!object.spec?.nodeName || bound.has(object.metadata.name)) return
      bound.add(object.metadata.name)
      if (bound.size === PODS) finish()
    })
    await pause(500)
    const start = performance.now()
    await inParallel(PODS, (i) => api.call('POST', pods, pod(i)))
    const createdAfter = seconds(start)
    await Promise.race([all, pause(TIMEOUT_MS)])
    const boundAfter = seconds(start)
    return { perSecond: bound.size / boundAfter, bound: bound.size, createdAfter, boundAfter }
  } finally {
    stop()
    await namespace.remove()
    await api.call('DELETE', `/api/v1/nodes?labelSelector=bench%3D${name}`)
  }
}
