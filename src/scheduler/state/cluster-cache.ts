/**
 * Nodes and the pods on them: those that the API says are there, and those that this scheduler has just decided on
 * (upstream: the scheduler cache with its assumed pods). A decision counts at once, so that the next pod is placed with
 * it in mind; it ends when the API shows the pod on a node (`addPod`) or when binding has failed (`forget`).
 */
import type { Node } from '#api/core/v1/node.ts'
import { NodeTable } from './node-table.ts'
import type { PodInfo } from './pod-info.ts'

interface PodState {
  info: PodInfo
  nodeName: string
  isAssumed: boolean
}

export class ClusterCache {
  readonly nodes = new NodeTable()
  readonly #pods = new Map<string, PodState>()
  #assumedCount = 0

  setNode(node: Node): void {
    this.nodes.setNode(node)
  }

  removeNode(name: string): void {
    this.nodes.removeNode(name)
  }

  /** Counts the pod on the node from now on. Throws TypeError where it is on a node already. */
  assume(info: PodInfo, nodeName: string): void {
    const present = this.#pods.get(info.uid)
    if (present) throw new TypeError(`cannot assume pod "${info.key}": it is on node "${present.nodeName}" already`)
    this.#put({ info, nodeName, isAssumed: true })
  }

  /** Takes an assumption back. False where the pod is not assumed (any more). */
  forget(uid: string): boolean {
    const present = this.#pods.get(uid)
    if (!present?.isAssumed) return false
    this.#drop(present)
    return true
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.isAssumed ?? false
  }

  /** The node that the pod is on or assumed to be on. */
  nodeOf(uid: string): string | undefined {
    return this.#pods.get(uid)?.nodeName
  }

  /** The API shows the pod on a node: new, changed, or as assumed. What it shows replaces what was assumed. */
  addPod(info: PodInfo): void {
    const nodeName = info.pod.spec.nodeName ?? ''
    const present = this.#pods.get(info.uid)
    if (!present) {
      this.#put({ info, nodeName, isAssumed: false })
      return
    }
    if (present.nodeName !== nodeName) {
      this.#drop(present)
      this.#put({ info, nodeName, isAssumed: false })
      return
    }
    if (present.isAssumed) {
      present.isAssumed = false
      this.#assumedCount--
    }
    this.nodes.replacePod(info, nodeName)
    present.info = info
  }

  /** The pod is gone, or holds nothing any more. Harmless where it is not known. */
  removePod(uid: string): void {
    const present = this.#pods.get(uid)
    if (present) this.#drop(present)
  }

  get podCount(): number {
    return this.#pods.size
  }

  get assumedCount(): number {
    return this.#assumedCount
  }

  #put(state: PodState) {
    this.#pods.set(state.info.uid, state)
    if (state.isAssumed) this.#assumedCount++
    this.nodes.addPod(state.info, state.nodeName)
  }

  #drop(state: PodState) {
    this.#pods.delete(state.info.uid)
    if (state.isAssumed) this.#assumedCount--
    this.nodes.removePod(state.info.uid, state.nodeName)
  }
}
