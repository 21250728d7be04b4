/**
 * The state of all nodes as columns: one typed array per quantity, one element per node. Upstream keeps an object per
 * node (`framework.NodeInfo`) and copies what changed into a snapshot for each cycle; here a cycle reads the columns
 * themselves, because it runs to its end before anything else does.
 *
 * Invariants: `requested` and its like are the sums over `pods` of the node; every change of a node is in `changes`; an
 * index belongs to one name until the node is gone and no pod is left on it. Pods may be on a node that does not exist
 * (any more, or not yet): their sums are kept, and the node counts only while `node(index)` is there.
 */
import type { Node } from '#api/core/v1/node.ts'
import type { Taint } from '#api/core/v1/shared.ts'
import { assert } from '#base/errors.ts'
import { AffinityClasses } from './affinity-classes.ts'
import { ChangeLog } from './change-log.ts'
import { growFloat64, growInt32, growUint8 } from './grow.ts'
import { HostPorts } from './host-ports.ts'
import { ImageStates } from './image-states.ts'
import { LabelColumns } from './label-columns.ts'
import { type PodClass, PodClasses } from './pod-classes.ts'
import type { PodInfo } from './pod-info.ts'
import { amountsOf } from './pod-requests.ts'
import { isScalarResource, type Requests } from './pod-shape.ts'

/** One resource on all nodes, by node index. Replaced arrays when they grow, so read them from here each time. */
export interface ResourceColumn {
  allocatable: Float64Array
  requested: Float64Array
}

interface PlacedPod {
  info: PodInfo
  group: PodClass
}

const NO_TAINTS = '[]'
const NO_PODS: ReadonlyMap<string, PlacedPod> = new Map()

