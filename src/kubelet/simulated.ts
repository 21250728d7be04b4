/**
 * Nodes that run nothing: they register, keep their leases, take pods, and report them Running and Ready a moment later, so
 * that everything above a node can be tried at the size of a large cluster, without root. A thousand of them cost one watch
 * and one timer, and nothing for each pod that stays as it is. Upstream: kubemark's hollow nodes.
 *
 * Stateless: all that is known of a pod is in the API, so a restarted process goes on where the one before was.
 */
import { type Clock, sleep, type Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod, PodStatus } from '#api/core/v1/pod.ts'
import { leases, nodes, pods } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import type { Informers } from '#client/informer.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatMicroTime, parseTime } from '#machinery/time.ts'
import type { MachineInfo } from './machine-info.ts'
import { statusPatch } from './node-agent.ts'
import { initialNode, type NodeIdentity, type NodeObservation, nodeStatus } from './node-object.ts'
import { isTerminalPhase } from './pod-spec.ts'
import { endedStatus, runningStatus, SIMULATED_RUNTIME, type SimulatedInputs, simulatedExit } from './simulated-pod.ts'
import { mergePodStatus, podStatusPatch } from './status-patch.ts'

export interface SimulatedNodesOptions {
  /** Names of the nodes. */
  names: readonly string[]
  client: Client
  /** Shared with other components of the process. */
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  /** What `nodeInfo.kubeletVersion` says. */
  version: string
  /** Of each node; default 32 processors, 256 GiB, 250 pods. */
  capacity?: { cpuCount: number; memoryBytes: number; maxPods: number }
  labels?: Readonly<Record<string, string>>
  /** How long a pod takes to run. Default 100 ms, half as much again by chance. */
  startMs?: number
  /** How long a pod takes to end, within its grace period. Default 100 ms. */
  stopMs?: number
  signal?: AbortSignal
}

export interface SimulatedNodes {
  /** Resolves when all nodes are registered; rejects when they can't be. */
  readonly ready: Promise<void>
  /** Nodes stay in the API, and are not ready a while later. */
  close(): Promise<void>
}

const LEASE_SECONDS = 40
const RENEW_MS = 10_000
const REPORT_MS = 5 * 60_000
const PARALLEL_REQUESTS = 32
const RETRY_MS = 1_000
const LEASE_NAMESPACE = 'kube-node-lease'

export function startSimulatedNodes(options: SimulatedNodesOptions): SimulatedNodes {
  const nodesOfProcess = new SimulatedNodeSet(options)
  return { ready: nodesOfProcess.start(), close: () => nodesOfProcess.close() }
}

class SimulatedNodeSet {
  readonly #options: SimulatedNodesOptions
  /** With the position of each. */
  readonly #names: ReadonlyMap<string, number>
  readonly #stop = new AbortController()
  readonly #requests = new Limiter(PARALLEL_REQUESTS)
  /** What is to happen to a pod, by its uid. */
  readonly #timers = new Map<string, Timer>()
  #nextAddress = 1
  #loop: Promise<void> = Promise.resolve()

