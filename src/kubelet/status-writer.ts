/**
 * Brings the statuses of this node's pods to the API: only what changed, newest wins, one request per pod at a time. Deletes
 * the object when the API asked for it and nothing of the pod is left. Upstream: `kubelet/status/status_manager.go`.
 *
 * Invariant: statuses of a pod reach the API in the order in which they were set; intermediate ones may be skipped.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import type { Pod, PodStatus } from '#api/core/v1/pod.ts'
import { pods } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'
import { isTerminalPhase } from './pod-spec.ts'
import { mergePodStatus, podStatusPatch } from './status-patch.ts'

export interface StatusWriterOptions {
  client: Client
  clock: Clock
  log: Log
  /** Requests at a time. Default 16. */
  parallelRequests?: number
}

interface Entry {
  /** The newest version of the object that is known. */
  base: Pod
  wanted: PodStatus | undefined
  mayRun: boolean
  /** Nothing of the pod is left on this node. */
  isFinished: boolean
  isBusy: boolean
  isDirty: boolean
  timer: Timer | undefined
  failures: number
  /** The last patch that was taken, as text, and when (monotonic). */
  sent: { patch: string; atMs: number } | undefined
}

/** A pod that is about to run in a moment need not say first that it is being created. */
export const CREATION_DELAY_MS = 400
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 10_000
/** A patch that the API takes but does not keep is not sent again sooner. */
const REPEAT_MS = 10_000

export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #entries = new Map<string, Entry>()
  readonly #requests: Limiter
  #isClosed = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
    this.#requests = new Limiter(options.parallelRequests ?? 16)
  }

  /** What was set last; undefined for a pod that nothing was set for. */
  current(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.wanted
  }

  /** Takes note of the object as the API has it; differences to what was set are written again. */
  observe(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid)
    if (!entry) return
    if (versionOf(pod) > versionOf(entry.base)) entry.base = pod
    if (entry.wanted) this.#schedule(entry, 0)
  }

  /**
   * Sets the status. `mayRun`: containers may still run, so a final phase is held back. `delayMs` lets a better status
   * replace this one before it is sent.
   */
  set(pod: Pod, status: PodStatus, { mayRun = true, delayMs = 0 }: { mayRun?: boolean; delayMs?: number } = {}): void {
    const entry = this.#entry(pod)
    entry.wanted = status
    entry.mayRun = mayRun
    this.#schedule(entry, delayMs)
  }

  /** As `set`, and the last one: the pod has gone from this node, so the object may go too. */
  finish(pod: Pod, status: PodStatus): void {
    const entry = this.#entry(pod)
    entry.wanted = status
    entry.mayRun = false
    entry.isFinished = true
    this.#schedule(entry, 0)
  }

  forget(uid: string): void {
    this.#entries.get(uid)?.timer?.cancel()
    this.#entries.delete(uid)
  }

  close(): void {
    this.#isClosed = true
    for (const entry of this.#entries.values()) entry.timer?.cancel()
  }

  #entry(pod: Pod): Entry {
    let entry = this.#entries.get(pod.metadata.uid)
    if (!entry) {
      entry = {
        base: pod,
        wanted: undefined,
        mayRun: true,
        isFinished: false,
        isBusy: false,
        isDirty: false,
        timer: undefined,
        failures: 0,
        sent: undefined,
      }
      this.#entries.set(pod.metadata.uid, entry)
    } else if (versionOf(pod) > versionOf(entry.base)) entry.base = pod
    return entry
  }

  #schedule(entry: Entry, delayMs: number) {
    if (this.#isClosed) return
    entry.isDirty = true
    if (entry.isBusy) return
    if (delayMs > 0) {
      // The first delay counts: statuses that keep coming must not put it off for ever.
      entry.timer ??= this.#options.clock.after(delayMs, () => void this.#flush(entry))
      return
    }
    void this.#flush(entry)
  }

  async #flush(entry: Entry): Promise<void> {
    entry.timer?.cancel()
    entry.timer = undefined
    if (entry.isBusy) return
    entry.isBusy = true
    try {
      while (entry.isDirty && !this.#isClosed) {
        entry.isDirty = false
        await this.#write(entry)
        entry.failures = 0
      }
    } catch (thrown) {
      this.#failed(entry, thrown)
    } finally {
      entry.isBusy = false
    }
  }

  #failed(entry: Entry, thrown: unknown) {
    const { namespace, name, uid } = entry.base.metadata
    // Gone, or not to be said in this way: trying again can't help. A conflict may pass, or end with the pod's entry.
    if (isStatus(thrown, 'NotFound', 'Invalid')) {
      const fields = { namespace, name, uid, reason: messageOf(thrown) }
      if (isStatus(thrown, 'Invalid')) this.#options.log.error(fields, 'the API refuses the status of a pod')
      else this.#options.log.debug(fields, 'a pod whose status was to be written is gone')
      return
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** entry.failures++, LONGEST_RETRY_MS)
    this.#options.log.warn({ namespace, name, reason: messageOf(thrown) }, 'cannot write the status of a pod')
    if (this.#isClosed || this.#entries.get(uid) !== entry) return
    entry.isDirty = true
    entry.timer ??= this.#options.clock.after(delayMs, () => void this.#flush(entry))
  }

  async #write(entry: Entry): Promise<void> {
    const { client } = this.#options
    const { namespace, name, uid } = entry.base.metadata
    const key = { ...(namespace !== undefined && { namespace }), name }
    if (!entry.wanted) return
    const merged = mergePodStatus(entry.base.status, entry.wanted, entry.mayRun)
    const patch = podStatusPatch(entry.base, merged)
    if (patch && this.#mayRepeat(entry, JSON.stringify(patch))) {
      const answer = await this.#requests.run(() => client.patch(pods, key, patch, { subresource: 'status' }))
      if (versionOf(answer) > versionOf(entry.base)) entry.base = answer
      entry.sent = { patch: JSON.stringify(patch), atMs: this.#options.clock.monotonic() }
    }
    const { deletionTimestamp } = entry.base.metadata
    if (!entry.isFinished || !deletionTimestamp || !isTerminalPhase(entry.base.status.phase)) return
    await this.#requests.run(() => client.delete(pods, key, { gracePeriodSeconds: 0, preconditions: { uid } }))
  }

  /** Puts a patch off that was just sent and had no lasting effect: two who disagree must not shout at each other. */
  #mayRepeat(entry: Entry, patch: string): boolean {
    const { clock } = this.#options
    const leftMs = entry.sent?.patch === patch ? entry.sent.atMs + REPEAT_MS - clock.monotonic() : 0
    if (leftMs <= 0) return true
    entry.timer ??= clock.after(leftMs, () => {
      entry.isDirty = true
      void this.#flush(entry)
    })
    return false
  }
}

/** Versions of one object are numbers that grow. */
const versionOf = (pod: Pod) => Number(pod.metadata.resourceVersion) || 0
