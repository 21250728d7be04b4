/**
 * The pods that wait to be scheduled (upstream: `PriorityQueue`). A pod is in exactly one place: active, to be taken
 * next; backing off, after a failed attempt; unschedulable, until something happens that may help it, or for five
 * minutes at most; or taken out (in flight) until `done` or `addUnschedulable` is called for it.
 *
 * Events that happen while a pod is in flight are remembered and held against its rejection when it comes back, so that
 * no event is missed between an attempt and its failure.
 */
import type { Clock, Timer } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { events, matchesEvent, podChangeEvents } from '../framework/cluster-event.ts'
import type { Profile } from '../framework/plugin.ts'
import type { PodInfo } from '../state/pod-info.ts'
import { type ClusterChange, EventHints, type Requeueing } from './event-hints.ts'
import { Heap } from './heap.ts'
import { type QueuedPod, queuedPod } from './queued-pod.ts'

export interface SchedulingQueueOptions {
  clock: Clock
  log: Log
  /** By scheduler name. All must sort alike; the first one's QueueSort is used. */
  profiles: ReadonlyMap<string, Profile>
  /** Called when there may be a pod to take where there was none. */
  onReady: () => void
  initialBackoffMs?: number
  maxBackoffMs?: number
  /** How long a pod may be unschedulable before it is tried again without any event. */
  maxUnschedulableMs?: number
}

/** Back-offs end at whole seconds, so that pods that come due together are ordered by priority. */
const WINDOW_MS = 1000
const FLUSH_PERIOD_MS = 30_000

export class SchedulingQueue {
  readonly #options: Required<SchedulingQueueOptions>
  readonly #hints: EventHints
  readonly #pods = new Map<string, QueuedPod>()
  readonly #active: Heap<QueuedPod>
  readonly #backoff: Heap<QueuedPod>
  readonly #errorBackoff: Heap<QueuedPod>
  readonly #unschedulable = new Set<QueuedPod>()
  /** Unschedulable pods by each plugin that rejected or gates them; under the empty name those that none did. */
  readonly #byPlugin = new Map<string, Set<QueuedPod>>()
  /** Pods in flight, by uid, each with where in `#inFlightChanges` its attempt began. */
  readonly #inFlight = new Map<string, { pod: QueuedPod; since: number }>()
  #inFlightChanges: ClusterChange[] = []
  /** How many changes were dropped from the front of `#inFlightChanges`. */
  #droppedChanges = 0
  #sequence = 0
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #isClosed = false

