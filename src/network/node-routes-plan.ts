/**
 * How this node reaches the pods of the others: directly where the other node is a neighbour on the same link, through a
 * VXLAN tunnel elsewhere. Pure; node-routes.ts executes it. Upstream: what a network add-on such as flannel does.
 */
import type { Node } from '#api/core/v1/node.ts'
import { addressAt, type Cidr, cidrSize, contains, familyOf, formatCidr, parseCidr } from '#base/ip.ts'
import { hardwareAddressOf } from './bridge-plan.ts'

/** Marks routes made by this project, in the kernel's table of route protocols. */
export const ROUTE_PROTOCOL = '82'
export const VXLAN_DEVICE = 'rostrum-vxlan'
export const VXLAN_ID = 7226
export const VXLAN_PORT = 8472
/** What the outer Ethernet, IPv4, UDP and VXLAN headers take from each packet. */
export const VXLAN_OVERHEAD_BYTES = 50

export type RouteMode = 'auto' | 'routes' | 'vxlan'

/** A directly connected range of this node. */
export interface LocalLink {
  device: string
  cidr: Cidr
}

export interface RouteContext {
  /** Empty where this is no node at all, such as the server's host. */
  nodeName: string
  mode: RouteMode
  links: readonly LocalLink[]
}

/** `device` is undefined in mode `routes` where only the kernel knows the way to the other node. */
export interface PlannedRoute {
  cidr: string
  via: string
  device: string | undefined
  onlink: boolean
}

export interface TunnelPeer {
  nodeIp: string
  hardwareAddress: string
  /** The peer's address inside the tunnel. */
  tunnelIp: string
}

export interface NodeRoutePlan {
  routes: PlannedRoute[]
  /** Undefined when no peer needs the tunnel. */
  tunnel: { localIp: string; tunnelIp: string; hardwareAddress: string; peers: TunnelPeer[] } | undefined
  /** This node's pods. */
  localPodCidrs: string[]
  /** Pods and nodes of the cluster, without overlaps: what needs no masquerade. */
  clusterRanges: string[]
  /** Nodes that cannot be reached, each with the reason. */
  problems: string[]
}

interface KnownNode {
  name: string
  ip: string | undefined
  ips: string[]
  podCidrs: string[]
}

export function planNodeRoutes(nodes: readonly Node[], context: RouteContext): NodeRoutePlan {
  const known = nodes.map(describe).sort((a, b) => (a.name < b.name ? -1 : 1))
  const self = known.find((n) => n.name === context.nodeName)
  const plan: NodeRoutePlan = {
    routes: [],
    tunnel: undefined,
    localPodCidrs: self?.podCidrs ?? [],
    clusterRanges: withoutOverlaps(known.flatMap((n) => [...n.podCidrs, ...n.ips])),
    problems: [],
  }
  for (const node of known) {
    if (node === self) continue
    for (const cidr of node.podCidrs) planPeer(plan, context, self, node, cidr)
  }
  return plan
}

function planPeer(
  plan: NodeRoutePlan,
  { mode, links }: RouteContext,
  self: KnownNode | undefined,
  peer: KnownNode,
  cidr: string,
) {
  const family = parseCidr(cidr).family
  const via = peer.ips.find((ip) => familyOf(ip) === family)
  if (!via) {
    plan.problems.push(`node "${peer.name}" has no InternalIP for ${cidr}`)
    return
  }
  const link = links.find((l) => contains(l.cidr, via))
  if (mode === 'routes' || (mode === 'auto' && link)) {
    plan.routes.push({ cidr, via, device: link?.device, onlink: false })
    return
  }
  if (family === 6 || !self?.ip || !self.podCidrs[0]) {
    const why = family === 6 ? 'tunnels carry IPv4 only' : 'this node has no address or pod CIDR yet'
    plan.problems.push(`cannot reach ${cidr} of node "${peer.name}" through a tunnel: ${why}`)
    return
  }
  const tunnelIp = tunnelIpOf(cidr)
  plan.tunnel ??= {
    localIp: self.ip,
    tunnelIp: tunnelIpOf(self.podCidrs[0]),
    hardwareAddress: hardwareAddressOf(self.ip),
    peers: [],
  }
  plan.tunnel.peers.push({ nodeIp: via, hardwareAddress: hardwareAddressOf(via), tunnelIp })
  plan.routes.push({ cidr, via: tunnelIp, device: VXLAN_DEVICE, onlink: true })
}

/** The network address of a pod range: no pod has it, and every node can work it out. */
const tunnelIpOf = (cidr: string) => addressAt(parseCidr(cidr), 0)

function describe(node: Node): KnownNode {
  const ips = (node.status?.addresses ?? []).filter((a) => a.type === 'InternalIP').map((a) => a.address)
  const cidrs = node.spec?.podCIDRs?.length ? node.spec.podCIDRs : node.spec?.podCIDR ? [node.spec.podCIDR] : []
  return {
    name: node.metadata.name,
    ip: ips.find((ip) => !ip.includes(':')),
    ips,
    podCidrs: cidrs.map((c) => formatCidr(parseCidr(c))),
  }
}

/** Sorted, each range at most once and none inside another: what an interval set of nftables takes. */
export function withoutOverlaps(texts: readonly string[]): string[] {
  const ranges = [...new Set(texts.map((t) => formatCidr(parseCidr(t))))].map(parseCidr)
  ranges.sort((a, b) => a.family - b.family || a.prefix - b.prefix || (a.base < b.base ? -1 : a.base > b.base ? 1 : 0))
  const kept: Cidr[] = []
  for (const range of ranges) {
    const inside = kept.some(
      (k) => k.family === range.family && range.base >= k.base && range.base < k.base + cidrSize(k),
    )
    if (!inside) kept.push(range)
  }
  return kept.map(formatCidr)
}
