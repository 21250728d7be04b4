/**
 * Takes away what nobody needs any more: older runs of containers, replaced sandboxes, everything of pods that are gone,
 * their logs, directories and control groups from an earlier life of the agent. Images are image-garbage.ts's.
 * Upstream: `kuberuntime_gc.go` and the orphan cleanup of `kubelet_volumes.go`.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import { type CriClient, isCriNotFound } from '#contracts/cri/client.ts'
import { type ObservedContainer, type ObservedPod, runningContainers } from './observed-pod.ts'
import type { PodCgroups } from './pod-cgroups.ts'
import type { RuntimeView } from './runtime-view.ts'
import { containerLogPath } from './container-config.ts'
import { podLogDirectory } from './sandbox-config.ts'
import { rotatedFiles } from './logs/log-reader.ts'
import type { PodVolumes } from './volumes/pod-volumes.ts'

export interface GarbageOptions {
  cri: CriClient
  log: Log
  view: RuntimeView
  volumes: PodVolumes
  cgroups: PodCgroups
  podLogsDir: string
  /** Dead containers to keep for each name, for `logs --previous`. Default 1. */
  keepDead?: number
}

export class Garbage {
  readonly #options: GarbageOptions
  readonly #calls = new Limiter(4)

  constructor(options: GarbageOptions) {
    this.#options = options
  }

  /** Removes superfluous dead containers and sandboxes of a pod that stays. Never rejects. */
  async prune(pod: ObservedPod): Promise<void> {
    const { dead, sandboxes } = superfluous(pod, this.#options.keepDead ?? 1)
    await Promise.all(dead.map((c) => this.#removeContainer(pod, c)))
    await Promise.all(sandboxes.map((id) => this.#removeSandbox(pod, id)))
  }

  /** Removes all that is left of a pod which is gone. It must have been ended. Never rejects. */
  async removePod(pod: ObservedPod): Promise<void> {
    if (runningContainers(pod).length > 0) return
    await Promise.all(pod.containers.map((c) => this.#removeContainer(pod, c, { keepLog: true })))
    await Promise.all(pod.sandboxes.map((s) => this.#removeSandbox(pod, s.id)))
    await this.#quietly(`the logs of pod ${pod.uid}`, () =>
      rm(podLogDirectory(this.#options.podLogsDir, pod), { recursive: true, force: true }),
    )
  }

  /** Removes directories, logs and control groups of pods that nobody knows. `known`: uids that are in use. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    const { cgroups, podLogsDir, volumes } = this.#options
    for (const uid of await volumes.uidsOnDisk().catch(() => new Set<string>())) {
      if (!known.has(uid)) await this.#quietly(`the volumes of pod ${uid}`, () => volumes.tearDown(uid))
    }
    for (const name of await readdir(podLogsDir).catch(() => [])) {
      const uid = name.slice(name.lastIndexOf('_') + 1)
      if (known.has(uid) || !name.includes('_')) continue
      await this.#quietly(`the logs ${name}`, () => rm(join(podLogsDir, name), { recursive: true, force: true }))
    }
    for (const path of cgroups.orphans(known)) {
      await this.#quietly(`the control group ${path}`, () => cgroups.removePath(path))
    }
  }

  async #removeContainer(pod: ObservedPod, container: ObservedContainer, { keepLog = false } = {}) {
    const { cri, podLogsDir, view } = this.#options
    await this.#quietly(`container ${container.id}`, async () => {
      await this.#calls.run(() => cri.runtime.removeContainer({ containerId: container.id })).catch(ignoreNotFound)
      view.forgetContainer(pod.uid, container.id)
      if (keepLog) return
      const path = join(
        podLogDirectory(podLogsDir, pod),
        containerLogPath(container.name, container.annotations.restartCount),
      )
      for (const file of [path, ...(await rotatedFiles(path))]) await rm(file, { force: true })
    })
  }

  async #removeSandbox(pod: ObservedPod, id: string) {
    const { cri, view } = this.#options
    await this.#quietly(`sandbox ${id}`, async () => {
      await this.#calls.run(async () => {
        await cri.runtime.stopPodSandbox({ podSandboxId: id }).catch(ignoreNotFound)
        await cri.runtime.removePodSandbox({ podSandboxId: id }).catch(ignoreNotFound)
      })
      view.forgetSandbox(pod.uid, id)
    })
  }

  async #quietly(what: string, task: () => Promise<unknown>) {
    try {
      await task()
    } catch (thrown) {
      // It is tried again at the next round.
      this.#options.log.warn({ reason: messageOf(thrown) }, `cannot remove ${what}`)
    }
  }
}

function ignoreNotFound(thrown: unknown) {
  if (!isCriNotFound(thrown)) throw thrown
}

/** Dead containers beyond the newest `keepDead` of a name, and sandboxes that are neither the newest nor in use. Pure. */
export function superfluous(pod: ObservedPod, keepDead: number): { dead: ObservedContainer[]; sandboxes: string[] } {
  const kept = new Map<string, number>()
  const dead = pod.containers.filter((container, index) => {
    // The newest of a name is its present state, whatever that is.
    const isNewest = pod.containers.findIndex((c) => c.name === container.name) === index
    if (isNewest || container.state === 'running') return false
    const count = kept.get(container.name) ?? 0
    kept.set(container.name, count + 1)
    return count >= keepDead
  })
  const gone = new Set(dead.map((c) => c.id))
  const inUse = new Set(pod.containers.filter((c) => !gone.has(c.id)).map((c) => c.sandboxId))
  const sandboxes = pod.sandboxes.filter((s, i) => i > 0 && !s.isReady && !inUse.has(s.id)).map((s) => s.id)
  return { dead, sandboxes }
}
