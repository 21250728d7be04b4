/**
 * What one rule of a role allows. A rule about resources matches verb, group, resource and name each on its own; `*`
 * matches everything, and `*` before a slash the subresource of every resource. Upstream: `pkg/apis/rbac/v1`.
 */
import type { PolicyRule } from './v1.ts'

/** What somebody wants to do. Absent texts are empty. */
export interface WantedAccess {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** Instead of a resource. */
  readonly path?: string
}

const ALL = '*'

/** The rules' own way to name a resource or a subresource: `pods`, `pods/log`. */
export const combinedResource = (resource: string, subresource: string) =>
  subresource === '' ? resource : `${resource}/${subresource}`

export function ruleAllows(rule: PolicyRule, wanted: WantedAccess): boolean {
  const hasName = wanted.path !== undefined || nameMatches(rule.resourceNames, wanted.name)
  return hasName && verbMatches(rule, wanted.verb) && isAbout(rule, wanted)
}

export const verbMatches = ({ verbs }: PolicyRule, verb: string): boolean => has(verbs, verb)

/** Whether a rule says anything about the resource or the path, whatever the verb and the name. */
export function isAbout(rule: PolicyRule, { path, group, resource, subresource }: WantedAccess): boolean {
  if (path !== undefined) return rule.nonResourceURLs?.some((url) => urlCovers(url, path)) ?? false
  return (
    has(rule.apiGroups, group) && resourceMatches(rule.resources, combinedResource(resource, subresource), subresource)
  )
}

/** Whether `url` of a rule covers a path, or another rule's `url`: they are equal, or it ends with `*` and begins it. */
export function urlCovers(url: string, path: string): boolean {
  if (url === path) return true
  return url.endsWith(ALL) && path.startsWith(url.replace(/(?<!\*)\*+$/, ''))
}

export function nameMatches(names: readonly string[] | undefined, name: string): boolean {
  return !names?.length || names.includes(name)
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes(ALL))
}

function resourceMatches(list: readonly string[] | undefined, combined: string, subresource: string): boolean {
  if (list === undefined) return false
  if (list.includes(ALL) || list.includes(combined)) return true
  return subresource !== '' && list.includes(`${ALL}/${subresource}`)
}
