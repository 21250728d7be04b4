/**
 * Pods: what may be created, and the little that may change of one that is there. Upstream: `ValidatePodCreate`,
 * `ValidatePodUpdate`, `ValidatePodEphemeralContainersUpdate`, `ValidatePodResize`.
 */
import { qosClass } from '#api/core/v1/pod-resources.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Stored } from '../../registry/strategy.ts'
import { changesText } from './changes.ts'
import { METADATA, type Path, type Problems, ROOT, SPEC } from './check.ts'
import { checkImage, type Container } from './container.ts'
import { checkPodAnnotationChanges, checkPodAnnotations, checkProfilesAgree } from './pod-annotations.ts'
import { checkPodSpec, MIRROR_ANNOTATION, type PodSpec } from './pod-spec.ts'
import { checkPodStatus } from './pod-status.ts'
import { tolerations } from './selectors.ts'

type Spec = PodSpec & Record<string, any>
const specOf = (pod: Stored) => pod.spec as Spec
const annotationsOf = (pod: Stored) => pod.metadata.annotations ?? {}
const ANNOTATIONS = METADATA.at('annotations')

function checkPod(pod: Stored, to: Problems) {
  const spec = specOf(pod)
  checkPodAnnotations(annotationsOf(pod), spec, ANNOTATIONS, to)
  checkPodSpec(spec, { name: pod.metadata.name, annotations: annotationsOf(pod) }, SPEC, to)
  if (!spec.serviceAccountName) {
    ;(spec.volumes ?? []).forEach((volume: Record<string, any>, i: number) => {
      ;(volume.projected?.sources ?? []).forEach((source: Record<string, any>, j: number) => {
        if (!source.serviceAccountToken) return
        const place = SPEC.at('volumes').index(i).at('projected', 'sources').index(j).at('serviceAccountToken')
        to.forbidden(place, 'must not be specified when serviceAccountName is not set')
      })
    })
  }
  for (const list of ['containers', 'initContainers']) {
    ;(spec[list] ?? []).forEach((one: Container, i: number) => checkImage(one, SPEC.at(list).index(i), to))
  }
}

export function validatePod(pod: Stored, to: Problems) {
  const spec = specOf(pod)
  checkPod(pod, to)
  if (spec.ephemeralContainers) to.forbidden(SPEC.at('ephemeralContainers'), 'cannot be set on create')
  if (spec.nodeName && spec.schedulingGates) {
    to.forbidden(SPEC.at('nodeName'), 'cannot be set until all schedulingGates have been cleared')
  }
  checkProfilesAgree(annotationsOf(pod), spec, SPEC, to)
}

/** What was valid when it was stored is not judged again. */
function checkPodAgain(pod: Stored, old: Stored, to: Problems) {
  if (!jsonEqual(pod.spec, old.spec)) checkPod(pod, to)
  else checkPodAnnotations(annotationsOf(pod), specOf(pod), ANNOTATIONS, to)
  checkPodAnnotationChanges(annotationsOf(pod), annotationsOf(old), ANNOTATIONS, to)
}

const bySubresource: Readonly<Record<string, (pod: Stored, old: Stored, to: Problems) => void>> = {
  '': validateSpecUpdate,
  status(pod, old, to) {
    checkPodAnnotations(annotationsOf(pod), specOf(pod), ANNOTATIONS, to)
    checkPodAnnotationChanges(annotationsOf(pod), annotationsOf(old), ANNOTATIONS, to)
    checkPodStatus(pod, old, to)
  },
  ephemeralcontainers: validateEphemeralContainers,
  resize: validateResize,
}

export function validatePodUpdate(pod: Stored, old: Stored, subresource: string, to: Problems) {
  bySubresource[subresource]?.(pod, old, to)
}

const CHANGEABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
]

function validateSpecUpdate(pod: Stored, old: Stored, to: Problems) {
  checkPodAgain(pod, old, to)
  const [spec, was] = [specOf(pod), specOf(old)]
  if (jsonEqual(spec, was)) return
  if (!checkContainerCounts(spec, was, to)) return
  if (!checkDeadline(spec.activeDeadlineSeconds, was.activeDeadlineSeconds, to)) return
  checkTolerations(spec, was, to)
  checkGates(spec, was, to)
  const comparable = withoutChangeable(spec, was)
  if ((was.schedulingGates ?? []).length > 0) checkGatedPlacement(comparable, was, to)
  if (!jsonEqual(comparable, was)) {
    to.forbidden(
      SPEC,
      `pod updates may not change fields other than ${CHANGEABLE.join(',')}\n${changesText(was, comparable)}`,
    )
  }
}

function checkContainerCounts(spec: Spec, was: Spec, to: Problems): boolean {
  for (const list of ['containers', 'initContainers']) {
    if ((spec[list] ?? []).length === (was[list] ?? []).length) continue
    to.forbidden(SPEC.at(list), 'pod updates may not add or remove containers')
    return false
  }
  return true
}

