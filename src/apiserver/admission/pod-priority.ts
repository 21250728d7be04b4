/** Resolves a pod's priority class to its number. Upstream: `plugin/pkg/admission/priority`. */
import type { Pod } from '#api/core/v1/pod.ts'
import { pods, priorityClasses } from '#api/resources.ts'
import type { PriorityClass } from '#api/scheduling/v1.ts'
import { forbidden } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'

export const podPriority = (api: () => Api): AdmissionPlugin => ({
  name: 'Priority',
  admit({ resource, subresource, operation, name }, object) {
    if (resource !== pods || subresource !== '' || operation !== 'CREATE') return
    const { spec, metadata } = object as unknown as Pod
    const registry = api().registry(priorityClasses)
    let found: PriorityClass | undefined
    if (spec.priorityClassName) {
      found = registry.cache.get(registry.key(undefined, spec.priorityClassName))?.object as PriorityClass | undefined
      if (!found)
        throw forbidden(
          resource,
          metadata.name || name,
          `no PriorityClass with name ${spec.priorityClassName} was found`,
        )
    } else {
      // Of several global defaults the lowest counts.
      for (const entry of registry.cache.list(registry.prefix(undefined))) {
        const candidate = entry.object as PriorityClass
        if (candidate.globalDefault && (!found || candidate.value < found.value)) found = candidate
      }
      if (found) spec.priorityClassName = found.metadata.name
    }
    const priority = found?.value ?? 0
    if (spec.priority !== undefined && spec.priority !== priority) {
      throw forbidden(
        resource,
        metadata.name || name,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
      )
    }
    spec.priority = priority
    spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority'
  },
})
