/**
 * What runs on this node, kept up to date from three sources: the agent's own actions, the runtime's events, and listings.
 * They may arrive late and out of order, so facts are merged rather than replaced: a container never goes back from exited
 * to running, a sandbox never becomes ready again, and only a listing that began after something was seen may say that it
 * is gone. That is what keeps a stale event from starting a container twice.
 * Upstream: the pod cache and the PLEG of `kubelet/pleg`.
 */
import type { Clock } from '#base/clock.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import { type CriClient, isCriNotFound } from '#contracts/cri/client.ts'
import { ContainerState, PodSandboxState } from '#contracts/cri/enums.ts'
import type { Container, ContainerEventResponse, ContainerStatus, PodSandbox } from '#contracts/cri/types.ts'
import {
  assemblePod,
  emptyPod,
  type ObservedContainer,
  type ObservedPod,
  type ObservedSandbox,
  observeContainer,
  observeSandbox,
} from './observed-pod.ts'
import { POD_NAME_LABEL, POD_NAMESPACE_LABEL, POD_UID_LABEL } from './runtime-labels.ts'
import { terminationMessage } from './termination-message.ts'

export interface RuntimeViewOptions {
  cri: CriClient
  clock: Clock
  log: Log
  /** Told after the observation of a pod changed by an event or a listing. */
  onChange(uid: string): void
}

interface Identity {
  uid: string
  name: string
  namespace: string
}

interface Seen<T> {
  value: T
  /** Monotonic time of the first look at it. */
  sinceMs: number
}

interface PodRecord {
  identity: Identity
  sandboxes: Map<string, Seen<ObservedSandbox>>
  containers: Map<string, Seen<ObservedContainer>>
  assembled: ObservedPod | undefined
}

const CONCURRENT_CALLS = 8
const ranks = { created: 0, running: 1, unknown: 1, exited: 2 } as const
const listedRanks: Readonly<Record<number, number>> = {
  [ContainerState.CONTAINER_CREATED]: 0,
  [ContainerState.CONTAINER_RUNNING]: 1,
  [ContainerState.CONTAINER_EXITED]: 2,
  [ContainerState.CONTAINER_UNKNOWN]: 1,
}

export class RuntimeView {
  readonly #options: RuntimeViewOptions
  readonly #pods = new Map<string, PodRecord>()
  readonly #calls = new Limiter(CONCURRENT_CALLS)

  constructor(options: RuntimeViewOptions) {
    this.#options = options
  }

  /** The pod as last seen; empty where the runtime has nothing of it. */
  observed(identity: Identity): ObservedPod {
    const record = this.#pods.get(identity.uid)
    if (!record) return emptyPod(identity.uid, identity.name, identity.namespace)
    record.assembled ??= assemblePod(
      record.identity,
      [...record.sandboxes.values()].map((s) => s.value),
      [...record.containers.values()].map((c) => c.value),
    )
    return record.assembled
  }

