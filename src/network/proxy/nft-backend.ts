/**
 * Executes service rules with nftables: a table of its own in each address family, brought from one state to the next in
 * one transaction. Flows of UDP that point at endpoints which are gone are cut where the `conntrack` program is installed.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { type Cidr, type Family, familyOf, formatCidr } from '#base/ip.ts'
import type { NetworkHost } from '../host.ts'
import { NftTable } from '../nft-table.ts'
import type { ProxyBackend, RulesByService } from './backend.ts'
import { baseRules, serviceFragment } from './nft-rules.ts'
import type { PortRule } from './service-plan.ts'
import { type FlowSelector, planFlowCleanup } from './udp-flows.ts'

export interface NftBackendOptions {
  host: NetworkHost
  nodeIps: readonly string[]
  serviceCidrs: readonly Cidr[]
  podCidrs: () => readonly Cidr[]
  clock: Clock
  log: Log
  /** Name of the table. Default `rostrum-proxy`. */
  table?: string
}

const BASE = ' base'
const SWEEP_DELAY_MS = 1_000

export function createNftBackend(options: NftBackendOptions): ProxyBackend {
  const { host, nodeIps, serviceCidrs, podCidrs, clock, log, table = 'rostrum-proxy' } = options
  const families: Family[] = [4]
  if ([...serviceCidrs].some((c) => c.family === 6) || nodeIps.some((ip) => familyOf(ip) === 6)) families.push(6)
  const tables = families.map((family) => ({ family, table: new NftTable(host, family === 4 ? 'ip' : 'ip6', table) }))
  const applied = new Map<string, readonly PortRule[]>()
  let podRanges: string | undefined
  let sweep: Timer | undefined

  function setBase() {
    const pods = podCidrs()
    const text = pods.map(formatCidr).join(',')
    if (text === podRanges) return
    podRanges = text
    for (const { family, table } of tables) {
      const ranges = (cidrs: readonly Cidr[]) => cidrs.filter((c) => c.family === family).map(formatCidr)
      table.set(
        BASE,
        baseRules({
          family,
          podCidrs: ranges(pods),
          serviceCidrs: ranges(serviceCidrs),
          nodeIps: nodeIps.filter((ip) => familyOf(ip) === family),
        }),
      )
    }
  }

  async function cutFlows(selectors: readonly FlowSelector[]) {
    for (const selector of selectors) {
      const result = await host.run(['conntrack', '-D', ...selector]).catch((err: unknown) => {
        log.warn({ err: messageOf(err) }, 'cannot cut UDP flows to endpoints that are gone')
        return undefined
      })
      // Not installed: the flows end by themselves once their clients pause.
      if (result === undefined) return
    }
  }

  return {
    kind: 'nft',
    async apply(rules: RulesByService, changed: ReadonlySet<string>) {
      setBase()
      const selectors: FlowSelector[] = []
      for (const key of changed) {
        const now = rules.get(key)
        for (const { family, table } of tables) table.set(key, now && serviceFragment(now, family))
        selectors.push(...planFlowCleanup(applied.get(key) ?? [], now ?? [], nodeIps))
      }
      for (const { table } of tables) await table.commit()
      for (const key of changed) {
        const now = rules.get(key)
        if (now) applied.set(key, now)
        else applied.delete(key)
      }
      await cutFlows(selectors)
      sweep ??= clock.after(SWEEP_DELAY_MS, () => {
        sweep = undefined
        for (const { table } of tables)
          table.sweep().catch((err: unknown) => log.debug({ err: messageOf(err) }, 'unused chains stay a while longer'))
      })
    },
    async stop(keep) {
      sweep?.cancel()
      if (keep) return
      for (const { table } of tables) await table.remove()
    },
  }
}