  constructor(options: SimulatedNodesOptions) {
    this.#options = options
    this.#names = new Map(options.names.map((name, index) => [name, index]))
    options.signal?.addEventListener('abort', () => this.#stop.abort(options.signal!.reason), { once: true })
  }

  async start(): Promise<void> {
    const { informers, names } = this.#options
    await Promise.all(names.map((name) => this.#request(() => this.#register(name))))
    this.#loop = this.#beat()
    const unsubscribe = informers.for(pods).handle({
      added: (pod) => this.#look(pod),
      updated: (pod) => this.#look(pod),
      deleted: (pod) => this.#forget(pod.metadata.uid),
    })
    this.#stop.signal.addEventListener('abort', unsubscribe, { once: true })
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the simulated nodes end'))
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await this.#loop
  }

  /** Repeats until it works or the nodes end. */
  async #request<R>(task: () => Promise<R>): Promise<R> {
    const { clock, log } = this.#options
    for (;;) {
      try {
        return await this.#requests.run(task)
      } catch (thrown) {
        this.#stop.signal.throwIfAborted()
        if (isStatus(thrown, 'NotFound', 'Invalid', 'AlreadyExists', 'Forbidden')) throw thrown
        log.debug({ reason: messageOf(thrown) }, 'a request of a simulated node failed; trying again')
        await sleep(clock, RETRY_MS, this.#stop.signal)
      }
    }
  }

  #identity(nodeName: string): NodeIdentity {
    const index = this.#names.get(nodeName) ?? 0
    return {
      nodeName,
      hostname: nodeName,
      nodeIps: [address(100, 127, index + 1)],
      labels: { 'rostrum.dev/simulated': 'true', ...this.#options.labels },
      taints: [],
      maxPods: this.#options.capacity?.maxPods ?? 250,
      port: 0,
      kubeletVersion: this.#options.version,
      reserved: { milliCpu: 0, memoryBytes: 0 },
    }
  }

  #observation(): NodeObservation {
    const { cpuCount, memoryBytes } = this.#options.capacity ?? { cpuCount: 32, memoryBytes: 256 * 2 ** 30 }
    const machine: MachineInfo = {
      cpuCount,
      memoryBytes,
      swapBytes: 0,
      machineId: '',
      systemUuid: '',
      bootId: '',
      kernelVersion: '',
      osImage: 'Simulated',
      architecture: 'amd64',
      hostname: '',
      hugePages: [],
    }
    return {
      machine,
      diskCapacityBytes: 2 ** 40,
      runtimeVersion: `${SIMULATED_RUNTIME}://1`,
      runtimeHandlers: [],
      supportsStrictGroups: false,
      images: [],
      pressure: { memory: false, disk: false, pid: false },
      problems: [],
    }
  }

  async #register(name: string): Promise<void> {
    const { client, clock } = this.#options
    try {
      await client.create(nodes, initialNode(this.#identity(name), this.#observation(), clock.now()))
    } catch (thrown) {
      if (!isStatus(thrown, 'AlreadyExists')) throw thrown
      await this.#report(name)
    }
    await this.#renew(name)
  }

  async #report(name: string): Promise<void> {
    const { client, clock } = this.#options
    const node: Node | undefined = await client.find(nodes, { name })
    if (!node) return this.#register(name)
    const wanted = nodeStatus(this.#identity(name), this.#observation(), node.status, clock.now())
    const patch = statusPatch(node.status, wanted, true)
    if (patch) await client.patch(nodes, { name }, patch, { subresource: 'status' })
  }

  async #renew(name: string): Promise<void> {
    const { client, clock } = this.#options
    const key = { namespace: LEASE_NAMESPACE, name }
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: formatMicroTime(clock.now()),
    }
    try {
      await client.patch(leases, key, { spec }, { type: 'merge' })
    } catch (thrown) {
      if (!isStatus(thrown, 'NotFound')) throw thrown
      await client.create(leases, { metadata: key, spec })
    }
  }

  /** Goes round all nodes once in RENEW_MS, evenly, so that their heartbeats never come together. Never rejects. */
  async #beat(): Promise<void> {
    const { clock, log, names } = this.#options
    const { signal } = this.#stop
    const rounds = Math.round(REPORT_MS / RENEW_MS)
    for (let round = 0; !signal.aborted; round++) {
      const beganMs = clock.monotonic()
      for (const [index, name] of names.entries()) {
        const dueMs = beganMs + (index * RENEW_MS) / names.length
        if (clock.monotonic() < dueMs) await sleep(clock, dueMs - clock.monotonic(), signal).catch(() => {})
        if (signal.aborted) return
        // Each node reports in a round of its own.
        const beat =
          (round + index) % rounds === 0 ? this.#report(name).then(() => this.#renew(name)) : this.#renew(name)
        beat.catch((thrown: unknown) => log.debug({ node: name, reason: messageOf(thrown) }, 'a heartbeat failed'))
      }
      const leftMs = beganMs + RENEW_MS - clock.monotonic()
      await sleep(clock, Math.max(leftMs, 1), signal).catch(() => {})
    }
  }

