/**
 * The default profile written down as plainly as possible, on API objects and without any cache: what the tests hold
 * the real one against. Follows the rules as upstream states them, plugin by plugin.
 */
import { matchesTerm } from '#api/core/v1/node-selector-term.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Taint, Toleration } from '#api/core/v1/shared.ts'
import { Quantity } from '#machinery/quantity.ts'
import { matchesRequired } from './plugins/node-selector.ts'
import { PodShapes } from './state/pod-shape.ts'

export interface NaiveNode {
  node: Node
  pods: Pod[]
}

type Amounts = Record<string, bigint>

const amount = (name: string, text: string | undefined): bigint =>
  Quantity.parse(text ?? '0').exactValue(name === 'cpu' ? -3 : 0)

/** Init containers run one after the other beside the sidecars before them; containers all at once beside all sidecars. */
export function naiveRequests(pod: Pod, minimum: Amounts = {}): Amounts {
  const names = new Set(Object.keys(minimum))
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  for (const c of all) for (const name of Object.keys(c.resources?.requests ?? {})) names.add(name)
  for (const name of Object.keys(pod.spec.overhead ?? {})) names.add(name)
  const total: Amounts = {}
  for (const name of names) {
    const of = (c: Container) => {
      const stated = c.resources?.requests?.[name]
      return stated === undefined ? (minimum[name] ?? 0n) : amount(name, stated)
    }
    let sidecars = 0n
    let peak = 0n
    for (const c of pod.spec.initContainers ?? []) {
      if (c.restartPolicy === 'Always') sidecars += of(c)
      const now = c.restartPolicy === 'Always' ? sidecars : sidecars + of(c)
      if (now > peak) peak = now
    }
    const running = pod.spec.containers.reduce((sum, c) => sum + of(c), 0n) + sidecars
    total[name] = (running > peak ? running : peak) + amount(name, pod.spec.overhead?.[name])
  }
  return total
}

const MINIMUM = { cpu: 100n, memory: 200n * 1024n * 1024n }

function tolerated(taint: Taint, tolerations: Toleration[]): boolean {
  return tolerations.some(
    (t) =>
      (!t.effect || t.effect === taint.effect) &&
      (!t.key || t.key === taint.key) &&
      (t.operator === 'Exists' || ((t.operator ?? 'Equal') === 'Equal' && (t.value ?? '') === (taint.value ?? ''))),
  )
}

function hostPorts(pod: Pod): { ip: string; key: string }[] {
  const running = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ]
  return running.flatMap((c) =>
    (c.ports ?? [])
      .filter((p) => p.hostPort)
      .map((p) => ({ ip: p.hostIP || '0.0.0.0', key: `${p.protocol ?? 'TCP'}:${p.hostPort}` })),
  )
}

/** The reasons against the node by single-node plugins: those of the first plugin that has any. */
export function naiveRefusal(pod: Pod, { node, pods }: NaiveNode): string[] {
  const tolerations = pod.spec.tolerations ?? []
  const shape = new PodShapes().of(pod)
  if (
    node.spec.unschedulable &&
    !tolerated({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }, tolerations)
  ) {
    return ['node(s) were unschedulable']
  }
  const hard = (node.spec.taints ?? []).filter((t) => t.effect !== 'PreferNoSchedule')
  if (hard.some((t) => !tolerated(t, tolerations))) return ['node(s) had untolerated taint(s)']
  if (!matchesRequired(shape, node)) return ["node(s) didn't match Pod's node affinity/selector"]
  const used = pods.flatMap(hostPorts)
  const clash = hostPorts(pod).some((want) =>
    used.some((u) => u.key === want.key && (u.ip === want.ip || u.ip === '0.0.0.0' || want.ip === '0.0.0.0')),
  )
  if (clash) return ["node(s) didn't have free ports for the requested pod ports"]

  const reasons: string[] = []
  const allocatable = node.status.allocatable ?? {}
  if (BigInt(pods.length) + 1n > amount('pods', allocatable.pods)) reasons.push('Too many pods')
  for (const [name, wanted] of Object.entries(naiveRequests(pod))) {
    const taken = pods.reduce((sum, p) => sum + (naiveRequests(p)[name] ?? 0n), 0n)
    if (wanted > 0n && wanted > amount(name, allocatable[name]) - taken) reasons.push(`Insufficient ${name}`)
  }
  return reasons
}

