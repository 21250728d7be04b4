/**
 * What a check of pods is, and how its findings are worded. A check belongs to a level and changes from version to
 * version of the policy. Upstream: `pod-security-admission/policy`.
 */
import type { Container, EphemeralContainer } from '#api/core/v1/container.ts'
import type { PodTemplateSpec } from '#api/core/v1/pod.ts'

export type Checkable = Pick<PodTemplateSpec, 'metadata' | 'spec'>
export type Spec = Checkable['spec']
export type AnyContainer = Container | EphemeralContainer

export interface Violation {
  /** In a word or two, the same for every pod that has it. */
  reason: string
  /** What in this pod it is. */
  detail: string
}

export type PodCheck = (pod: Checkable) => Violation | undefined

export interface CheckVersion {
  /** The minor version of Kubernetes whose policy is the first to check so. */
  since: number
  check: PodCheck
  /** Checks of the baseline level that this one makes needless. */
  overrides?: readonly string[]
}

export interface VersionedCheck {
  id: string
  /** In ascending order. */
  versions: readonly CheckVersion[]
}

/** Init containers first, as they start. */
export const containersOf = (spec: Spec): AnyContainer[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? []),
  ...(spec.ephemeralContainers ?? []),
]

/** Names of the containers for which `isBad` is true. */
export const badContainers = (spec: Spec, isBad: (container: AnyContainer) => boolean): string[] =>
  containersOf(spec)
    .filter(isBad)
    .map(({ name }) => name)

export const quoted = (items: readonly string[]) => items.map((item) => `"${item}"`).join(', ')

/** `container "a"`, `containers "a", "b"` */
export const named = (noun: string, names: readonly string[]) =>
  `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`

/** Who has set something: the pod as a whole, some of its containers, or both. */
export const setters = (isPod: boolean, containers: readonly string[]): string[] => [
  ...(isPod ? ['pod'] : []),
  ...(containers.length > 0 ? [named('container', containers)] : []),
]

/** In alphabetical order, each once. */
export const distinct = (values: Iterable<string>): string[] => [...new Set(values)].toSorted()

export const runsOnWindows = ({ spec }: Checkable) => spec.os?.name === 'windows'
/** Root in a user namespace of its own is nobody outside of it. */
export const hasUserNamespace = ({ spec }: Checkable) => spec.hostUsers === false

export const unless =
  (isExempt: (pod: Checkable) => boolean, check: PodCheck): PodCheck =>
  (pod) =>
    isExempt(pod) ? undefined : check(pod)
