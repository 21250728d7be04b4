/**
 * The service proxy of one node (upstream: kube-proxy). Services and EndpointSlices come from informers; what changed is
 * planned anew and handed to the backend, all of a burst at once. The node is always brought to the latest state: a failed
 * attempt is repeated with a back-off, and any new change is tried at once.
 */
import { endpointSlices, nodes, services } from '#api/resources.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Informers } from '#client/informer.ts'
import { type Cidr, parseCidrs } from '#base/ip.ts'
import type { NetworkHost } from '../host.ts'
import type { ProxyBackend } from './backend.ts'
import { createHealthChecks } from './health-check.ts'
import { createNftBackend } from './nft-backend.ts'
import { type HealthCheckRule, HEADLESS_LABEL, type PortRule, planService, serviceKeyOf } from './service-plan.ts'
import { createUserspaceBackend } from './userspace-backend.ts'

export interface ServiceProxyOptions {
  informers: Informers
  host: NetworkHost
  nodeName: string
  /** The node's own addresses: node ports are open on these. */
  nodeIps: readonly string[]
  /** Ranges of cluster IPs, `10.96.0.0/16` or two with a comma between; without it addresses are handled one by one. */
  serviceCidrs?: string
  /** `auto` takes nftables where `nft` works, and user space elsewhere. */
  backend: 'auto' | 'nft' | 'userspace'
  clock: Clock
  random: Random
  log: Log
  signal: AbortSignal
  /** How long a burst of changes is collected, default 10 ms. */
  settleMs?: number
  /**
   * Leaves nftables rules in force when `signal` aborts, so that services go on while the agent restarts; the next one
   * replaces them atomically. What user space forwards ends with its process, and is always removed.
   */
  keepOnStop?: boolean
}

export interface ServiceProxy {
  readonly backend: 'nft' | 'userspace'
  /** Resolves when the first state is in force; rejects when `signal` aborts before. */
  ready: Promise<void>
  /** The latest failure to bring the node to the wanted state; undefined while it is in that state. */
  readonly lastError: string | undefined
  /** Resolves when every change that the informers have told of so far is in force, or has been tried. */
  settled(): Promise<void>
  /** Resolves once everything that is not to be kept has been removed from the node, after `signal` aborted. */
  stopped: Promise<void>
}

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 30_000
const BY_SERVICE = 'proxy-service'