/** Weighted totals of the feasible nodes by the single-node plugins. */
export function naiveScores(pod: Pod, feasible: NaiveNode[], all: NaiveNode[]): Map<string, number> {
  const tolerations = (pod.spec.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule')
  const intolerable = feasible.map(
    ({ node }) =>
      (node.spec.taints ?? []).filter((t) => t.effect === 'PreferNoSchedule' && !tolerated(t, tolerations)).length,
  )
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const affinity = feasible.map(({ node }) =>
    preferred.reduce((sum, p) => sum + (matchesTerm(p.preference, node) ? p.weight : 0), 0),
  )
  const totals = new Map<string, number>()
  for (const [i, n] of feasible.entries()) {
    const worst = Math.max(...intolerable)
    const best = Math.max(...affinity)
    const taints = worst === 0 ? 100 : 100 - Math.floor((100 * intolerable[i]!) / worst)
    const affine = best === 0 ? 0 : Math.floor((100 * affinity[i]!) / best)
    const total = 3 * taints + 2 * affine + leastAllocated(pod, n) + balanced(pod, n) + imageLocality(pod, n, all)
    totals.set(n.node.metadata.name, total)
  }
  return totals
}

function leastAllocated(pod: Pod, { node, pods }: NaiveNode): number {
  const parts: bigint[] = []
  for (const name of ['cpu', 'memory']) {
    const capacity = amount(name, node.status.allocatable?.[name])
    if (capacity === 0n) continue
    const requested = [...pods, pod].reduce((sum, p) => sum + (naiveRequests(p, MINIMUM)[name] ?? 0n), 0n)
    parts.push(requested > capacity ? 0n : ((capacity - requested) * 100n) / capacity)
  }
  return parts.length === 0 ? 0 : Number(parts.reduce((a, b) => a + b) / BigInt(parts.length))
}

function balanced(pod: Pod, { node, pods }: NaiveNode): number {
  const wanted = naiveRequests(pod)
  if (!wanted.cpu && !wanted.memory) return 0
  const score = (all: Pod[]) => {
    const fractions = ['cpu', 'memory'].flatMap((name) => {
      const capacity = amount(name, node.status.allocatable?.[name])
      const requested = all.reduce((sum, p) => sum + (naiveRequests(p)[name] ?? 0n), 0n)
      return capacity === 0n ? [] : [Math.min(Number(requested) / Number(capacity), 1)]
    })
    const deviation = fractions.length === 2 ? Math.abs((fractions[0]! - fractions[1]!) / 2) : 0
    return Math.trunc((1 - deviation) * 100)
  }
  return 50 + Math.trunc((50 + score([...pods, pod]) - score(pods)) / 2)
}

function imageLocality(pod: Pod, { node }: NaiveNode, all: NaiveNode[]): number {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const MB = 1024 * 1024
  let sum = 0
  for (const { image = '' } of containers) {
    const name = /:[^/]*$/.test(image) ? image : `${image}:latest`
    const having = all.filter((n) => n.node.status.images?.some((i) => i.names?.includes(name)))
    if (!having.some((n) => n.node === node)) continue
    // All nodes of the tests agree on the size of an image.
    const size = node.status.images!.find((i) => i.names?.includes(name))!.sizeBytes ?? 0
    sum += Math.trunc(size * (having.length / all.length))
  }
  const max = 1000 * MB * containers.length
  return Math.trunc((100 * (Math.min(Math.max(sum, 23 * MB), max) - 23 * MB)) / (max - 23 * MB))
}
