/**
 * Starts one container: back-off, image, configuration, create, start, postStart hook; each step with upstream's events and
 * reasons. Throws StartError. Upstream: `startContainer` of `kuberuntime_container.go`.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Limiter } from '#base/limiter.ts'
import type { Random } from '#base/random.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Container, EphemeralContainer } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import { BackOff } from './back-off.ts'
import { containerConfig } from './container-config.ts'
import type { ContainerKiller } from './container-killer.ts'
import type { NodeFacts } from './downward-api.ts'
import { durationText } from './duration-text.ts'
import { type ConfigSource, containerEnvironment } from './environment.ts'
import { lookupIn } from './expansion.ts'
import type { ImagePuller, PresentImage } from './image-puller.ts'
import type { PodEvents } from './kubelet-events.ts'
import { runHook } from './lifecycle-hooks.ts'
import { latestContainer, type ObservedPod, runningContainers } from './observed-pod.ts'
import { podDescription } from './pod-spec.ts'
import type { RuntimeView } from './runtime-view.ts'
import { identityOf, podLogDirectory } from './sandbox-config.ts'
import { verifyNonRoot } from './security-context.ts'
import { StartError } from './start-error.ts'
import { containerMounts } from './volumes/container-mounts.ts'
import type { MountTable } from './volumes/mount-table.ts'
import type { MountedVolume, PodVolumes } from './volumes/pod-volumes.ts'

export interface ContainerStarterOptions {
  cri: CriClient
  clock: Clock
  random: Random
  events: PodEvents
  view: RuntimeView
  killer: ContainerKiller
  puller: ImagePuller
  config: ConfigSource
  volumes: PodVolumes
  mounts: MountTable
  /** Work of the runtime that is bounded across pods. */
  starts: Limiter
  /** All services; throws Error while they are not known yet. */
  services(): readonly Service[]
  node(): Omit<NodeFacts, 'podIps'> & { memoryCapacityBytes: number; supportsRecursiveReadOnly: boolean }
  podLogsDir: string
  seccompRoot: string
  clusterDomain: string
}

export interface StartRequest {
  pod: Pod
  container: Container
  observed: ObservedPod
  sandboxId: string
  sandboxConfig: CriMessageInit<'PodSandboxConfig'>
  podIps: readonly string[]
  mounted: ReadonlyMap<string, MountedVolume>
  secrets: readonly Secret[]
  /** Aborts when the pod is to end. */
  signal: AbortSignal
}

export class ContainerStarter {
  readonly #options: ContainerStarterOptions
  readonly #backOff = new BackOff({ initialMs: 10_000, maxMs: 300_000 })

  constructor(options: ContainerStarterOptions) {
    this.#options = options
  }

  async start(request: StartRequest): Promise<void> {
    const { pod, container } = request
    this.#checkBackOff(request)
    const image = await this.#image(request)
    const { config, restartCount } = await this.#configure(request, image)
    const id = await this.#run(request, config)
    await this.#options.view.inspectContainer(identityOf(pod), request.sandboxId, id)
    if (container.lifecycle?.postStart) await this.#postStart(request, id, restartCount)
  }

