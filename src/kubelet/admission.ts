/**
 * Whether this node takes a pod that was bound to it: the last check, for two schedulers may have filled it, or a pod may
 * name its node itself. Pure; upstream's reasons and messages (`lifecycle/predicate.go`, `scheduler.AdmissionCheck`).
 */
import { tolerates } from '#api/core/v1/tolerations.ts'
import type { Node } from '#api/core/v1/node.ts'
import { matchesTerm } from '#api/core/v1/node-selector-term.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { Quantity } from '#machinery/quantity.ts'
import { podRequests } from './resource-amounts.ts'

export interface Rejection {
  reason: string
  message: string
}

/** Kernel settings of a pod's own namespaces that can't hurt others. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

export interface AdmissionInputs {
  pod: Pod
  /** The other pods that hold a share of the node. */
  others: readonly Pod[]
  node: Node
  underPressure: { memory: boolean; disk: boolean; pid: boolean }
}

/** Undefined where the pod is taken. */
export function admit(inputs: AdmissionInputs): Rejection | undefined {
  return (
    rejectForOs(inputs) ??
    rejectForSysctls(inputs) ??
    rejectForPressure(inputs) ??
    rejectForResources(inputs) ??
    rejectForAffinity(inputs) ??
    rejectForPorts(inputs) ??
    rejectForTaints(inputs)
  )
}

function rejectForOs({ pod }: AdmissionInputs): Rejection | undefined {
  if (!pod.spec.os || pod.spec.os.name === 'linux') return undefined
  return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
}

function rejectForSysctls({ pod }: AdmissionInputs): Rejection | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.')
    if (!SAFE_SYSCTLS.has(dotted))
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${dotted}" not allowlisted` }
    if (dotted.startsWith('net.') && pod.spec.hostNetwork) {
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${dotted}" not allowed with host net enabled` }
    }
    if (dotted.startsWith('kernel.shm') && pod.spec.hostIPC) {
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${dotted}" not allowed with host ipc enabled` }
    }
  }
  return undefined
}

/** While memory is short, pods that asked for none are not let in; while disk or process ids are, nobody is. */
function rejectForPressure({ pod, underPressure }: AdmissionInputs): Rejection | undefined {
  if ((pod.spec.priority ?? 0) >= 2_000_000_000) return undefined
  const conditions = [
    ...(underPressure.memory ? ['MemoryPressure'] : []),
    ...(underPressure.disk ? ['DiskPressure'] : []),
    ...(underPressure.pid ? ['PIDPressure'] : []),
  ]
  if (conditions.length === 0) return undefined
  const onlyMemory = conditions.length === 1 && underPressure.memory
  if (onlyMemory && pod.status.qosClass !== 'BestEffort') return undefined
  if (
    onlyMemory &&
    tolerates(pod.spec.tolerations, { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' })
  )
    return undefined
  return { reason: 'Evicted', message: `The node had condition: [${conditions.join(' ')}]. ` }
}

function rejectForResources({ pod, others, node }: AdmissionInputs): Rejection | undefined {
  const allocatable = node.status.allocatable ?? {}
  const maxPods = Number(allocatable.pods ?? Infinity)
  if (others.length + 1 > maxPods) return insufficient('pods', 1, others.length, maxPods)
  const wanted = podRequests(pod)
  const used = others.map(podRequests)
  for (const name of Object.keys(wanted).sort(byImportance)) {
    // A resource that this node knows nothing of is somebody else's to count.
    if (allocatable[name] === undefined && name.includes('/')) continue
    const unit = name === 'cpu' ? -3 : 0
    const amount = wanted[name]!.scaledValue(unit)
    if (amount === 0) continue
    const held = used.reduce((sum, requests) => sum + (requests[name]?.scaledValue(unit) ?? 0), 0)
    const capacity = Quantity.parse(String(allocatable[name] ?? '0')).scaledValue(unit)
    if (amount > capacity - held) return insufficient(name, amount, held, capacity)
  }
  return undefined
}

const ORDER = ['cpu', 'memory', 'ephemeral-storage']
const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length)
const byImportance = (a: string, b: string) => rank(a) - rank(b) || (a < b ? -1 : 1)

function insufficient(name: string, requested: number, used: number, capacity: number): Rejection {
  return {
    reason: `OutOf${name}`,
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  }
}

const failed = (predicate: string, why: string): Rejection => ({
  reason: predicate,
  message: `Predicate ${predicate} failed: ${why}`,
})

function rejectForAffinity({ pod, node }: AdmissionInputs): Rejection | undefined {
  const labels = node.metadata.labels ?? {}
  const why = "node(s) didn't match Pod's node affinity/selector"
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labels[key] !== value) return failed('NodeAffinity', why)
  }
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (terms && !terms.some((term) => matchesTerm(term, node))) return failed('NodeAffinity', why)
  return undefined
}

function rejectForPorts({ pod, others }: AdmissionInputs): Rejection | undefined {
  const taken = others.flatMap(hostPorts)
  const clash = hostPorts(pod).some((a) =>
    taken.some((b) => a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || isAny(a.ip) || isAny(b.ip))),
  )
  return clash ? failed('NodePorts', "node(s) didn't have free ports for the requested pod ports") : undefined
}

const isAny = (ip: string) => ip === '0.0.0.0'

function hostPorts(pod: Pod) {
  return pod.spec.containers
    .flatMap((c) => c.ports ?? [])
    .filter((p) => p.hostPort)
    .map((p) => ({ port: p.hostPort!, protocol: p.protocol ?? 'TCP', ip: p.hostIP || '0.0.0.0' }))
}

function rejectForTaints({ pod, node }: AdmissionInputs): Rejection | undefined {
  const taint = (node.spec.taints ?? []).find((t) => t.effect === 'NoExecute' && !tolerates(pod.spec.tolerations, t))
  return taint ? failed('TaintToleration', "node(s) had taints that the pod didn't tolerate") : undefined
}
