/**
 * Keeps the routes to the pods of other nodes, the tunnel where one is needed, and the masquerade of pod traffic that leaves
 * the cluster in step with the Node objects. What is in the kernel is read before each change, so that whatever went missing
 * (an interface that was down, another program) is put back within a minute.
 */
import { nodes } from '#api/resources.ts'
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Informers } from '#client/informer.ts'
import { formatCidr, parseCidr } from '#base/ip.ts'
import { uplinkMtu } from './bridge.ts'
import { type IpCommand, isAbsent, isPresent, type NetworkHost, throwOnFailure } from './host.ts'
import { createMasquerade } from './masquerade.ts'
import {
  type LocalLink,
  type NodeRoutePlan,
  planNodeRoutes,
  type PlannedRoute,
  ROUTE_PROTOCOL,
  type RouteMode,
  VXLAN_DEVICE,
  VXLAN_ID,
  VXLAN_OVERHEAD_BYTES,
  VXLAN_PORT,
} from './node-routes-plan.ts'

export interface NodeRoutesOptions {
  informers: Informers
  host: NetworkHost
  /** This node; empty on a machine that only wants to reach the pods, such as the server's. */
  nodeName: string
  mode: RouteMode
  /** Whether pod traffic that leaves the cluster gets the node's address as its source. */
  masquerade: boolean
  clock: Clock
  log: Log
  signal: AbortSignal
  /** Where several clusters meet in one namespace: only routes by this interface are looked at and removed. */
  device?: string
  /** Leaves routes and tunnel in place when `signal` aborts, so that pods stay reachable while the agent restarts. */
  keepOnStop?: boolean
}

export interface NodeRoutes {
  /** What is wrong now: nodes without an address, a missing program. Empty when all is well. */
  readonly problems: readonly string[]
  /** Resolves after the first attempt, successful or not. */
  ready: Promise<void>
  stopped: Promise<void>
}

const SETTLE_MS = 20
const RESYNC_MS = 60_000
const RETRY_MS = 2_000

export function startNodeRoutes(options: NodeRoutesOptions): NodeRoutes {
  const { informers, host, nodeName, mode, clock, signal, keepOnStop = false } = options
  const log = options.log.child({ component: 'node-routes' })
  const informer = informers.for(nodes)
  const masquerade = options.masquerade ? createMasquerade(host) : undefined
  let timer: Timer | undefined
  let running: Promise<void> | undefined
  let again = false
  let problems: readonly string[] = []
  let becomeReady: () => void = () => {}
  const ready = new Promise<void>((resolve) => (becomeReady = resolve))
  let peers = new Set<string>()

  function schedule(delayMs: number) {
    if (signal.aborted) return
    timer?.cancel()
    timer = clock.after(delayMs, () => {
      if (running) again = true
      else running = sync().finally(() => (running = undefined))
    })
  }

  async function sync() {
    again = false
    try {
      const plan = planNodeRoutes(informer.list(), { nodeName, mode, links: await readLinks(host) })
      // A node forwards for its pods and for Services, whatever runtime brings up the bridge.
      if (nodeName) await host.writeSysctl('net/ipv4/ip_forward', '1')
      await applyTunnel(plan)
      await applyRoutes(host, plan.routes, options.device)
      const missing = await masquerade?.apply(plan.localPodCidrs, plan.clusterRanges)
      const found = missing ? [...plan.problems, missing] : plan.problems
      for (const problem of found)
        if (!problems.includes(problem)) log.warn({ problem }, 'pods are not fully connected')
      problems = found
      schedule(again ? SETTLE_MS : RESYNC_MS)
    } catch (err) {
      const text = messageOf(err)
      if (!problems.includes(text)) log.error({ err: text }, 'cannot bring the routes to other nodes up to date')
      problems = [text]
      schedule(RETRY_MS)
    }
    becomeReady()
  }

  async function applyTunnel({ tunnel }: NodeRoutePlan) {
    if (!tunnel) {
      if (peers.size > 0) await removeTunnel(host)
      peers = new Set()
      return
    }
    const create = tunnelCommands(tunnel, (await uplinkMtu(host)) - VXLAN_OVERHEAD_BYTES)
    throwOnFailure('set up the tunnel to other nodes', create, await host.ip(create), isPresent)
    const wanted = new Set(tunnel.peers.map((p) => `${p.hardwareAddress} ${p.nodeIp} ${p.tunnelIp}`))
    const gone = [...peers].filter((p) => !wanted.has(p)).map((p) => p.split(' ') as [string, string, string])
    const neighbours: IpCommand[] = [
      ...gone.map(([, , tunnelIp]) => ['neighbour', 'del', tunnelIp, 'dev', VXLAN_DEVICE]),
      ...tunnel.peers.map((p) => [
        'neighbour',
        'replace',
        p.tunnelIp,
        'lladdr',
        p.hardwareAddress,
        'dev',
        VXLAN_DEVICE,
        'nud',
        'permanent',
      ]),
    ]
    throwOnFailure('set up the tunnel', neighbours, await host.ip(neighbours), isAbsent)
    const entries: IpCommand[] = [
      ...gone.map(([address, ip]) => ['fdb', 'del', address, 'dev', VXLAN_DEVICE, 'dst', ip]),
      ...tunnel.peers.map((p) => ['fdb', 'replace', p.hardwareAddress, 'dev', VXLAN_DEVICE, 'dst', p.nodeIp]),
    ]
    throwOnFailure('set up the tunnel', entries, await host.bridge(entries), isAbsent)
    peers = wanted
  }

  const changed = () => schedule(SETTLE_MS)
  const unhandle = informer.handle({
    added: changed,
    deleted: changed,
    updated(node, previous) {
      // Nodes report themselves every few seconds; only what routes depend on counts.
      if (JSON.stringify(node.spec) !== JSON.stringify(previous.spec)) changed()
      else if (JSON.stringify(node.status?.addresses) !== JSON.stringify(previous.status?.addresses)) changed()
    },
  })
  informer.synced(signal).then(
    () => schedule(0),
    () => becomeReady(),
  )

  const stopped = new Promise<void>((resolve) => {
    const stop = async () => {
      unhandle()
      timer?.cancel()
      becomeReady()
      await running
      if (keepOnStop) return
      await applyRoutes(host, [], options.device)
      await removeTunnel(host)
      await masquerade?.remove()
    }
    const onAbort = () =>
      void stop()
        .catch((err: unknown) => log.error({ err: messageOf(err) }, 'cannot remove the routes to other nodes'))
        .then(resolve)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })

  return {
    ready,
    stopped,
    get problems() {
      return problems
    },
  }
}

