/** The node agent's own figures, under upstream's names where there are such. */
import type { PodSet } from './pod-set.ts'
import type { RuntimeView } from './runtime-view.ts'
import type { Family } from './stats/exposition.ts'

export function kubeletFamilies(nodeName: string, podSet: PodSet, view: RuntimeView): Family[] {
  const pods = view.all()
  const states = new Map<string, number>()
  for (const pod of pods) for (const c of pod.containers) states.set(c.state, (states.get(c.state) ?? 0) + 1)
  const { rss, heapUsed } = process.memoryUsage()
  const cpu = process.cpuUsage()
  return [
    {
      name: 'kubelet_node_name',
      kind: 'gauge',
      help: "The node's name. The count is always 1.",
      samples: [{ labels: { node: nodeName }, value: 1 }],
    },
    {
      name: 'kubelet_running_pods',
      kind: 'gauge',
      help: 'Number of pods that have a running pod sandbox',
      samples: [{ value: pods.filter((p) => p.sandboxes.some((s) => s.isReady)).length }],
    },
    {
      name: 'kubelet_running_containers',
      kind: 'gauge',
      help: 'Number of containers currently running',
      samples: [...states].map(([state, value]) => ({ labels: { container_state: state }, value })),
    },
    {
      name: 'kubelet_active_pods',
      kind: 'gauge',
      help: 'The number of pods the kubelet considers active and which are being considered when admitting new pods.',
      samples: [{ value: podSet.active().length }],
    },
    {
      name: 'kubelet_desired_pods',
      kind: 'gauge',
      help: 'The number of pods the kubelet is being instructed to run.',
      samples: [{ value: podSet.workers().length }],
    },
    {
      name: 'process_resident_memory_bytes',
      kind: 'gauge',
      help: 'Resident memory size in bytes.',
      samples: [{ value: rss }],
    },
    {
      name: 'nodejs_heap_used_bytes',
      kind: 'gauge',
      help: 'Bytes of the heap in use.',
      samples: [{ value: heapUsed }],
    },
    {
      name: 'process_cpu_seconds_total',
      kind: 'counter',
      help: 'Total user and system CPU time spent in seconds.',
      samples: [{ value: (cpu.user + cpu.system) / 1e6 }],
    },
  ]
}
