/** What executes a service plan: nftables, or forwarding in user space. */
import type { PortRule } from './service-plan.ts'

/** The rules of every service by `namespace/name`; a service without rules is absent. */
export type RulesByService = ReadonlyMap<string, readonly PortRule[]>

export interface ProxyBackend {
  readonly kind: 'nft' | 'userspace'
  /**
   * Makes the node forward as `rules` say. `changed` names every service whose rules differ since the last call that
   * resolved. Never called concurrently. Rejects when the node could not be brought there; the caller retries with the
   * same names added.
   */
  apply(rules: RulesByService, changed: ReadonlySet<string>): Promise<void>
  /** Removes everything that this backend put on the node; with `keep`, only what does not work without this process. */
  stop(keep: boolean): Promise<void>
}
