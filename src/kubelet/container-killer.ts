/**
 * Ends containers: the preStop hook, then the stop signal, then, when the grace period is over, SIGKILL. The hook's time
 * counts as part of the grace period. With sidecars, regular containers go first, then sidecars in reverse order.
 * Upstream: `killContainer` and `kuberuntime_termination_order.go`.
 */
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { type CriClient, isCriNotFound } from '#contracts/cri/client.ts'
import type { PodEvents } from './kubelet-events.ts'
import { runHook } from './lifecycle-hooks.ts'
import { type ObservedContainer, type ObservedPod, runningContainers } from './observed-pod.ts'
import type { KillReason } from './pod-actions.ts'
import { containerNamed, hasSidecar, isRestartableInit } from './pod-spec.ts'
import type { RuntimeView } from './runtime-view.ts'
import { identityOf } from './sandbox-config.ts'

export interface ContainerKillerOptions {
  cri: CriClient
  clock: Clock
  log: Log
  events: PodEvents
  view: RuntimeView
}

/** A container gets a moment to end by itself, whatever was asked for. */
const MIN_GRACE_SECONDS = 1
/** And a longer one when its hook has used up the time. */
const MIN_GRACE_AFTER_HOOK_SECONDS = 2
/** How long the runtime may take beyond the grace period. */
const STOP_SLACK_MS = 120_000

export interface KillRequest {
  pod: Pod
  target: ObservedContainer
  /** Undefined where the pod's specification is not known any more. */
  container: Container | undefined
  reason: KillReason
  message?: string
  /** Instead of what the pod says. */
  graceSeconds?: number
  podIp: string
  signal: AbortSignal
  order?: TerminationOrder
}

export class ContainerKiller {
  readonly #options: ContainerKillerOptions

  constructor(options: ContainerKillerOptions) {
    this.#options = options
  }

  /** Resolves when the container has stopped. Throws CriError, or the signal's reason when it aborts meanwhile. */
  async kill(request: KillRequest): Promise<void> {
    const { cri, clock, events, view } = this.#options
    const { pod, target, container, order, signal } = request
    const beganMs = clock.monotonic()
    const graceMs = (request.graceSeconds ?? graceOf(request)) * 1000
    const leftMs = () => Math.max(0, graceMs - (clock.monotonic() - beganMs))
    const message = request.message || `Stopping container ${target.name}`
    events.container(pod, target.name, 'Normal', 'Killing', message)
    const preStop = container?.lifecycle?.preStop ?? target.annotations.preStop
    if (preStop && graceMs > 0) await this.#preStop(request, preStop, graceMs)
    if (order && leftMs() > 0) await order.waitFor(target.name, leftMs(), clock, signal)
    const least = preStop ? MIN_GRACE_AFTER_HOOK_SECONDS : MIN_GRACE_SECONDS
    const timeout = Math.max(Math.round(leftMs() / 1000), least)
    try {
      await cri.runtime.stopContainer(
        { containerId: target.id, timeout },
        { timeoutMs: timeout * 1000 + STOP_SLACK_MS, signal },
      )
    } catch (thrown) {
      if (!isCriNotFound(thrown)) throw thrown
    }
    order?.ended(target.name)
    await view.inspectContainer(identityOf(pod), target.sandboxId, target.id)
  }

  /** Ends everything of the pod that runs, then its sandboxes. Throws the first failure after trying all. */
  async killPod(
    pod: Pod,
    observed: ObservedPod,
    options: { signal: AbortSignal; graceSeconds?: number; podIp: string },
  ): Promise<void> {
    const { cri, view } = this.#options
    const running = runningContainers(observed)
    const order = hasSidecar(pod) ? new TerminationOrder(pod, running) : undefined
    const results = await Promise.allSettled(
      running.map((target) =>
        this.kill({
          pod,
          target,
          container: containerNamed(pod, target.name),
          reason: 'Unknown',
          ...options,
          ...(order && { order }),
        }),
      ),
    )
    throwFirst(results)
    const stopped = await Promise.allSettled(
      observed.sandboxes
        .filter((s) => s.isReady)
        .map(async ({ id }) => {
          try {
            await cri.runtime.stopPodSandbox({ podSandboxId: id })
          } catch (thrown) {
            if (!isCriNotFound(thrown)) throw thrown
          }
          view.sandboxStopped(identityOf(pod), id)
        }),
    )
    throwFirst(stopped)
  }

  /** Gives the hook the grace period at most. Never throws but for the signal. */
  async #preStop(
    { pod, target, container, podIp, signal }: KillRequest,
    hook: NonNullable<NonNullable<Container['lifecycle']>['preStop']>,
    graceMs: number,
  ) {
    const { clock, events, log } = this.#options
    const late = new AbortController()
    const hookSignal = AbortSignal.any([signal, late.signal])
    const spec: Container = container ?? { name: target.name, ports: target.annotations.ports ?? [], resources: {} }
    const hookRun = runHook(this.#options, hook, { pod, container: spec, containerId: target.id, podIp }, hookSignal)
    const timer = clock.after(graceMs, () => late.abort(new Error('the grace period is over')))
    try {
      await hookRun
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      log.debug({ pod: pod.metadata.uid, container: target.name, reason: messageOf(thrown) }, 'a preStop hook failed')
      // Not its output: that may hold secrets, and events are read by more people than logs.
      if (!late.signal.aborted) events.container(pod, target.name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
    } finally {
      timer.cancel()
    }
  }
}

/** Seconds. The API's word on a deletion comes first, then that of a probe, then the pod's. */
function graceOf({ pod, container, target, reason }: KillRequest): number {
  const { deletionGracePeriodSeconds } = pod.metadata
  if (deletionGracePeriodSeconds !== undefined) return deletionGracePeriodSeconds
  const ofPod = pod.spec.terminationGracePeriodSeconds ?? target.annotations.terminationGracePeriodSeconds
  if (ofPod === undefined) return MIN_GRACE_SECONDS
  const probe =
    reason === 'StartupProbe'
      ? container?.startupProbe
      : reason === 'LivenessProbe'
        ? container?.livenessProbe
        : undefined
  return probe?.terminationGracePeriodSeconds ?? ofPod
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]) {
  const failed = results.find((r) => r.status === 'rejected')
  if (failed) throw failed.reason
}

/** Lets a sidecar wait until the containers it serves, and the sidecars behind it, have ended. */
export class TerminationOrder {
  readonly #ended = new Map<string, { promise: Promise<void>; resolve: () => void }>()
  readonly #before = new Map<string, string[]>()

  constructor(pod: Pod, running: readonly { name: string }[]) {
    const regular = pod.spec.containers.map((c) => c.name)
    const sidecars = (pod.spec.initContainers ?? []).filter(isRestartableInit).map((c) => c.name)
    for (const name of [...regular, ...sidecars]) {
      let resolve = () => {}
      const promise = new Promise<void>((done) => (resolve = done))
      this.#ended.set(name, { promise, resolve })
      if (!running.some((c) => c.name === name)) resolve()
    }
    for (const [i, name] of sidecars.entries()) this.#before.set(name, [...regular, ...sidecars.slice(i + 1)])
  }

  async waitFor(name: string, timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const others = (this.#before.get(name) ?? []).map((other) => this.#ended.get(other)?.promise)
    if (others.length === 0) return
    const stop = new AbortController()
    await Promise.race([Promise.all(others), sleep(clock, timeoutMs, AbortSignal.any([signal, stop.signal]))]).finally(
      () => stop.abort(),
    )
  }

  ended(name: string): void {
    this.#ended.get(name)?.resolve()
  }
}
