/**
 * Rules laid out for being asked: a request looks only at those that name its resource. Built once for each user and scope;
 * what a table says is exactly what `ruleAllows` says of its rules, one after the other.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import type { Attributes, Decision } from '../user.ts'
import { combinedResource, urlCovers } from '#api/rbac/policy-rule.ts'

/** `undefined` stands for everything. */
type Values = ReadonlySet<string> | undefined

interface ResourceEntry {
  readonly verbs: Values
  readonly groups: Values
  readonly names: Values
  readonly decision: Decision
}

interface UrlEntry {
  readonly verbs: Values
  readonly urls: readonly string[]
  readonly decision: Decision
}

export class RuleTable {
  /** By the resource as rules name it; under `*` alone, or before a slash, what holds for any. */
  readonly #byResource = new Map<string, ResourceEntry[]>()
  readonly #urls: UrlEntry[] = []

  /** `decision` is the answer to what the rule allows. */
  add({ verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs }: PolicyRule, decision: Decision): void {
    if (nonResourceURLs?.length) this.#urls.push({ verbs: valuesOf(verbs), urls: nonResourceURLs, decision })
    if (apiGroups.length === 0) return
    const names = resourceNames?.length ? new Set(resourceNames) : undefined
    const entry: ResourceEntry = { verbs: valuesOf(verbs), groups: valuesOf(apiGroups), names, decision }
    for (const resource of new Set(resources)) {
      const entries = this.#byResource.get(resource)
      if (entries) entries.push(entry)
      else this.#byResource.set(resource, [entry])
    }
  }

  /** The decision of a rule that allows it, or undefined. */
  find(attributes: Attributes): Decision | undefined {
    if (attributes.path !== undefined) return this.#findUrl(attributes.verb, attributes.path)
    const { resource, subresource } = attributes
    return (
      this.#among(combinedResource(resource, subresource), attributes) ??
      this.#among('*', attributes) ??
      (subresource === '' ? undefined : this.#among(`*/${subresource}`, attributes))
    )
  }

  #among(key: string, { verb, group, name }: Attributes): Decision | undefined {
    const entries = this.#byResource.get(key)
    if (entries === undefined) return undefined
    for (const entry of entries) {
      if (entry.verbs !== undefined && !entry.verbs.has(verb)) continue
      if (entry.groups !== undefined && !entry.groups.has(group)) continue
      if (entry.names !== undefined && !entry.names.has(name)) continue
      return entry.decision
    }
    return undefined
  }

  #findUrl(verb: string, path: string): Decision | undefined {
    for (const { verbs, urls, decision } of this.#urls) {
      if (verbs !== undefined && !verbs.has(verb)) continue
      if (urls.some((url) => urlCovers(url, path))) return decision
    }
    return undefined
  }
}

const valuesOf = (values: readonly string[]): Values => (values.includes('*') ? undefined : new Set(values))
