/**
 * LimitRanges of a namespace: pods are completed with its defaults, and pods and claims outside of its bounds refused.
 * Upstream: `plugin/pkg/admission/limitranger`.
 */
import type { LimitRange } from '#api/core/v1/namespace.ts'
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { limitRanges, persistentVolumeClaims, pods } from '#api/resources.ts'
import { copyJson } from '#base/json.ts'
import type { Api } from '../../api.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { cachedObjects } from '../lookup.ts'
import { aggregated, refused } from '../refusal.ts'
import { claimViolations, podViolations } from './bounds.ts'
import { applyDefaults } from './limit-defaults.ts'

export const limitRanger = (api: () => Api): AdmissionPlugin => ({
  name: 'LimitRanger',
  admit(request, object) {
    if (request.resource !== pods || !isConcerned(request)) return
    // What a patch leaves alone is the old pod's, and not to be written to.
    if (request.operation === 'UPDATE') object.spec = copyJson(object.spec)
    for (const range of cachedObjects(api(), limitRanges, request.namespace))
      applyDefaults(object as unknown as Pod, limitsOf(range))
  },
  validate(request, object) {
    if (!object || !isConcerned(request)) return
    for (const range of cachedObjects(api(), limitRanges, request.namespace)) {
      const violations =
        request.resource === pods
          ? podViolations(object as unknown as Pod, limitsOf(range))
          : claimViolations(object as unknown as PersistentVolumeClaim, limitsOf(range))
      if (violations.length > 0) throw refused(request, object, aggregated(violations))
    }
  },
})

/** What containers ask for changes only through `resize`, what claims ask for also by an update. */
function isConcerned({ resource, subresource, operation, old }: AdmissionRequest): boolean {
  if (resource === pods) {
    if (!(subresource === '' && operation === 'CREATE') && !(subresource === 'resize' && operation === 'UPDATE'))
      return false
  } else if (resource !== persistentVolumeClaims || subresource !== '') return false
  // What is going may finish whatever it is doing.
  return (operation === 'CREATE' || operation === 'UPDATE') && old?.metadata.deletionTimestamp === undefined
}

const limitsOf = ({ spec }: LimitRange) => spec.limits ?? []
