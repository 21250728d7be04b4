/**
 * Probes the running containers of this node: one task per container and kind, made when the container is seen running,
 * ended when it is not any more. Results are kept by container id; whoever wants to know is told when one changes.
 * Liveness begins as success, readiness as failure, start-up as unknown. Upstream: `kubelet/prober`.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Container, Probe } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import type { PodEvents } from './kubelet-events.ts'
import { latestContainer, type ObservedContainer, type ObservedPod } from './observed-pod.ts'
import type { ProbeResult } from './pod-actions.ts'
import { anyStatusNamed, isRestartableInit } from './pod-spec.ts'
import { runProbe } from './probe-action.ts'

export type ProbeKind = 'liveness' | 'readiness' | 'startup'

export interface ProberOptions {
  cri: CriClient
  clock: Clock
  log: Log
  events: PodEvents
  /** Told when a result of the pod changed. */
  onResult(uid: string): void
}

interface Task {
  readonly kind: ProbeKind
  readonly uid: string
  readonly containerId: string
  /** Probes now rather than at the next turn. */
  poke(): void
  stop(): void
}

const initialResults: Readonly<Record<ProbeKind, ProbeResult>> = {
  liveness: 'success',
  readiness: 'failure',
  startup: 'unknown',
}
const titles: Readonly<Record<ProbeKind, string>> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' }
/** A probe that could not be made is repeated at once, so often. */
const TRIES = 3

export class Prober {
  readonly #options: ProberOptions
  readonly #tasks = new Map<string, Task>()
  readonly #results = new Map<string, ProbeResult>()
  readonly #pods = new Map<string, { pod: Pod; podIp: string; mute: boolean }>()

  constructor(options: ProberOptions) {
    this.#options = options
  }

  readonly liveness = (containerId: string) => this.#results.get(`liveness/${containerId}`)
  readonly readiness = (containerId: string) => this.#results.get(`readiness/${containerId}`)
  readonly startup = (containerId: string) => this.#results.get(`startup/${containerId}`)

