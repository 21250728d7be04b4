/**
 * Whether some rules grant everything that others do, which is asked before anybody hands out a role. Rules are broken into
 * pieces of one verb, one resource and one name; each piece must be covered by a single rule. Upstream:
 * `component-helpers/auth/rbac/validation` and `pkg/registry/rbac/validation`.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import { urlCovers } from '#api/rbac/policy-rule.ts'

/** The pieces of `wanted` that `held` does not cover. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(piecesOf).filter((piece) => !held.some((rule) => covers(rule, piece)))
}

function piecesOf({ apiGroups = [], resources = [], verbs, resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  const pieces: PolicyRule[] = []
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const piece = { apiGroups: [group], resources: [resource], verbs: [verb] }
        if (resourceNames.length === 0) pieces.push(piece)
        for (const name of resourceNames) pieces.push({ ...piece, resourceNames: [name] })
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) pieces.push({ nonResourceURLs: [url], verbs: [verb] })
  return pieces
}

function covers(held: PolicyRule, piece: PolicyRule): boolean {
  const { resources = [], resourceNames = [], nonResourceURLs = [] } = held
  const { resourceNames: names = [] } = piece
  return (
    hasAll(held.verbs, piece.verbs) &&
    hasAll(held.apiGroups ?? [], piece.apiGroups ?? []) &&
    (piece.resources ?? []).every((resource) => coversResource(resources, resource)) &&
    (piece.nonResourceURLs ?? []).every((url) => nonResourceURLs.some((own) => urlCovers(own, url))) &&
    (resourceNames.length === 0 || (names.length > 0 && names.every((name) => resourceNames.includes(name))))
  )
}

function hasAll(held: readonly string[], wanted: readonly string[]): boolean {
  return held.includes('*') || wanted.every((value) => held.includes(value))
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes('*') || held.includes(resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`)
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
    if (joined) joined.verbs.push(...piece.verbs)
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