const MAX_INT32 = 0x7fff_ffff

/** A deadline may be set, and drawn closer. */
function checkDeadline(seconds: number | undefined, was: number | undefined, to: Problems): boolean {
  const at = SPEC.at('activeDeadlineSeconds')
  if (seconds === undefined) {
    if (was !== undefined) to.invalid(at, null, 'must not update from a positive integer to nil value')
    return true
  }
  if (seconds < 0 || seconds > MAX_INT32) {
    to.invalid(at, seconds, `must be between 0 and ${MAX_INT32}, inclusive`)
    return false
  }
  if (was === undefined || was >= seconds) return true
  to.invalid(at, seconds, 'must be less than or equal to previous value')
  return false
}

function checkTolerations(spec: Spec, was: Spec, to: Problems) {
  const at = SPEC.at('tolerations')
  const list: Record<string, unknown>[] = spec.tolerations ?? []
  const tolerated = ({ key, operator, value, effect }: Record<string, unknown>) =>
    JSON.stringify([key, operator, value, effect])
  const kept = new Set(list.map(tolerated))
  const keeps = (before: Record<string, unknown>) => kept.has(tolerated(before))
  if ((was.tolerations ?? []).every(keeps)) tolerations(list, at, to)
  else to.forbidden(at, 'existing toleration can not be modified except its tolerationSeconds')
}

