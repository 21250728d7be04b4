/**
 * The pods of this node: one worker for each uid, made when the API shows a pod and let go when it has gone from the API
 * and from here. What runs without a pod in the API is ended. Upstream: the sync loop and HandlePodCleanups of `kubelet.go`.
 */
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/errors.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { admit } from './admission.ts'
import type { ContainerKiller } from './container-killer.ts'
import type { Garbage } from './garbage.ts'
import type { ObservedPod } from './observed-pod.ts'
import { isTerminalPhase } from './pod-spec.ts'
import { PodWorker, type PodWorkerContext, type Verdict } from './pod-worker.ts'
import { identityOf } from './sandbox-config.ts'
import type { ServedPod } from './server/server.ts'

export interface PodSetOptions {
  context: PodWorkerContext
  garbage: Garbage
  killer: ContainerKiller
  log: Log
  /** This node as the API has it. */
  node(): Node | undefined
  pressure(): { memory: boolean; disk: boolean; pid: boolean }
}

/** Without the specification nobody knows what a container would need to end well. */
const ORPHAN_GRACE_SECONDS = 1

export class PodSet {
  readonly #options: PodSetOptions
  readonly #workers = new Map<string, PodWorker>()
  /** Pods that are being taken away without a worker. */
  readonly #leaving = new Set<string>()
  #isSynced = false
  #isClosed = false

  constructor(options: PodSetOptions) {
    this.#options = options
  }

  /** The API shows the pod. */
  put(pod: Pod): void {
    const { uid } = pod.metadata
    const present = this.#workers.get(uid)
    if (present) return present.update(pod)
    const worker = new PodWorker(this.#options.context, pod)
    this.#workers.set(uid, worker)
    const rejection = this.#isNew(worker) ? this.#admit(pod) : undefined
    if (rejection) worker.reject(rejection.reason, rejection.message)
    else worker.notify()
    this.#updateClasses()
  }

  remove(pod: Pod): void {
    this.#workers.get(pod.metadata.uid)?.removed()
  }

  /** All pods of the API have been shown: the rest is orphaned. */
  synced(): void {
    this.#isSynced = true
    for (const pod of this.#options.context.view.all()) this.runtimeChanged(pod.uid)
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  notify(uid: string): void {
    this.#workers.get(uid)?.notify()
  }

  /** The runtime's state of a pod has changed. */
  runtimeChanged(uid: string): void {
    const worker = this.#workers.get(uid)
    if (worker) worker.notify()
    else if (this.#isSynced && !this.#isClosed && !this.#leaving.has(uid)) void this.#endOrphan(uid)
  }

  end(uid: string, verdict: Verdict): void {
    this.#workers.get(uid)?.end(verdict)
  }

  /** A worker's pod is gone from the API, and nothing of it runs. */
  gone(worker: PodWorker): void {
    const { context, garbage } = this.#options
    const { uid } = worker.pod.metadata
    this.#workers.delete(uid)
    context.statuses.forget(uid)
    context.prober.remove(uid)
    worker.close()
    this.#updateClasses()
    this.#leaving.add(uid)
    void garbage.removePod(context.view.observed(identityOf(worker.pod))).finally(() => this.#leaving.delete(uid))
  }

  /** Pods that hold a share of the node. */
  active(): Pod[] {
    return [...this.#workers.values()].filter((w) => w.isActive).map((w) => w.pod)
  }

  /** Everything whose files and groups are in use. */
  uids(): Set<string> {
    return new Set([...this.#workers.keys(), ...this.#leaving, ...this.#options.context.view.all().map((p) => p.uid)])
  }

  workers(): PodWorker[] {
    return [...this.#workers.values()]
  }

  served(): ServedPod[] {
    return this.workers().map((worker) => this.#serve(worker))
  }

  /** The newest of that name, should an older one still be ending. */
  servedPod(namespace: string, name: string): ServedPod | undefined {
    const named = this.workers().filter(({ pod }) => pod.metadata.name === name && pod.metadata.namespace === namespace)
    const worker = named.find((w) => !w.isGone) ?? named[0]
    return worker && this.#serve(worker)
  }

  close(): void {
    this.#isClosed = true
    for (const worker of this.#workers.values()) worker.close()
  }

  #serve(worker: PodWorker): ServedPod {
    const { view } = this.#options.context
    return { pod: worker.pod, status: worker.status, observed: view.observed(identityOf(worker.pod)) }
  }

  /** One that has begun to run here was admitted then. */
  #isNew({ pod, isEnding }: PodWorker): boolean {
    const observed = this.#options.context.view.observed(identityOf(pod))
    return !isEnding && observed.sandboxes.length === 0 && !pod.status.startTime && !isTerminalPhase(pod.status.phase)
  }

  #admit(pod: Pod) {
    const node = this.#options.node()
    if (!node) return undefined
    const others = this.active().filter((other) => other.metadata.uid !== pod.metadata.uid)
    return admit({ pod, others, node, underPressure: this.#options.pressure() })
  }

  #updateClasses() {
    try {
      this.#options.context.cgroups.updateClasses(this.active())
    } catch (thrown) {
      this.#options.log.warn({ reason: messageOf(thrown) }, 'cannot set the weight of a quality of service class')
    }
  }

  async #endOrphan(uid: string): Promise<void> {
    const { context, garbage, killer, log } = this.#options
    const observed = context.view.all().find((pod) => pod.uid === uid)
    if (!observed) return
    this.#leaving.add(uid)
    try {
      log.info({ pod: `${observed.namespace}/${observed.name}`, uid }, 'ending what runs without a pod in the API')
      const signal = new AbortController().signal
      await killer.killPod(stub(observed), observed, { signal, graceSeconds: ORPHAN_GRACE_SECONDS, podIp: '' })
      await garbage.removePod(context.view.all().find((pod) => pod.uid === uid) ?? observed)
    } catch (thrown) {
      // The next listing shows it again.
      log.warn({ uid, reason: messageOf(thrown) }, 'cannot end an orphaned pod')
    } finally {
      this.#leaving.delete(uid)
    }
  }
}

/** As much of a pod as its containers tell. */
function stub({ uid, name, namespace }: ObservedPod): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { uid, name, namespace, resourceVersion: '', creationTimestamp: '' },
    spec: { containers: [] },
    status: {},
  }
}