export class NodeTable {
  #capacity = 64
  /** All indexes are below this; some may be free. */
  end = 0
  /** How many nodes exist. */
  count = 0
  /** 1 where the node exists. */
  exists = new Uint8Array(this.#capacity)
  unschedulable = new Uint8Array(this.#capacity)
  podLimit = new Float64Array(this.#capacity)
  podCount = new Int32Array(this.#capacity)
  nonZeroCpu = new Float64Array(this.#capacity)
  nonZeroMemory = new Float64Array(this.#capacity)
  /** Number of the node's list of taints, see `taintsOf`. */
  taintSet = new Int32Array(this.#capacity)
  readonly cpu: ResourceColumn = this.#newColumn()
  readonly memory: ResourceColumn = this.#newColumn()
  readonly ephemeralStorage: ResourceColumn = this.#newColumn()
  readonly labels = new LabelColumns(this.#capacity)
  readonly images = new ImageStates()
  readonly podClasses = new PodClasses()
  readonly changes = new ChangeLog()
  readonly affinityClasses = new AffinityClasses()
  /** Goes up when columns were added or grew, so that whatever refers to columns must be prepared again. */
  layoutVersion = 0

  readonly #scalars = new Map<string, ResourceColumn>()
  readonly #indexes = new Map<string, number>()
  readonly #names: string[] = []
  readonly #nodes: (Node | undefined)[] = []
  readonly #pods: (Map<string, PlacedPod> | undefined)[] = []
  readonly #hostPorts: (HostPorts | undefined)[] = []
  readonly #free: number[] = []
  /** How many pods on nodes have which priority. */
  readonly #priorities = new Map<number, number>()
  readonly #taintSets = new Map<string, number>([[NO_TAINTS, 0]])
  readonly #taintLists: (readonly Taint[])[] = [[]]

  /** The index of the node, which need not exist, or undefined. */
  index(name: string): number | undefined {
    return this.#indexes.get(name)
  }

  name(index: number): string {
    return this.#names[index]!
  }

  node(index: number): Node | undefined {
    return this.#nodes[index]
  }

  *nodeNames(): IterableIterator<string> {
    for (let i = 0; i < this.end; i++) if (this.exists[i] === 1) yield this.#names[i]!
  }

  podsOn(index: number): PodInfo[] {
    return Array.from((this.#pods[index] ?? NO_PODS).values(), (placed) => placed.info)
  }

  /** The lowest priority of any pod on any node; Infinity where there are none. */
  get lowestPriority(): number {
    let lowest = Infinity
    for (const priority of this.#priorities.keys()) if (priority < lowest) lowest = priority
    return lowest
  }

  hostPorts(index: number): HostPorts | undefined {
    return this.#hostPorts[index]
  }

  /** The column of an extended resource, or undefined where no node has ever had any. */
  scalar(name: string): ResourceColumn | undefined {
    return this.#scalars.get(name)
  }

  taintsOf(taintSet: number): readonly Taint[] {
    return this.#taintLists[taintSet]!
  }

  /** One more than the greatest number of a taint set. */
  get taintSetCount(): number {
    return this.#taintLists.length
  }

  /** Adds the node, or replaces it. Returns its index. */
  setNode(node: Node): number {
    const index = this.#indexFor(node.metadata.name)
    const previous = this.#nodes[index]
    if (!previous) this.count++
    this.#nodes[index] = node
    this.exists[index] = 1
    this.unschedulable[index] = node.spec.unschedulable ? 1 : 0
    this.taintSet[index] = this.#taintSetFor(node.spec.taints ?? [])
    this.labels.set(index, node.metadata.labels ?? {}, previous?.metadata.labels ?? {})
    this.images.set(index, node, previous)
    this.#setAllocatable(index, node)
    this.changes.add(index)
    return index
  }

  /** The node is gone. Its pods stay known until they are removed, each by itself. */
  removeNode(name: string): void {
    const index = this.#indexes.get(name)
    const previous = index === undefined ? undefined : this.#nodes[index]
    if (index === undefined || !previous) return
    this.count--
    this.#nodes[index] = undefined
    this.exists[index] = 0
    this.labels.set(index, {}, previous.metadata.labels ?? {})
    this.images.set(index, undefined, previous)
    this.changes.add(index)
    this.#release(index)
  }

  /** Puts the pod on the node, which need not exist. The pod must not be on any node. */
  addPod(info: PodInfo, nodeName: string): number {
    const index = this.#indexFor(nodeName)
    const pods = (this.#pods[index] ??= new Map())
    assert(!pods.has(info.uid), `pod ${info.key} is already on node ${nodeName}`)
    pods.set(info.uid, { info, group: this.podClasses.add(info.pod, index) })
    this.#account(index, info, 1)
    return index
  }

  /** Takes the pod off the node. The pod must be there. */
  removePod(uid: string, nodeName: string): void {
    const index = this.#indexes.get(nodeName)
    const placed = index === undefined ? undefined : this.#pods[index]?.get(uid)
    assert(index !== undefined && placed, `pod ${uid} is not on node ${nodeName}`)
    this.#pods[index]!.delete(uid)
    this.podClasses.remove(placed.group, index)
    this.#account(index, placed.info, -1)
    this.#release(index)
  }

  /**
   * Replaces a pod by its newer version. Where nothing changed that scheduling looks at, the node does not count as
   * changed.
   */
  replacePod(info: PodInfo, nodeName: string): void {
    const index = this.#indexes.get(nodeName)
    const placed = index === undefined ? undefined : this.#pods[index]?.get(info.uid)
    assert(placed, `pod ${info.uid} is not on node ${nodeName}`)
    const isSame =
      placed.info.requests === info.requests &&
      placed.info.shape === info.shape &&
      placed.info.priority === info.priority &&
      !placed.info.affinity &&
      !info.affinity &&
      this.podClasses.isMember(info.pod, placed.group)
    if (isSame) {
      placed.info = info
      return
    }
    this.removePod(info.uid, nodeName)
    this.addPod(info, nodeName)
  }

  #account(index: number, info: PodInfo, sign: 1 | -1) {
    const { requests, shape } = info
    this.cpu.requested[index]! += sign * requests.cpu
    this.memory.requested[index]! += sign * requests.memory
    this.ephemeralStorage.requested[index]! += sign * requests.ephemeralStorage
    this.nonZeroCpu[index]! += sign * requests.nonZeroCpu
    this.nonZeroMemory[index]! += sign * requests.nonZeroMemory
    this.podCount[index]! += sign
    const alike = (this.#priorities.get(info.priority) ?? 0) + sign
    if (alike === 0) this.#priorities.delete(info.priority)
    else this.#priorities.set(info.priority, alike)
    this.#accountScalars(index, requests, sign)
    if (shape.hostPorts.length > 0) {
      const ports = (this.#hostPorts[index] ??= new HostPorts())
      if (sign > 0) ports.add(shape.hostPorts)
      else ports.remove(shape.hostPorts)
      if (ports.isEmpty) this.#hostPorts[index] = undefined
    }
    if (sign > 0) this.affinityClasses.add(info, index)
    else this.affinityClasses.remove(info, index)
    this.changes.add(index)
  }

  #accountScalars(index: number, requests: Requests, sign: 1 | -1) {
    for (const { name, amount } of requests.scalars) {
      const column = this.#scalars.get(name)
      if (column) column.requested[index]! += sign * amount
    }
  }

  #setAllocatable(index: number, node: Node) {
    const amounts = amountsOf(node.status.allocatable)
    this.cpu.allocatable[index] = amounts.get('cpu') ?? 0
    this.memory.allocatable[index] = amounts.get('memory') ?? 0
    this.ephemeralStorage.allocatable[index] = amounts.get('ephemeral-storage') ?? 0
    this.podLimit[index] = amounts.get('pods') ?? 0
    for (const name of amounts.keys()) if (isScalarResource(name)) this.#scalarFor(name)
    for (const [name, column] of this.#scalars) column.allocatable[index] = amounts.get(name) ?? 0
  }

  /** A resource gets its column with the first node that has some; what pods request of it already is added up then. */
  #scalarFor(name: string): ResourceColumn {
    let column = this.#scalars.get(name)
    if (!column) {
      column = this.#newColumn()
      this.#scalars.set(name, column)
      this.layoutVersion++
      for (let i = 0; i < this.end; i++) {
        for (const { info } of (this.#pods[i] ?? NO_PODS).values()) {
          for (const scalar of info.requests.scalars) if (scalar.name === name) column.requested[i]! += scalar.amount
        }
      }
    }
    return column
  }

  #taintSetFor(taints: readonly Taint[]): number {
    const key = JSON.stringify(taints.map((t) => [t.key, t.value ?? '', t.effect]))
    let id = this.#taintSets.get(key)
    if (id === undefined) {
      id = this.#taintLists.length
      this.#taintLists.push(taints)
      this.#taintSets.set(key, id)
    }
    return id
  }

  #indexFor(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const index = this.#free.pop() ?? this.end++
    if (index >= this.#capacity) this.#grow()
    this.#indexes.set(name, index)
    this.#names[index] = name
    return index
  }

  /** Gives the index free once neither node nor pods are there. */
  #release(index: number) {
    if (this.#nodes[index] || this.#pods[index]?.size) return
    this.#pods[index] = undefined
    this.#indexes.delete(this.#names[index]!)
    this.#names[index] = ''
    this.#free.push(index)
  }

  #newColumn(): ResourceColumn {
    return { allocatable: new Float64Array(this.#capacity), requested: new Float64Array(this.#capacity) }
  }

  #grow() {
    const capacity = (this.#capacity *= 2)
    this.exists = growUint8(this.exists, capacity)
    this.unschedulable = growUint8(this.unschedulable, capacity)
    this.podLimit = growFloat64(this.podLimit, capacity)
    this.podCount = growInt32(this.podCount, capacity)
    this.nonZeroCpu = growFloat64(this.nonZeroCpu, capacity)
    this.nonZeroMemory = growFloat64(this.nonZeroMemory, capacity)
    this.taintSet = growInt32(this.taintSet, capacity)
    for (const column of [this.cpu, this.memory, this.ephemeralStorage, ...this.#scalars.values()]) {
      column.allocatable = growFloat64(column.allocatable, capacity)
      column.requested = growFloat64(column.requested, capacity)
    }
    this.labels.grow(capacity)
    this.layoutVersion++
  }

  get capacity(): number {
    return this.#capacity
  }
}
