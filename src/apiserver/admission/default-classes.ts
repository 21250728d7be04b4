/**
 * Claims and Ingresses that name no class get the one that is marked as the default; of several the newest counts.
 * Upstream: `plugin/pkg/admission/storage/storageclass/setdefault` and `plugin/pkg/admission/network/defaultingressclass`.
 */
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Ingress } from '#api/networking/v1.ts'
import { ingressClasses, ingresses, persistentVolumeClaims, storageClasses } from '#api/resources.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { cachedObjects } from './lookup.ts'

const IS_DEFAULT_STORAGE = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]
const IS_DEFAULT_INGRESS = ['ingressclass.kubernetes.io/is-default-class']
/** The forms that a class was asked for in before there was a field for it. */
const STORAGE_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

export const defaultStorageClass = (api: () => Api): AdmissionPlugin => ({
  name: 'DefaultStorageClass',
  admit({ resource, subresource, operation }, object) {
    if (resource !== persistentVolumeClaims || subresource !== '' || operation !== 'CREATE') return
    const { metadata, spec } = object as unknown as PersistentVolumeClaim
    // An empty name is a choice too: no class.
    if (metadata.annotations?.[STORAGE_CLASS_ANNOTATION] !== undefined || spec.storageClassName !== undefined) return
    const found = defaultOf(api(), storageClasses, IS_DEFAULT_STORAGE)
    if (found !== undefined) spec.storageClassName = found
  },
})

export const defaultIngressClass = (api: () => Api): AdmissionPlugin => ({
  name: 'DefaultIngressClass',
  admit({ resource, subresource, operation }, object) {
    if (resource !== ingresses || subresource !== '' || operation !== 'CREATE') return
    const { metadata, spec } = object as unknown as Ingress
    if (metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined || spec.ingressClassName !== undefined) return
    const found = defaultOf(api(), ingressClasses, IS_DEFAULT_INGRESS)
    if (found !== undefined) spec.ingressClassName = found
  },
})

/** The name of the newest class that has one of the annotations; the alphabet decides between equally old ones. */
function defaultOf(api: Api, resource: Resource, annotations: readonly string[]): string | undefined {
  let best: KubeObject | undefined
  for (const candidate of cachedObjects(api, resource, undefined)) {
    const given = candidate.metadata.annotations
    if (!given || !annotations.some((name) => given[name] === 'true')) continue
    // Objects come ordered by name, and times of one format compare as texts.
    if (!best || candidate.metadata.creationTimestamp! > best.metadata.creationTimestamp!) best = candidate
  }
  return best?.metadata.name
}
