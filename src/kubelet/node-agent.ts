/**
 * Registers this machine as a Node and keeps its status: looked at every ten seconds, sent when it changed, and at least
 * every five minutes. Life is told by a Lease, not by this. Upstream: `kubelet_node_status.go`.
 */
import { type Clock, sleep } from '#base/clock.ts'
import { jsonEqual } from '#base/equal.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Node, NodeStatus } from '#api/core/v1/node.ts'
import { nodes } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import type { EventRecorder } from '#client/event-recorder.ts'
import { runLeaseHeartbeat } from '#client/lease.ts'
import { isStatus } from '#machinery/status-error.ts'
import {
  conditionEvents,
  initialNode,
  nodeLabels,
  type NodeIdentity,
  type NodeObservation,
  nodeStatus,
} from './node-object.ts'

export interface NodeAgentOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  recorder: EventRecorder
  identity: NodeIdentity
  observe(): Promise<NodeObservation>
  signal: AbortSignal
}

const PERIOD_MS = 10_000
/** Until the node is ready it is looked at more often, so that it is not waited for longer than it takes. */
const UNREADY_PERIOD_MS = 100
const REPORT_MS = 5 * 60_000
const MAX_RETRY_MS = 7_000
const LEASE_SECONDS = 40

export class NodeAgent {
  readonly #options: NodeAgentOptions
  #node: Node | undefined
  #reportedAtMs = -Infinity
  #wake = () => {}

  constructor(options: NodeAgentOptions) {
    this.#options = options
  }

  /** As the API has it, once registered. */
  get node(): Node | undefined {
    return this.#node
  }

  /** Looks at the status now, e.g. because pressure began. */
  poke(): void {
    this.#wake()
  }

  /** Takes note of the object as the API has it. */
  observe(node: Node): void {
    if (!this.#node || Number(node.metadata.resourceVersion) > Number(this.#node.metadata.resourceVersion)) {
      this.#node = node
    }
  }

  /** Resolves once registered; retries until then. Rejects only with the signal's reason. */
  async register(): Promise<void> {
    const { client, clock, identity, log, signal } = this.#options
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, MAX_RETRY_MS)) {
      try {
        const seen = await this.#options.observe()
        const draft = initialNode(identity, seen, clock.now())
        const existing = await client.find(nodes, { name: identity.nodeName }, { signal })
        this.#node = existing
          ? await this.#adopt(existing, nodeLabels(identity, seen.machine))
          : await client.create(nodes, draft, { signal })
        this.#reportedAtMs = existing ? -Infinity : clock.monotonic()
        log.info({ node: identity.nodeName }, 'the node is registered')
        return
      } catch (thrown) {
        signal.throwIfAborted()
        if (!isStatus(thrown, 'AlreadyExists')) {
          log.warn({ node: identity.nodeName, reason: messageOf(thrown) }, 'cannot register the node; trying again')
        }
        await sleep(clock, pauseMs, signal)
      }
    }
  }

  /** Keeps status and lease until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { client, clock, identity, log, random, signal } = this.#options
    const owners = () =>
      this.#node && [{ apiVersion: 'v1', kind: 'Node', name: this.#node.metadata.name, uid: this.#node.metadata.uid }]
    const lease = runLeaseHeartbeat(
      {
        client,
        clock,
        random,
        log,
        namespace: 'kube-node-lease',
        name: identity.nodeName,
        identity: identity.nodeName,
        durationMs: LEASE_SECONDS * 1000,
        owners,
      },
      signal,
    )
    while (!signal.aborted) {
      try {
        await this.#report()
      } catch (thrown) {
        if (signal.aborted) break
        if (isStatus(thrown, 'NotFound')) await this.register().catch(() => {})
        else log.warn({ node: identity.nodeName, reason: messageOf(thrown) }, 'cannot write the status of the node')
      }
      await this.#pause()
    }
    await lease
  }

  async #pause() {
    const { clock, signal } = this.#options
    const isReady = this.#node?.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
    const stop = new AbortController()
    this.#wake = () => stop.abort()
    await sleep(clock, isReady ? PERIOD_MS : UNREADY_PERIOD_MS, AbortSignal.any([signal, stop.signal])).catch(() => {})
    this.#wake = () => {}
  }

  /** Labels that say what the machine is are the agent's; the others may have been set by people since. */
  async #adopt(existing: Node, labels: Readonly<Record<string, string>>): Promise<Node> {
    const wrong = Object.entries(labels).filter(([key, value]) => existing.metadata.labels?.[key] !== value)
    if (wrong.length === 0) return existing
    const patch = { metadata: { labels: Object.fromEntries(wrong) } }
    return this.#options.client.patch(nodes, existing.metadata, patch, { signal: this.#options.signal })
  }

  async #report(): Promise<void> {
    const { client, clock, identity, recorder, signal } = this.#options
    const node = this.#node
    if (!node) return
    const wanted = nodeStatus(identity, await this.#options.observe(), node.status, clock.now())
    const isDue = clock.monotonic() - this.#reportedAtMs >= REPORT_MS
    const patch = statusPatch(node.status, wanted, isDue)
    if (!patch) return
    this.observe(await client.patch(nodes, { name: identity.nodeName }, patch, { subresource: 'status', signal }))
    this.#reportedAtMs = clock.monotonic()
    for (const { reason, message } of conditionEvents(
      identity.nodeName,
      node.status.conditions ?? [],
      wanted.conditions ?? [],
    )) {
      recorder.event(node, 'Normal', reason, message)
    }
  }
}

/** What differs; heartbeat times alone only when a report is due. */
export function statusPatch(current: NodeStatus, wanted: NodeStatus, isDue: boolean): object | undefined {
  const status: Record<string, unknown> = {}
  for (const key of Object.keys(wanted) as (keyof NodeStatus)[]) {
    if (key === 'conditions') continue
    if (!jsonEqual(current[key], wanted[key])) status[key] = wanted[key]
  }
  if (status.addresses) status.addresses = [...(wanted.addresses ?? []), { $patch: 'replace' }]
  const changed = (wanted.conditions ?? []).filter((c) => {
    const before = current.conditions?.find((b) => b.type === c.type)
    return !before || before.status !== c.status || before.reason !== c.reason || before.message !== c.message
  })
  const conditions = isDue || changed.length > 0 ? wanted.conditions : []
  if (Object.keys(status).length === 0 && !conditions?.length) return undefined
  return { status: { ...status, ...(conditions?.length && { conditions }) } }
}