  /** Every pod that the runtime has anything of. */
  all(): ObservedPod[] {
    return [...this.#pods.values()].map((record) => this.observed(record.identity))
  }

  /** Reads one sandbox; forgets it where it is gone. Throws CriError. */
  async inspectSandbox(identity: Identity, sandboxId: string): Promise<ObservedSandbox | undefined> {
    try {
      const { status } = await this.#options.cri.runtime.podSandboxStatus({ podSandboxId: sandboxId })
      if (!status) return undefined
      const sandbox = observeSandbox(status)
      this.#putSandbox(identity, sandbox)
      return sandbox
    } catch (thrown) {
      if (!isCriNotFound(thrown)) throw thrown
      this.forgetSandbox(identity.uid, sandboxId)
      return undefined
    }
  }

  /** Reads one container; forgets it where it is gone. Throws CriError. */
  async inspectContainer(identity: Identity, sandboxId: string, id: string): Promise<ObservedContainer | undefined> {
    try {
      const { status } = await this.#options.cri.runtime.containerStatus({ containerId: id })
      return status && (await this.#putContainer(identity, sandboxId, status))
    } catch (thrown) {
      if (!isCriNotFound(thrown)) throw thrown
      this.forgetContainer(identity.uid, id)
      return undefined
    }
  }

  /** Notes that a sandbox was stopped, which every runtime means by an answered StopPodSandbox. */
  sandboxStopped(identity: Identity, sandboxId: string): void {
    const seen = this.#pods.get(identity.uid)?.sandboxes.get(sandboxId)
    if (seen) this.#putSandbox(identity, { ...seen.value, isReady: false })
  }

  forgetSandbox(uid: string, id: string): void {
    this.#forget(uid, (record) => record.sandboxes.delete(id))
  }

  forgetContainer(uid: string, id: string): void {
    this.#forget(uid, (record) => record.containers.delete(id))
  }

  /** Lists everything, or one pod, and looks closer at what is new or has changed. Throws CriError. */
  async relist(uid?: string): Promise<void> {
    const { cri, clock } = this.#options
    const beganMs = clock.monotonic()
    const filter = uid === undefined ? {} : { filter: { labelSelector: { [POD_UID_LABEL]: uid } } }
    const [{ items }, { containers }] = await Promise.all([
      cri.runtime.listPodSandbox(filter),
      cri.runtime.listContainers(filter),
    ])
    const sandboxes = items.filter((s) => s.metadata?.uid && s.labels[POD_UID_LABEL])
    const homes = new Map(sandboxes.map((s) => [s.id, identityOfSandbox(s)]))
    const changed = new Set<string>()
    await Promise.all([
      ...sandboxes.map((s) => this.#lookAtSandbox(s, changed)),
      ...containers.map((c) => this.#lookAtContainer(c, homes.get(c.podSandboxId), changed)),
    ])
    const present = new Set([...sandboxes.map((s) => s.id), ...containers.map((c) => c.id)])
    for (const [podUid, record] of this.#pods) {
      if (uid !== undefined && podUid !== uid) continue
      for (const map of [record.sandboxes, record.containers] as Map<string, Seen<unknown>>[]) {
        for (const [id, { sinceMs }] of map) {
          if (present.has(id) || sinceMs >= beganMs) continue
          map.delete(id)
          record.assembled = undefined
          changed.add(podUid)
        }
      }
      this.#dropEmpty(podUid, record)
    }
    for (const podUid of changed) this.#options.onChange(podUid)
  }

  /** Takes in an event of the runtime. Never throws: what can't be used is left to the next listing. */
  async applyEvent(event: ContainerEventResponse): Promise<void> {
    const { podSandboxStatus: status, containersStatuses } = event
    const uid = status?.metadata?.uid ?? this.#ownerOf(event.containerId)
    if (!uid) return
    try {
      if (!status?.metadata) return await this.relist(uid)
      const { name, namespace } = status.metadata
      const identity = { uid, name, namespace }
      let isNew = this.#putSandbox(identity, observeSandbox(status))
      for (const container of containersStatuses) {
        const before = this.#pods.get(uid)?.containers.get(container.id)?.value
        const after = await this.#putContainer(identity, status.id, container)
        isNew ||= before !== after
      }
      if (isNew) this.#options.onChange(uid)
    } catch (err) {
      this.#options.log.warn({ err, pod: uid }, 'cannot take in an event of the runtime')
    }
  }

  #ownerOf(id: string): string | undefined {
    for (const [uid, { containers, sandboxes }] of this.#pods) {
      if (containers.has(id) || sandboxes.has(id)) return uid
    }
    return undefined
  }

  async #lookAtSandbox(listed: PodSandbox, changed: Set<string>) {
    const identity = identityOfSandbox(listed)
    const known = this.#pods.get(identity.uid)?.sandboxes.get(listed.id)?.value
    const isReady = listed.state === PodSandboxState.SANDBOX_READY
    if (!known) {
      const found = await this.#calls.run(() => this.inspectSandbox(identity, listed.id))
      if (found) changed.add(identity.uid)
    } else if (known.isReady && !isReady) {
      this.#putSandbox(identity, { ...known, isReady })
      changed.add(identity.uid)
    }
  }

  async #lookAtContainer(listed: Container, home: Identity | undefined, changed: Set<string>) {
    const uid = home?.uid ?? listed.labels[POD_UID_LABEL]
    if (!uid) return
    const known = this.#pods.get(uid)?.containers.get(listed.id)?.value
    const isUnknown = listed.state === ContainerState.CONTAINER_UNKNOWN
    if (known && ranks[known.state] >= listedRanks[listed.state]! && (known.state === 'unknown') === isUnknown) return
    if (known?.state === 'exited') return
    const identity = home ?? this.#pods.get(uid)?.identity ?? identityOfContainer(listed)
    const found = await this.#calls.run(() => this.inspectContainer(identity, listed.podSandboxId, listed.id))
    if (found) changed.add(uid)
  }

  /** True when that changed anything. */
  #putSandbox(identity: Identity, sandbox: ObservedSandbox): boolean {
    const record = this.#record(identity)
    const seen = record.sandboxes.get(sandbox.id)
    if (seen && !seen.value.isReady) return false
    if (seen && seen.value.isReady === sandbox.isReady && seen.value.ips.join() === sandbox.ips.join()) return false
    record.sandboxes.set(sandbox.id, { value: sandbox, sinceMs: seen?.sinceMs ?? this.#options.clock.monotonic() })
    record.assembled = undefined
    return true
  }

  async #putContainer(identity: Identity, sandboxId: string, status: ContainerStatus): Promise<ObservedContainer> {
    const isSuperseded = (container: ObservedContainer) => {
      const now = this.#pods.get(identity.uid)?.containers.get(container.id)?.value
      return (
        now && (ranks[now.state] > ranks[container.state] || (now.state === container.state && now.state !== 'created'))
      )
    }
    const fresh = observeContainer(status, sandboxId)
    const current = () => this.#pods.get(identity.uid)?.containers.get(fresh.id)?.value
    if (isSuperseded(fresh)) return current()!
    const container = fresh.state === 'exited' ? await this.#withMessage(fresh) : fresh
    // Reading the message took a while, in which another look may have come first.
    if (isSuperseded(container)) return current()!
    const record = this.#record(identity)
    const sinceMs = record.containers.get(container.id)?.sinceMs ?? this.#options.clock.monotonic()
    record.containers.set(container.id, { value: container, sinceMs })
    record.assembled = undefined
    return container
  }

  async #withMessage(container: ObservedContainer): Promise<ObservedContainer> {
    const text = await terminationMessage(container, this.#options.clock)
    if (!text) return container
    return { ...container, message: container.message ? `${container.message}: ${text}` : text }
  }

  #record(identity: Identity): PodRecord {
    let record = this.#pods.get(identity.uid)
    if (!record) {
      record = { identity, sandboxes: new Map(), containers: new Map(), assembled: undefined }
      this.#pods.set(identity.uid, record)
    }
    return record
  }

  #forget(uid: string, remove: (record: PodRecord) => boolean) {
    const record = this.#pods.get(uid)
    if (!record || !remove(record)) return
    record.assembled = undefined
    this.#dropEmpty(uid, record)
  }

  #dropEmpty(uid: string, record: PodRecord) {
    if (record.sandboxes.size === 0 && record.containers.size === 0) this.#pods.delete(uid)
  }
}

function identityOfSandbox({ metadata }: PodSandbox): Identity {
  return { uid: metadata!.uid, name: metadata!.name, namespace: metadata!.namespace }
}

function identityOfContainer({ labels }: Container): Identity {
  return {
    uid: labels[POD_UID_LABEL]!,
    name: labels[POD_NAME_LABEL] ?? '',
    namespace: labels[POD_NAMESPACE_LABEL] ?? '',
  }
}
