/**
 * Whether some rules grant everything that others do, which is asked before anybody hands out a role. Rules are broken into
 * pieces of one verb, one resource and one name; each piece must be covered by a single rule. Upstream:
 * `component-helpers/auth/rbac/validation` and `pkg/registry/rbac/validation`.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import { urlCovers } from '#api/rbac/policy-rule.ts'

/** No more pieces are told of once there are so many, or once they are so long together (characters). */
const MAX_TOLD = 1000
const MAX_TOLD_LENGTH = 1 << 20
/** As many sorts of pieces of one rule are looked at; who asks for more is taken not to hold it. */
const MAX_SORTS = 100_000
/** Rules that somebody holds beyond these are not looked at, as though they were not held. */
const MAX_HELD = 4096

/** Rules by their place in a list, as bits. */
type RuleSet = bigint
/** Which rules cover a value. */
type Covering = (value: string) => RuleSet
/** A value that a piece may have one of, or none. */
type Part = string | undefined

/**
 * The pieces of `wanted` that `held` does not cover, the first of them where there are very many. What a rule says in a few
 * megabytes may be more pieces than anybody can count, so whole sorts of them are looked at: those that the same rules cover.
 */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const covering = coverings(held)
  const found: PolicyRule[] = []
  let length = 0
  for (const { apiGroups = [], resources = [], verbs, resourceNames = [], nonResourceURLs = [] } of wanted) {
    const names = resourceNames.length > 0 ? resourceNames : [undefined]
    const aboutResources = [
      new Dimension(apiGroups, covering.group),
      new Dimension(resources, covering.resource),
      new Dimension(verbs, covering.verb),
      new Dimension(names, covering.name),
    ]
    const aboutUrls = [new Dimension(nonResourceURLs, covering.url), new Dimension(verbs, covering.verb)]
    const tell = (piece: PolicyRule, parts: readonly Part[]) => {
      found.push(piece)
      for (const part of parts) length += part?.length ?? 0
      return found.length < MAX_TOLD && length < MAX_TOLD_LENGTH
    }
    const goesOn =
      eachUncovered(aboutResources, covering.anything, ([group, resource, verb, name]) =>
        tell(resourcePiece(group!, resource!, verb!, name), [group, resource, verb, name]),
      ) &&
      eachUncovered(aboutUrls, covering.name(undefined), ([url, verb]) =>
        tell({ nonResourceURLs: [url!], verbs: [verb!] }, [url, verb]),
      )
    if (!goesOn) break
  }
  return found
}

const resourcePiece = (group: string, resource: string, verb: string, name: Part): PolicyRule => ({
  apiGroups: [group],
  resources: [resource],
  verbs: [verb],
  ...(name !== undefined && { resourceNames: [name] }),
})

/** The values of one part of a rule, with the rules that cover each. */
class Dimension {
  readonly values: readonly Part[]
  readonly covering: readonly RuleSet[]
  readonly sorts: readonly RuleSet[]

  constructor(values: readonly Part[], covering: (value: Part) => RuleSet) {
    this.values = values
    this.covering = values.map(covering)
    this.sorts = [...new Set(this.covering)]
  }
}

/** Calls `tell` for each piece that none of `rules` covers until it says no; the answer is what it said last. */
function eachUncovered(
  dimensions: readonly Dimension[],
  rules: RuleSet,
  tell: (parts: readonly Part[]) => boolean,
): boolean {
  if (dimensions.some(({ values }) => values.length === 0)) return true
  let left = MAX_SORTS
  const hasGap = (depth: number, covered: RuleSet): boolean => {
    if (covered === 0n || left-- <= 0) return true
    return depth < dimensions.length && dimensions[depth]!.sorts.some((sort) => hasGap(depth + 1, covered & sort))
  }
  const walk = (depth: number, covered: RuleSet, parts: readonly Part[]): boolean => {
    const dimension = dimensions[depth]
    if (!dimension) return tell(parts)
    const gaps = new Set(dimension.sorts.filter((sort) => hasGap(depth + 1, covered & sort)))
    return dimension.values.every((value, i) => {
      const sort = dimension.covering[i]!
      return !gaps.has(sort) || walk(depth + 1, covered & sort, [...parts, value])
    })
  }
  return !hasGap(0, rules) || walk(0, rules, [])
}

