/**
 * What has to be done now and then rather than at once: removing dead containers, leftovers and unused images, rotating
 * logs, and seeing that no emptyDir outgrows its limit. One round of each at a time. Upstream: StartGarbageCollection.
 */
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import { Quantity } from '#machinery/quantity.ts'
import { volumeVerdict } from './eviction.ts'
import type { Garbage } from './garbage.ts'
import type { ImageGarbage } from './image-garbage.ts'
import type { PodEvents } from './kubelet-events.ts'
import { rotateLogs } from './logs/log-rotation.ts'
import { runningContainers } from './observed-pod.ts'
import type { PodSet } from './pod-set.ts'
import type { RuntimeView } from './runtime-view.ts'
import { directoryBytes } from './volumes/directory-size.ts'
import type { PodVolumes } from './volumes/pod-volumes.ts'

export interface HousekeepingOptions {
  clock: Clock
  log: Log
  cri: CriClient
  view: RuntimeView
  garbage: Garbage
  imageGarbage: ImageGarbage
  podSet: PodSet
  volumes: PodVolumes
  events: PodEvents
  signal: AbortSignal
}

export class Housekeeping {
  readonly #options: HousekeepingOptions

  constructor(options: HousekeepingOptions) {
    this.#options = options
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { cri, garbage, imageGarbage, podSet, view, clock, log } = this.#options
    await Promise.all([
      this.#repeat('dead containers', 60_000, async () => {
        const known = new Set(podSet.workers().map((w) => w.pod.metadata.uid))
        for (const pod of view.all()) if (known.has(pod.uid)) await garbage.prune(pod)
      }),
      this.#repeat('leftovers of pods', 120_000, async () => {
        if (podSet.isSynced) await garbage.sweep(podSet.uids())
      }),
      this.#repeat('images', 300_000, () => imageGarbage.collect()),
      this.#repeat('logs', 10_000, () =>
        rotateLogs({
          clock,
          log,
          running: () => view.all().flatMap((p) => runningContainers(p).map((c) => ({ id: c.id, path: c.logPath }))),
          reopen: (containerId) => cri.runtime.reopenContainerLog({ containerId }),
        }),
      ),
      this.#repeat('volume limits', 30_000, () => this.#checkVolumeLimits()),
    ])
  }

  async #repeat(what: string, periodMs: number, task: () => Promise<unknown>) {
    const { clock, log, signal } = this.#options
    while (!signal.aborted) {
      await sleep(clock, periodMs, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await task()
      } catch (thrown) {
        log.warn({ reason: messageOf(thrown) }, `cannot look after ${what}`)
      }
    }
  }

  /** Those on disk; in memory the kernel keeps the limit. */
  async #checkVolumeLimits() {
    const { events, podSet, volumes } = this.#options
    for (const pod of podSet.active()) {
      for (const { name, emptyDir } of pod.spec.volumes ?? []) {
        if (!emptyDir?.sizeLimit || emptyDir.medium === 'Memory') continue
        const mounted = volumes.mounted(pod.metadata.uid).get(name)
        const limitBytes = Quantity.parse(String(emptyDir.sizeLimit)).value()
        if (!mounted || limitBytes === 0 || (await directoryBytes(mounted.path, limitBytes)) <= limitBytes) continue
        const verdict = volumeVerdict(name, String(emptyDir.sizeLimit))
        events.pod(pod, 'Warning', 'Evicted', verdict.message)
        podSet.end(pod.metadata.uid, verdict)
        break
      }
    }
  }
}
