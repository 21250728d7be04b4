/**
 * The static types of the CRI messages, inferred from the tables. `CriMessage<'X'>` is what a decoder returns (complete);
 * `CriMessageInit<'X'>` is what an encoder accepts (anything may be left out and is then zero). The names in use have aliases.
 */
import type { ARCHIVE_MESSAGES } from './archive-messages.ts'
import type { CRI_ENUMS } from './enums.ts'
import type { IMAGE_MESSAGES } from './image-messages.ts'
import type { RUNTIME_MESSAGES } from './runtime-messages.ts'
import type { STATS_MESSAGES } from './stats-messages.ts'

type Tables = typeof RUNTIME_MESSAGES & typeof STATS_MESSAGES & typeof IMAGE_MESSAGES & typeof ARCHIVE_MESSAGES
type Enums = typeof CRI_ENUMS

export type CriMessageName = keyof Tables

interface Scalars {
  string: string
  bytes: Uint8Array
  bool: boolean
  int32: number
  uint32: number
  int64: number
  uint64: number
  double: number
  map: Record<string, string>
}

type Leaf<T> = T extends keyof Scalars ? Scalars[T] : T extends keyof Enums ? Enums[T][keyof Enums[T]] : never

type Full<F> = F extends `${infer T}[] ${number}`
  ? (T extends CriMessageName ? CriMessage<T> : Leaf<T>)[]
  : F extends `${infer T} ${number}`
    ? T extends CriMessageName
      ? CriMessage<T>
      : Leaf<T>
    : never

type Partial_<F> = F extends `${infer T}[] ${number}`
  ? readonly (T extends CriMessageName ? CriMessageInit<T> : Leaf<T>)[]
  : F extends `${infer T} ${number}`
    ? T extends CriMessageName
      ? CriMessageInit<T>
      : Leaf<T>
    : never

/** The keys whose value is a single sub-message: the only ones that a decoded message may lack. */
type SubMessageKeys<M> = {
  [K in keyof M]: M[K] extends `${infer T} ${number}` ? (T extends CriMessageName ? K : never) : never
}[keyof M]

export type CriMessage<N extends CriMessageName> = {
  -readonly [K in Exclude<keyof Tables[N], SubMessageKeys<Tables[N]>>]: Full<Tables[N][K]>
} & { -readonly [K in SubMessageKeys<Tables[N]>]?: Full<Tables[N][K]> }

export type CriMessageInit<N extends CriMessageName> = { -readonly [K in keyof Tables[N]]?: Partial_<Tables[N][K]> }

export type PodSandboxMetadata = CriMessage<'PodSandboxMetadata'>
export type PodSandboxConfig = CriMessage<'PodSandboxConfig'>
export type PodSandboxStatus = CriMessage<'PodSandboxStatus'>
export type PodSandbox = CriMessage<'PodSandbox'>
export type PodSandboxFilter = CriMessage<'PodSandboxFilter'>
export type PodSandboxStats = CriMessage<'PodSandboxStats'>
export type PortMapping = CriMessage<'PortMapping'>
export type DNSConfig = CriMessage<'DNSConfig'>
export type Mount = CriMessage<'Mount'>
export type Device = CriMessage<'Device'>
export type NamespaceOption = CriMessage<'NamespaceOption'>
export type SecurityProfile = CriMessage<'SecurityProfile'>
export type LinuxSandboxSecurityContext = CriMessage<'LinuxSandboxSecurityContext'>
export type LinuxContainerSecurityContext = CriMessage<'LinuxContainerSecurityContext'>
export type LinuxContainerResources = CriMessage<'LinuxContainerResources'>
export type LinuxPodSandboxConfig = CriMessage<'LinuxPodSandboxConfig'>
export type ContainerMetadata = CriMessage<'ContainerMetadata'>
export type ContainerConfig = CriMessage<'ContainerConfig'>
export type ContainerStatus = CriMessage<'ContainerStatus'>
export type Container = CriMessage<'Container'>
export type ContainerFilter = CriMessage<'ContainerFilter'>
export type ContainerStats = CriMessage<'ContainerStats'>
export type ContainerEventResponse = CriMessage<'ContainerEventResponse'>
export type ContainerUser = CriMessage<'ContainerUser'>
export type ImageSpec = CriMessage<'ImageSpec'>
export type Image = CriMessage<'Image'>
export type AuthConfig = CriMessage<'AuthConfig'>
export type FilesystemUsage = CriMessage<'FilesystemUsage'>
export type CpuUsage = CriMessage<'CpuUsage'>
export type MemoryUsage = CriMessage<'MemoryUsage'>
export type NetworkUsage = CriMessage<'NetworkUsage'>
export type RuntimeCondition = CriMessage<'RuntimeCondition'>
export type StatusResponse = CriMessage<'StatusResponse'>
export type VersionResponse = CriMessage<'VersionResponse'>
export type ExecSyncResponse = CriMessage<'ExecSyncResponse'>
export type ContainerStatusResponse = CriMessage<'ContainerStatusResponse'>
export type PodSandboxStatusResponse = CriMessage<'PodSandboxStatusResponse'>
