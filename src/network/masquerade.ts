/**
 * Pod traffic that leaves the cluster gets the node's address as its source; traffic within the cluster keeps the pod's.
 * Needs nftables: without it pods reach only what has a route back to them, which is said in words fit for people.
 */
import type { NetworkHost } from './host.ts'
import { NftTable } from './nft-table.ts'
import { withoutOverlaps } from './node-routes-plan.ts'

export interface Masquerade {
  /** Returns what is missing on this node, or undefined when the masquerade is in force. */
  apply(localPodCidrs: readonly string[], clusterRanges: readonly string[]): Promise<string | undefined>
  remove(): Promise<void>
}

export const NFT_MISSING =
  'pods cannot reach addresses outside the cluster: nft is not installed on this node (Debian package nftables)'

/** Multicast never leaves by a translated address. */
const ALWAYS_KEPT = ['224.0.0.0/4']

export function createMasquerade(host: NetworkHost, name = 'rostrum-masquerade'): Masquerade {
  const table = new NftTable(host, 'ip', name)
  const v4 = (ranges: readonly string[]) => ranges.filter((r) => !r.includes(':'))
  const elements = (ranges: readonly string[]) => Object.fromEntries(ranges.map((r) => [r, '']))
  table.set('base', {
    sets: {
      pods: { kind: 'set', definition: 'type ipv4_addr; flags interval;' },
      cluster: { kind: 'set', definition: 'type ipv4_addr; flags interval;' },
    },
    baseChains: { postrouting: 'type nat hook postrouting priority srcnat;' },
    chains: { postrouting: ['ip saddr @pods ip daddr != @cluster masquerade fully-random'] },
  })
  return {
    async apply(localPodCidrs, clusterRanges) {
      if (!(await host.hasNft())) return NFT_MISSING
      table.set('ranges', {
        elements: {
          pods: elements(v4(localPodCidrs)),
          cluster: elements(withoutOverlaps([...v4(clusterRanges), ...ALWAYS_KEPT])),
        },
      })
      await table.commit()
      return undefined
    },
    async remove() {
      if (await host.hasNft()) await table.remove()
    },
  }
}
