/**
 * From an OCI runtime specification to the steps that the supervisor's child carries out: the built-in executor as a pure
 * function. The order is the point. Sources of bind mounts are opened while the host is visible; then the child leaves the
 * host for good (pivot) and everything else, symbolic links of the image included, is resolved inside the container.
 */
import { dirname } from 'node:path'
import type { CgroupLayout } from '#base/cgroup.ts'
import type { OciMount, OciProcess, OciRuntimeSpec } from '#contracts/oci/runtime-spec.ts'
import { deviceNumber } from '../images/unpack.ts'
import type { Step } from '../supervisor/supervisor.ts'
import { capabilityMask } from './capabilities.ts'
import { compileDeviceRules } from './device-filter.ts'
import { IMAGE_MOUNT } from './container-spec.ts'
import type { Identity } from './container-spec.ts'

const CLONE = {
  network: 0x4000_0000,
  ipc: 0x0800_0000,
  uts: 0x0400_0000,
  mount: 0x2_0000,
  cgroup: 0x0200_0000,
  pid: 0x2000_0000,
}
const MS = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, strictatime: 1 << 24, relatime: 1 << 21 } as Record<string, number>
const MOUNT_ATTR_RDONLY = 1
const MS_REC_SLAVE = 16384 | (1 << 19)
const PROPAGATION: Record<string, number> = { rprivate: 1 << 18, rslave: 1 << 19 }

export interface RootLayers {
  /** The store's directory; layers are named relative to it. */
  layersDir: string
  /** The lowest first. */
  layers: readonly string[]
  upperDir: string
  workDir: string
}

export interface LaunchContext {
  layout: CgroupLayout
  /** cgroup.procs of every hierarchy. */
  cgroupProcs: readonly string[]
  root: RootLayers
  /** Any empty directory: the overlay is mounted over it inside the container's mount namespace only. */
  scratchDir: string
  lastCapability: number
  /** A compiled filter. */
  seccomp?: { filter: Uint8Array; flags: number }
}

export interface LaunchPlan {
  steps: Step[]
  /** Flags of the fork. */
  clone: number
  /** A pid namespace to join instead of making one. */
  join?: string
}

export function planLaunch(spec: OciRuntimeSpec, identity: Identity, context: LaunchContext): LaunchPlan {
  const namespace = (type: string) => spec.linux.namespaces.find((n) => n.type === type)
  const steps: Step[] = [
    ['cgroup', ...context.cgroupProcs],
    ['oomScore', spec.process.oomScoreAdj ?? 0],
  ]
  if (context.layout.version === 2 && spec.linux.resources.devices) {
    steps.unshift(['devices', dirname(context.cgroupProcs[0]!), compileDeviceRules(spec.linux.resources.devices)])
  }
  for (const type of ['network', 'ipc', 'uts'] as const) {
    const path = namespace(type)?.path
    if (path) steps.push(['setns', path, CLONE[type]])
  }
  const binds = spec.mounts
    .map((mount, i) => ({ mount, slot: `m${i}` }))
    .filter(({ mount }) => mount.type === 'bind' || mount.type === IMAGE_MOUNT)
  for (const { mount, slot } of binds) if (mount.type === 'bind') steps.push(planTree(mount, slot))
  steps.push(['unshare', CLONE.mount | CLONE.cgroup], ['propagation', '/', MS_REC_SLAVE])
  for (const { mount, slot } of binds) {
    if (mount.type !== IMAGE_MOUNT) continue
    const layers = mount.options!.toReversed().join(':')
    steps.push(['imageTree', slot, context.root.layersDir, layers, context.scratchDir, mount.source ?? ''])
  }
  steps.push(
    ['overlay', context.root.layersDir, context.scratchDir, overlayOptions(context.root)],
    ['pivot', context.scratchDir],
  )
  for (const mount of spec.mounts) {
    const bind = binds.find((b) => b.mount === mount)
    if (bind) steps.push(['place', bind.slot, mount.destination])
    else steps.push(...planMount(mount, context.layout))
    if (mount.destination === '/dev') steps.push(...planDevices(spec))
  }
  for (const path of spec.linux.readonlyPaths ?? []) steps.push(['readonly', path])
  for (const path of spec.linux.maskedPaths ?? []) steps.push(['mask', path])
  if (spec.process.terminal) steps.push(['terminal', 1])
  if (spec.root.readonly) steps.push(['attr', '/', MOUNT_ATTR_RDONLY, 0])
  const pid = namespace('pid')
  steps.push(...planProcess(spec.process, identity, context))
  return { steps, clone: pid && !pid.path ? CLONE.pid : 0, ...(pid?.path && { join: pid.path }) }
}

