/**
 * Subsets of an Endpoints object in canonical form: each address appears once for its ports, addresses with the same
 * ports are together, and everything is sorted, so that equal sets are equal values. Upstream: `endpoints.RepackSubsets`.
 */
import type { Endpoints } from '#api/core/v1/service.ts'
import { canonicalJson } from '../template-hash.ts'

export type Subset = NonNullable<Endpoints['subsets']>[number]
export type Address = NonNullable<Subset['addresses']>[number]
export type Port = NonNullable<Subset['ports']>[number]

/** An address is the same one where IP and target are. One that is said to be both ready and not is not ready. */
export function repackSubsets(subsets: readonly Subset[]): Subset[] {
  // By port first: an address may be ready for one port and not for another.
  const byPort = new Map<
    string,
    { port: Port | undefined; hosts: Map<string, { address: Address; isReady: boolean }> }
  >()
  for (const subset of subsets) {
    const ports: (Port | undefined)[] = subset.ports && subset.ports.length > 0 ? subset.ports : [undefined]
    for (const port of ports) {
      const key = port ? canonicalJson(port) : ''
      let entry = byPort.get(key)
      if (!entry) byPort.set(key, (entry = { port, hosts: new Map() }))
      for (const address of subset.addresses ?? []) addHost(entry.hosts, address, true)
      for (const address of subset.notReadyAddresses ?? []) addHost(entry.hosts, address, false)
    }
  }
  const byHosts = new Map<string, { ports: Port[]; hosts: { address: Address; isReady: boolean }[] }>()
  for (const { port, hosts } of byPort.values()) {
    const key = [...hosts]
      .map(([host, { isReady }]) => `${host} ${isReady}`)
      .sort()
      .join('\n')
    let entry = byHosts.get(key)
    if (!entry) byHosts.set(key, (entry = { ports: [], hosts: [...hosts.values()] }))
    if (port) entry.ports.push(port)
  }
  return [...byHosts.values()].map(subsetOf).sort(by(canonicalJson))
}

function addHost(hosts: Map<string, { address: Address; isReady: boolean }>, address: Address, isReady: boolean): void {
  const key = `${address.ip} ${address.targetRef?.uid ?? ''}`
  const existing = hosts.get(key)
  hosts.set(key, existing ? { address: existing.address, isReady: existing.isReady && isReady } : { address, isReady })
}

function subsetOf({ ports, hosts }: { ports: Port[]; hosts: { address: Address; isReady: boolean }[] }): Subset {
  const sorted = hosts.toSorted(by(({ address }) => `${address.ip} ${address.targetRef?.uid ?? ''}`))
  const ready = sorted.filter((host) => host.isReady).map(({ address }) => address)
  const notReady = sorted.filter((host) => !host.isReady).map(({ address }) => address)
  return {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ...(ports.length > 0 && { ports: ports.toSorted(by(canonicalJson)) }),
  }
}

function by<T>(keyOf: (value: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)]
    return x < y ? -1 : x > y ? 1 : 0
  }
}

/** How many addresses an Endpoints object holds at most. */
export const MAX_ADDRESSES = 1000

/**
 * Cut to 1,000 addresses, the ready ones first, each subset in proportion. Undefined where nothing has to be cut.
 */
export function truncateSubsets(subsets: readonly Subset[]): Subset[] | undefined {
  const ready = subsets.reduce((sum, subset) => sum + (subset.addresses?.length ?? 0), 0)
  const notReady = subsets.reduce((sum, subset) => sum + (subset.notReadyAddresses?.length ?? 0), 0)
  if (ready + notReady <= MAX_ADDRESSES) return undefined
  const cutsReady = ready > MAX_ADDRESSES
  const room = cutsReady ? MAX_ADDRESSES : MAX_ADDRESSES - ready
  const total = cutsReady ? ready : notReady
  let left = room
  return subsets.map((subset) => {
    const { addresses = [], notReadyAddresses = [], ports } = subset
    const list = cutsReady ? addresses : notReadyAddresses
    const kept = list.slice(0, Math.min(Math.ceil((list.length / total) * room), left))
    left -= kept.length
    return {
      ...(cutsReady ? { addresses: kept } : { addresses, notReadyAddresses: kept }),
      ...(ports && { ports }),
    }
  })
}
