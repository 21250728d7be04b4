/**
 * The part of a pod that decides, together with a node alone, whether and how well it fits there. Pods made from the
 * same template have the same shape, so that what was found out for one serves all (upstream: the pod signature of
 * opportunistic batching). Labels and namespace are not part of it: they matter only to plugins that look at other pods.
 */
import type { Container } from '#api/core/v1/container.ts'
import type { NodeAffinity, Pod, PodSpec } from '#api/core/v1/pod.ts'
import type { Toleration } from '#api/core/v1/shared.ts'
import { type Amounts, hasPodLevelRequests, podRequests } from './pod-requests.ts'

/** What a pod takes of a node. Thousandths of a cpu, bytes, pieces. */
export interface Requests {
  readonly cpu: number
  readonly memory: number
  readonly ephemeralStorage: number
  /** Extended resources, huge pages and attachable volumes; sorted by name. */
  readonly scalars: readonly { readonly name: string; readonly amount: number }[]
  /** With a minimum for every container that states nothing, so that such pods spread out too. */
  readonly nonZeroCpu: number
  readonly nonZeroMemory: number
}

export interface HostPort {
  /** `0.0.0.0` for all addresses. */
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

export interface PodShape {
  readonly key: string
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
  readonly nodeAffinity: NodeAffinity | undefined
  readonly tolerations: readonly Toleration[]
  readonly requests: Requests
  /** What LeastAllocated adds to a node: cpu and memory, each container with the minimum, without pod-level requests. */
  readonly scoredCpu: number
  readonly scoredMemory: number
  readonly hostPorts: readonly HostPort[]
  /** Normalised, one for each init container, container and image volume, so that one may occur twice. */
  readonly images: readonly string[]
  readonly containerCount: number
}

/** What the scheduler assumes of a container that requests nothing. */
const MINIMUM = { cpu: 100, memory: 200 * 1024 * 1024 }

/** Shapes by key, the most recently used ones only: an evicted shape lives on in its pods, and is made anew for new ones. */
export class PodShapes {
  readonly #limit: number
  readonly #shapes = new Map<string, PodShape>()

  constructor(limit = 2048) {
    this.#limit = limit
  }

  of(pod: Pod): PodShape {
    const key = shapeKey(pod.spec)
    const found = this.#shapes.get(key)
    if (found) this.#shapes.delete(key)
    else if (this.#shapes.size >= this.#limit) this.#shapes.delete(this.#shapes.keys().next().value!)
    const shape = found ?? makeShape(key, pod)
    this.#shapes.set(key, shape)
    return shape
  }

  get size(): number {
    return this.#shapes.size
  }
}

/** Equal for two specs exactly where they have the same shape and were written in the same order. */
function shapeKey(spec: PodSpec): string {
  return JSON.stringify([
    spec.nodeSelector,
    spec.affinity?.nodeAffinity,
    spec.tolerations,
    spec.overhead,
    spec.resources?.requests,
    spec.containers.map(containerKey),
    spec.initContainers?.map(containerKey),
    spec.volumes?.some((v) => v.image) ? spec.volumes.map((v) => v.image?.reference) : undefined,
  ])
}

function containerKey(c: Container) {
  const ports = c.ports?.some((p) => p.hostPort) ? c.ports.map((p) => [p.hostIP, p.protocol, p.hostPort]) : 0
  return [c.image, c.resources?.requests, ports, c.restartPolicy]
}

function makeShape(key: string, pod: Pod): PodShape {
  const { spec } = pod
  // The status is left out: a resize under way belongs to one pod, see `requestsOf`.
  const plain = { ...pod, status: {} } as Pod
  const scored = podRequests(plain, { missing: MINIMUM, withoutPodLevel: true })
  return {
    key,
    nodeSelector: spec.nodeSelector && Object.keys(spec.nodeSelector).length > 0 ? spec.nodeSelector : undefined,
    nodeAffinity: spec.affinity?.nodeAffinity,
    tolerations: spec.tolerations ?? [],
    requests: makeRequests(plain),
    scoredCpu: scored.get('cpu') ?? 0,
    scoredMemory: scored.get('memory') ?? 0,
    hostPorts: hostPortsOf(spec),
    images: [
      ...(spec.initContainers ?? []).map((c) => c.image ?? ''),
      ...spec.containers.map((c) => c.image ?? ''),
      ...(spec.volumes ?? []).flatMap((v) => (v.image ? [v.image.reference ?? ''] : [])),
    ].map(normalizeImage),
    containerCount: (spec.initContainers?.length ?? 0) + spec.containers.length,
  }
}

/** The requests of a pod on a node: its shape's, unless its status says that more is allocated or in effect. */
export function requestsOf(pod: Pod, shape: PodShape): Requests {
  const { status } = pod
  const mayDiffer =
    status.resources !== undefined ||
    status.containerStatuses?.some((s) => s.resources !== undefined) ||
    status.initContainerStatuses?.some((s) => s.resources !== undefined)
  if (!mayDiffer) return shape.requests
  const requests = makeRequests(pod)
  return sameRequests(requests, shape.requests) ? shape.requests : requests
}

function makeRequests(pod: Pod): Requests {
  const requested = podRequests(pod)
  const missing: Record<string, number> = hasPodLevelRequests(pod)
    ? Object.fromEntries(Object.entries(MINIMUM).filter(([name]) => !requested.has(name)))
    : MINIMUM
  const nonZero: Amounts = Object.keys(missing).length > 0 ? podRequests(pod, { missing }) : requested
  return {
    cpu: requested.get('cpu') ?? 0,
    memory: requested.get('memory') ?? 0,
    ephemeralStorage: requested.get('ephemeral-storage') ?? 0,
    scalars: [...requested]
      .filter(([name]) => isScalarResource(name))
      .map(([name, amount]) => ({ name, amount }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    nonZeroCpu: nonZero.get('cpu') ?? 0,
    nonZeroMemory: nonZero.get('memory') ?? 0,
  }
}

export function sameRequests(a: Requests, b: Requests): boolean {
  if (a === b) return true
  return (
    a.cpu === b.cpu &&
    a.memory === b.memory &&
    a.ephemeralStorage === b.ephemeralStorage &&
    a.nonZeroCpu === b.nonZeroCpu &&
    a.nonZeroMemory === b.nonZeroMemory &&
    a.scalars.length === b.scalars.length &&
    a.scalars.every((s, i) => s.name === b.scalars[i]!.name && s.amount === b.scalars[i]!.amount)
  )
}

/** Extended resources, huge pages and the like: what is counted, but is none of the four that every node has. */
export function isScalarResource(name: string): boolean {
  if (name.startsWith('hugepages-') || name.startsWith('attachable-volumes-')) return true
  if (name.includes('kubernetes.io/')) return true
  return name.includes('/') && !name.startsWith('requests.')
}

/** Of the containers that run as long as the pod does. */
export function hostPortsOf(spec: PodSpec): HostPort[] {
  const running = [...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'), ...spec.containers]
  return running.flatMap((c) =>
    (c.ports ?? [])
      .filter((p) => (p.hostPort ?? 0) > 0)
      .map((p) => ({ ip: p.hostIP || '0.0.0.0', protocol: p.protocol || 'TCP', port: p.hostPort! })),
  )
}

/** `nginx` is `nginx:latest`. */
export function normalizeImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}