/** The end of every launch, and all of an exec: identity, privileges, program. */
export function planProcess(
  process: OciProcess,
  identity: Identity,
  { lastCapability, seccomp }: Pick<LaunchContext, 'lastCapability' | 'seccomp'>,
): Step[] {
  const caps = process.capabilities!
  const masks = [caps.bounding, caps.effective, caps.permitted, caps.inheritable, caps.ambient].map((names) =>
    String(capabilityMask(names)),
  )
  return [
    ['user', identity.user, identity.group, identity.mergeGroups ? 1 : '', ...identity.extraGroups],
    ['env', ...process.env],
    ['cwd', process.cwd],
    ['caps', ...masks, lastCapability],
    ...(process.noNewPrivileges ? [['noNewPrivs'] as Step] : []),
    ...(process.apparmorProfile ? [['apparmor', process.apparmorProfile] as Step] : []),
    ...(seccomp ? [['seccomp', seccomp.filter, seccomp.flags] as Step] : []),
    ['exec', ...process.args],
  ]
}

export function overlayOptions({ layers, upperDir, workDir }: RootLayers): string {
  // Colons and commas are syntax of the option string; the paths are ours and contain neither.
  return `lowerdir=${layers.toReversed().join(':')},upperdir=${upperDir},workdir=${workDir}`
}

function planTree({ source, options = [] }: OciMount, slot: string): Step {
  const set = options.includes('ro') || options.includes('rro') ? MOUNT_ATTR_RDONLY : 0
  const propagation = options.map((option) => PROPAGATION[option]).find((value) => value !== undefined) ?? 0
  return [
    'tree',
    slot,
    source!,
    options.includes('rbind') ? 1 : 0,
    set,
    0,
    propagation,
    options.includes('rro') ? 1 : 0,
  ]
}

function planMount({ destination, type, source, options = [] }: OciMount, layout: CgroupLayout): Step[] {
  if (type === 'cgroup') return planCgroupMount(destination, options, layout)
  const flags = options.reduce((sum, option) => sum | (MS[option] ?? 0), 0)
  const data = options.filter((option) => !(option in MS) && option !== 'rw').join(',')
  return [
    ['mkdir', destination, '0755'],
    ['mount', source!, destination, type!, flags, data],
  ]
}

/** The container's own part of each hierarchy; a cgroup namespace hides the rest. */
function planCgroupMount(destination: string, options: readonly string[], layout: CgroupLayout): Step[] {
  const flags = options.reduce((sum, option) => sum | (MS[option] ?? 0), 0)
  if (layout.version === 2) return [['mount', 'cgroup', destination, 'cgroup2', flags, '']]
  const steps: Step[] = [['mount', 'tmpfs', destination, 'tmpfs', flags & ~MS.ro!, 'mode=755']]
  const byMount = new Map<string, string[]>()
  for (const [controller, mount] of layout.mounts) byMount.set(mount, [...(byMount.get(mount) ?? []), controller])
  for (const controllers of byMount.values()) {
    const dir = `${destination}/${controllers.join(',')}`
    steps.push(['mkdir', dir, '0755'], ['mount', 'cgroup', dir, 'cgroup', flags, controllers.join(',')])
  }
  if (options.includes('ro')) steps.push(['attr', destination, MOUNT_ATTR_RDONLY, 0])
  return steps
}

const LINKS: [to: string, path: string][] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['pts/ptmx', '/dev/ptmx'],
]

function planDevices(spec: OciRuntimeSpec): Step[] {
  const steps: Step[] = []
  for (const { path, type, major, minor, fileMode = 0o666, uid = 0, gid = 0 } of spec.linux.devices ?? []) {
    const kind = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 }[type]
    steps.push(['mknod', path, kind | fileMode, deviceNumber(major, minor), uid, gid])
  }
  for (const [to, path] of LINKS) steps.push(['symlink', to, path])
  return steps
}