/** For each part of a piece, which of the rules cover it. */
function coverings(rules: readonly PolicyRule[]) {
  const held = rules.slice(0, MAX_HELD)
  const byVerb = new RulesByValue(held.map(({ verbs }) => verbs))
  const byGroup = new RulesByValue(held.map(({ apiGroups }) => apiGroups))
  const byResource = new RulesByValue(held.map(({ resources }) => resources))
  const byName = new RulesByValue(held.map(({ resourceNames }) => resourceNames))
  const byUrl = new RulesByValue(held.map(({ nonResourceURLs }) => nonResourceURLs))
  const forAnyName = held.reduce<RuleSet>(
    (set, { resourceNames }, i) => (resourceNames?.length ? set : set | (1n << BigInt(i))),
    0n,
  )
  const patterns = byUrl.values.filter((url) => url.endsWith('*'))
  const memoized = (covering: Covering) => {
    const known = new Map<string, RuleSet>()
    return (value: Part): RuleSet => {
      let set = known.get(value!)
      if (set === undefined) known.set(value!, (set = covering(value!)))
      return set
    }
  }
  return {
    anything: (1n << BigInt(held.length)) - 1n,
    verb: memoized((verb) => byVerb.of('*') | byVerb.of(verb)),
    group: memoized((group) => byGroup.of('*') | byGroup.of(group)),
    resource: memoized((resource) => {
      const slash = resource.indexOf('/')
      const bySubresource = slash < 0 ? 0n : byResource.of(`*${resource.slice(slash)}`)
      return byResource.of('*') | byResource.of(resource) | bySubresource
    }),
    name: (name: Part) => (name === undefined ? forAnyName : forAnyName | byName.of(name)),
    url: memoized((url) =>
      patterns.reduce((set, own) => (urlCovers(own, url) ? set | byUrl.of(own) : set), byUrl.of(url)),
    ),
  }
}

class RulesByValue {
  readonly #sets = new Map<string, RuleSet>()

  constructor(lists: readonly (readonly string[] | undefined)[]) {
    lists.forEach((list, i) => {
      for (const value of list ?? []) this.#sets.set(value, this.of(value) | (1n << BigInt(i)))
    })
  }

  of(value: string): RuleSet {
    return this.#sets.get(value) ?? 0n
  }

  get values(): string[] {
    return [...this.#sets.keys()]
  }
}

/** Pieces about one resource joined into one rule with all their verbs; what is not about one resource stays as it is. */
export function compacted(pieces: readonly PolicyRule[]): PolicyRule[] {
  const others: PolicyRule[] = []
  const byResource = new Map<string, PolicyRule>()
  for (const piece of pieces) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = piece
    if (nonResourceURLs.length > 0 || apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1) {
      others.push(piece)
      continue
    }
    const key = JSON.stringify([apiGroups[0], resources[0], resourceNames])
    const joined = byResource.get(key)
    if (joined) for (const verb of piece.verbs) joined.verbs.push(verb)
    else byResource.set(key, { ...piece, verbs: [...piece.verbs] })
  }
  return [...others, ...byResource.values()]
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`, as errors show a rule. */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = { APIGroups: apiGroups, Resources: resources, NonResourceURLs: nonResourceURLs }
  const all = { ...parts, ResourceNames: resourceNames, Verbs: verbs }
  const texts = Object.entries(all).flatMap(([name, values]) => (values?.length ? [`${name}:${quoted(values)}`] : []))
  return `{${texts.join(', ')}}`
}

/** `["a" "b"]` */
export function quoted(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
