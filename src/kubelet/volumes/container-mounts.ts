/**
 * The mounts of one container: its volumes with sub-paths, `/etc/hosts` and the termination message file.
 * Throws VolumeError with upstream's wording. Upstream: `makeMounts` of `kubelet_pods.go`.
 */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '#base/random.ts'
import type { Container, VolumeMount } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { MountPropagation } from '#contracts/cri/enums.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import { expandStrictly, type Lookup } from '../expansion.ts'
import { hostNetworkHostsFile, managedHostsFile } from '../hosts-file.ts'
import { podHostname } from '../hostname.ts'
import { isHostNetwork } from '../pod-spec.ts'
import type { MountTable } from './mount-table.ts'
import { VolumeError } from './payload.ts'
import type { MountedVolume } from './pod-volumes.ts'
import { checkSubPath, openSubPath } from './safe-sub-path.ts'

type CriMount = CriMessageInit<'Mount'>

export interface ContainerMountInputs {
  pod: Pod
  container: Container
  podDir: string
  volumes: ReadonlyMap<string, MountedVolume>
  /** Of image volumes, by volume name: what the runtime calls the pulled image. */
  imageRefs: ReadonlyMap<string, string>
  podIps: readonly string[]
  clusterDomain: string
  environment: Lookup
  mounts: MountTable
  random: Random
  /** Whether the runtime can make mounts below a mount read-only too. */
  supportsRecursiveReadOnly: boolean
}

const propagations: Readonly<Record<string, MountPropagation>> = {
  None: MountPropagation.PROPAGATION_PRIVATE,
  HostToContainer: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  Bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
}

export async function containerMounts(inputs: ContainerMountInputs): Promise<CriMount[]> {
  const { pod, container, podDir, podIps } = inputs
  const mounts: CriMount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    mounts.push(await volumeMount(inputs, mount, index))
  }
  const hasOwnHosts = (container.volumeMounts ?? []).some((m) => m.mountPath === '/etc/hosts')
  if (!hasOwnHosts && (podIps.length > 0 || isHostNetwork(pod))) {
    const hostPath = join(podDir, 'etc-hosts')
    const text = isHostNetwork(pod)
      ? hostNetworkHostsFile(pod, await readFile('/etc/hosts', 'utf8').catch(() => ''))
      : managedHostsFile(pod, podIps, podHostname(pod, inputs.clusterDomain))
    await writeFile(hostPath, text, { mode: 0o644 })
    mounts.push({ containerPath: '/etc/hosts', hostPath })
  }
  if (container.terminationMessagePath) mounts.push(await terminationMessageMount(inputs))
  return mounts
}

async function volumeMount(inputs: ContainerMountInputs, mount: VolumeMount, index: number): Promise<CriMount> {
  const { container, volumes, environment } = inputs
  const volume = volumes.get(mount.name)
  if (!volume) throw new VolumeError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`)
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, environment) : (mount.subPath ?? '')
  if (subPath) checkSubPath(subPath)
  const common = {
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    readonly: volume.readOnly || mount.readOnly === true,
    propagation: propagations[mount.mountPropagation ?? 'None'] ?? MountPropagation.PROPAGATION_PRIVATE,
    recursiveReadOnly: recursiveReadOnly(inputs, mount),
  }
  if (volume.image) {
    return { ...common, image: { image: inputs.imageRefs.get(mount.name) ?? '' }, imageSubPath: subPath }
  }
  const hostPath = subPath ? await bindSubPath(inputs, mount, index, volume.path, subPath) : volume.path
  return { ...common, hostPath }
}

function recursiveReadOnly({ supportsRecursiveReadOnly }: ContainerMountInputs, mount: VolumeMount): boolean {
  const wanted = mount.recursiveReadOnly ?? 'Disabled'
  if (wanted === 'Disabled') return false
  if (supportsRecursiveReadOnly) return true
  if (wanted === 'IfPossible') return false
  throw new VolumeError(
    `failed to resolve recursive read-only mode: volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`,
  )
}

/** The sub-path is mounted at a place where no container can swap what lies under it. */
async function bindSubPath(
  { container, podDir, mounts }: ContainerMountInputs,
  mount: VolumeMount,
  index: number,
  volumePath: string,
  subPath: string,
): Promise<string> {
  const failed = (cause: unknown) =>
    // Details could tell the pod's author about the node's files.
    new VolumeError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`, {
      cause,
    })
  const target = join(podDir, 'volume-subpaths', mount.name, container.name, String(index))
  if (await mounts.isMountPoint(target)) await mounts.unmount(target)
  const volumeMode = (await stat(volumePath)).mode
  const handle = await openSubPath(volumePath, subPath, volumeMode).catch((thrown: unknown) => {
    throw failed(thrown)
  })
  try {
    await mkdir(join(podDir, 'volume-subpaths', mount.name, container.name), { recursive: true, mode: 0o750 })
    if ((await handle.stat()).isDirectory()) await mkdir(target, { recursive: true, mode: 0o750 })
    else await writeFile(target, '', { mode: 0o640 })
    await mounts.bind(`/proc/${process.pid}/fd/${handle.fd}`, target)
  } catch (thrown) {
    throw failed(thrown)
  } finally {
    await handle.close()
  }
  return target
}

/** A fresh file for each run, writable for whatever user the container has. */
async function terminationMessageMount({ container, podDir, random }: ContainerMountInputs): Promise<CriMount> {
  const dir = join(podDir, 'containers', container.name)
  await mkdir(dir, { recursive: true, mode: 0o750 })
  const hostPath = join(dir, Buffer.from(random.bytes(4)).toString('hex'))
  await writeFile(hostPath, '', { mode: 0o666 })
  await chmod(hostPath, 0o666)
  const path = container.terminationMessagePath!
  return { containerPath: path.startsWith('/') ? path : `/${path}`, hostPath }
}
