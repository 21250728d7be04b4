/**
 * What uses storage: pods use claims, claims use volumes, and both use classes of attributes. Upstream: the
 * persistentvolumeclaim-protection, persistentvolume-protection and volumeattributesclass-protection controllers.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { persistentVolumeClaims, persistentVolumes, pods, volumeAttributesClasses } from '#api/resources.ts'
import { controllerOf } from '#machinery/owner.ts'
import type { Controller } from '../controller.ts'
import { keyOf, protect } from './protection.ts'

const PODS_OF_CLAIM = 'claim'

export const createClaimProtectionController = (): Controller => ({
  name: 'persistentvolumeclaim-protection-controller',
  start(context) {
    const allPods = context.informers.for(pods)
    allPods.index(PODS_OF_CLAIM, claimKeysOf)
    const queue = protect(context, {
      name: 'pvc-protection',
      resource: persistentVolumeClaims,
      finalizer: 'kubernetes.io/pvc-protection',
      caches: [allPods],
      async isUsed(claim, signal) {
        if (allPods.byIndex(PODS_OF_CLAIM, keyOf(claim)).some((pod) => usesClaim(pod, claim))) return true
        // The copy may not have a pod yet that is about to mount the volume.
        const { items } = await context.client.list(pods, { namespace: claim.metadata.namespace!, signal })
        return items.some((pod) => usesClaim(pod, claim))
      },
    })
    const enqueueClaims = (pod: Pod) => {
      for (const key of claimKeysOf(pod)) queue.add(key)
    }
    allPods.handle({
      // One that runs on a node can't have stopped to use anything.
      added: (pod) => void ((isOver(pod) || !pod.spec.nodeName) && enqueueClaims(pod)),
      updated: (pod, previous) => {
        if (isOver(pod) || !pod.spec.nodeName || pod.metadata.deletionTimestamp) enqueueClaims(pod)
        if (previous.metadata.uid !== pod.metadata.uid) enqueueClaims(previous)
      },
      deleted: enqueueClaims,
    })
  },
})

const isOver = ({ status }: Pod) => status.phase === 'Succeeded' || status.phase === 'Failed'

/** The claim that is made for a volume of the pod and goes with it. */
const ephemeralClaim = (pod: Pod, volume: string) => `${pod.metadata.name}-${volume}`

const claimKeysOf = (pod: Pod): string[] =>
  (pod.spec.volumes ?? []).flatMap((volume) => {
    const name = volume.ephemeral ? ephemeralClaim(pod, volume.name) : volume.persistentVolumeClaim?.claimName
    return name ? [`${pod.metadata.namespace}/${name}`] : []
  })

/** A pod without a node uses nothing: the kubelet does not start it once the claim is being deleted. */
export function usesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName) return false
  const { name } = claim.metadata
  return (pod.spec.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === name) return true
    if (!volume.ephemeral || ephemeralClaim(pod, volume.name) !== name || isShutDown(pod)) return false
    return controllerOf(claim.metadata)?.uid === pod.metadata.uid
  })
}

/** The kubelet is done with it; it may only be waiting for finalizers, maybe for one that waits for the claim. */
const isShutDown = ({ metadata }: Pod) =>
  metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0

export const createVolumeProtectionController = (): Controller => ({
  name: 'persistentvolume-protection-controller',
  start(context) {
    protect(context, {
      name: 'pv-protection',
      resource: persistentVolumes,
      finalizer: 'kubernetes.io/pv-protection',
      caches: [],
      isUsed: ({ status }) => status?.phase === 'Bound',
    })
  },
})

const USERS_OF_CLASS = 'volume-attributes-class'

const classesOfClaim = ({ spec, status }: PersistentVolumeClaim): string[] => [
  ...new Set(
    [
      spec.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].filter((name): name is string => Boolean(name)),
  ),
]
const classesOfVolume = ({ spec }: PersistentVolume): string[] =>
  spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : []

export const createVolumeAttributesClassProtectionController = (): Controller => ({
  name: 'volumeattributesclass-protection-controller',
  start(context) {
    const claims = context.informers.for(persistentVolumeClaims)
    const volumes = context.informers.for(persistentVolumes)
    claims.index(USERS_OF_CLASS, classesOfClaim)
    volumes.index(USERS_OF_CLASS, classesOfVolume)
    const queue = protect(context, {
      name: 'vac-protection',
      resource: volumeAttributesClasses,
      finalizer: 'kubernetes.io/vac-protection',
      caches: [claims, volumes],
      isUsed: ({ metadata: { name } }) =>
        claims.byIndex(USERS_OF_CLASS, name).length > 0 || volumes.byIndex(USERS_OF_CLASS, name).length > 0,
    })
    const release = (before: readonly string[], now: readonly string[]) => {
      for (const name of before) if (!now.includes(name)) queue.add(name)
    }
    claims.handle({
      updated: (claim, previous) => release(classesOfClaim(previous), classesOfClaim(claim)),
      deleted: (claim) => release(classesOfClaim(claim), []),
    })
    volumes.handle({
      updated: (volume, previous) => release(classesOfVolume(previous), classesOfVolume(volume)),
      deleted: (volume) => release(classesOfVolume(volume), []),
    })
  },
})
