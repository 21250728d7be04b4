/**
 * The life of one pod on this node, by its uid: synced until it is to end, then terminated, then cleaned up. Level-based:
 * whatever happens, `notify` is called and the next step looks at everything anew. Steps of one pod never overlap.
 *
 * ```
 * syncing --- deleted, evicted, past its deadline, completed ---> terminating --- all stopped ---> terminated
 *                                                                              --- volumes and cgroup gone ---> finished
 * ```
 * Upstream: `pod_workers.go` and SyncPod, SyncTerminatingPod, SyncTerminatedPod of `kubelet.go`.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Pod, PodCondition, PodStatus } from '#api/core/v1/pod.ts'
import { formatTime, parseTime } from '#machinery/time.ts'
import type { ContainerKiller } from './container-killer.ts'
import type { StartFailure } from './container-statuses.ts'
import type { PodEvents } from './kubelet-events.ts'
import { type ObservedPod, runningContainers } from './observed-pod.ts'
import { computePodActions, type PodActions } from './pod-actions.ts'
import type { PodCgroups } from './pod-cgroups.ts'
import { type PodExecutor, SandboxError } from './pod-executor.ts'
import { isHostNetwork, isTerminalPhase } from './pod-spec.ts'
import { finalizePodStatus, generatePodStatus, rejectedPodStatus } from './pod-status.ts'
import type { Prober } from './prober.ts'
import type { RuntimeView } from './runtime-view.ts'
import { identityOf } from './sandbox-config.ts'
import { CREATION_DELAY_MS, type StatusWriter } from './status-writer.ts'
import { type PodVolumes, VolumeSetUpError } from './volumes/pod-volumes.ts'

/** What all workers of a node share. */
export interface PodWorkerContext {
  clock: Clock
  random: Random
  log: Log
  events: PodEvents
  view: RuntimeView
  prober: Prober
  statuses: StatusWriter
  volumes: PodVolumes
  cgroups: PodCgroups
  executor: PodExecutor
  killer: ContainerKiller
  hostIps(): readonly string[]
  /** The scheme of container ids. */
  runtimeName(): string
  /** Why pods can't have a network now, or undefined. */
  networkError(): string | undefined
  /** Begins to follow the config maps and secrets of the pod. */
  followConfig(pod: Pod): void
  /** Ends that, and forgets tokens and pauses. */
  releaseConfig(pod: Pod): void
  pullSecrets(pod: Pod): Promise<Secret[]>
  /** When something of the pod's volumes has to be renewed, milliseconds since the epoch. */
  volumesRenewAtMs(uid: string): number | undefined
  /** The pod has gone from the API and from this node. */
  onGone(worker: PodWorker): void
}

export type Stage = 'syncing' | 'terminating' | 'terminated' | 'finished'

/** Why the node ends a pod by itself. */
export interface Verdict {
  reason: string
  message: string
  disruption?: PodCondition
  /** Instead of the pod's own grace period. */
  graceSeconds?: number
}

const RESYNC_MS = 60_000
const FAILURE_PAUSE_MS = 10_000
const NETWORK_PAUSE_MS = 1_000
const SANDBOX_FIRST_PAUSE_MS = 1_000
const MOUNT_FIRST_PAUSE_MS = 500
const MOUNT_LONGEST_PAUSE_MS = 122_000
const DEFAULT_GRACE_SECONDS = 30

export class PodWorker {
  readonly #context: PodWorkerContext
  #pod: Pod
  #stage: Stage = 'syncing'
  /** The API does not have the pod any more. */
  #isGone = false
  #verdict: Verdict | undefined
  #graceSeconds: number | undefined
  #isDirty = false
  #isRunning = false
  #isClosed = false
  #failedMounts = 0
  #failedSandboxes = 0
  /** Before this time no sandbox is made: one that failed makes the runtime tell news, which must not have it tried again. */
  #sandboxRetryAtMs = 0
  #failedSteps = 0
  #failures = new Map<string, StartFailure>()
  /** Ends the waits of the step under way. */
  #abort = new AbortController()
  #timer: Timer | undefined
  #timerAtMs = Infinity

  constructor(context: PodWorkerContext, pod: Pod) {
    this.#context = context
    this.#pod = pod
  }

  get pod(): Pod {
    return this.#pod
  }