  /** Probes what runs of the pod and has probes; ends what does not run any more. */
  sync(pod: Pod, observed: ObservedPod, hostIp: string): void {
    const { uid } = pod.metadata
    const podIp = (pod.spec.hostNetwork ? hostIp : observed.ips[0]) ?? ''
    const mute = this.#pods.get(uid)?.mute ?? false
    this.#pods.set(uid, { pod, podIp, mute })
    const wanted = new Set<string>()
    const probed = [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers]
    for (const container of probed) {
      const latest = latestContainer(observed, container.name)
      if (latest?.state !== 'running') continue
      for (const kind of ['startup', 'liveness', 'readiness'] as const) {
        const probe = container[`${kind}Probe`]
        if (!probe || (mute && kind !== 'readiness')) continue
        const key = `${kind}/${latest.id}`
        wanted.add(key)
        if (!this.#tasks.has(key)) this.#start(key, kind, pod, container, latest, probe)
      }
    }
    for (const [key, task] of this.#tasks) if (task.uid === uid && !wanted.has(key)) this.#end(key, task)
  }

  /** A pod that ends is not killed for failing its probes; whether it is ready is still asked. */
  stopLivenessAndStartup(uid: string): void {
    const entry = this.#pods.get(uid)
    if (entry) entry.mute = true
    for (const [key, task] of this.#tasks) if (task.uid === uid && task.kind !== 'readiness') this.#end(key, task)
  }

  remove(uid: string): void {
    this.#pods.delete(uid)
    for (const [key, task] of this.#tasks) if (task.uid === uid) this.#end(key, task)
  }

  stop(): void {
    for (const [key, task] of this.#tasks) this.#end(key, task)
    this.#pods.clear()
  }

  /** Probes under way, for the metrics. */
  get size(): number {
    return this.#tasks.size
  }

  #end(key: string, task: Task) {
    task.stop()
    this.#tasks.delete(key)
    this.#results.delete(key)
  }

  #start(key: string, kind: ProbeKind, pod: Pod, container: Container, latest: ObservedContainer, probe: Probe) {
    const { clock } = this.#options
    const { uid } = pod.metadata
    const periodMs = (probe.periodSeconds ?? 10) * 1000
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000
    this.#results.set(key, this.#known(pod, container, latest, kind) ?? initialResults[kind])
    let timer: Timer | undefined
    let isStopped = false
    let last: ProbeResult | undefined
    let run = 0

    const tick = async () => {
      timer = undefined
      const beganMs = clock.monotonic()
      const result = this.#isDue(kind, container, latest.id)
        ? await this.#once(kind, probe, uid, container, latest.id)
        : undefined
      if (isStopped) return
      if (result) {
        run = result === last ? run + 1 : 1
        last = result
        const threshold = result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
        if (run >= threshold) {
          this.#settle(key, uid, latest.id, kind, result)
          // A start-up probe has said all it can, and a container that failed is about to be replaced.
          if (kind === 'startup' || (kind === 'liveness' && result === 'failure')) return
        }
      }
      timer = clock.after(Math.max(0, periodMs - (clock.monotonic() - beganMs)), () => void tick())
    }
    timer = clock.after(Math.max(0, latest.startedAtMs + delayMs - clock.now()), () => void tick())
    this.#tasks.set(key, {
      kind,
      uid,
      containerId: latest.id,
      poke: () => {
        if (!timer) return
        timer.cancel()
        void tick()
      },
      stop: () => {
        isStopped = true
        timer?.cancel()
      },
    })
  }

  /** What the API says of this very container, from an agent before this one. */
  #known(pod: Pod, container: Container, { id }: ObservedContainer, kind: ProbeKind): ProbeResult | undefined {
    const status = anyStatusNamed(pod.status, container.name)
    if (!status?.containerID?.endsWith(`://${id}`)) return undefined
    if (kind === 'readiness' && status.ready) return 'success'
    if (kind === 'startup' && status.started) return 'success'
    return undefined
  }

  /** Liveness and readiness wait until the container has started; start-up ends with that. */
  #isDue(kind: ProbeKind, container: Container, id: string): boolean {
    const hasStarted = !container.startupProbe || this.startup(id) === 'success'
    return kind === 'startup' ? !hasStarted : hasStarted
  }

  #settle(key: string, uid: string, containerId: string, kind: ProbeKind, result: ProbeResult) {
    if (this.#results.get(key) === result) return
    this.#results.set(key, result)
    this.#options.onResult(uid)
    if (kind !== 'startup' || result !== 'success') return
    // The others have waited for this.
    for (const other of ['liveness', 'readiness'] as const) this.#tasks.get(`${other}/${containerId}`)?.poke()
  }

  async #once(
    kind: ProbeKind,
    probe: Probe,
    uid: string,
    container: Container,
    containerId: string,
  ): Promise<'success' | 'failure' | undefined> {
    const entry = this.#pods.get(uid)
    if (!entry) return undefined
    const { events, log } = this.#options
    const title = titles[kind]
    const tell = (reason: string, message: string) =>
      events.container(entry.pod, container.name, 'Warning', reason, message)
    for (let attempt = 1; ; attempt++) {
      try {
        const outcome = await runProbe(this.#options, probe, { container, containerId, podIp: entry.podIp })
        if (outcome.isWarning) tell('ProbeWarning', `${title} probe warning: ${outcome.output}`)
        if (outcome.result === 'failure') tell('Unhealthy', `${title} probe failed: ${outcome.output}`)
        return outcome.result
      } catch (thrown) {
        if (attempt < TRIES) continue
        if (!this.#tasks.has(`${kind}/${containerId}`)) return undefined
        log.debug({ pod: uid, container: container.name, reason: messageOf(thrown) }, 'a probe could not be made')
        tell('Unhealthy', `${title} probe errored and resulted in unknown state: ${messageOf(thrown)}`)
        return undefined
      }
    }
  }
}
