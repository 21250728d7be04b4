/**
 * The volumes of this node's pods: set up before containers start, kept up to date while they run, removed when nothing of
 * the pod is left. What is secret lives in memory only (one tmpfs for all pods, mounted once).
 *
 * Invariant: a directory is removed only when nothing is mounted in it any more, so clean-up never reaches into a host path
 * or another pod's volume.
 */
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { EmptyDirVolumeSource, Volume } from '#api/core/v1/volume.ts'
import { persistentVolumeClaims, persistentVolumes } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { Quantity } from '#machinery/quantity.ts'
import { allContainers } from '../pod-spec.ts'
import { podLimits } from '../resource-amounts.ts'
import { type Payload, writeAtomically } from './atomic-writer.ts'
import { checkHostPath } from './host-path.ts'
import type { MountTable } from './mount-table.ts'
import { giveToGroup } from './ownership.ts'
import {
  configMapPayload,
  downwardPayload,
  type PayloadInputs,
  projectedPayload,
  secretPayload,
  VolumeError,
} from './payload.ts'

export interface MountedVolume {
  /** On the host; empty for an image volume. */
  path: string
  /** The whole volume is read-only, whatever a mount says. */
  readOnly: boolean
  /** An OCI image mounted by the runtime instead of a directory. */
  image?: { reference: string; pullPolicy?: string }
}

