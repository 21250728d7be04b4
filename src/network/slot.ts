/**
 * The address plan of clusters that share one machine: each has a slot, and every range, name and route follows from it,
 * so that two clusters never meet and leftovers can be told apart. Pure.
 */
import { contains, formatIp, parseCidr } from '#base/ip.ts'

export const MAX_SLOTS = 64
/** Nodes of one cluster on one machine: their addresses are .10 to .249. */
export const MAX_NODES = 240

export interface SlotPlan {
  slot: number
  podCidr: string
  serviceCidr: string
  nodeCidr: string
  /** The host's own address in the node network. */
  hostIp: string
  /** By convention the service of the cluster's DNS. */
  dnsServiceIp: string
  /** The host's interface. */
  hostInterface: string
  /** nftables table of the host. */
  table: string
  /** Names of all network namespaces of the slot begin with this. */
  netnsPrefix: string
}

/** Throws RangeError for a slot outside 0..63. */
export function planSlot(slot: number): SlotPlan {
  if (!Number.isInteger(slot) || slot < 0 || slot >= MAX_SLOTS)
    throw new RangeError(`slot must be 0 to 63, got ${slot}`)
  return {
    slot,
    podCidr: `10.${244 - slot}.0.0/16`,
    serviceCidr: `10.${96 + slot}.0.0/16`,
    nodeCidr: `172.30.${slot}.0/24`,
    hostIp: `172.30.${slot}.1`,
    dnsServiceIp: `10.${96 + slot}.0.10`,
    hostInterface: `rostrum-s${slot}`,
    table: `rostrum-s${slot}`,
    netnsPrefix: `rostrum-s${slot}-`,
  }
}

/** Address of the node with this index. Throws RangeError. */
export function nodeIpOf(slot: number, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_NODES)
    throw new RangeError(`node index must be 0 to ${MAX_NODES - 1}, got ${index}`)
  const { nodeCidr } = planSlot(slot)
  return formatIp(4, parseCidr(nodeCidr).base + 10n + BigInt(index))
}

/** An address or route of the machine: `ip` is its lowest address. */
export interface UsedRange {
  cidr: string
  device: string
}

/** Which of the machine's ranges, other than those of this slot's own interface, overlap with what the slot would use. */
export function slotConflicts(slot: number, used: readonly UsedRange[]): UsedRange[] {
  const plan = planSlot(slot)
  const wanted = [plan.podCidr, plan.serviceCidr, plan.nodeCidr].map(parseCidr)
  return used.filter(({ cidr, device }) => {
    if (device === plan.hostInterface) return false
    const range = parseCidr(cidr)
    if (range.family !== 4 || range.prefix === 0) return false
    const lowest = formatIp(4, range.base)
    return wanted.some((w) => contains(w, lowest) || contains(range, formatIp(4, w.base)))
  })
}

/** Throws RangeError where `cluster` could not be part of a file name. */
export function netnsNameOf(slot: number, cluster: string, part: string): string {
  if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(cluster)) throw new RangeError(`"${cluster}" is not a cluster name`)
  return `${planSlot(slot).netnsPrefix}${cluster}-${part}`
}
