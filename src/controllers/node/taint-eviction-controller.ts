/**
 * Deletes pods from nodes with NoExecute taints that they don't tolerate, or no longer: a toleration may be limited to
 * some seconds, which count from when the pod and the taint were first seen together. Upstream: the taint eviction controller.
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { nodes as nodeResource, pods as podResource } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import { keyOf, splitKey } from '#client/reflector.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { disruptAndDelete } from '../pod-disruption.ts'
import { indexByNode, podsOnNode } from '../pods-by-node.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { evictionTaints, toleratedForMs } from './taints.ts'

const REASON = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' }

export const createTaintEvictionController = (): Controller => ({
  name: 'taint-eviction-controller',
  start: (context) => new TaintEviction(context).start(),
})

class TaintEviction {
  readonly #context: ControllerContext
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod>
  /** Since when (monotonic milliseconds) a pod's deletion is scheduled, by its key. */
  readonly #scheduled = new Map<string, { uid: string; sinceMs: number }>()

  constructor(context: ControllerContext) {
    this.#context = { ...context, recorder: context.recorder.as('taint-eviction-controller') }
    this.#nodes = context.informers.for(nodeResource)
    this.#pods = context.informers.for(podResource)
  }

  start(): void {
    indexByNode(this.#pods)
    const queue = reconcileLoop(this.#context, {
      name: 'taint-eviction-controller',
      caches: [this.#nodes, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    const enqueue = (pod: Pod) => {
      const isConcerned = this.#scheduled.has(keyOf(pod)) || evictionTaints(this.#nodeOf(pod)).length > 0
      if (pod.spec.nodeName && isConcerned) queue.add(keyOf(pod))
    }
    this.#pods.handle({
      added: enqueue,
      updated: (pod, previous) => {
        const isMoved = pod.spec.nodeName !== previous.spec.nodeName
        if (isMoved || !semanticEqual(pod.spec.tolerations, previous.spec.tolerations)) enqueue(pod)
      },
      deleted: enqueue,
    })
    const enqueuePods = ({ metadata }: Node) => {
      for (const pod of podsOnNode(this.#pods, metadata.name)) queue.add(keyOf(pod))
    }
    this.#nodes.handle({
      added: (node) => evictionTaints(node).length > 0 && enqueuePods(node),
      updated: (node, previous) => {
        if (!semanticEqual(evictionTaints(node), evictionTaints(previous))) enqueuePods(node)
      },
    })
  }

  #nodeOf({ spec }: Pod): Node | undefined {
    return spec.nodeName ? this.#nodes.get(undefined, spec.nodeName) : undefined
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { clock, recorder } = this.#context
    const { namespace, name } = splitKey(key)
    const pod = this.#pods.get(namespace, name)
    let scheduled = this.#scheduled.get(key)
    if (scheduled && scheduled.uid !== pod?.metadata.uid) {
      this.#scheduled.delete(key)
      scheduled = undefined
    }
    if (!pod || pod.metadata.deletionTimestamp) {
      this.#scheduled.delete(key)
      return
    }
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: pod.metadata.uid }
    const taints = evictionTaints(this.#nodeOf(pod))
    const mayStayMs = taints.length === 0 ? Infinity : toleratedForMs(taints, pod.spec.tolerations)
    if (mayStayMs === Infinity) {
      if (this.#scheduled.delete(key)) {
        recorder.event(reference, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)
      }
      return
    }
    const nowMs = clock.monotonic()
    const sinceMs = scheduled?.sinceMs ?? nowMs
    const leftMs = sinceMs + mayStayMs - nowMs
    if (leftMs > 0) {
      this.#scheduled.set(key, { uid: pod.metadata.uid, sinceMs })
      return { requeueAfterMs: leftMs }
    }
    recorder.event(reference, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`)
    try {
      await disruptAndDelete(this.#context, pod, REASON, signal)
    } catch (err) {
      if (!isStatus(err, 'NotFound', 'Conflict')) throw err
    }
    this.#scheduled.delete(key)
  }
}
