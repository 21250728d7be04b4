/**
 * The control groups of pods: `<root>/kubepods[/burstable|/besteffort]/pod<uid>`, with the pod's limits on its own group and
 * shares on the class. Upstream: `kubelet/cm`.
 */
import type { Cgroups } from '#base/cgroup.ts'
import type { Clock } from '#base/clock.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { qosClass, type QosClass } from './pod-spec.ts'
import { cpuShares, podCgroupLimits, podRequests } from './resource-amounts.ts'

const classPaths: Readonly<Record<QosClass, string>> = {
  Guaranteed: '',
  Burstable: '/burstable',
  BestEffort: '/besteffort',
}

export class PodCgroups {
  readonly #cgroups: Cgroups | undefined
  readonly #root: string
  readonly #clock: Clock
  readonly #known = new Set<string>()

  /** `root` is absolute, `/` for the host's own. Without `cgroups` (no privileges) only paths are named. */
  constructor(cgroups: Cgroups | undefined, root: string, clock: Clock) {
    this.#cgroups = cgroups
    this.#root = `${root.replace(/\/$/, '')}/kubepods`
    this.#clock = clock
  }

  get root(): string {
    return this.#root
  }

  path(pod: Pod): string {
    return `${this.#root}${classPaths[qosClass(pod)]}/pod${pod.metadata.uid}`
  }

  /** Creates the pod's group with its limits, unless it is there. Throws the system error. */
  ensure(pod: Pod): void {
    const path = this.path(pod)
    if (!this.#cgroups || this.#known.has(path)) return
    this.#cgroups.create(path)
    this.#cgroups.applyLimits(path, podCgroupLimits(pod))
    this.#known.add(path)
  }

  /** Kills what is left in the pod's group and removes it. Idempotent. */
  async remove(pod: Pod): Promise<void> {
    const path = this.path(pod)
    this.#known.delete(path)
    if (this.#cgroups?.exists(path)) await this.#cgroups.remove(path, this.#clock)
  }

  /** Gives the burstable class the weight of what its pods ask for, and the best-effort class next to nothing. */
  updateClasses(pods: readonly Pod[]): void {
    if (!this.#cgroups) return
    const milli = pods
      .filter((pod) => qosClass(pod) === 'Burstable')
      .reduce((sum, pod) => sum + (podRequests(pod).cpu?.milliValue() ?? 0), 0)
    for (const [path, shares] of [
      ['/burstable', cpuShares(milli)],
      ['/besteffort', cpuShares(0)],
    ] as const) {
      this.#cgroups.create(`${this.#root}${path}`)
      this.#cgroups.applyLimits(`${this.#root}${path}`, { cpuShares: shares })
    }
  }

  /** Groups of pods that are not in `uids`, left from an earlier life. */
  orphans(uids: ReadonlySet<string>): string[] {
    const out: string[] = []
    for (const part of Object.values(classPaths)) {
      for (const name of this.#cgroups?.children(`${this.#root}${part}`) ?? []) {
        if (name.startsWith('pod') && !uids.has(name.slice(3))) out.push(`${this.#root}${part}/${name}`)
      }
    }
    return out
  }

  async removePath(path: string): Promise<void> {
    await this.#cgroups?.remove(path, this.#clock)
  }
}