function checkGates(spec: Spec, was: Spec, to: Problems) {
  const names = new Set((was.schedulingGates ?? []).map(({ name }: { name: string }) => name))
  ;(spec.schedulingGates ?? []).forEach(({ name }: { name: string }, i: number) => {
    if (names.has(name)) return
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`
    to.forbidden(SPEC.at('schedulingGates').index(i).at('name'), why)
  })
}

/** The new spec with all that may change put back to what it was. */
function withoutChangeable(spec: Spec, was: Spec): Spec {
  const images = (list: 'containers' | 'initContainers') =>
    spec[list] && { [list]: spec[list].map((one: Container, i: number) => ({ ...one, image: was[list]![i].image })) }
  const kept = ['activeDeadlineSeconds', 'schedulingGates', 'tolerations']
  const { terminationGracePeriodSeconds: grace } = was
  return {
    ...spec,
    ...images('containers'),
    ...images('initContainers'),
    ...Object.fromEntries(kept.map((field) => [field, was[field]])),
    ...(grace < 0 && spec.terminationGracePeriodSeconds === 1 && { terminationGracePeriodSeconds: grace }),
  } as Spec
}

/** While a pod is gated, where it may run can be narrowed. */
function checkGatedPlacement(spec: Spec, was: Spec, to: Problems) {
  if (!jsonEqual(spec.nodeSelector ?? {}, was.nodeSelector ?? {})) {
    const isKept = Object.entries(was.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value)
    if (!isKept) {
      const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
      to.invalid(SPEC.at('nodeSelector'), spec.nodeSelector ?? {}, why)
    }
    spec.nodeSelector = was.nodeSelector
  }
  const [affinity, before] = [spec.affinity?.nodeAffinity, was.affinity?.nodeAffinity]
  if (jsonEqual(affinity, before)) return
  checkNarrowed(affinity, before, to)
  const { nodeAffinity: _nodeAffinity, ...others } = spec.affinity ?? {}
  if (before) spec.affinity = { ...others, nodeAffinity: before }
  else if (was.affinity || Object.keys(others).length > 0) spec.affinity = others
  else delete spec.affinity
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'

function checkNarrowed(affinity: Record<string, any> | undefined, was: Record<string, any> | undefined, to: Problems) {
  const before: Record<string, unknown[]>[] = was?.[REQUIRED]?.nodeSelectorTerms ?? []
  if (before.length === 0) return
  const now: Record<string, unknown[]>[] = affinity?.[REQUIRED]?.nodeSelectorTerms ?? []
  const at = SPEC.at('affinity', 'nodeAffinity', REQUIRED, 'nodeSelectorTerms')
  if (before.length !== now.length) {
    return to.invalid(at, now, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')
  }
  const lists = ['matchExpressions', 'matchFields']
  before.forEach((term, i) => {
    const isEmpty = lists.every((list) => !term[list]?.length)
    const isNarrower = lists.every((list) => {
      const had = term[list] ?? []
      return jsonEqual((now[i]![list] ?? []).slice(0, isEmpty ? undefined : had.length), had)
    })
    if (!isNarrower) to.invalid(at.index(i), now[i], 'only additions are allowed (no mutations or deletions)')
  })
}

function validateEphemeralContainers(pod: Stored, old: Stored, to: Problems) {
  if (annotationsOf(old)[MIRROR_ANNOTATION] !== undefined) {
    return to.forbidden(ROOT, 'static pods do not support ephemeral containers')
  }
  checkPodAgain(pod, old, to)
  const at = SPEC.at('ephemeralContainers')
  const list: Container[] = pod.spec.ephemeralContainers ?? []
  const byName = new Map(list.map((one) => [one.name, one]))
  for (const before of (old.spec.ephemeralContainers ?? []) as Container[]) {
    const name = JSON.stringify(before.name)
    const now = byName.get(before.name)
    if (!now) to.forbidden(at, `existing ephemeral containers ${name} may not be removed\n`)
    else if (!jsonEqual(now, before)) {
      to.forbidden(at, `existing ephemeral containers ${name} may not be changed\n${changesText(before, now)}`)
    }
  }
}

type Amounts = Record<string, string>
type Sizes = { requests?: Amounts; limits?: Amounts; claims?: unknown[] }
const LISTS = ['requests', 'limits'] as const

const isRemoved = (now: Amounts = {}, was: Amounts = {}) => Object.keys(was).some((name) => !(name in now))

/** Sizes with processor and memory as they were, to compare what is left. */
function withoutResizable(sizes: Sizes, was: Sizes): Sizes {
  const restored = LISTS.map((list) => {
    const { cpu: _cpu, memory: _memory, ...others } = sizes[list] ?? {}
    const { cpu, memory } = was[list] ?? {}
    return [list, { ...others, ...(cpu && { cpu }), ...(memory && { memory }) }] as const
  })
  const kept = Object.fromEntries(restored.filter(([, amounts]) => Object.keys(amounts).length > 0))
  return { ...kept, ...(sizes.claims && { claims: sizes.claims }) }
}

function validateResize(pod: Stored, old: Stored, to: Problems) {
  const [spec, was] = [specOf(pod), specOf(old)]
  if (annotationsOf(old)[MIRROR_ANNOTATION] !== undefined) return to.forbidden(ROOT, 'static pods cannot be resized')
  if (was.os?.name === 'windows') return to.forbidden(ROOT, 'windows pods cannot be resized')
  checkPodAgain(pod, old, to)
  if (qosClass(pod.spec as any) !== (old.status?.qosClass ?? qosClass(old.spec as any))) {
    to.invalid(SPEC, old.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing')
  }
  const running = (old.status?.containerStatuses ?? []).find((one: Record<string, any>) => one.state?.running)
  if (running && !running.resources) to.forbidden(SPEC, 'Pod running on node without support for resize')
  if (spec.resources || was.resources)
    checkPodSizes(spec.resources, was.resources ?? {}, was.resources !== undefined, to)
  if ((old.status?.nodeAllocatableResourceClaimStatuses ?? []).length > 0) {
    to.forbidden(SPEC, 'pods with node allocatable resource claims cannot be resized')
  }
  if (!checkOrder(spec, was, to)) return
  for (const list of ['initContainers', 'containers'] as const) {
    ;(was[list] ?? []).forEach((before: Container, i: number) => {
      checkContainerSizes(spec[list]![i], before, list === 'initContainers', SPEC.at(list).index(i), to)
    })
  }
}

function checkPodSizes(sizes: Sizes | undefined, was: Sizes, had: boolean, to: Problems) {
  const at = SPEC.at('resources')
  if (!sizes) return to.forbidden(at, 'pod-level resources cannot be removed')
  if (had) {
    for (const list of LISTS) {
      if (!isRemoved(sizes[list], was[list])) continue
      to.forbidden(at.at(list), `pod-level resource ${list} cannot be removed`)
    }
  }
  if (!jsonEqual(withoutResizable(sizes, was), withoutResizable(was, was))) {
    to.forbidden(SPEC, 'only cpu and memory resources are mutable at pod-level')
  }
}

function checkOrder(spec: Spec, was: Spec, to: Problems): boolean {
  const before = to.errors.length
  for (const list of ['containers', 'initContainers']) {
    const [now, then]: Container[][] = [spec[list] ?? [], was[list] ?? []]
    if (now!.length !== then!.length) to.forbidden(SPEC.at(list), `${list} may not be added or removed on resize`)
    else {
      then!.forEach(({ name }, i) => {
        if (now![i]!.name === name) return
        to.forbidden(SPEC.at(list).index(i).at('name'), `${list} may not be renamed or reordered on resize`)
      })
    }
  }
  return to.errors.length === before
}

function checkContainerSizes(now: Container, was: Container, isInit: boolean, at: Path, to: Problems) {
  if (isInit && was.restartPolicy !== 'Always') {
    if (!jsonEqual(now, was)) to.forbidden(SPEC, 'resources for non-sidecar init containers are immutable')
    return
  }
  const [sizes, before]: Sizes[] = [now.resources ?? {}, was.resources ?? {}]
  for (const list of LISTS) {
    if (!isRemoved(sizes![list], before![list])) continue
    to.forbidden(at.at('resources', list), `resource ${list} cannot be removed`)
  }
  const same = jsonEqual(
    { ...now, resources: withoutResizable(sizes!, before!) },
    { ...was, resources: withoutResizable(before!, before!) },
  )
  if (same) return
  if (isInit) to.forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable')
  else to.forbidden(SPEC, 'only cpu and memory resources are mutable')
}