  #look(pod: Pod) {
    if (!this.#names.has(pod.spec.nodeName ?? '')) return
    const { clock, random, startMs = 100, stopMs = 100 } = this.#options
    const { uid, deletionTimestamp, deletionGracePeriodSeconds = 30 } = pod.metadata
    if (deletionTimestamp) {
      const delayMs = Math.min(stopMs, deletionGracePeriodSeconds * 1000)
      return this.#after(`${uid}/end`, delayMs, () => this.#remove(pod))
    }
    if (isTerminalPhase(pod.status.phase)) return
    if (pod.status.phase !== 'Running') {
      return this.#after(`${uid}/start`, startMs * (1 + 0.5 * random.float()), () => this.#run(pod))
    }
    const exit = simulatedExit(pod)
    if (!exit) return
    const endsAtMs = startedAtMs(pod, clock.now()) + exit.afterMs
    this.#after(`${uid}/exit`, Math.max(0, endsAtMs - clock.now()), () => this.#exit(pod, exit.exitCode))
  }

  /** Once for each thing that can happen to a pod, however often it is looked at. */
  #after(key: string, delayMs: number, task: () => Promise<void>) {
    const { clock, log } = this.#options
    if (this.#timers.has(key) || this.#stop.signal.aborted) return
    this.#timers.set(
      key,
      clock.after(delayMs, () => {
        // The key stays until the API shows the outcome, so that an older view of the pod doesn't do it twice.
        task().catch((thrown: unknown) => {
          this.#timers.delete(key)
          if (!this.#stop.signal.aborted)
            log.debug({ key, reason: messageOf(thrown) }, 'a simulated pod could not go on')
        })
      }),
    )
  }

  #forget(uid: string) {
    for (const what of ['start', 'exit', 'end']) {
      this.#timers.get(`${uid}/${what}`)?.cancel()
      this.#timers.delete(`${uid}/${what}`)
    }
  }

  #inputs(pod: Pod): SimulatedInputs {
    const now = this.#options.clock.now()
    const count = this.#nextAddress++
    return {
      pod,
      ip: pod.status.podIP ?? address(100, 64 + ((count >> 16) % 62), count & 0xffff),
      hostIps: this.#identity(pod.spec.nodeName!).nodeIps,
      startedAtMs: startedAtMs(pod, now),
      nowMs: now,
    }
  }

  async #run(pod: Pod): Promise<void> {
    await this.#write(pod, runningStatus(this.#inputs(pod)), false)
  }

  async #exit(pod: Pod, exitCode: number): Promise<void> {
    await this.#write(pod, endedStatus(this.#inputs(pod), exitCode), true)
  }

  /** Says that the containers have ended, then lets the object go. */
  async #remove(pod: Pod): Promise<void> {
    const { client } = this.#options
    const { namespace, name, uid } = pod.metadata
    if (!isTerminalPhase(pod.status.phase)) await this.#write(pod, endedStatus(this.#inputs(pod), 143), true)
    const body = { gracePeriodSeconds: 0, preconditions: { uid } }
    await this.#request(() => client.delete(pods, { ...(namespace !== undefined && { namespace }), name }, body))
  }

  async #write(pod: Pod, status: PodStatus, isOver: boolean): Promise<void> {
    const { client } = this.#options
    const patch = podStatusPatch(pod, mergePodStatus(pod.status, status, !isOver))
    if (patch) await this.#request(() => client.patch(pods, pod.metadata, patch, { subresource: 'status' }))
  }
}

function startedAtMs(pod: Pod, fallback: number): number {
  return pod.status.startTime ? parseTime(pod.status.startTime) : fallback
}

/** `a.b.x.y` with the last two from the low 16 bits of `n`. */
function address(a: number, b: number, n: number): string {
  return `${a}.${b}.${(n >> 8) & 0xff}.${n & 0xff}`
}