/** Pure: the device; every command may fail with "exists". */
function tunnelCommands(tunnel: NonNullable<NodeRoutePlan['tunnel']>, mtu: number): IpCommand[] {
  return [
    [
      'link',
      'add',
      VXLAN_DEVICE,
      'address',
      tunnel.hardwareAddress,
      'mtu',
      String(mtu),
      'type',
      'vxlan',
      'id',
      String(VXLAN_ID),
      'local',
      tunnel.localIp,
      'dstport',
      String(VXLAN_PORT),
      'nolearning',
    ],
    ['address', 'add', `${tunnel.tunnelIp}/32`, 'dev', VXLAN_DEVICE],
    ['link', 'set', 'dev', VXLAN_DEVICE, 'up'],
  ]
}

async function removeTunnel(host: NetworkHost) {
  const commands: IpCommand[] = [['link', 'del', 'dev', VXLAN_DEVICE]]
  throwOnFailure('remove the tunnel to other nodes', commands, await host.ip(commands), isAbsent)
}

interface KernelRoute {
  dst: string
  gateway?: string
  dev?: string
}

/** Brings the routes marked as ours, by `only` if given, to `wanted`. */
async function applyRoutes(host: NetworkHost, wanted: readonly PlannedRoute[], only: string | undefined) {
  const present = new Map<string, KernelRoute>()
  for (const option of ['-4', '-6']) {
    for (const route of (await host.ipJson([option, 'route', 'show', 'proto', ROUTE_PROTOCOL])) ?? []) {
      const r = route as KernelRoute
      if (!only || r.dev === only) present.set(formatCidr(parseCidr(r.dst)), r)
    }
  }
  const commands: IpCommand[] = []
  const cidrs = new Set(wanted.map((r) => r.cidr))
  for (const [cidr, route] of present) {
    if (!cidrs.has(cidr))
      commands.push(['route', 'del', cidr, ...(route.dev ? ['dev', route.dev] : []), 'proto', ROUTE_PROTOCOL])
  }
  for (const { cidr, via, device, onlink } of wanted) {
    const known = present.get(cidr)
    if (known?.gateway === via && (!device || known.dev === device)) continue
    commands.push([
      'route',
      'replace',
      cidr,
      'via',
      via,
      ...(device ? ['dev', device] : []),
      ...(onlink ? ['onlink'] : []),
      'proto',
      ROUTE_PROTOCOL,
    ])
  }
  throwOnFailure('set routes to other nodes', commands, await host.ip(commands), isAbsent)
}

async function readLinks(host: NetworkHost): Promise<LocalLink[]> {
  const found: LocalLink[] = []
  type Address = { ifname: string; addr_info?: { local?: string; prefixlen?: number; scope?: string }[] }
  for (const { ifname, addr_info = [] } of ((await host.ipJson(['address', 'show', 'up'])) ?? []) as Address[]) {
    for (const { local, prefixlen, scope } of addr_info) {
      if (!local || prefixlen === undefined || scope !== 'global') continue
      if (prefixlen < (local.includes(':') ? 128 : 32))
        found.push({ device: ifname, cidr: parseCidr(`${local}/${prefixlen}`) })
    }
  }
  return found
}