/** One volume of the pod could not be set up. `message` is that of upstream's FailedMount event. */
export class VolumeSetUpError extends Error {
  override readonly name = 'VolumeSetUpError'
  readonly volume: string
  constructor(volume: string, cause: unknown) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${messageOf(cause)}`, { cause })
    this.volume = volume
  }
}

export interface PodVolumesOptions {
  /** Holds `<uid>/` of each pod. */
  podsDir: string
  /** A directory in memory for secrets and tokens: `<uid>/<volume>`. */
  memoryDir: string
  mounts: MountTable
  payload: Omit<PayloadInputs, 'pod'>
  client: Client
  clock: Clock
  random: Random
  log: Log
}

interface Placed {
  volume: Volume
  mounted: MountedVolume
  /** Present for those whose content may change. */
  write?: () => Promise<unknown>
}

export class PodVolumes {
  readonly #options: PodVolumesOptions
  readonly #placed = new Map<string, Map<string, Placed>>()
  /** Pods whose content has to be looked at again. */
  readonly #stale = new Set<string>()

  constructor(options: PodVolumesOptions) {
    this.#options = options
  }

  podDir(uid: string): string {
    return join(this.#options.podsDir, safeName(uid))
  }

  /** Says that a config map, secret, token or the pod's metadata changed. */
  markStale(uid: string): void {
    if (this.#placed.has(uid)) this.#stale.add(uid)
  }

  /**
   * Makes all volumes of the pod usable, or brings them up to date. Cheap when nothing changed. Throws VolumeSetUpError for
   * the first volume that fails; the others are tried all the same.
   */
  async setUp(pod: Pod): Promise<ReadonlyMap<string, MountedVolume>> {
    const { uid } = pod.metadata
    const volumes = pod.spec.volumes ?? []
    let placed = this.#placed.get(uid)
    const isNew = !placed
    if (!placed) {
      await mkdir(this.podDir(uid), { recursive: true, mode: 0o750 })
      this.#placed.set(uid, (placed = new Map()))
    }
    const isStale = this.#stale.delete(uid)
    if (isNew || isStale || placed.size < volumes.length) {
      const results = await Promise.allSettled(volumes.map((volume) => this.#place(pod, volume, placed, isStale)))
      const failed = results.findIndex((r) => r.status === 'rejected')
      if (failed >= 0) {
        if (isStale) this.#stale.add(uid)
        throw new VolumeSetUpError(volumes[failed]!.name, (results[failed] as PromiseRejectedResult).reason)
      }
    }
    return new Map([...placed].map(([name, { mounted }]) => [name, mounted]))
  }

  /** The volumes as they were last set up. */
  mounted(uid: string): ReadonlyMap<string, MountedVolume> {
    return new Map([...(this.#placed.get(uid) ?? [])].map(([name, { mounted }]) => [name, mounted]))
  }

  /** Removes all that there is of the pod's volumes. Idempotent. Throws Error while something in it is still mounted. */
  async tearDown(uid: string): Promise<void> {
    const { mounts, memoryDir } = this.#options
    this.#placed.delete(uid)
    this.#stale.delete(uid)
    for (const dir of [this.podDir(uid), join(memoryDir, safeName(uid))]) {
      if (!(await exists(dir))) continue
      for (const point of await mounts.below(dir)) await mounts.unmount(point)
      const [left] = await mounts.below(dir)
      if (left) throw new Error(`cannot remove ${dir}: ${left} is still mounted`)
      await rm(dir, { recursive: true, force: true })
    }
  }

  /** The uids of pods that have directories here, from whatever time. */
  async uidsOnDisk(): Promise<Set<string>> {
    const uids = new Set<string>()
    for (const dir of [this.#options.podsDir, this.#options.memoryDir]) {
      for (const name of await readdir(dir).catch(() => [])) uids.add(name)
    }
    return uids
  }

  async #place(pod: Pod, volume: Volume, placed: Map<string, Placed>, isStale: boolean): Promise<void> {
    const present = placed.get(volume.name)
    if (present) {
      if (!isStale) return
      // The pod object is newer than the one that the first write was made for.
      const again = this.#contentOf(pod, volume, present.mounted.path)
      if (again) await again()
      return
    }
    const mounted = await this.#make(pod, volume)
    const write = this.#contentOf(pod, volume, mounted.path)
    if (write) await write()
    placed.set(volume.name, { volume, mounted, ...(write && { write }) })
  }

  async #make(pod: Pod, volume: Volume): Promise<MountedVolume> {
    const uid = pod.metadata.uid
    if (volume.hostPath) {
      await checkHostPath(volume.hostPath.path, volume.hostPath.type)
      return { path: volume.hostPath.path, readOnly: false }
    }
    if (volume.emptyDir) return this.#makeEmptyDir(pod, volume.name, volume.emptyDir)
    if (volume.configMap || volume.downwardAPI) {
      const plugin = volume.configMap ? 'configmap' : 'downward-api'
      return {
        path: await this.#directory(pod, join(this.#volumesDir(uid, plugin), safeName(volume.name)), volume),
        readOnly: true,
      }
    }
    if (volume.secret || volume.projected) {
      const path = join(this.#options.memoryDir, safeName(uid), safeName(volume.name))
      return { path: await this.#directory(pod, path, volume), readOnly: true }
    }
    if (volume.image) {
      const { reference = '', pullPolicy } = volume.image
      return { path: '', readOnly: true, image: { reference, ...(pullPolicy && { pullPolicy }) } }
    }
    const claim = volume.persistentVolumeClaim
    if (claim) return this.#claimed(pod, claim.claimName, claim.readOnly ?? false)
    if (volume.ephemeral) return this.#claimed(pod, `${pod.metadata.name}-${volume.name}`, false)
    const kind = Object.keys(volume).find((k) => k !== 'name') ?? 'none'
    throw new VolumeError(`volumes of kind "${kind}" are not supported by this node`)
  }

  #volumesDir(uid: string, plugin: string): string {
    return join(this.podDir(uid), 'volumes', `kubernetes.io~${plugin}`)
  }

  async #directory(pod: Pod, path: string, volume: Volume): Promise<string> {
    await mkdir(path, { recursive: true, mode: 0o755 })
    await chmod(path, 0o777)
    await this.#makeNestedMountPoints(pod, path, volume)
    return path
  }

  /** A mount inside of a read-only volume needs its mount point before the volume becomes read-only. */
  async #makeNestedMountPoints(pod: Pod, path: string, volume: Volume) {
    for (const container of allContainers(pod)) {
      const mounts = container.volumeMounts ?? []
      for (const outer of mounts.filter((m) => m.name === volume.name)) {
        const prefix = `${normalize(outer.mountPath).replace(/\/$/, '')}/`
        for (const inner of mounts) {
          const inside = normalize(inner.mountPath)
          if (inner.name === volume.name || !inside.startsWith(prefix)) continue
          await mkdir(join(path, inside.slice(prefix.length)), { recursive: true, mode: 0o755 })
        }
      }
    }
  }

  async #makeEmptyDir(pod: Pod, name: string, source: EmptyDirVolumeSource): Promise<MountedVolume> {
    const { mounts, payload } = this.#options
    const path = join(this.#volumesDir(pod.metadata.uid, 'empty-dir'), safeName(name))
    await mkdir(path, { recursive: true, mode: 0o777 })
    if (source.medium === 'Memory') {
      const limits = [source.sizeLimit, podLimits(pod).memory, payload.allocatable.memory]
        .filter((amount) => amount !== undefined)
        .map((amount) => Quantity.parse(String(amount)).value())
        .filter((bytes) => bytes > 0)
      const size = limits.length > 0 ? [`size=${Math.min(...limits)}`] : []
      if (!(await mounts.isMountPoint(path))) await mounts.mountTmpfs(path, ['mode=0777', ...size])
    } else if (source.medium) throw new VolumeError(`unknown storage medium "${source.medium}"`)
    await chmod(path, 0o777)
    await this.#own(pod, path, false)
    return { path, readOnly: false }
  }

  /** Claims of volumes that are directories of this node; everything else needs a driver, which there is none of. */
  async #claimed(pod: Pod, claimName: string, readOnly: boolean): Promise<MountedVolume> {
    const { client } = this.#options
    const namespace = pod.metadata.namespace ?? ''
    const claim = await client.find(persistentVolumeClaims, { namespace, name: claimName })
    if (!claim) throw new VolumeError(`persistentvolumeclaim "${claimName}" not found`)
    const volumeName = claim.spec.volumeName
    if (!volumeName || claim.status.phase !== 'Bound') {
      throw new VolumeError(
        `PVC ${namespace}/${claimName} has non-bound phase ("${claim.status.phase ?? ''}") or empty pvc.Spec.VolumeName`,
      )
    }
    if (claim.metadata.deletionTimestamp)
      throw new VolumeError(`can't start pod because PVC ${namespace}/${claimName} is being deleted`)
    const volume = await client.find(persistentVolumes, { name: volumeName })
    if (!volume) throw new VolumeError(`persistentvolume "${volumeName}" not found`)
    if (volume.spec.volumeMode === 'Block') throw new VolumeError('block volumes are not supported by this node')
    const isReadOnly = readOnly || (volume.spec.accessModes ?? []).every((mode) => mode === 'ReadOnlyMany')
    if (volume.spec.hostPath) {
      await checkHostPath(volume.spec.hostPath.path, volume.spec.hostPath.type)
      return { path: volume.spec.hostPath.path, readOnly: isReadOnly }
    }
    if (volume.spec.local) {
      await checkHostPath(volume.spec.local.path, 'Directory')
      await this.#own(pod, volume.spec.local.path, isReadOnly)
      return { path: volume.spec.local.path, readOnly: isReadOnly }
    }
    throw new VolumeError(`persistentvolume "${volumeName}" needs a driver that this node does not have`)
  }

  async #own(pod: Pod, path: string, readOnly: boolean) {
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
    if (fsGroup === undefined) return
    await giveToGroup(path, {
      gid: fsGroup,
      readOnly,
      ...(fsGroupChangePolicy && { changePolicy: fsGroupChangePolicy }),
    })
  }

  /** Writes the files of a volume that is made of API objects; undefined for the other kinds. */
  #contentOf(pod: Pod, volume: Volume, path: string): (() => Promise<void>) | undefined {
    const inputs: PayloadInputs = { ...this.#options.payload, pod }
    const { configMap, secret, downwardAPI, projected } = volume
    let read: (() => Promise<Payload>) | undefined
    if (configMap) read = () => configMapPayload(inputs, configMap, configMap.defaultMode)
    else if (secret) {
      const { secretName, ...rest } = secret
      read = () => secretPayload(inputs, { ...rest, name: secretName }, secret.defaultMode)
    } else if (downwardAPI) read = async () => downwardPayload(inputs, downwardAPI.items ?? [], downwardAPI.defaultMode)
    else if (projected) read = () => projectedPayload(inputs, projected)
    if (!read) return undefined
    return async () => {
      const { clock, random } = this.#options
      await writeAtomically(path, await read(), {
        nowMs: clock.now(),
        random,
        own: () => this.#own(pod, path, true),
      })
    }
  }
}

/** Uids and volume names come from the API; as path components they must stay one. */
function safeName(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new TypeError(`"${name}" is not usable as a directory name`)
  }
  return name
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (thrown: unknown) => {
      if (systemCode(thrown) === 'ENOENT') return false
      throw thrown
    },
  )
}