  get stage(): Stage {
    return this.#stage
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Whether the pod still holds its share of the node. */
  get isActive(): boolean {
    return this.#stage === 'syncing' || this.#stage === 'terminating'
  }

  get isEnding(): boolean {
    return (
      this.#isGone ||
      this.#verdict !== undefined ||
      this.#pod.metadata.deletionTimestamp !== undefined ||
      isTerminalPhase(this.#pod.status.phase)
    )
  }

  /** The status as it was last computed. */
  get status(): PodStatus {
    return this.#context.statuses.current(this.#pod.metadata.uid) ?? this.#pod.status
  }

  /** The API has a newer version of the pod. */
  update(pod: Pod): void {
    const wasEnding = this.isEnding
    const { labels, annotations } = this.#pod.metadata
    const showsTheSame = jsonEqual([labels, annotations], [pod.metadata.labels, pod.metadata.annotations])
    if (!showsTheSame) this.#context.volumes.markStale(pod.metadata.uid)
    this.#pod = pod
    this.#context.statuses.observe(pod)
    this.#afterChange(wasEnding)
  }

  /** The API has deleted the pod. */
  removed(): void {
    const wasEnding = this.isEnding
    this.#isGone = true
    if (this.#stage === 'finished') this.#context.onGone(this)
    else this.#afterChange(wasEnding)
  }

  /** The node ends the pod. The first verdict counts. */
  end(verdict: Verdict): void {
    const wasEnding = this.isEnding
    this.#verdict ??= verdict
    this.#afterChange(wasEnding)
  }

  /** The node does not take the pod: it fails without ever having run. */
  reject(reason: string, message: string): void {
    const { clock, events, statuses } = this.#context
    this.#stage = 'finished'
    events.pod(this.#pod, 'Warning', reason, message)
    const said = `Pod was rejected: ${message}`
    statuses.finish(this.#pod, rejectedPodStatus(this.#pod.status, reason, said, clock.now()))
  }

  /** Something about the pod may have changed: looks at it again, soon. */
  notify(): void {
    this.#isDirty = true
    if (!this.#isRunning && !this.#isClosed) void this.#run()
  }

  /** Stops looking after the pod, which goes on running. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#abort.abort(new Error('the node agent ends'))
  }

  #afterChange(wasEnding: boolean) {
    const before = this.#graceSeconds
    if (this.isEnding) this.#graceSeconds = this.#effectiveGrace()
    const isShorter = before !== undefined && this.#graceSeconds! < before
    if ((!wasEnding && this.isEnding) || isShorter) {
      this.#abort.abort(new Error('the pod is to end'))
    }
    this.notify()
  }

  /** Seconds; never longer than before, never less than one. */
  #effectiveGrace(): number {
    const candidates = [
      this.#graceSeconds,
      this.#pod.metadata.deletionGracePeriodSeconds,
      this.#verdict?.graceSeconds,
    ].filter((s) => s !== undefined)
    const seconds =
      candidates.length > 0
        ? Math.min(...candidates)
        : (this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS)
    return Math.max(seconds, 1)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (this.#isDirty && !this.#isClosed && this.#stage !== 'finished') {
        this.#isDirty = false
        this.#abort = new AbortController()
        const { signal } = this.#abort
        try {
          await this.#step(signal)
          this.#failedSteps = 0
        } catch (thrown) {
          if (!signal.aborted) this.#stepFailed(thrown)
        }
      }
    } finally {
      this.#isRunning = false
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (this.#stage === 'syncing' && this.isEnding) {
      this.#graceSeconds ??= this.#effectiveGrace()
      this.#stage = 'terminating'
    }
    if (this.#stage === 'syncing') await this.#sync(signal)
    else {
      if (this.#stage === 'terminating') await this.#terminate(signal)
      if (this.#stage === 'terminated') await this.#cleanUp()
    }
  }

  #stepFailed(thrown: unknown) {
    const { clock, events, log, random } = this.#context
    const { uid, namespace, name } = this.#pod.metadata
    const fields = { pod: `${namespace}/${name}`, uid, stage: this.#stage, reason: messageOf(thrown) }
    let pauseMs = FAILURE_PAUSE_MS
    if (thrown instanceof VolumeSetUpError) {
      events.pod(this.#pod, 'Warning', 'FailedMount', thrown.message)
      pauseMs = Math.min(MOUNT_FIRST_PAUSE_MS * 2 ** this.#failedMounts++, MOUNT_LONGEST_PAUSE_MS)
    } else if (thrown instanceof SandboxError) {
      pauseMs = Math.min(SANDBOX_FIRST_PAUSE_MS * 2 ** this.#failedSandboxes++, FAILURE_PAUSE_MS)
      this.#sandboxRetryAtMs = clock.now() + pauseMs
    } else if (thrown instanceof NetworkNotReadyError) {
      events.pod(this.#pod, 'Warning', 'NetworkNotReady', thrown.message)
      pauseMs = NETWORK_PAUSE_MS
    } else if (this.#stage !== 'syncing') {
      // What keeps a pod from ending is usually short: a container that is just being started, a busy mount.
      pauseMs = Math.min(200 * 2 ** this.#failedSteps++, FAILURE_PAUSE_MS)
      if (this.#stage === 'terminating') {
        events.pod(this.#pod, 'Warning', 'FailedKillPod', `error killing pod: ${messageOf(thrown)}`)
      }
    }
    log.warn(fields, 'cannot bring a pod to where it should be; trying again')
    this.#wakeAt(clock.now() + pauseMs * (1 + 0.5 * random.float()))
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { cgroups, clock, events, prober, view, volumes } = this.#context
    const pod = this.#pod
    const identity = identityOf(pod)
    this.#wakeAt(clock.now() + RESYNC_MS)
    prober.sync(pod, view.observed(identity), this.#context.hostIps()[0] ?? '')
    const deadlineAtMs = this.#deadlineAtMs()
    if (deadlineAtMs !== undefined && clock.now() >= deadlineAtMs) {
      const message = 'Pod was active on the node longer than the specified deadline'
      events.pod(pod, 'Normal', 'DeadlineExceeded', message)
      return this.end({ reason: 'DeadlineExceeded', message })
    }
    if (deadlineAtMs !== undefined) this.#wakeAt(deadlineAtMs)
    const status = this.#publish({ isTerminal: false })
    if (isTerminalPhase(status.phase)) {
      this.#stage = 'terminating'
      this.#isDirty = true
      return
    }
    const networkError = this.#context.networkError()
    if (networkError && !isHostNetwork(pod)) throw new NetworkNotReadyError(networkError)
    this.#context.followConfig(pod)
    try {
      cgroups.ensure(pod)
    } catch (thrown) {
      const message = `unable to ensure pod container exists: ${messageOf(thrown)}`
      events.pod(pod, 'Warning', 'FailedCreatePodContainer', message)
      throw thrown
    }
    const mounted = await volumes.setUp(pod)
    this.#failedMounts = 0
    signal.throwIfAborted()
    const renewAtMs = this.#context.volumesRenewAtMs(pod.metadata.uid)
    if (renewAtMs !== undefined) this.#wakeAt(renewAtMs)
    const observed = view.observed(identity)
    const actions = computePodActions(pod, observed, prober)
    if (isQuiet(actions, observed)) return
    if (actions.createSandbox && clock.now() < this.#sandboxRetryAtMs && runningContainers(observed).length === 0) {
      return this.#wakeAt(this.#sandboxRetryAtMs)
    }
    await this.#execute(pod, observed, actions, mounted, signal)
  }

  async #execute(
    pod: Pod,
    observed: ObservedPod,
    actions: PodActions,
    mounted: Awaited<ReturnType<PodVolumes['setUp']>>,
    signal: AbortSignal,
  ) {
    const { clock, executor, prober, random, view } = this.#context
    const startsAnything = actions.startEphemeral.length + actions.startInit.length + actions.start.length > 0
    const secrets = startsAnything ? await this.#context.pullSecrets(pod) : []
    const outcome = await executor.execute({
      pod,
      observed,
      actions,
      mounted,
      secrets,
      signal,
      onSandboxReady: () => this.#publish({ isTerminal: false }),
    })
    this.#failedSandboxes = 0
    for (const [name, failure] of outcome.failures) {
      if (failure) this.#failures.set(name, failure)
      else this.#failures.delete(name)
    }
    prober.sync(pod, view.observed(identityOf(pod)), this.#context.hostIps()[0] ?? '')
    this.#publish({ isTerminal: false })
    if (outcome.retryAtMs !== undefined) this.#wakeAt(outcome.retryAtMs)
    if (outcome.hasFailed) this.#wakeAt(clock.now() + FAILURE_PAUSE_MS * (1 + 0.5 * random.float()))
    // What was done may make the next thing possible: an init container may have ended already.
    const hasFailed = outcome.hasFailed || outcome.retryAtMs !== undefined
    if (!hasFailed) this.#isDirty = true
  }

  async #terminate(signal: AbortSignal): Promise<void> {
    const { killer, prober, view } = this.#context
    const pod = this.#pod
    const identity = identityOf(pod)
    prober.stopLivenessAndStartup(pod.metadata.uid)
    this.#publish({ isTerminal: false })
    const observed = view.observed(identity)
    await killer.killPod(pod, observed, {
      graceSeconds: (this.#graceSeconds ??= this.#effectiveGrace()),
      podIp: observed.ips[0] ?? '',
      signal,
    })
    prober.remove(pod.metadata.uid)
    const after = view.observed(identity)
    if (runningContainers(after).length > 0 || after.sandboxes.some((s) => s.isReady)) {
      throw new Error('containers still run after all of them were stopped')
    }
    this.#publish({ isTerminal: true })
    this.#stage = 'terminated'
  }

  async #cleanUp(): Promise<void> {
    const { cgroups, statuses, volumes } = this.#context
    const pod = this.#pod
    await volumes.tearDown(pod.metadata.uid)
    this.#context.releaseConfig(pod)
    await cgroups.remove(pod)
    this.#timer?.cancel()
    this.#stage = 'finished'
    statuses.finish(this.#pod, finalizePodStatus({ pod }, this.status))
    if (this.#isGone) this.#context.onGone(this)
  }

  /** Computes the status and hands it on. */
  #publish({ isTerminal }: { isTerminal: boolean }): PodStatus {
    const { clock, hostIps, prober, runtimeName, statuses, view } = this.#context
    const pod = this.#pod
    const verdict = this.#verdict
    const status = generatePodStatus({
      pod,
      observed: view.observed(identityOf(pod)),
      previous: statuses.current(pod.metadata.uid) ?? pod.status,
      failures: this.#failures,
      probes: prober,
      runtimeName: runtimeName(),
      hostIps: hostIps(),
      isTerminal,
      nowMs: clock.now(),
      ...(verdict && {
        verdict: {
          ...verdict,
          ...(verdict.disruption && {
            disruption: { ...verdict.disruption, lastTransitionTime: formatTime(clock.now()) },
          }),
        },
      }),
    })
    const isBeingCreated = status.phase === 'Pending' && this.#failures.size === 0
    if (!this.#isGone) {
      statuses.set(pod, status, { mayRun: !isTerminal, delayMs: isBeingCreated ? CREATION_DELAY_MS : 0 })
    }
    return status
  }

  /** Milliseconds since the epoch at which activeDeadlineSeconds are over. */
  #deadlineAtMs(): number | undefined {
    const { activeDeadlineSeconds } = this.#pod.spec
    const { startTime } = this.status
    if (activeDeadlineSeconds === undefined || !startTime) return undefined
    return parseTime(startTime) + activeDeadlineSeconds * 1000
  }

  /** The earliest of the times that are asked for counts. */
  #wakeAt(atMs: number) {
    const { clock } = this.#context
    if (this.#isClosed || (this.#timer && this.#timerAtMs <= atMs)) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = clock.after(Math.max(0, atMs - clock.now()), () => {
      this.#timer = undefined
      this.#timerAtMs = Infinity
      this.#renewVolumes()
      this.notify()
    })
  }

  #renewVolumes() {
    const { clock, volumes, volumesRenewAtMs } = this.#context
    const { uid } = this.#pod.metadata
    const renewAtMs = volumesRenewAtMs(uid)
    if (renewAtMs !== undefined && clock.now() >= renewAtMs) volumes.markStale(uid)
  }
}

class NetworkNotReadyError extends Error {
  override readonly name = 'NetworkNotReadyError'
  constructor(why: string) {
    super(`network is not ready: ${why}`)
  }
}

/** Nothing to do. */
function isQuiet(actions: PodActions, observed: ObservedPod): boolean {
  if (actions.createSandbox) return false
  if (actions.killPod && (runningContainers(observed).length > 0 || observed.sandboxes.some((s) => s.isReady))) {
    return false
  }
  return actions.kill.length + actions.startEphemeral.length + actions.startInit.length + actions.start.length === 0
}
