/**
 * The extension points of the scheduler (upstream: the scheduling framework). A cycle runs, for one pod: PreFilter,
 * Filter, PostFilter where no node is left, PreScore, Score with normalisation, Reserve and Permit; then, in the
 * background, PreBind, Bind and PostBind. PreEnqueue and QueueSort are the queue's.
 *
 * Nodes are indexes into the NodeTable. Everything up to Permit is synchronous and must not write to the cluster.
 * A plugin's `scope` says what its answers depend on:
 *  - `node`: the pod's shape and the one node. PreFilter and PreScore run once per shape, and answers are kept until the
 *    node changes. Where answers can change for nodes that did not, `stamp` must change too.
 *  - `cluster`: anything. Runs in every cycle, over those nodes that are left.
 */
import type { ReplicaSet, StatefulSet } from '#api/apps/v1.ts'
import type { Namespace } from '#api/core/v1/namespace.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { ReplicationController } from '#api/core/v1/replication-controller.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { Lister } from '#client/informer.ts'
import type { NodeTable } from '../state/node-table.ts'
import type { PodInfo } from '../state/pod-info.ts'
import type { QueuedPod } from '../queue/queued-pod.ts'
import type { ClusterEvent } from './cluster-event.ts'
import type { FilterCode, Rejection, Skip } from './status.ts'

export interface Plugin {
  /** Upstream's name of it, as in messages and configuration. */
  readonly name: string
  /** The events after which a pod that this plugin rejected is worth another try. */
  readonly events?: readonly EventHint[]
}

export interface EventHint {
  readonly event: ClusterEvent
  /**
   * Whether what happened may make `pod` schedulable as far as this plugin is concerned; without it, it always may.
   * `before` is undefined for what was added, `after` for what was deleted.
   */
  mayHelp?(pod: PodInfo, before: unknown, after: unknown): boolean
}

export interface PreEnqueuePlugin extends Plugin {
  /** Why the pod may not become active yet, or undefined. */
  preEnqueue(pod: Pod): string | undefined
}

export interface QueueSortPlugin extends Plugin {
  less(a: QueuedPod, b: QueuedPod): boolean
}

export type PreFilterResult<S> = Skip | Rejection | Prepared<S>

export interface Prepared<S> {
  readonly state: S
  /** Only these nodes need to be looked at; all, where absent. */
  readonly nodeNames?: ReadonlySet<string>
}

// oxlint-disable-next-line typescript/no-explicit-any -- a profile holds plug-ins of different state types side by side
export interface FilterPlugin<S = any> extends Plugin {
  readonly scope: 'node' | 'cluster'
  preFilter(pod: PodInfo): PreFilterResult<S>
  filter(state: S, node: number): FilterCode
  /** Why `filter` refused; called only where it did, and only when somebody is told. */
  reasons(state: S, node: number): readonly string[]
  /** Scope `node` only: changes whenever an answer changes for a node that itself did not. */
  stamp?(state: S): number
}

/** The nodes that passed all filters, and those that did not, with the reasons. */
export interface FilterOutcome {
  /** By node index; FITS for none, because PostFilter runs only where no node fits. */
  code(node: number): FilterCode
}

export interface PostFilterResult {
  /** The pod now waits for this node, or for none (the empty name). Absent: as before. */
  readonly nominatedNodeName?: string
  /** What the message about the failure ends with. */
  readonly message: string
}

export interface PostFilterPlugin extends Plugin {
  postFilter(pod: PodInfo, outcome: FilterOutcome): PostFilterResult
}

/** The feasible nodes of a cycle: `nodes[0]` to `nodes[count - 1]`. The array is reused: do not keep it. */
export interface NodeList {
  readonly nodes: Int32Array
  readonly count: number
}

/**
 * How raw scores become scores from 0 to 100: as they are, in proportion to the greatest, that subtracted from 100, or
 * by the plugin itself, which then rewrites `scores[i]`, the raw score of `list.nodes[i]`.
 */
export type Normalization<S> =
  | 'none'
  | 'proportional'
  | 'reversed'
  | ((state: S, scores: Float64Array, list: NodeList) => void)

// oxlint-disable-next-line typescript/no-explicit-any -- a profile holds plug-ins of different state types side by side
export interface ScorePlugin<S = any> extends Plugin {
  readonly scope: 'node' | 'cluster'
  readonly normalization: Normalization<S>
  /** `feasible` lists the nodes on first use. Plugins of scope `node` must not use it. */
  preScore(pod: PodInfo, feasible: () => NodeList): S | Skip
  /** An integer. */
  score(state: S, node: number): number
  /** Scope `node` only: changes whenever a score changes for a node that itself did not. */
  stamp?(state: S): number
}

export interface ReservePlugin extends Plugin {
  reserve(pod: PodInfo, nodeName: string): Rejection | undefined
  /** Undoes `reserve`; must be harmless where there is nothing to undo. */
  unreserve(pod: PodInfo, nodeName: string): void
}

export interface PermitPlugin extends Plugin {
  /** A promise makes the pod wait, at most for as long as the scheduler lets it, for permission (undefined) or refusal. */
  permit(pod: PodInfo, nodeName: string, signal: AbortSignal): Rejection | undefined | Promise<Rejection | undefined>
}

export interface PreBindPlugin extends Plugin {
  /** Rejects where the pod cannot be bound after all. */
  preBind(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void>
}

export interface BindPlugin extends Plugin {
  bind(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void>
}

export interface PostBindPlugin extends Plugin {
  postBind(pod: PodInfo, nodeName: string): void
}

/** The plugins of one scheduler name, in the order in which they run. */
export interface Profile {
  readonly schedulerName: string
  readonly preEnqueue: readonly PreEnqueuePlugin[]
  readonly queueSort: QueueSortPlugin
  readonly filters: readonly FilterPlugin[]
  readonly postFilters: readonly PostFilterPlugin[]
  readonly scores: readonly { readonly plugin: ScorePlugin; readonly weight: number }[]
  readonly reserve: readonly ReservePlugin[]
  readonly permit: readonly PermitPlugin[]
  readonly preBind: readonly PreBindPlugin[]
  readonly bind: BindPlugin
  readonly postBind: readonly PostBindPlugin[]
}

/** Every plugin of the profile, once. */
export function pluginsOf(profile: Profile): Plugin[] {
  return [
    ...new Set<Plugin>([
      ...profile.preEnqueue,
      profile.queueSort,
      ...profile.filters,
      ...profile.postFilters,
      ...profile.scores.map((s) => s.plugin),
      ...profile.reserve,
      ...profile.permit,
      ...profile.preBind,
      profile.bind,
      ...profile.postBind,
    ]),
  ]
}

/** What plugins are made with. */
export interface PluginHandle {
  readonly nodes: NodeTable
  readonly listers: PluginListers
}

/** Other objects that plugins look at. */
export interface PluginListers {
  readonly namespaces: Lister<Namespace>
  readonly services: Lister<Service>
  readonly replicationControllers: Lister<ReplicationController>
  readonly replicaSets: Lister<ReplicaSet>
  readonly statefulSets: Lister<StatefulSet>
}
