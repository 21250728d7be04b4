/**
 * Watches over the health of nodes: those that fall silent get conditions of status Unknown, all get the taints that
 * their conditions ask for, and pods of failed nodes are marked as not ready. Which pods then have to go is decided by
 * the taint eviction controller. Upstream: the node lifecycle controller.
 */
import { every } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Lease } from '#api/coordination/v1.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { leases, nodes as nodeResource, pods as podResource } from '#api/resources.ts'
import type { EventType } from '#client/event-recorder.ts'
import type { Informer } from '#client/informer.ts'
import { conditionOf, withCondition } from '#machinery/conditions.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatTime } from '#machinery/time.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { indexByNode, podsOnNode } from '../pods-by-node.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { type GracePeriods, type NodeHealth, observeHealth, unknownConditions } from './node-health.ts'
import { hasEvictionTaint, NOT_READY, UNREACHABLE, withConditionTaints, withEvictionTaint } from './taints.ts'
import {
  defaultDisruptionLimits,
  type DisruptionLimits,
  EXCLUDE_DISRUPTION,
  planDisruption,
  type ZoneCounts,
  zoneOf,
  type ZoneState,
} from './zone-disruption.ts'

export const NODE_LEASE_NAMESPACE = 'kube-node-lease'

export interface NodeLifecycleOptions {
  /** Between two looks at all nodes. Default 5 s. */
  monitorPeriodMs?: number
  /** Silence after which a node's state is unknown. Default 40 s. */
  monitorGraceMs?: number
  /** The same before its kubelet's first status. Default 60 s. */
  startupGraceMs?: number
  disruption?: Partial<DisruptionLimits>
}

const TAINT_PERIOD_MS = 1_000

/** Labels that older programs read, and where their values come from. */
const mirroredLabels: readonly [from: string, to: string][] = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
]

export const createNodeLifecycleController = (options: NodeLifecycleOptions = {}): Controller => ({
  name: 'nodelifecycle',
  start: (context) => new NodeMonitor(context, options).start(),
})

/** Nodes of a zone that wait for their eviction taint. */
interface TaintQueue {
  waiting: Set<string>
  tokens: number
  filledAtMs: number
  perSecond: number
}

class NodeMonitor {
  readonly #context: ControllerContext
  readonly #log: Log
  readonly #periodMs: number
  readonly #grace: GracePeriods
  readonly #limits: DisruptionLimits
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod>
  readonly #leases: Informer<Lease>
  readonly #health = new Map<string, NodeHealth>()
  readonly #known = new Map<string, Node>()
  /** Nodes whose pods still have to be marked as not ready. */
  readonly #unmarked = new Set<string>()
  readonly #taintQueues = new Map<string, TaintQueue>()
  #zones = new Map<string, ZoneState>()
  #isRunning = false

  constructor(context: ControllerContext, options: NodeLifecycleOptions) {
    this.#context = { ...context, recorder: context.recorder.as('node-controller') }
    this.#log = context.log.child({ controller: 'nodelifecycle' })
    this.#periodMs = options.monitorPeriodMs ?? 5_000
    this.#grace = { monitorMs: options.monitorGraceMs ?? 40_000, startupMs: options.startupGraceMs ?? 60_000 }
    this.#limits = { ...defaultDisruptionLimits, ...options.disruption }
    this.#nodes = context.informers.for(nodeResource)
    this.#pods = context.informers.for(podResource)
    this.#leases = context.informers.for(leases, { namespace: NODE_LEASE_NAMESPACE })
  }

