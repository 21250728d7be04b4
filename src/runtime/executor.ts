/**
 * Turns an OCI runtime specification into a running process. Two implementations: `builtin` (the supervisor does everything)
 * and `runc`. Both leave supervision, pipes and exit records to the supervisor, so that the rest of the runtime does not know
 * which one ran a container.
 */
import type { OciProcess, OciRuntimeSpec, OciSeccomp } from '#contracts/oci/runtime-spec.ts'
import type { Identity } from './plan/container-spec.ts'
import type { RootLayers } from './plan/launch-steps.ts'
import type { StreamName, SupervisedProcess, Supervisor } from './supervisor/supervisor.ts'

export interface LaunchRequest {
  /** Of the container. */
  id: string
  key: string
  spec: OciRuntimeSpec
  identity: Identity
  root: RootLayers
  /** cgroup.procs of every hierarchy; the cgroup exists and has its limits. */
  cgroupProcs: readonly string[]
  streams: readonly StreamName[]
  exitFile: string
}

export interface ExecRequest {
  id: string
  key: string
  /** The key of the container's own process. */
  containerKey: string
  process: OciProcess
  seccomp?: OciSeccomp
  identity: Identity
  cgroupProcs: readonly string[]
  streams: readonly StreamName[]
}

export interface Started {
  supervisor: Supervisor
  process: SupervisedProcess
}

export interface Executor {
  readonly name: 'builtin' | 'runc'
  /** Resolves once the program runs. Throws SupervisorError whose message users will read; then nothing remains. */
  launch(request: LaunchRequest): Promise<Started>
  exec(supervisor: Supervisor, request: ExecRequest): Promise<Started>
  /** Forgets what `launch` set up, after the container ended. Idempotent. */
  cleanup(id: string): Promise<void>
}
