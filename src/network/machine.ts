/**
 * The network of a cluster whose nodes share one machine: a network namespace for each node, joined by a bridge in a
 * namespace of its own (the hub), to which the host is connected by one interface. The host's packet filter therefore
 * never sees traffic between nodes, and the host gets exactly one interface with its routes, and one nftables table.
 * All of it is found again by the slot in its names, so that a later process can remove what a killed one left.
 *
 *     host  rostrum-s0 172.30.0.1 ---- hub: bridge ---- eth0 172.30.0.10  node 0
 *                                              `------- eth0 172.30.0.11  node 1
 */
import { readdir } from 'node:fs/promises'
import { systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { uplinkMtu } from './bridge.ts'
import { type IpCommand, isAbsent, isPresent, type NetworkHost, throwOnFailure } from './host.ts'
import { closeUplink, openUplink } from './machine-uplink.ts'
import { MAX_SLOTS, netnsNameOf, nodeIpOf, planSlot, slotConflicts, type UsedRange } from './slot.ts'

/** Marks the host's routes, in the kernel's table of route protocols; those that follow Node objects have another. */
const MACHINE_ROUTE_PROTOCOL = '84'
const NETNS_DIRECTORY = '/run/netns'
const HUB_BRIDGE = 'hub'
const HUB_HOST_PORT = 'host'
const NODE_INTERFACE = 'eth0'

export interface NodeNamespaceOptions {
  host: NetworkHost
  /** 0 to 63, this cluster's alone. */
  slot: number
  /** Lower case letters, digits, dots and dashes. */
  cluster: string
  /** 0 for the first node; from the host, cluster IPs and all pods are reached through that one. */
  index: number
  log: Log
}

export interface NodeNamespace {
  netnsName: string
  netnsPath: string
  nodeIp: string
  /** The host's address, at which the server is reached from nodes and pods. */
  hostIp: string
  interfaceName: string
}

/**
 * Makes the cluster's hub, if need be, and a node's namespace. What exists is kept, with the pods in it. Nodes of one
 * cluster are to be created one after the other. Throws NetworkError or ExecError; `removeClusterNetwork` cleans up.
 */
export async function createNodeNamespace(options: NodeNamespaceOptions): Promise<NodeNamespace> {
  const { host, slot, cluster, index, log } = options
  const plan = planSlot(slot)
  const nodeIp = nodeIpOf(slot, index)
  const hub = netnsNameOf(slot, cluster, 'hub')
  const node = netnsNameOf(slot, cluster, `n${index}`)
  const mtu = String(await uplinkMtu(host))
  const pathOf = (name: string) => `${NETNS_DIRECTORY}/${name}`

  const onHost: IpCommand[] = [
    ['netns', 'add', hub],
    ['netns', 'add', node],
    [
      'link',
      'add',
      plan.hostInterface,
      'mtu',
      mtu,
      'type',
      'veth',
      'peer',
      'name',
      HUB_HOST_PORT,
      'mtu',
      mtu,
      'netns',
      hub,
    ],
    [
      'link',
      'add',
      `n${index}`,
      'mtu',
      mtu,
      'netns',
      hub,
      'type',
      'veth',
      'peer',
      'name',
      NODE_INTERFACE,
      'mtu',
      mtu,
      'netns',
      node,
    ],
    ['address', 'add', `${plan.hostIp}/24`, 'broadcast', '+', 'dev', plan.hostInterface],
    ['link', 'set', 'dev', plan.hostInterface, 'up'],
    ...(index === 0 ? [plan.serviceCidr, plan.podCidr].map((cidr) => routeTo(cidr, nodeIp, plan.hostInterface)) : []),
  ]
  throwOnFailure(`create the network of node ${index}`, onHost, await host.ip(onHost), isPresent)

  const inHub: IpCommand[] = [
    ['link', 'add', HUB_BRIDGE, 'mtu', mtu, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'],
    ['link', 'set', 'dev', 'lo', 'up'],
    ['link', 'set', 'dev', HUB_BRIDGE, 'up'],
    ['link', 'set', 'dev', HUB_HOST_PORT, 'master', HUB_BRIDGE, 'up'],
    ['link', 'set', 'dev', `n${index}`, 'master', HUB_BRIDGE, 'up'],
  ]
  const inNode: IpCommand[] = [
    ['link', 'set', 'dev', 'lo', 'up'],
    ['link', 'set', 'dev', NODE_INTERFACE, 'up'],
    ['address', 'add', `${nodeIp}/24`, 'broadcast', '+', 'dev', NODE_INTERFACE],
    ['route', 'add', 'default', 'via', plan.hostIp, 'dev', NODE_INTERFACE],
  ]
  const [hubFailures, nodeFailures] = await Promise.all([
    host.ip(inHub, { netns: pathOf(hub) }),
    host.ip(inNode, { netns: pathOf(node) }),
  ])
  throwOnFailure('set up the bridge between nodes', inHub, hubFailures, isPresent)
  throwOnFailure(`set up the namespace of node ${index}`, inNode, nodeFailures, isPresent)
  await openUplink(host, plan, log)
  return { netnsName: node, netnsPath: pathOf(node), nodeIp, hostIp: plan.hostIp, interfaceName: NODE_INTERFACE }
}

const routeTo = (cidr: string, via: string, device: string): IpCommand => [
  'route',
  'replace',
  cidr,
  'via',
  via,
  'dev',
  device,
  'proto',
  MACHINE_ROUTE_PROTOCOL,
]

/**
 * Removes everything of the slot from this machine, whoever made it and however far it got. Idempotent. Processes that
 * still run in a node's namespace keep it alive, nameless and unconnected, until they end: stop them first.
 */
export async function removeClusterNetwork(host: NetworkHost, slot: number, log: Log): Promise<void> {
  const plan = planSlot(slot)
  const names = (await listNames()).filter((name) => name.startsWith(plan.netnsPrefix))
  await closeUplink(host, plan, log)
  const commands: IpCommand[] = [
    ['link', 'del', 'dev', plan.hostInterface],
    // The hub's ports go first, so that nodes whose namespaces live on cannot reach anybody.
    ...names
      .toSorted((a, b) => Number(b.endsWith('-hub')) - Number(a.endsWith('-hub')))
      .map((name) => ['netns', 'del', name]),
  ]
  throwOnFailure(`remove the network of slot ${slot}`, commands, await host.ip(commands), isAbsent)
  if (names.length > 0) log.info({ slot, namespaces: names.length }, 'removed the network of a cluster')
}

/** A cluster network that is present on this machine, whole or in part. */
export interface PresentNetwork {
  slot: number
  /** Undefined when only the host's interface is left. */
  cluster: string | undefined
  netnsNames: string[]
}

/** What is there now, of all slots; by it, leftovers and free slots are found. */
export async function listClusterNetworks(host: NetworkHost): Promise<PresentNetwork[]> {
  const bySlot = new Map<number, PresentNetwork>()
  const at = (slot: number) => {
    let present = bySlot.get(slot)
    if (!present) bySlot.set(slot, (present = { slot, cluster: undefined, netnsNames: [] }))
    return present
  }
  for (const name of await listNames()) {
    const match = /^rostrum-s(\d{1,2})-(.+)-(?:hub|n\d+)$/.exec(name)
    if (!match || Number(match[1]) >= MAX_SLOTS) continue
    const present = at(Number(match[1]))
    present.cluster = match[2]!
    present.netnsNames.push(name)
  }
  const links = ((await host.ipJson(['link', 'show', 'type', 'veth'])) ?? []) as { ifname: string }[]
  for (const { ifname } of links) {
    const match = /^rostrum-s(\d{1,2})$/.exec(ifname)
    if (match && Number(match[1]) < MAX_SLOTS) at(Number(match[1]))
  }
  return [...bySlot.values()].sort((a, b) => a.slot - b.slot)
}

/** Ranges that this machine already routes and that overlap with those of the slot; the slot is usable when there are none. */
export async function findSlotConflicts(host: NetworkHost, slot: number): Promise<UsedRange[]> {
  const routes = ((await host.ipJson(['route', 'show', 'table', 'all', 'type', 'unicast'])) ?? []) as Route[]
  const used = routes
    .filter((r) => r.dst !== 'default' && r.dev && /^[0-9./]+$/.test(r.dst))
    .map((r) => ({ cidr: r.dst, device: r.dev! }))
  return slotConflicts(slot, used)
}

interface Route {
  dst: string
  dev?: string
}

async function listNames(): Promise<string[]> {
  try {
    return await readdir(NETNS_DIRECTORY)
  } catch (err) {
    if (systemCode(err) === 'ENOENT') return []
    throw err
  }
}
