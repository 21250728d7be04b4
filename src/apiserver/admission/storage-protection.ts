/**
 * Volumes, claims and attribute classes get a finalizer that keeps them as long as something uses them; controllers take
 * it away then. Upstream: `plugin/pkg/admission/storage/storageobjectinuseprotection`.
 */
import type { Resource } from '#api/kind.ts'
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '#api/resources.ts'
import type { AdmissionPlugin } from './admission.ts'

const FINALIZERS: ReadonlyMap<Resource, string> = new Map<Resource, string>([
  [persistentVolumes, 'kubernetes.io/pv-protection'],
  [persistentVolumeClaims, 'kubernetes.io/pvc-protection'],
  [volumeAttributesClasses, 'kubernetes.io/vac-protection'],
])

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  admit({ resource, subresource, operation }, { metadata }) {
    if (operation !== 'CREATE' || subresource !== '') return
    const finalizer = FINALIZERS.get(resource)
    if (finalizer === undefined || metadata.finalizers?.includes(finalizer)) return
    metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  },
}
