/**
 * Questions about a pod's specification that have one answer everywhere in the node agent: which containers it has, which
 * of them restart, which quality of service class it is in. Pure; upstream: `pkg/api/v1/pod` and `helper/qos`.
 */
import type { Container, ContainerRestartRule, ContainerStatus } from '#api/core/v1/container.ts'
import type { Pod, PodSpec, PodStatus } from '#api/core/v1/pod.ts'
import { Quantity } from '#machinery/quantity.ts'

/** How messages and logs name a pod: `name_namespace(uid)`, upstream's `format.Pod`. */
export function podDescription(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
}

export const isTerminalPhase = (phase: string | undefined) => phase === 'Failed' || phase === 'Succeeded'

export const isHostNetwork = (pod: Pod) => pod.spec.hostNetwork === true

/** A sidecar: an init container that runs beside the regular ones (restartPolicy Always). */
export const isRestartableInit = (container: Container) => container.restartPolicy === 'Always'

export const hasSidecar = (pod: Pod) => (pod.spec.initContainers ?? []).some(isRestartableInit)

/** Init, regular and ephemeral containers, in this order. */
export function allContainers(pod: Pod): Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])]
}

export function containerNamed(pod: Pod, name: string): Container | undefined {
  return allContainers(pod).find((c) => c.name === name)
}

/** `spec.containers{web}`: where events about a container point. Undefined for a container that the pod does not have. */
export function containerFieldPath(pod: Pod, name: string): string | undefined {
  const lists = ['containers', 'initContainers', 'ephemeralContainers'] as const
  const list = lists.find((l) => pod.spec[l]?.some((c) => c.name === name))
  return list && `spec.${list}{${name}}`
}

export function statusNamed(
  statuses: readonly ContainerStatus[] | undefined,
  name: string,
): ContainerStatus | undefined {
  return statuses?.find((s) => s.name === name)
}

/** The status of a container of any of the three kinds. */
export function anyStatusNamed(status: PodStatus, name: string): ContainerStatus | undefined {
  return (
    statusNamed(status.containerStatuses, name) ??
    statusNamed(status.initContainerStatuses, name) ??
    statusNamed(status.ephemeralContainerStatuses, name)
  )
}

/** Whether the pod keeps restarting what failed (its policy isn't Never). */
export const restartsOnFailure = (pod: Pod) => pod.spec.restartPolicy !== 'Never'

/** The first of the container's restart rules whose exit codes match. */
export function matchingRestartRule(container: Container, exitCode: number): ContainerRestartRule | undefined {
  return container.restartPolicyRules?.find((rule) => {
    const matched = rule.exitCodes?.values?.includes(exitCode) ?? false
    if (rule.exitCodes?.operator === 'In') return matched
    return rule.exitCodes?.operator === 'NotIn' && !matched
  })
}

const restartByPolicy: Readonly<Record<string, (exitCode: number) => boolean>> = {
  Always: () => true,
  OnFailure: (exitCode) => exitCode !== 0,
  Never: () => false,
}

/** Whether a container that ended with `exitCode` is started again: its rules, else its policy, else the pod's. */
export function restartsAfter(container: Container, spec: PodSpec, exitCode: number): boolean {
  if (container.restartPolicy) {
    const action = matchingRestartRule(container, exitCode)?.action
    if (action === 'Restart' || action === 'RestartAllContainers') return true
    const own = restartByPolicy[container.restartPolicy]
    if (own) return own(exitCode)
  }
  return (restartByPolicy[spec.restartPolicy ?? 'Always'] ?? restartByPolicy.Always!)(exitCode)
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/** Taken from the status where the API server has set it; it never changes in a pod's life. */
export function qosClass(pod: Pod): QosClass {
  return (pod.status.qosClass as QosClass | undefined) ?? computeQosClass(pod)
}

const QOS_RESOURCES = ['cpu', 'memory'] as const
type Amounts = Readonly<Record<string, string>> | undefined

export function computeQosClass(pod: Pod): QosClass {
  const resourcesOf = pod.spec.resources
    ? [pod.spec.resources]
    : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => c.resources ?? {})
  const sum = (kind: 'requests' | 'limits', name: string) =>
    resourcesOf.reduce((total, r) => total.add(positive(r[kind], name)), Quantity.of(0))
  const isAnySet = QOS_RESOURCES.some((name) => !sum('requests', name).isZero || !sum('limits', name).isZero)
  if (!isAnySet) return 'BestEffort'
  const limitsAreComplete = resourcesOf.every((r) => QOS_RESOURCES.every((name) => !positive(r.limits, name).isZero))
  const limitsEqualRequests = QOS_RESOURCES.every((name) => sum('requests', name).equals(sum('limits', name)))
  return limitsAreComplete && limitsEqualRequests ? 'Guaranteed' : 'Burstable'
}

function positive(amounts: Amounts, name: string): Quantity {
  const text = amounts?.[name]
  const amount = text === undefined ? Quantity.of(0) : Quantity.parse(String(text))
  return amount.sign > 0 ? amount : Quantity.of(0)
}
