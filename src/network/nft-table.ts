/**
 * One nftables table as a value: every owner (a service, the base rules) contributes a fragment of chains, sets and
 * elements, and what changed since the last commit becomes one transaction. After a failed or unknown state the next
 * transaction replaces the whole table, which is atomic as well.
 */
import type { NetworkHost } from './host.ts'

export type NftFamily = 'ip' | 'ip6' | 'inet'

/** Definition of a set or map, e.g. `type ipv4_addr; flags interval;`. */
export interface NftSet {
  kind: 'set' | 'map'
  definition: string
}

export interface NftFragment {
  /** Sets and maps by name. Two owners may define the same one if the definition is the same. */
  sets?: Record<string, NftSet>
  /** Rules by chain. A chain belongs to one owner. */
  chains?: Record<string, readonly string[]>
  /** For base chains: e.g. `type nat hook prerouting priority -100;`. */
  baseChains?: Record<string, string>
  /** Elements by set or map name: key to value, which is empty for sets. Of owners that claim one key the first one counts. */
  elements?: Record<string, Readonly<Record<string, string>>>
}

/** What is in the kernel, or should be: all fragments merged. */
interface Content {
  sets: Map<string, NftSet>
  baseChains: Map<string, string>
  chains: Map<string, string>
  elements: Map<string, Map<string, string>>
}

const ELEMENTS_PER_COMMAND = 400

/** Sets that rules fill by themselves keep their elements when other things change. */
export class NftTable {
  readonly family: NftFamily
  readonly name: string
  readonly #host: NetworkHost
  readonly #fragments = new Map<string, NftFragment>()
  /** Claims of each element: owner to value, in order of claiming. */
  readonly #claims = new Map<string, Map<string, Map<string, string>>>()
  readonly #changedOwners = new Set<string>()
  /** What the last transaction put there; undefined when unknown. */
  #committed: Content | undefined
  /** Chains and sets that nothing uses any more, emptied, but still there. */
  readonly #stale = { chains: new Set<string>(), sets: new Set<string>() }

  constructor(host: NetworkHost, family: NftFamily, name: string) {
    this.#host = host
    this.family = family
    this.name = name
  }

