/**
 * Does what a plan says, in order: kill, sandbox, ephemeral containers, init containers, regular containers. One failure of
 * a regular container does not keep the others from starting. Upstream: `kuberuntime.SyncPod`.
 */
import { mkdir } from 'node:fs/promises'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Limiter } from '#base/limiter.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { type CriClient, isCriNotFound } from '#contracts/cri/client.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import type { ContainerKiller } from './container-killer.ts'
import type { StartFailure } from './container-statuses.ts'
import type { ContainerStarter, StartRequest } from './container-starter.ts'
import { type NodeDns, podDns } from './dns-config.ts'
import type { PodEvents } from './kubelet-events.ts'
import type { ObservedPod } from './observed-pod.ts'
import type { PodActions } from './pod-actions.ts'
import { isHostNetwork, isRestartableInit } from './pod-spec.ts'
import type { RuntimeView } from './runtime-view.ts'
import { identityOf, sandboxConfig } from './sandbox-config.ts'
import { StartError } from './start-error.ts'
import type { MountedVolume } from './volumes/pod-volumes.ts'

export interface PodExecutorOptions {
  cri: CriClient
  clock: Clock
  events: PodEvents
  view: RuntimeView
  killer: ContainerKiller
  starter: ContainerStarter
  starts: Limiter
  dns(): NodeDns
  hostIps(): readonly string[]
  /** Of the pod's cgroup, for the runtime. */
  cgroupParent(pod: Pod): string
  /** The runtime's name for the pod's runtime class; throws Error where the class does not exist. */
  runtimeHandler(pod: Pod): Promise<string>
  podLogsDir: string
  clusterDomain: string
}

export interface ExecuteInputs {
  pod: Pod
  observed: ObservedPod
  actions: PodActions
  mounted: ReadonlyMap<string, MountedVolume>
  secrets: readonly Secret[]
  signal: AbortSignal
  /** Called as soon as the pod has its network. */
  onSandboxReady(): void
}

export interface ExecuteOutcome {
  /** Why containers could not be started, by name; undefined for those that were. */
  failures: Map<string, StartFailure | undefined>
  /** The earliest time at which trying again makes sense, where a failure names one. */
  retryAtMs: number | undefined
  /** Whether anything failed in a way that has no time of its own. */
  hasFailed: boolean
}

/** The pod has no sandbox, because it could not be made. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
}

/** Making a sandbox includes its network, which may have to wait for others. */
const SANDBOX_TIMEOUT_MS = 4 * 60_000

export class PodExecutor {
  readonly #options: PodExecutorOptions

  constructor(options: PodExecutorOptions) {
    this.#options = options
  }

  /** Throws SandboxError, Error when the pod could not be brought to where containers may start, or the signal's reason. */
  async execute(inputs: ExecuteInputs): Promise<ExecuteOutcome> {
    const { events, view } = this.#options
    const { pod, actions, signal } = inputs
    if (actions.createSandbox && actions.sandboxId) {
      events.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    }
    await this.#kill(inputs)
    signal.throwIfAborted()
    const outcome: ExecuteOutcome = { failures: new Map(), retryAtMs: undefined, hasFailed: false }
    const starts = [...actions.startEphemeral, ...actions.startInit, ...actions.start]
    if (!actions.createSandbox && starts.length === 0) return outcome
    const config = this.#sandboxConfig(pod, actions.attempt)
    const sandboxId = actions.createSandbox ? await this.#createSandbox(inputs, config) : actions.sandboxId!
    signal.throwIfAborted()
    const observed = view.observed(identityOf(pod))
    const podIps = isHostNetwork(pod) ? this.#options.hostIps() : observed.ips
    const request = { ...inputs, observed, sandboxId, sandboxConfig: config, podIps }
    for (const container of actions.startEphemeral) await this.#start(request, container, outcome)
    for (const container of actions.startInit) {
      const isStarted = await this.#start(request, container, outcome)
      if (!isStarted && !isRestartableInit(container)) return outcome
    }
    for (const container of actions.start) await this.#start(request, container, outcome)
    return outcome
  }