  start(): void {
    indexByNode(this.#pods)
    const caches = [this.#nodes, this.#pods, this.#leases]
    const queue = reconcileLoop(this.#context, {
      name: 'nodelifecycle',
      caches,
      concurrency: 20,
      reconcile: (name, abort) => this.#reconcile(name, abort),
    })
    const enqueue = ({ metadata }: Node) => queue.add(metadata.name)
    this.#nodes.handle({ added: enqueue, updated: enqueue })
    this.#pods.handle({
      updated: (pod, previous) => {
        if (pod.spec.nodeName && pod.spec.nodeName !== previous.spec.nodeName) void this.#markIfOnFailedNode(pod)
      },
    })
    void this.#run(caches)
  }

  async #run(caches: readonly Pick<Informer<never>, 'synced'>[]): Promise<void> {
    const { clock, signal } = this.#context
    await Promise.all(caches.map((cache) => cache.synced(signal))).catch(() => {})
    if (signal.aborted) return
    const timers = [
      every(clock, this.#periodMs, () => void this.#monitor()),
      every(clock, TAINT_PERIOD_MS, () => void this.#taintNext()),
    ]
    signal.addEventListener('abort', () => timers.forEach((timer) => timer.cancel()), { once: true })
    void this.#monitor()
  }

  /** Taints and labels that follow from the node itself. */
  async #reconcile(name: string, signal: AbortSignal): Promise<void> {
    const node = this.#nodes.get(undefined, name)
    if (!node) return
    const taints = withConditionTaints(node, formatTime(this.#context.clock.now()))
    const { labels = {} } = node.metadata
    const missing = mirroredLabels.filter(([from, to]) => labels[from] !== undefined && labels[to] !== labels[from])
    if (!taints && missing.length === 0) return
    const newLabels = Object.fromEntries(missing.map(([from, to]) => [to, labels[from]!]))
    await this.#patch(node, { metadata: { labels: newLabels }, ...(taints && { spec: { taints } }) }, signal)
  }

  /** Fails with Conflict where the node has changed since: taints are replaced as a whole. */
  async #patch(node: Node, patch: { metadata?: object; spec?: object }, signal: AbortSignal): Promise<void> {
    const { resourceVersion } = node.metadata
    const body = { ...patch, metadata: { ...patch.metadata, resourceVersion } }
    await this.#context.client.patch(nodeResource, { name: node.metadata.name }, body, { type: 'merge', signal })
  }

  /** One look at all nodes. */
  async #monitor(): Promise<void> {
    // A round that takes longer than the period is not joined by another.
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      const nodes = this.#nodes.list()
      this.#noteArrivals(nodes)
      const zones = new Map<string, ZoneCounts>()
      await Promise.all(
        nodes.map(async (node) => {
          const judged = await this.#judge(node)
          if (!judged || node.metadata.labels?.[EXCLUDE_DISRUPTION] !== undefined) return
          const counts = zones.get(zoneOf(node)) ?? { ready: 0, unready: 0 }
          counts[judged.isReady ? 'ready' : 'unready']++
          zones.set(zoneOf(node), counts)
        }),
      )
      await this.#handleDisruption(zones, nodes)
    } catch (err) {
      if (!this.#context.signal.aborted) this.#log.warn({ reason: messageOf(err) }, 'cannot monitor the nodes')
    } finally {
      this.#isRunning = false
    }
  }

  #noteArrivals(nodes: readonly Node[]): void {
    const names = new Set(nodes.map(({ metadata }) => metadata.name))
    for (const node of nodes) {
      const { name } = node.metadata
      if (!this.#known.has(name))
        this.#nodeEvent(node, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
      this.#known.set(name, node)
    }
    for (const [name, node] of this.#known) {
      if (names.has(name)) continue
      this.#nodeEvent(node, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
      this.#known.delete(name)
      this.#health.delete(name)
      this.#unmarked.delete(name)
      this.#queueOf(node).waiting.delete(name)
    }
  }

  async #judge(node: Node): Promise<{ isReady: boolean } | undefined> {
    const { client, clock, signal } = this.#context
    const { name } = node.metadata
    const nowMs = clock.now()
    const health = observeHealth(node, this.#leases.get(NODE_LEASE_NAMESPACE, name), this.#health.get(name), nowMs)
    this.#health.set(name, health)
    const before = conditionOf(node.status.conditions, 'Ready')?.status ?? 'Unknown'
    const conditions = unknownConditions(node, health, this.#grace, nowMs)
    if (conditions) {
      try {
        // Only ours, and only as long as the kubelet has not written meanwhile.
        const changed = conditions.filter((condition) => !node.status.conditions?.includes(condition))
        const { resourceVersion } = node.metadata
        const patch = { metadata: { resourceVersion }, status: { conditions: changed } }
        await client.patch(nodeResource, { name }, patch, { subresource: 'status', signal })
      } catch (err) {
        if (!isStatus(err, 'NotFound', 'Conflict')) {
          this.#log.warn({ node: name, reason: messageOf(err) }, 'cannot update the health of a node')
        }
        return undefined
      }
    }
    const ready = conditionOf(conditions ?? node.status.conditions, 'Ready')
    if (!ready) return { isReady: false }
    await this.#followEvictionTaint(node, ready.status)
    if (ready.status !== 'True' && before === 'True') {
      this.#nodeEvent(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
      this.#unmarked.add(name)
    } else if (ready.status !== 'True' && conditions === undefined && this.#zones.size === 0) {
      // It failed while no controller ran.
      this.#unmarked.add(name)
    } else if (ready.status === 'True') this.#unmarked.delete(name)
    if (this.#unmarked.has(name) && (await this.#markPodsNotReady(podsOnNode(this.#pods, name))))
      this.#unmarked.delete(name)
    return { isReady: ready.status === 'True' }
  }

  /** Takes the taint off a ready node, exchanges one for the other, or lines the node up for its first. */
  async #followEvictionTaint(node: Node, readyStatus: string): Promise<void> {
    const { name } = node.metadata
    const { taints } = node.spec
    if (readyStatus === 'True') {
      this.#queueOf(node).waiting.delete(name)
      await this.#setEvictionTaint(node, undefined)
      return
    }
    const [wanted, other] =
      readyStatus === 'False' ? ([NOT_READY, UNREACHABLE] as const) : ([UNREACHABLE, NOT_READY] as const)
    if (hasEvictionTaint(taints, other)) await this.#setEvictionTaint(node, wanted)
    else if (!hasEvictionTaint(taints, wanted)) this.#queueOf(node).waiting.add(name)
  }

  async #setEvictionTaint(node: Node, key: typeof NOT_READY | typeof UNREACHABLE | undefined): Promise<boolean> {
    const taints = withEvictionTaint(node.spec.taints, key, formatTime(this.#context.clock.now()))
    if (semanticEqual(taints, node.spec.taints)) return true
    try {
      await this.#patch(node, { spec: { taints } }, this.#context.signal)
      return true
    } catch (err) {
      if (isStatus(err, 'NotFound')) return true
      if (!isStatus(err, 'Conflict') && !this.#context.signal.aborted) {
        this.#log.warn({ node: node.metadata.name, reason: messageOf(err) }, 'cannot change the taints of a node')
      }
      return false
    }
  }

  #queueOf(node: Node): TaintQueue {
    const zone = zoneOf(node)
    let queue = this.#taintQueues.get(zone)
    if (!queue) {
      const { evictionRate } = this.#limits
      queue = { waiting: new Set(), tokens: 1, filledAtMs: this.#context.clock.monotonic(), perSecond: evictionRate }
      this.#taintQueues.set(zone, queue)
    }
    return queue
  }

  /** Taints as many waiting nodes as each zone's rate allows. */
  async #taintNext(): Promise<void> {
    const nowMs = this.#context.clock.monotonic()
    for (const queue of this.#taintQueues.values()) {
      queue.tokens = Math.min(1, queue.tokens + ((nowMs - queue.filledAtMs) / 1000) * queue.perSecond)
      queue.filledAtMs = nowMs
      if (queue.perSecond === 0) continue
      for (const name of queue.waiting) {
        if (queue.tokens < 1) break
        const node = this.#nodes.get(undefined, name)
        const status = conditionOf(node?.status.conditions, 'Ready')?.status
        queue.waiting.delete(name)
        if (!node || status === undefined || status === 'True') continue
        queue.tokens--
        if (!(await this.#setEvictionTaint(node, status === 'False' ? NOT_READY : UNREACHABLE))) {
          queue.tokens = 1
          queue.waiting.add(name)
          break
        }
      }
    }
  }

  async #handleDisruption(zones: ReadonlyMap<string, ZoneCounts>, nodes: readonly Node[]): Promise<void> {
    const plan = planDisruption(this.#zones, zones, this.#limits)
    this.#zones = plan.states
    for (const [zone, perSecond] of plan.rates) {
      const queue = this.#taintQueues.get(zone)
      if (queue) queue.perSecond = perSecond
    }
    if (plan.enters) {
      this.#log.info({ nodes: nodes.length }, 'all nodes are unready: nothing is evicted until one is ready again')
      for (const queue of this.#taintQueues.values()) queue.waiting.clear()
      await Promise.all(
        nodes.map((node) => this.#setEvictionTaint(this.#nodes.get(undefined, node.metadata.name) ?? node, undefined)),
      )
    }
    if (plan.leaves) {
      this.#log.info({}, 'nodes are ready again: evictions resume')
      const nowMs = this.#context.clock.now()
      for (const [name, health] of this.#health) this.#health.set(name, { ...health, changedAtMs: nowMs })
    }
    if (!plan.enters) await this.#taintNext()
  }

  async #markIfOnFailedNode(pod: Pod): Promise<void> {
    const node = this.#nodes.get(undefined, pod.spec.nodeName!)
    const ready = conditionOf(node?.status.conditions, 'Ready')
    if (ready && ready.status !== 'True') await this.#markPodsNotReady([pod])
  }

  /** So that no Service sends them traffic. Returns whether all could be marked. */
  async #markPodsNotReady(pods: readonly Pod[]): Promise<boolean> {
    const { client, clock, recorder, signal } = this.#context
    const results = await Promise.all(
      pods.map(async (pod) => {
        const ready = conditionOf(pod.status.conditions, 'Ready')
        if (ready?.status !== 'True') return true
        const conditions = withCondition(
          pod.status.conditions,
          { ...ready, status: 'False', lastTransitionTime: undefined },
          formatTime(clock.now()),
        )
        const patch = {
          metadata: { uid: pod.metadata.uid },
          status: { conditions: conditions.filter(({ type }) => type === 'Ready') },
        }
        try {
          await client.patch(podResource, pod.metadata, patch, { subresource: 'status', signal })
          recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
          return true
        } catch (err) {
          return isStatus(err, 'NotFound', 'Conflict')
        }
      }),
    )
    return results.every(Boolean)
  }

  #nodeEvent({ metadata: { name, uid } }: Node, reason: string, message: string): void {
    const type: EventType = 'Normal'
    this.#context.recorder.event({ apiVersion: 'v1', kind: 'Node', name, uid }, type, reason, message)
  }
}