  /** Replaces what `owner` contributes; undefined withdraws it. Takes effect with the next commit. */
  set(owner: string, fragment: NftFragment | undefined): void {
    for (const [set, elements] of Object.entries(this.#fragments.get(owner)?.elements ?? {})) {
      for (const key of Object.keys(elements)) {
        const claims = this.#claims.get(set)?.get(key)
        if (!claims) continue
        claims.delete(owner)
        if (claims.size === 0) this.#claims.get(set)!.delete(key)
      }
    }
    if (fragment) this.#fragments.set(owner, fragment)
    else this.#fragments.delete(owner)
    for (const [set, elements] of Object.entries(fragment?.elements ?? {})) {
      for (const [key, value] of Object.entries(elements)) {
        let bySet = this.#claims.get(set)
        if (!bySet) this.#claims.set(set, (bySet = new Map()))
        const claims = bySet.get(key)
        if (claims) claims.set(owner, value)
        else bySet.set(key, new Map([[owner, value]]))
      }
    }
    this.#changedOwners.add(owner)
  }

  /** Applies all changes in one transaction. Throws ExecError, and then starts from nothing the next time. */
  async commit(): Promise<void> {
    if (this.#committed && this.#changedOwners.size === 0) return
    const wanted = this.#content()
    const { script, stale } = planTransaction(this.family, this.name, this.#committed, wanted)
    const replaced = !this.#committed
    if (script !== '') {
      this.#committed = undefined
      await this.#host.nft(script)
    }
    // The old table went with all that was in it.
    if (replaced) {
      this.#stale.chains.clear()
      this.#stale.sets.clear()
    }
    this.#committed = wanted
    this.#changedOwners.clear()
    for (const chain of stale.chains) this.#stale.chains.add(chain)
    for (const set of stale.sets) this.#stale.sets.add(set)
    for (const chain of wanted.chains.keys()) this.#stale.chains.delete(chain)
    for (const set of wanted.sets.keys()) this.#stale.sets.delete(set)
  }

  /**
   * Deletes chains and sets that went out of use in earlier commits. Apart from `commit`, because the kernel may still
   * count references from the transaction that removed them; a failure leaves them for the next time.
   */
  async sweep(): Promise<void> {
    const chains = new Set(this.#stale.chains)
    const sets = new Set(this.#stale.sets)
    if (!this.#committed || chains.size + sets.size === 0) return
    const at = `${this.family} ${this.name}`
    await this.#host.nft(
      [...[...chains].map((c) => `delete chain ${at} ${c}`), ...[...sets].map((s) => `delete set ${at} ${s}`)].join(
        '\n',
      ),
    )
    // A commit may have run meanwhile: only what was deleted is forgotten.
    for (const chain of chains) this.#stale.chains.delete(chain)
    for (const set of sets) this.#stale.sets.delete(set)
  }

  /** Removes the table from the kernel; harmless when it isn't there. */
  async remove(): Promise<void> {
    this.#committed = undefined
    this.#stale.chains.clear()
    this.#stale.sets.clear()
    const at = `${this.family} ${this.name}`
    await this.#host.nft(`add table ${at}\ndelete table ${at}\n`)
  }

  #content(): Content {
    const content: Content = { sets: new Map(), baseChains: new Map(), chains: new Map(), elements: new Map() }
    for (const { sets = {}, baseChains = {}, chains = {} } of this.#fragments.values()) {
      for (const [name, set] of Object.entries(sets)) content.sets.set(name, set)
      for (const [name, hook] of Object.entries(baseChains)) content.baseChains.set(name, hook)
      for (const [name, rules] of Object.entries(chains)) content.chains.set(name, rules.join('\n'))
    }
    for (const [set, keys] of this.#claims) {
      const elements = new Map<string, string>()
      for (const [key, claims] of keys) elements.set(key, claims.values().next().value!)
      content.elements.set(set, elements)
    }
    return content
  }
}

/** Pure: the script that turns `before` (undefined: anything) into `after`, and what it leaves empty but undeleted. */
export function planTransaction(
  family: NftFamily,
  name: string,
  before: Content | undefined,
  after: Content,
): { script: string; stale: { chains: string[]; sets: string[] } } {
  const at = `${family} ${name}`
  const lines: string[] = []
  if (!before) lines.push(`add table ${at}`, `delete table ${at}`, `add table ${at}`)
  for (const [set, { kind, definition }] of after.sets) {
    if (!before?.sets.has(set)) lines.push(`add ${kind} ${at} ${set} { ${definition} }`)
  }
  for (const [chain, hook] of after.baseChains) {
    if (!before?.baseChains.has(chain)) lines.push(`add chain ${at} ${chain} { ${hook} }`)
  }
  for (const chain of after.chains.keys()) {
    if (!before?.chains.has(chain) && !after.baseChains.has(chain)) lines.push(`add chain ${at} ${chain}`)
  }
  for (const [chain, rules] of after.chains) {
    if (before?.chains.get(chain) === rules) continue
    if (before) lines.push(`flush chain ${at} ${chain}`)
    for (const rule of rules.split('\n')) if (rule !== '') lines.push(`add rule ${at} ${chain} ${rule}`)
  }
  const setNames = new Set([...(before?.elements.keys() ?? []), ...after.elements.keys()])
  const added: string[] = []
  for (const set of setNames) {
    const old = before?.elements.get(set) ?? new Map<string, string>()
    const now = after.elements.get(set) ?? new Map<string, string>()
    const gone = [...old].filter(([key, value]) => now.get(key) !== value).map(([key]) => key)
    const fresh = [...now].filter(([key, value]) => old.get(key) !== value)
    if (before?.sets.has(set)) lines.push(...elementCommands('delete', at, set, gone))
    added.push(
      ...elementCommands(
        'add',
        at,
        set,
        fresh.map(([key, value]) => (value === '' ? key : `${key} : ${value}`)),
      ),
    )
  }
  lines.push(...added)
  const chains = [...(before?.chains.keys() ?? [])].filter((chain) => !after.chains.has(chain))
  for (const chain of chains) lines.push(`flush chain ${at} ${chain}`)
  const sets = [...(before?.sets.keys() ?? [])].filter((set) => !after.sets.has(set))
  return { script: lines.length === 0 ? '' : `${lines.join('\n')}\n`, stale: { chains, sets } }
}

function elementCommands(verb: 'add' | 'delete', at: string, set: string, elements: string[]): string[] {
  const commands: string[] = []
  for (let i = 0; i < elements.length; i += ELEMENTS_PER_COMMAND)
    commands.push(`${verb} element ${at} ${set} { ${elements.slice(i, i + ELEMENTS_PER_COMMAND).join(', ')} }`)
  return commands
}
