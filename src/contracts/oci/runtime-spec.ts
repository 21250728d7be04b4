/**
 * The part of the OCI runtime specification (v1.2 `config.json`) that this runtime writes for runc and for its own executor.
 * Both are given the same document, so that what runs does not depend on which of them runs it.
 */

export interface OciMount {
  destination: string
  type?: string
  source?: string
  /** mount(8) options, plus `rbind`, `rro`, `rprivate`, `rslave`, `rshared`. */
  options?: string[]
}

export interface OciCapabilities {
  bounding: string[]
  effective: string[]
  permitted: string[]
  inheritable: string[]
  ambient: string[]
}

export interface OciProcess {
  terminal?: boolean
  user: { uid: number; gid: number; additionalGids?: number[]; umask?: number }
  args: string[]
  env: string[]
  cwd: string
  capabilities?: OciCapabilities
  rlimits?: { type: string; soft: number; hard: number }[]
  noNewPrivileges?: boolean
  oomScoreAdj?: number
  apparmorProfile?: string
}

export type OciNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup'

export interface OciDevice {
  type: 'c' | 'b' | 'p' | 'u'
  path: string
  major: number
  minor: number
  fileMode?: number
  uid?: number
  gid?: number
}

export interface OciDeviceRule {
  allow: boolean
  type?: 'a' | 'c' | 'b'
  major?: number
  minor?: number
  access?: string
}

export interface OciResources {
  devices?: OciDeviceRule[]
  memory?: { limit?: number; swap?: number; reservation?: number }
  cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string }
  pids?: { limit: number }
  hugepageLimits?: { pageSize: string; limit: number }[]
  unified?: Record<string, string>
}

export interface OciSeccomp {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: string[]
  flags?: string[]
  syscalls?: {
    names: string[]
    action: string
    errnoRet?: number
    args?: { index: number; value: number; valueTwo?: number; op: string }[]
  }[]
}

export interface OciRuntimeSpec {
  ociVersion: string
  process: OciProcess
  root: { path: string; readonly?: boolean }
  hostname?: string
  mounts: OciMount[]
  annotations?: Record<string, string>
  linux: {
    /** A namespace without `path` is new; one that is not listed is the runtime's own. */
    namespaces: { type: OciNamespaceType; path?: string }[]
    uidMappings?: { containerID: number; hostID: number; size: number }[]
    gidMappings?: { containerID: number; hostID: number; size: number }[]
    devices?: OciDevice[]
    cgroupsPath: string
    resources: OciResources
    seccomp?: OciSeccomp
    sysctl?: Record<string, string>
    maskedPaths?: string[]
    readonlyPaths?: string[]
    rootfsPropagation?: string
  }
}
