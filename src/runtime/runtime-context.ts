/** What the parts of one daemon share. Made once by cri-server.ts; nothing here is replaced later. */
import type { Cgroups } from '#base/cgroup.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { SandboxNetwork } from '#contracts/sandbox-network.ts'
import type { Executor } from './executor.ts'
import type { Host } from './host-facts.ts'
import type { ImageStore } from './images/image-store.ts'
import type { Supervisors } from './supervisor/supervisors.ts'

export interface RuntimeContext {
  /** Survives restarts of the machine: images, records, writable layers. */
  stateDir: string
  /** Emptied by a restart of the machine or not; nothing in it is needed afterwards. */
  runtimeDir: string
  /** An empty directory, for mounts inside of other mount namespaces. */
  scratchDir: string
  /** The parent of containers whose pod names none. */
  cgroupRoot: string
  cgroups: Cgroups
  host: Host
  network: SandboxNetwork
  supervisors: Supervisors
  executor: Executor
  images: ImageStore
  clock: Clock
  random: Random
  log: Log
}

/** Wall time in nanoseconds. */
export const nowNs = (clock: Clock): bigint => BigInt(Math.round(clock.now() * 1000)) * 1000n