export async function startServiceProxy(options: ServiceProxyOptions): Promise<ServiceProxy> {
  const { informers, host, nodeName, nodeIps, clock, random, signal, settleMs = 10 } = options
  const useNft = options.backend === 'nft' || (options.backend === 'auto' && (await host.hasNft()))
  const log = options.log.child({ component: 'service-proxy' })
  const serviceCidrs = parseCidrs(options.serviceCidrs ?? '')
  let node: { name: string; zone: string; podCidrs: Cidr[] } = { name: nodeName, zone: '', podCidrs: [] }
  const shared = { host, nodeIps, serviceCidrs, podCidrs: () => node.podCidrs, clock, log }
  const backend: ProxyBackend = useNft ? createNftBackend(shared) : createUserspaceBackend({ ...shared, random })
  const healthChecks = createHealthChecks(nodeIps, log)
  log.info({ backend: backend.kind }, 'forwarding for services')

  const serviceInformer = informers.for(services)
  const sliceInformer = informers.for(endpointSlices)
  const nodeInformer = informers.for(nodes, { fieldSelector: `metadata.name=${nodeName}` })
  sliceInformer.index(BY_SERVICE, (slice) => {
    const key = serviceKeyOf(slice)
    return key === undefined ? [] : [key]
  })

  const rules = new Map<string, readonly PortRule[]>()
  const checks = new Map<string, HealthCheckRule>()
  /** Services to be planned again, and those whose plan the backend has not taken yet. */
  const dirty = new Set<string>()
  let unapplied = new Set<string>()
  let timer: Timer | undefined
  let running: Promise<void> | undefined
  let failures = 0
  let lastError: string | undefined
  let synced = false
  let becomeReady: () => void = () => {}
  let giveUp: (why: unknown) => void = () => {}
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve
    giveUp = reject
  })
  // Whoever does not wait for readiness must not be brought down by its absence.
  ready.catch(() => {})

  function schedule(delayMs: number) {
    if (signal.aborted || !synced) return
    timer?.cancel()
    timer = clock.after(delayMs, () => {
      timer = undefined
      running ??= sync().finally(() => {
        running = undefined
        if (dirty.size > 0 && !timer) schedule(settleMs)
      })
    })
  }

  function touch(key: string | undefined) {
    if (key === undefined) return
    // Only the first of a burst sets the timer; a pending retry gives way to it.
    const isFirst = dirty.size === 0
    dirty.add(key)
    if (isFirst && !running) schedule(settleMs)
  }

  function replan(key: string) {
    const slash = key.indexOf('/')
    const service = serviceInformer.get(key.slice(0, slash), key.slice(slash + 1))
    const slices = sliceInformer.byIndex(BY_SERVICE, key).filter(isForProxy)
    const plan = service && planService(service, slices, node)
    if (plan?.healthCheck) checks.set(key, plan.healthCheck)
    else checks.delete(key)
    const now = plan?.ports ?? []
    if (JSON.stringify(now) === JSON.stringify(rules.get(key) ?? [])) return
    if (now.length > 0) rules.set(key, now)
    else rules.delete(key)
    unapplied.add(key)
  }

  async function sync() {
    for (const key of dirty) replan(key)
    dirty.clear()
    healthChecks.apply([...checks.values()])
    const changed = unapplied
    unapplied = new Set()
    try {
      await backend.apply(rules, changed)
      failures = 0
      lastError = undefined
      becomeReady()
    } catch (err) {
      for (const key of changed) unapplied.add(key)
      const message = messageOf(err)
      if (message !== lastError) log.error({ err: message }, 'cannot bring service forwarding up to date')
      lastError = message
      // What could be served is: a port that somebody else holds must not keep the node from becoming ready.
      if (failures > 0) becomeReady()
      schedule(Math.min(FIRST_RETRY_MS * 2 ** failures++, LAST_RETRY_MS) * (1 + random.float() / 2))
    }
  }

  function replanAll() {
    for (const service of serviceInformer.list()) touch(`${service.metadata.namespace}/${service.metadata.name}`)
  }

  const serviceKey = (object: { metadata: { namespace?: string; name: string } }) =>
    `${object.metadata.namespace}/${object.metadata.name}`
  const handlers = [
    serviceInformer.handle({
      added: (service) => touch(serviceKey(service)),
      updated: (service) => touch(serviceKey(service)),
      deleted: (service) => touch(serviceKey(service)),
    }),
    sliceInformer.handle({
      added: (slice) => touch(serviceKeyOf(slice)),
      updated(slice, previous) {
        touch(serviceKeyOf(slice))
        touch(serviceKeyOf(previous))
      },
      deleted: (slice) => touch(serviceKeyOf(slice)),
    }),
    nodeInformer.handle({ added: takeNode, updated: takeNode }),
  ]

  function takeNode(object: Node) {
    const ranges = object.spec?.podCIDRs?.length ? object.spec.podCIDRs : [object.spec?.podCIDR ?? '']
    const next = {
      name: nodeName,
      zone: object.metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
      podCidrs: parseCidrs(ranges.join(',')),
    }
    const moved = next.zone !== node.zone
    const renumbered = next.podCidrs.map((c) => c.base).join() !== node.podCidrs.map((c) => c.base).join()
    node = next
    if (moved) replanAll()
    else if (renumbered) schedule(settleMs)
  }

  const stopped = new Promise<void>((resolve) => {
    const stop = async () => {
      for (const unhandle of handlers) unhandle()
      timer?.cancel()
      giveUp(signal.reason)
      await running
      healthChecks.stop()
      await backend.stop(options.keepOnStop ?? false)
    }
    const onAbort = () =>
      void stop()
        .catch((err: unknown) => log.error({ err: messageOf(err) }, 'cannot remove service forwarding from this node'))
        .then(resolve)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })

  Promise.all([serviceInformer.synced(signal), sliceInformer.synced(signal), nodeInformer.synced(signal)]).then(
    () => {
      synced = true
      schedule(0)
    },
    (err: unknown) => giveUp(err),
  )

  return {
    backend: backend.kind,
    ready,
    stopped,
    async settled() {
      await ready
      while ((dirty.size > 0 || running) && !signal.aborted) {
        await (running ?? new Promise<void>((resolve) => clock.after(settleMs, resolve)))
      }
    },
    get lastError() {
      return lastError
    },
  }
}

/** Slices of headless services are not for proxies. */
const isForProxy = (slice: EndpointSlice) => slice.metadata.labels?.[HEADLESS_LABEL] === undefined
