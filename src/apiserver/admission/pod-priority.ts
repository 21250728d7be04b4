/**
 * Resolves a pod's priority class to its number, and sees to it that at most one class is the default. Upstream:
 * `plugin/pkg/admission/priority`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import { pods, priorityClasses } from '#api/resources.ts'
import type { PriorityClass } from '#api/scheduling/v1.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { cachedObject, cachedObjects } from './lookup.ts'
import { refused } from './refusal.ts'

/** What pods without a class have where no class is the default. */
const PLAIN = { value: 0, preemptionPolicy: 'PreemptLowerPriority' }

export const podPriority = (api: () => Api): AdmissionPlugin => ({
  name: 'Priority',
  admit(request, object) {
    const { resource, subresource, operation, old } = request
    if (resource !== pods || subresource !== '') return
    const pod = object as unknown as Pod
    if (operation === 'CREATE') return resolvePriority(api(), request, pod)
    // Whoever writes a pod without knowing these fields means to leave them as they are.
    const was = (old as unknown as Pod).spec
    if (was.priority !== undefined) pod.spec.priority ??= was.priority
    if (was.preemptionPolicy !== undefined) pod.spec.preemptionPolicy ??= was.preemptionPolicy
  },
  validate(request, object) {
    const { resource, subresource, operation } = request
    if (resource !== priorityClasses || subresource !== '' || operation === 'DELETE') return
    if (!(object as unknown as PriorityClass).globalDefault) return
    const other = defaultClass(api())
    if (!other || (operation === 'UPDATE' && other.metadata.name === object!.metadata.name)) return
    const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`
    throw refused(request, object, why)
  },
})

function resolvePriority(api: Api, request: AdmissionRequest, pod: Pod) {
  const { spec } = pod
  const name = spec.priorityClassName
  const found = name ? cachedObject(api, priorityClasses, undefined, name) : defaultClass(api)
  if (name && !found) throw refused(request, pod, `no PriorityClass with name ${name} was found`)
  if (found) spec.priorityClassName = found.metadata.name
  const { value, preemptionPolicy } = found ?? PLAIN
  if (spec.priority !== undefined && spec.priority !== value) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`
    throw refused(request, pod, why)
  }
  spec.priority = value
  if (preemptionPolicy === undefined) return
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`
    throw refused(request, pod, why)
  }
  spec.preemptionPolicy = preemptionPolicy
}

/** Should several have become the default at the same time, the lowest counts. */
function defaultClass(api: Api): PriorityClass | undefined {
  let found: PriorityClass | undefined
  for (const candidate of cachedObjects(api, priorityClasses, undefined))
    if (candidate.globalDefault && (!found || candidate.value < found.value)) found = candidate
  return found
}
