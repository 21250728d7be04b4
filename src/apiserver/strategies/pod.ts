/**
 * What is special about pods before validation: their first status, the merging of `matchLabelKeys` into selectors, what
 * each subresource may change, and how long a deletion waits. Upstream: `pkg/registry/core/pod/strategy.go`.
 */
import { qosClass } from '#api/core/v1/pod-resources.ts'
import type { LabelSelectorRequirement } from '#api/meta/v1.ts'
import { atLeastGraceful } from '../registry/deletion.ts'
import type { Draft, Stored, Strategy } from '../registry/strategy.ts'
import { dropFromPodSpec } from './disabled-fields.ts'

export const podStrategy: Strategy = {
  countsGeneration: true,
  // Where a pod is placed is not what somebody asked for.
  generationOf: ({ spec }) => ({ ...spec, nodeName: undefined }),
  returnsDeleted: true,
  prepareForCreate(pod) {
    dropFromPodSpec(pod.spec)
    pod.status = { phase: 'Pending', qosClass: qosClass(pod.spec) }
    if ((pod.spec.schedulingGates ?? []).length > 0) pod.status.conditions = [gatedCondition()]
    for (const term of affinityTerms(pod.spec.affinity)) {
      mergeLabelKeys(term, term.matchLabelKeys, 'In', pod.metadata.labels)
      mergeLabelKeys(term, term.mismatchLabelKeys, 'NotIn', pod.metadata.labels)
    }
    for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
      mergeLabelKeys(constraint, constraint.matchLabelKeys, 'In', pod.metadata.labels)
    }
  },
  prepareForUpdate(pod, old, context) {
    dropFromPodSpec(pod.spec)
    prepareSubresource[context.subresource]?.(pod, old)
  },
  gracePeriod(pod, asked) {
    const { phase } = pod.status ?? {}
    if (!pod.spec.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0
    return atLeastGraceful(asked ?? pod.spec.terminationGracePeriodSeconds ?? 0)
  },
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    // What old clients call it.
    'spec.host': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
    // Upstream lets it be named, and finds nothing in it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
}

const gatedCondition = () => ({
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
})

function affinityTerms(affinity: Record<string, any> | undefined): Record<string, any>[] {
  const kinds = [affinity?.podAffinity, affinity?.podAntiAffinity].filter(Boolean)
  return kinds.flatMap((kind) => [
    ...(kind.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(kind.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted: any) => weighted.podAffinityTerm),
  ])
}

/** Adds what the keys stand for on this pod. Without a selector nothing is matched, and that stays so. */
function mergeLabelKeys(
  term: Record<string, any>,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Record<string, string> | undefined,
) {
  if (!keys?.length || !term.labelSelector) return
  const added: LabelSelectorRequirement[] = keys.flatMap((key) =>
    labels?.[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }],
  )
  if (added.length === 0) return
  term.labelSelector.matchExpressions = [...(term.labelSelector.matchExpressions ?? []), ...added]
}

/** What of the pod each subresource may write; all else is put back. */
const prepareSubresource: Record<string, (pod: Draft, old: Stored) => void> = {
  status(pod, old) {
    keepMeta(pod, old, ['ownerReferences'])
    if (pod.status === old.status) return
    pod.status.qosClass ||= old.status?.qosClass
    keepObservedGenerations(pod, old)
  },
  ephemeralcontainers(pod, old) {
    const { ephemeralContainers } = pod.spec
    pod.spec = { ...old.spec, ...(ephemeralContainers && { ephemeralContainers }) }
    if (!ephemeralContainers) delete pod.spec.ephemeralContainers
    pod.status = old.status
    keepMeta(pod, old)
  },
  resize(pod, old) {
    const { containers = [], initContainers = [], resources } = pod.spec
    if (!sameNames(containers, old.spec.containers) || !sameNames(initContainers, old.spec.initContainers)) return
    pod.spec = {
      ...old.spec,
      ...(resources && { resources }),
      containers: withSizesOf(old.spec.containers, containers),
      ...(old.spec.initContainers && { initContainers: withSizesOf(old.spec.initContainers, initContainers) }),
    }
    pod.status = old.status
    keepMeta(pod, old)
  },
}

const sameNames = (a: readonly { name: string }[], b: readonly { name: string }[] = []) =>
  a.length === b.length && a.every(({ name }, i) => b[i]!.name === name)

function withSizesOf(old: readonly Record<string, any>[], wanted: readonly Record<string, any>[]) {
  return old.map((container, i) => {
    const { resources, resizePolicy } = wanted[i]!
    const { resizePolicy: _was, ...rest } = container
    return { ...rest, resources, ...(resizePolicy && { resizePolicy }) }
  })
}

/** What only the object itself may be written through, whatever the subresource. */
const OWN_META = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const

function keepMeta(object: Draft, old: Stored, keys: readonly (typeof OWN_META)[number][] = OWN_META) {
  for (const key of keys) {
    if (old.metadata[key] === undefined) delete object.metadata[key]
    else (object.metadata as unknown as Record<string, unknown>)[key] = old.metadata[key]
  }
}

/** Writers that know nothing of observed generations must not wipe them. */
function keepObservedGenerations(pod: Draft, old: Stored) {
  pod.status.observedGeneration ??= old.status?.observedGeneration
  const before = new Map<string, number | undefined>()
  for (const { type, observedGeneration } of old.status?.conditions ?? []) before.set(type, observedGeneration)
  for (const condition of pod.status.conditions ?? []) {
    const was = before.get(condition.type)
    if (was !== undefined) condition.observedGeneration ??= was
  }
}
