/** The executor that needs nothing but the supervisor: plans steps and hands them over. */
import type { CgroupLayout } from '#base/cgroup.ts'
import type { ExecRequest, Executor, LaunchRequest, Started } from './executor.ts'
import { planLaunch, planProcess } from './plan/launch-steps.ts'
import { compileSeccomp } from './plan/seccomp.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import type { Supervisors } from './supervisor/supervisors.ts'

export interface BuiltinExecutorOptions {
  supervisors: Supervisors
  layout: CgroupLayout
  scratchDir: string
  lastCapability: number
}

export class BuiltinExecutor implements Executor {
  readonly name = 'builtin'
  readonly #options: BuiltinExecutorOptions

  constructor(options: BuiltinExecutorOptions) {
    this.#options = options
  }

  async launch({ key, spec, identity, root, cgroupProcs, streams, exitFile }: LaunchRequest): Promise<Started> {
    const { layout, scratchDir, lastCapability, supervisors } = this.#options
    const seccomp = spec.linux.seccomp && compileSeccomp(spec.linux.seccomp)
    const plan = planLaunch(spec, identity, {
      layout,
      cgroupProcs,
      root,
      scratchDir,
      lastCapability,
      ...(seccomp && { seccomp }),
    })
    const supervisor = await supervisors.current()
    const process = await supervisor.start({
      key,
      ...plan,
      streams,
      tty: spec.process.terminal ?? false,
      exitFile,
      cgroups: cgroupProcs,
    })
    return { supervisor, process }
  }

  async exec(supervisor: Supervisor, request: ExecRequest): Promise<Started> {
    const { key, containerKey, process, identity, cgroupProcs, streams } = request
    const seccomp = request.seccomp && compileSeccomp(request.seccomp)
    const steps = [
      ['cgroup', ...cgroupProcs] as const,
      ['oomScore', process.oomScoreAdj ?? 0] as const,
      ...(process.terminal ? [['terminal', 0] as const] : []),
      ...planProcess(process, identity, { lastCapability: this.#options.lastCapability, ...(seccomp && { seccomp }) }),
    ]
    const tty = process.terminal ?? false
    return {
      supervisor,
      process: await supervisor.start({ key, steps, streams, tty, enter: containerKey, cgroups: cgroupProcs }),
    }
  }

  async cleanup(): Promise<void> {
    // Everything was in the container's own mount namespace and is gone with it.
  }
}
