/**
 * The labels and annotations that the agent leaves on sandboxes and containers, and reads back from them: with these alone
 * a restarted agent knows what belongs to which pod, how often it was restarted and how it is to be ended. Names are
 * upstream's (`kubelet/types/labels.go`, `kuberuntime/labels.go`), because `crictl` and log collectors look for them.
 */
import { createHash } from 'node:crypto'
import type { Container, ContainerPort, LifecycleHandler } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'

export const POD_NAME_LABEL = 'io.kubernetes.pod.name'
export const POD_NAMESPACE_LABEL = 'io.kubernetes.pod.namespace'
export const POD_UID_LABEL = 'io.kubernetes.pod.uid'
const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name'

const HASH = 'io.kubernetes.container.hash'
const RESTART_COUNT = 'io.kubernetes.container.restartCount'
const MESSAGE_PATH = 'io.kubernetes.container.terminationMessagePath'
const MESSAGE_POLICY = 'io.kubernetes.container.terminationMessagePolicy'
const PRE_STOP = 'io.kubernetes.container.preStopHandler'
const PORTS = 'io.kubernetes.container.ports'
const DELETION_GRACE = 'io.kubernetes.pod.deletionGracePeriod'
const TERMINATION_GRACE = 'io.kubernetes.pod.terminationGracePeriod'
const RESOURCES = 'rostrum.dev/resources'

export interface ContainerAnnotations {
  /** Of what makes a running container differ from its specification; see `containerHash`. */
  hash: string
  restartCount: number
  terminationMessagePath: string
  terminationMessagePolicy: string
  preStop?: LifecycleHandler
  ports?: ContainerPort[]
  /** What the container was given when it was made. */
  resources?: Container['resources']
  deletionGracePeriodSeconds?: number
  terminationGracePeriodSeconds?: number
}

/** Changes exactly when a running container must be replaced: with its name or image, the only fields that may change. */
export function containerHash(container: Container): string {
  return createHash('sha256')
    .update(JSON.stringify([container.name, container.image ?? '']))
    .digest('hex')
    .slice(0, 8)
}

export function podLabels(pod: Pod): Record<string, string> {
  return {
    ...pod.metadata.labels,
    [POD_NAME_LABEL]: pod.metadata.name,
    [POD_NAMESPACE_LABEL]: pod.metadata.namespace ?? '',
    [POD_UID_LABEL]: pod.metadata.uid,
  }
}

export function containerLabels(pod: Pod, container: Container): Record<string, string> {
  return {
    [POD_NAME_LABEL]: pod.metadata.name,
    [POD_NAMESPACE_LABEL]: pod.metadata.namespace ?? '',
    [POD_UID_LABEL]: pod.metadata.uid,
    [CONTAINER_NAME_LABEL]: container.name,
  }
}

export function containerAnnotations(pod: Pod, container: Container, restartCount: number): Record<string, string> {
  const deletionGrace = pod.metadata.deletionGracePeriodSeconds
  const terminationGrace = pod.spec.terminationGracePeriodSeconds
  return {
    [HASH]: containerHash(container),
    [RESTART_COUNT]: String(restartCount),
    [MESSAGE_PATH]: container.terminationMessagePath ?? '',
    [MESSAGE_POLICY]: container.terminationMessagePolicy ?? '',
    [RESOURCES]: JSON.stringify(container.resources ?? {}),
    ...(deletionGrace !== undefined && { [DELETION_GRACE]: String(deletionGrace) }),
    ...(terminationGrace !== undefined && { [TERMINATION_GRACE]: String(terminationGrace) }),
    ...(container.lifecycle?.preStop && { [PRE_STOP]: JSON.stringify(container.lifecycle.preStop) }),
    ...(container.ports?.length && { [PORTS]: JSON.stringify(container.ports) }),
  }
}

/** Never throws: annotations may have been written by another agent, and what can't be read is treated as absent. */
export function readContainerAnnotations(annotations: Readonly<Record<string, string>>): ContainerAnnotations {
  const integer = (key: string) => {
    const value = annotations[key]
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
  }
  const json = (key: string) => {
    try {
      return annotations[key] === undefined ? undefined : JSON.parse(annotations[key])
    } catch {
      return undefined
    }
  }
  const preStop = json(PRE_STOP)
  const ports = json(PORTS)
  const resources = json(RESOURCES)
  const deletionGrace = integer(DELETION_GRACE)
  const terminationGrace = integer(TERMINATION_GRACE)
  return {
    hash: annotations[HASH] ?? '',
    restartCount: integer(RESTART_COUNT) ?? 0,
    terminationMessagePath: annotations[MESSAGE_PATH] ?? '',
    terminationMessagePolicy: annotations[MESSAGE_POLICY] ?? '',
    ...(preStop && { preStop }),
    ...(Array.isArray(ports) && { ports }),
    ...(resources && { resources }),
    ...(deletionGrace !== undefined && { deletionGracePeriodSeconds: deletionGrace }),
    ...(terminationGrace !== undefined && { terminationGracePeriodSeconds: terminationGrace }),
  }
}