  constructor(options: SchedulingQueueOptions) {
    this.#options = { initialBackoffMs: 1000, maxBackoffMs: 10_000, maxUnschedulableMs: 300_000, ...options }
    this.#hints = new EventHints(options.profiles.values(), options.log)
    const [profile] = options.profiles.values()
    if (!profile) throw new TypeError('a scheduling queue needs at least one profile')
    const sort = (a: QueuedPod, b: QueuedPod) => profile.queueSort.less(a, b)
    this.#active = new Heap(sort)
    this.#backoff = new Heap((a, b) => {
      const [x, y] = [this.#backoffUntil(a), this.#backoffUntil(b)]
      return x === y ? sort(a, b) : x < y
    })
    this.#errorBackoff = new Heap((a, b) => this.#backoffUntil(a) < this.#backoffUntil(b))
  }

  /** Adds a pod that is not in the queue, or replaces one that is. */
  add(info: PodInfo): void {
    this.delete(info.uid)
    const pod = queuedPod(info, this.#options.clock.now(), this.#sequence++)
    this.#pods.set(info.uid, pod)
    this.#toActive(pod)
  }

  /**
   * Takes out the pod to be scheduled next. Where none is active, one that backs off after it was unschedulable will do:
   * the back-off is there to let others go first. Those that back off after an error stay.
   */
  pop(): QueuedPod | undefined {
    const pod = this.#active.pop() ?? this.#backoff.pop()
    if (!pod) return undefined
    pod.place = 'none'
    pod.attempts++
    this.#inFlight.set(pod.info.uid, { pod, since: this.#droppedChanges + this.#inFlightChanges.length })
    return pod
  }

  /** The attempt of a pod that was taken out ended well, or the pod is of no more interest. */
  done(uid: string): void {
    const flight = this.#inFlight.get(uid)
    if (!flight) return
    this.#inFlight.delete(uid)
    if (flight.pod.place === 'none') this.#pods.delete(uid)
    this.#dropChanges()
  }

  /**
   * Puts a pod that was taken out back, be its attempt done or not: with the plugins that rejected it set it waits for an
   * event that may help, with none it is tried again after a back-off. `info` is its latest version. Ignored where the
   * pod has been deleted while in flight, or has come back by itself.
   */
  addUnschedulable(pod: QueuedPod, info: PodInfo): void {
    const known = this.#pods.get(info.uid)
    const flight = this.#inFlight.get(info.uid)
    const isDeleted = flight !== undefined && known === undefined
    const isBack = known !== undefined && (known !== pod || pod.place !== 'none')
    const changes = flight ? this.#inFlightChanges.slice(flight.since - this.#droppedChanges) : []
    this.#inFlight.delete(info.uid)
    this.#dropChanges()
    if (isDeleted || isBack) return
    this.#pods.set(info.uid, pod)
    pod.info = info
    const isRejected = pod.unschedulablePlugins.size + pod.pendingPlugins.size > 0
    if (isRejected) {
      pod.unschedulableCount++
      pod.consecutiveErrors = 0
    } else {
      pod.consecutiveErrors++
    }
    pod.timestampMs = this.#options.clock.now()
    pod.sequence = this.#sequence++
    pod.backoffUntilMs = undefined
    this.#requeue(pod, isRejected ? this.#judgeAll(pod, changes) : 'afterBackoff')
  }

  /** A pod that is not assigned to a node changed. It is added where it was not known. */
  update(info: PodInfo, before: Pod): void {
    const pod = this.#pods.get(info.uid)
    if (!pod) return this.add(info)
    const changes = podChangeEvents(before, info.pod).map((event) => ({ event, before, after: info.pod }))
    if (this.#inFlight.has(info.uid)) {
      // The attempt goes on with the old version; what changed counts when it fails.
      this.#inFlightChanges.push(...changes)
      return
    }
    pod.info = info
    if (pod.place !== 'unschedulable') {
      this.#heapOf(pod)?.moved(pod)
      return
    }
    this.#requeueIfWorth(pod, changes)
  }

  delete(uid: string): void {
    const pod = this.#pods.get(uid)
    if (!pod) return
    this.#takeOut(pod)
    this.#pods.delete(uid)
  }

  /** Something happened in the cluster: moves the unschedulable pods that it may help, of those that `concerns` accepts. */
  moveOn(change: ClusterChange, concerns?: (pod: PodInfo) => boolean): void {
    if (this.#inFlight.size > 0) this.#inFlightChanges.push(change)
    if (this.#unschedulable.size === 0) return
    const plugins = this.#hints.pluginsFor(change.event)
    const candidates = plugins ? this.#rejectedBy(plugins) : [...this.#unschedulable]
    for (const pod of candidates) {
      if (concerns && !concerns(pod.info)) continue
      this.#requeueIfWorth(pod, [change])
    }
  }

  /** Makes a pod active at once, whatever it waits for, because a plugin asks for it. */
  activate(uid: string): void {
    const pod = this.#pods.get(uid)
    if (!pod || pod.place === 'active') return
    if (this.#inFlight.has(uid)) {
      this.#inFlightChanges.push({ event: events.forceActivate, before: undefined, after: pod.info.pod })
      return
    }
    this.#takeOut(pod)
    this.#toActive(pod)
  }

  get(uid: string): QueuedPod | undefined {
    return this.#pods.get(uid)
  }

  /** Whether `pop` would return a pod. */
  get isReady(): boolean {
    return this.#active.size > 0 || this.#backoff.size > 0
  }

  /** Whether anybody waits for events. */
  get isAttentive(): boolean {
    return this.#unschedulable.size > 0 || this.#inFlight.size > 0
  }

  get sizes(): { active: number; backoff: number; unschedulable: number; inFlight: number } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      unschedulable: this.#unschedulable.size,
      inFlight: this.#inFlight.size,
    }
  }

  /** How many changes are remembered for pods in flight. */
  get rememberedChanges(): number {
    return this.#inFlightChanges.length
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #judgeAll(pod: QueuedPod, changes: readonly ClusterChange[]): Requeueing {
    let result: Requeueing = 'skip'
    for (const change of changes) {
      if (change.event === events.forceActivate && (change.after as Pod).metadata.uid !== pod.info.uid) continue
      const judged = this.#hints.judge(pod, change)
      if (judged === 'immediately') return judged
      if (judged === 'afterBackoff') result = judged
    }
    return result
  }

  #requeueIfWorth(pod: QueuedPod, changes: readonly ClusterChange[]) {
    const relevant = pod.gatedBy
      ? changes.filter(({ event }) => pod.gateEvents.some((registered) => matchesEvent(registered, event)))
      : changes
    const judged = this.#judgeAll(pod, relevant)
    if (judged === 'skip') return
    this.#takeOut(pod)
    this.#requeue(pod, judged)
  }

  #requeue(pod: QueuedPod, how: Requeueing) {
    if (how === 'skip') this.#toUnschedulable(pod)
    else if (how === 'afterBackoff' && this.#isBackingOff(pod)) this.#toBackoff(pod)
    else this.#toActive(pod)
  }

  #toActive(pod: QueuedPod) {
    if (!this.#passesGates(pod)) return this.#toUnschedulable(pod)
    pod.place = 'active'
    this.#active.push(pod)
    this.#options.onReady()
  }

  #toBackoff(pod: QueuedPod) {
    if (!this.#passesGates(pod)) return this.#toUnschedulable(pod)
    const isError = pod.unschedulablePlugins.size + pod.pendingPlugins.size === 0
    pod.place = isError ? 'errorBackoff' : 'backoff'
    if (isError) this.#errorBackoff.push(pod)
    else this.#backoff.push(pod)
    this.#wakeAt(this.#backoffUntil(pod) + WINDOW_MS)
    if (!isError) this.#options.onReady()
  }

  #toUnschedulable(pod: QueuedPod) {
    pod.place = 'unschedulable'
    this.#unschedulable.add(pod)
    for (const plugin of rejectors(pod)) {
      const pods = this.#byPlugin.get(plugin)
      if (pods) pods.add(pod)
      else this.#byPlugin.set(plugin, new Set([pod]))
    }
    this.#wakeAt(this.#options.clock.now() + FLUSH_PERIOD_MS)
  }

  #takeOut(pod: QueuedPod) {
    if (pod.place === 'unschedulable') {
      this.#unschedulable.delete(pod)
      for (const plugin of rejectors(pod)) {
        const pods = this.#byPlugin.get(plugin)
        pods?.delete(pod)
        if (pods?.size === 0) this.#byPlugin.delete(plugin)
      }
    } else {
      this.#heapOf(pod)?.remove(pod)
    }
    pod.place = 'none'
  }

  #heapOf(pod: QueuedPod): Heap<QueuedPod> | undefined {
    if (pod.place === 'active') return this.#active
    if (pod.place === 'backoff') return this.#backoff
    return pod.place === 'errorBackoff' ? this.#errorBackoff : undefined
  }

  #rejectedBy(plugins: ReadonlySet<string>): Set<QueuedPod> {
    const found = new Set<QueuedPod>(this.#byPlugin.get(''))
    for (const plugin of plugins) for (const pod of this.#byPlugin.get(plugin) ?? []) found.add(pod)
    return found
  }

  #passesGates(pod: QueuedPod): boolean {
    const schedulerName = pod.info.pod.spec.schedulerName ?? ''
    for (const plugin of this.#options.profiles.get(schedulerName)?.preEnqueue ?? []) {
      if (plugin.preEnqueue(pod.info.pod) === undefined) continue
      pod.gatedBy = plugin.name
      pod.gateEvents = this.#hints.eventsOf(schedulerName, plugin.name)
      pod.unschedulablePlugins.add(plugin.name)
      return false
    }
    pod.gatedBy = undefined
    pod.gateEvents = []
    return true
  }

  #isBackingOff(pod: QueuedPod): boolean {
    const window = Math.floor(this.#options.clock.now() / WINDOW_MS) * WINDOW_MS
    return this.#backoffUntil(pod) >= window
  }

  #backoffUntil(pod: QueuedPod): number {
    const count = pod.consecutiveErrors > 0 ? pod.consecutiveErrors : pod.unschedulableCount
    if (count === 0 || this.#options.maxBackoffMs === 0) return 0
    if (pod.backoffUntilMs === undefined) {
      const { initialBackoffMs, maxBackoffMs } = this.#options
      const delayMs = Math.min(initialBackoffMs * 2 ** Math.min(count - 1, 40), maxBackoffMs)
      pod.backoffUntilMs = Math.floor((pod.timestampMs + delayMs) / WINDOW_MS) * WINDOW_MS
    }
    return pod.backoffUntilMs
  }

  /** One timer for all: it looks at what is due and sets itself again. */
  #wakeAt(atMs: number) {
    if (this.#isClosed || atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#options.clock.after(atMs - this.#options.clock.now(), () => {
      this.#timerAtMs = Infinity
      this.#flush()
    })
  }

  #flush() {
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let pod = heap.peek(); pod && !this.#isBackingOff(pod); pod = heap.peek()) {
        this.#takeOut(pod)
        this.#toActive(pod)
      }
      const next = heap.peek()
      if (next) this.#wakeAt(this.#backoffUntil(next) + WINDOW_MS)
    }
    const now = this.#options.clock.now()
    const { maxUnschedulableMs } = this.#options
    const overdue = Array.from(this.#unschedulable).filter(
      (p) => now - p.timestampMs > maxUnschedulableMs && !p.gatedBy,
    )
    for (const pod of overdue) {
      this.#requeueIfWorth(pod, [{ event: events.unschedulableTimeout, before: undefined, after: undefined }])
    }
    if (this.#unschedulable.size > 0) this.#wakeAt(now + FLUSH_PERIOD_MS)
  }

  /** Forgets the changes that happened before the oldest attempt in flight. */
  #dropChanges() {
    const [oldest] = this.#inFlight.values()
    const keepFrom = oldest ? oldest.since - this.#droppedChanges : this.#inFlightChanges.length
    if (keepFrom === 0) return
    this.#inFlightChanges = this.#inFlightChanges.slice(keepFrom)
    this.#droppedChanges += keepFrom
  }
}

function rejectors(pod: QueuedPod): Iterable<string> {
  const all = [...pod.unschedulablePlugins, ...pod.pendingPlugins]
  return all.length > 0 ? all : ['']
}