  async #kill({ pod, observed, actions, signal }: ExecuteInputs) {
    const { cri, killer, view } = this.#options
    const podIp = observed.ips[0] ?? ''
    if (!actions.killPod) {
      for (const { id, container, message, reason } of actions.kill) {
        const target = observed.containers.find((c) => c.id === id)
        if (target) await killer.kill({ pod, container, target, message, reason, podIp, signal })
      }
      return
    }
    await killer.killPod(pod, observed, { signal, podIp })
    if (!actions.createSandbox) return
    // In the new sandbox initialization starts over, so what is left of the old one must not be taken for it.
    const names = new Set((pod.spec.initContainers ?? []).map((c) => c.name))
    for (const container of observed.containers) {
      if (!names.has(container.name)) continue
      await cri.runtime.removeContainer({ containerId: container.id }).catch((thrown: unknown) => {
        if (!isCriNotFound(thrown)) throw thrown
      })
      view.forgetContainer(pod.metadata.uid, container.id)
    }
  }

  #sandboxConfig(pod: Pod, attempt: number): CriMessageInit<'PodSandboxConfig'> {
    const { cgroupParent, clusterDomain, dns, events, podLogsDir } = this.#options
    const { config, warnings, isClusterDnsMissing } = podDns(pod, dns())
    for (const warning of warnings) events.pod(pod, 'Warning', 'DNSConfigForming', warning)
    if (isClusterDnsMissing) {
      events.pod(
        pod,
        'Warning',
        'MissingClusterDNS',
        `pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`,
      )
    }
    return sandboxConfig(pod, { attempt, dns: config, clusterDomain, cgroupParent: cgroupParent(pod), podLogsDir })
  }

  async #createSandbox({ pod, onSandboxReady }: ExecuteInputs, config: CriMessageInit<'PodSandboxConfig'>) {
    const { cri, events, starts, view } = this.#options
    try {
      await mkdir(config.logDirectory!, { recursive: true, mode: 0o755 })
      const runtimeHandler = await this.#options.runtimeHandler(pod)
      const { podSandboxId } = await starts.run(() =>
        cri.runtime.runPodSandbox({ config, runtimeHandler }, { timeoutMs: SANDBOX_TIMEOUT_MS }),
      )
      const sandbox = await view.inspectSandbox(identityOf(pod), podSandboxId)
      if (!sandbox) throw new Error(`sandbox ${podSandboxId} vanished`)
      onSandboxReady()
      return podSandboxId
    } catch (thrown) {
      // It may have been made all the same.
      await view.relist(pod.metadata.uid).catch(() => {})
      events.pod(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(thrown)}`)
      throw new SandboxError(messageOf(thrown), { cause: thrown })
    }
  }

  /** True when it runs. Throws only the signal's reason. */
  async #start(
    request: Omit<StartRequest, 'container'>,
    container: Container,
    outcome: ExecuteOutcome,
  ): Promise<boolean> {
    const { pod, signal } = request
    try {
      await this.#options.starter.start({ ...request, container })
      outcome.failures.set(container.name, undefined)
      return true
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      const reason = thrown instanceof StartError ? thrown.reason : 'RunContainerError'
      outcome.failures.set(container.name, { reason, message: messageOf(thrown) })
      const retryAtMs = thrown instanceof StartError ? thrown.retryAtMs : undefined
      if (retryAtMs === undefined) outcome.hasFailed = true
      else outcome.retryAtMs = Math.min(outcome.retryAtMs ?? Infinity, retryAtMs)
      // A call that failed may have worked all the same: look before the next plan is made.
      if (reason === 'CreateContainerError' || reason === 'RunContainerError') {
        await this.#options.view.relist(pod.metadata.uid).catch(() => {})
      }
      return false
    }
  }
}
