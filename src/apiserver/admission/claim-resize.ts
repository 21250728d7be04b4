/**
 * A claim may ask for more only where its volume can grow: it is bound, and its class says so. Upstream:
 * `plugin/pkg/admission/storage/persistentvolume/resize`.
 */
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import { persistentVolumeClaims, storageClasses } from '#api/resources.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { cachedObject } from './lookup.ts'
import { refused } from './refusal.ts'

export const persistentVolumeClaimResize = (api: () => Api): AdmissionPlugin => ({
  name: 'PersistentVolumeClaimResize',
  validate(request, object) {
    const { resource, subresource, operation, old } = request
    if (resource !== persistentVolumeClaims || subresource !== '' || operation !== 'UPDATE' || !object) return
    const [claim, was] = [object, old!] as unknown as [PersistentVolumeClaim, PersistentVolumeClaim]
    if (storageOf(claim).cmp(storageOf(was)) <= 0) return
    if (was.status?.phase !== 'Bound')
      throw refused(request, object, 'Only bound persistent volume claims can be expanded')
    if (!mayGrow(api(), claim, was)) {
      const why =
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
      throw refused(request, object, why)
    }
  },
})

const storageOf = ({ spec }: PersistentVolumeClaim) => Quantity.parse(spec.resources?.requests?.storage ?? '0')

function mayGrow(api: Api, claim: PersistentVolumeClaim, was: PersistentVolumeClaim): boolean {
  const name = classOf(claim)
  if (!name || name !== classOf(was)) return false
  return cachedObject(api, storageClasses, undefined, name)?.allowVolumeExpansion === true
}

/** The annotation is how a class was named before there was a field; it still wins. */
export const classOf = ({ metadata, spec }: Pick<PersistentVolumeClaim, 'metadata' | 'spec'>): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? ''