  /** Ends the pauses of a pod that is gone. */
  forget(pod: Pod): void {
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      this.#backOff.clear(backOffKey(pod, container))
    }
  }

  #checkBackOff({ pod, container, observed }: StartRequest) {
    const { clock, events } = this.#options
    const exited = observed.containers.find((c) => c.name === container.name && c.state === 'exited')
    if (!exited) return
    const key = backOffKey(pod, container)
    const retryAtMs = this.#backOff.until(key, exited.finishedAtMs, clock.now())
    if (retryAtMs === undefined) {
      this.#backOff.lengthen(key, exited.finishedAtMs, clock.now())
      return
    }
    const description = podDescription(pod)
    const said = `Back-off restarting failed container ${container.name} in pod ${description}`
    events.container(pod, container.name, 'Warning', 'BackOff', said)
    const pause = durationText(this.#backOff.delayMs(key))
    throw new StartError(
      'CrashLoopBackOff',
      `back-off ${pause} restarting failed container=${container.name} pod=${description}`,
      { retryAtMs },
    )
  }

  async #image({ pod, container, secrets, sandboxConfig, signal }: StartRequest): Promise<PresentImage> {
    try {
      return await this.#options.puller.ensure({
        pod,
        container,
        image: container.image ?? '',
        policy: container.imagePullPolicy,
        secrets,
        sandboxConfig,
        signal,
      })
    } catch (thrown) {
      if (thrown instanceof StartError) {
        this.#options.events.container(pod, container.name, 'Warning', 'Failed', `Error: ${thrown.reason}`)
      }
      throw thrown
    }
  }

  async #configure(request: StartRequest, image: PresentImage) {
    const { config: source, events, mounts, node, random, services, volumes } = this.#options
    const { pod, container, observed, podIps, mounted } = request
    try {
      verifyNonRoot(pod, container, image)
      const facts = node()
      const environment = await containerEnvironment({
        pod,
        container,
        facts: { ...facts, podIps },
        services: services(),
        config: source,
      })
      const texts = new Map([...environment].map(([name, value]) => [name, value.toString()]))
      const restartCount = await this.#restartCount(request)
      await mkdir(join(podLogDirectory(this.#options.podLogsDir, identityOf(pod)), container.name), {
        recursive: true,
        mode: 0o755,
      })
      const targetId = targetOf(container, observed)
      const config = containerConfig(pod, container, {
        restartCount,
        imageRef: image.ref,
        image,
        environment,
        mounts: await containerMounts({
          pod,
          container,
          podDir: volumes.podDir(pod.metadata.uid),
          volumes: mounted,
          imageRefs: await this.#imageVolumes(request),
          podIps,
          clusterDomain: this.#options.clusterDomain,
          environment: lookupIn(texts),
          mounts,
          random,
          supportsRecursiveReadOnly: facts.supportsRecursiveReadOnly,
        }),
        memoryCapacityBytes: facts.memoryCapacityBytes,
        seccompRoot: this.#options.seccompRoot,
        ...(targetId && { targetId }),
      })
      return { config, restartCount }
    } catch (thrown) {
      if (thrown instanceof StartError) throw thrown
      const message = messageOf(thrown)
      events.container(pod, container.name, 'Warning', 'Failed', `Error: ${message}`)
      throw new StartError('CreateContainerConfigError', message, { cause: thrown })
    }
  }

  /** Where the runtime has forgotten earlier runs, their logs still tell how many there were. */
  async #restartCount({ pod, container, observed }: StartRequest): Promise<number> {
    const latest = latestContainer(observed, container.name)
    if (latest) return latest.annotations.restartCount + 1
    const dir = join(podLogDirectory(this.#options.podLogsDir, identityOf(pod)), container.name)
    const names = await readdir(dir).catch(() => [])
    const counts = names.map((name) => /^(\d+)\.log/.exec(name)?.[1]).filter((n) => n !== undefined)
    return counts.length > 0 ? Math.max(...counts.map(Number)) + 1 : 0
  }

  async #imageVolumes(request: StartRequest): Promise<Map<string, string>> {
    const refs = new Map<string, string>()
    for (const [name, { image }] of request.mounted) {
      if (!image || !request.container.volumeMounts?.some((m) => m.name === name)) continue
      const policy = image.pullPolicy
      const present = await this.#options.puller.ensure({ ...request, image: image.reference, policy })
      refs.set(name, present.ref)
    }
    return refs
  }

  async #run(request: StartRequest, config: CriMessageInit<'ContainerConfig'>): Promise<string> {
    const { cri, events, starts } = this.#options
    const { pod, container, sandboxId, sandboxConfig } = request
    const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      events.container(pod, container.name, type, reason, message)
    const failed = (reason: 'CreateContainerError' | 'RunContainerError', thrown: unknown) => {
      tell('Warning', 'Failed', `Error: ${messageOf(thrown)}`)
      return new StartError(reason, messageOf(thrown), { cause: thrown })
    }
    return starts.run(async () => {
      const { containerId } = await cri.runtime
        .createContainer({ podSandboxId: sandboxId, config, sandboxConfig })
        .catch((thrown: unknown) => {
          throw failed('CreateContainerError', thrown)
        })
      tell('Normal', 'Created', 'Container created')
      try {
        await cri.runtime.startContainer({ containerId })
      } catch (thrown) {
        // The runtime tells what became of it, and the plan goes on from there.
        await this.#options.view.inspectContainer(identityOf(pod), sandboxId, containerId).catch(() => {})
        throw failed('RunContainerError', thrown)
      }
      tell('Normal', 'Started', 'Container started')
      return containerId
    })
  }

  async #postStart(request: StartRequest, containerId: string, restartCount: number) {
    const { events, killer, view } = this.#options
    const { pod, container, podIps, signal } = request
    const podIp = podIps[0] ?? ''
    try {
      await runHook(this.#options, container.lifecycle!.postStart!, { pod, container, containerId, podIp }, signal)
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      // Not its output: that may hold secrets.
      events.container(pod, container.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
      const target = latestContainer(view.observed(identityOf(pod)), container.name)
      if (target?.id === containerId && target.annotations.restartCount === restartCount) {
        const message = 'FailedPostStartHook'
        await killer.kill({ pod, container, target, reason: 'FailedPostStartHook', message, podIp, signal })
      }
      throw new StartError('PostStartHookError', messageOf(thrown), { cause: thrown })
    }
  }
}

/** A change of the image starts over. */
function backOffKey(pod: Pod, container: Container): string {
  return JSON.stringify([pod.metadata.uid, container.name, container.image, container.resources])
}

/** The running container whose processes an ephemeral container shares. Throws Error where there is none. */
function targetOf(container: Container, observed: ObservedPod): string | undefined {
  const name = (container as EphemeralContainer).targetContainerName
  if (!name) return undefined
  const target = runningContainers(observed).find((c) => c.name === name)
  if (!target) throw new Error(`unable to find target container ${name}`)
  return target.id
}
