/** Figures as text that Prometheus reads. Pure. */
import type { Summary } from './summary.ts'

export type MetricKind = 'counter' | 'gauge'

export interface Sample {
  labels?: Readonly<Record<string, string>>
  value: number
  /** Milliseconds since the epoch. */
  atMs?: number
}

export interface Family {
  name: string
  help: string
  kind: MetricKind
  samples: readonly Sample[]
}

/** Families without samples are left out. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, help, kind, samples } of families) {
    if (samples.length === 0) continue
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`)
    for (const { labels = {}, value, atMs } of samples) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`)
      const time = atMs === undefined ? '' : ` ${Math.floor(atMs)}`
      lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}${time}`)
    }
  }
  return `${lines.join('\n')}\n`
}

const escape = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** `/metrics/resource`: what autoscalers read. */
export function resourceFamilies({ node, pods }: Summary): Family[] {
  const containers = pods.flatMap((pod) =>
    pod.containers.map((c) => ({
      labels: { container: c.name, namespace: pod.podRef.namespace, pod: pod.podRef.name },
      c,
    })),
  )
  const podLabels = (pod: Summary['pods'][number]) => ({ namespace: pod.podRef.namespace, pod: pod.podRef.name })
  const family = (name: string, kind: MetricKind, help: string, samples: (Sample | undefined)[]): Family => ({
    name,
    kind,
    help,
    samples: samples.filter((s) => s !== undefined),
  })
  const seconds = (ns: number | undefined) => (ns === undefined ? undefined : ns / 1e9)
  const sample = (value: number | undefined, time: string | undefined, labels?: Record<string, string>) =>
    value === undefined ? undefined : { value, ...(time && { atMs: Date.parse(time) }), ...(labels && { labels }) }
  return [
    family(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      containers.map(({ labels, c }) => sample(seconds(c.cpu?.usageCoreNanoSeconds), c.cpu?.time, labels)),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Current working set of the container in bytes',
      containers.map(({ labels, c }) => sample(c.memory?.workingSetBytes, c.memory?.time, labels)),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      'Start time of the container since unix epoch in seconds',
      containers.map(({ labels, c }) => sample(Date.parse(c.startTime) / 1000, undefined, labels)),
    ),
    family(
      'container_swap_usage_bytes',
      'gauge',
      'Current amount of the container swap usage in bytes',
      containers.map(({ labels, c }) => sample(c.swap?.swapUsageBytes, c.swap?.time, labels)),
    ),
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
      sample(seconds(node.cpu.usageCoreNanoSeconds), node.cpu.time),
    ]),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
      sample(node.memory.workingSetBytes, node.memory.time),
    ]),
    family(
      'pod_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the pod in core-seconds',
      pods.map((pod) => sample(seconds(pod.cpu?.usageCoreNanoSeconds), pod.cpu?.time, podLabels(pod))),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Current working set of the pod in bytes',
      pods.map((pod) => sample(pod.memory?.workingSetBytes, pod.memory?.time, podLabels(pod))),
    ),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
      { value: 0 },
    ]),
  ]
}

/** `/metrics/cadvisor`: the part of cAdvisor's families that dashboards draw. */
export function cadvisorFamilies({ pods }: Summary): Family[] {
  const families = new Map<string, { family: Omit<Family, 'samples'>; samples: Sample[] }>()
  const add = (
    name: string,
    kind: MetricKind,
    help: string,
    value: number | undefined,
    labels: Record<string, string>,
  ) => {
    if (value === undefined) return
    let entry = families.get(name)
    if (!entry) families.set(name, (entry = { family: { name, kind, help }, samples: [] }))
    entry.samples.push({ value, labels })
  }
  for (const pod of pods) {
    const where = { namespace: pod.podRef.namespace, pod: pod.podRef.name }
    for (const c of [...pod.containers, { ...pod, name: '' }]) {
      const labels = { container: c.name, ...where }
      const cpu = c.cpu?.usageCoreNanoSeconds
      add(
        'container_cpu_usage_seconds_total',
        'counter',
        'Cumulative cpu time consumed in seconds.',
        cpu === undefined ? undefined : cpu / 1e9,
        labels,
      )
      add(
        'container_memory_usage_bytes',
        'gauge',
        'Current memory usage in bytes, including all memory regardless of when it was accessed',
        c.memory?.usageBytes,
        labels,
      )
      add(
        'container_memory_working_set_bytes',
        'gauge',
        'Current working set in bytes.',
        c.memory?.workingSetBytes,
        labels,
      )
      add('container_memory_rss', 'gauge', 'Size of RSS in bytes.', c.memory?.rssBytes, labels)
      if ('rootfs' in c)
        add(
          'container_fs_usage_bytes',
          'gauge',
          'Number of bytes that are consumed by the container on this filesystem.',
          c.rootfs?.usedBytes,
          labels,
        )
    }
    for (const i of pod.network?.interfaces ?? []) {
      const labels = { interface: i.name, ...where }
      add('container_network_receive_bytes_total', 'counter', 'Cumulative count of bytes received', i.rxBytes, labels)
      add(
        'container_network_transmit_bytes_total',
        'counter',
        'Cumulative count of bytes transmitted',
        i.txBytes,
        labels,
      )
      add(
        'container_network_receive_errors_total',
        'counter',
        'Cumulative count of errors encountered while receiving',
        i.rxErrors,
        labels,
      )
      add(
        'container_network_transmit_errors_total',
        'counter',
        'Cumulative count of errors encountered while transmitting',
        i.txErrors,
        labels,
      )
    }
  }
  return [...families.values()].map(({ family, samples }) => ({ ...family, samples }))
}
