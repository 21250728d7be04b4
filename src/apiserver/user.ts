/** Who asks, and for what: what authentication finds out, and what authorisation and admission decide upon. */
import type { FieldRequirement } from '#machinery/fields.ts'
import type { LabelRequirement } from '#machinery/labels.ts'

/** Upstream: `authentication/user.Info`. Never changed once it is made: what a user may do is remembered by it. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export const ALL_AUTHENTICATED = 'system:authenticated'
export const ALL_UNAUTHENTICATED = 'system:unauthenticated'
export const ANONYMOUS = 'system:anonymous'
export const SUPERUSERS = 'system:masters'
export const ALL_SERVICE_ACCOUNTS = 'system:serviceaccounts'

/** Key of `extra`: what tells a credential from others of the same user, such as `JTI=...` for a token. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id'

/** `user` as a member of `system:authenticated`, unless it says itself whether it is. */
export function withAuthenticated(user: User): User {
  const { name, groups } = user
  if (name === ANONYMOUS || groups.includes(ALL_AUTHENTICATED) || groups.includes(ALL_UNAUTHENTICATED)) return user
  return { ...user, groups: [...groups, ALL_AUTHENTICATED] }
}

/** The user that a service account is. */
export const serviceAccountUser = (namespace: string, name: string): User => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: serviceAccountGroups(namespace),
})

/** The groups of every service account of `namespace`, `system:authenticated` among them. */
export const serviceAccountGroups = (namespace: string): string[] => [
  ALL_SERVICE_ACCOUNTS,
  `${ALL_SERVICE_ACCOUNTS}:${namespace}`,
  ALL_AUTHENTICATED,
]

/** A part of the control plane that has a role bound to its name, such as `kube-scheduler`. */
export const componentUser = (name: string): User => ({ name: `system:${name}`, groups: [ALL_AUTHENTICATED] })

/** Upstream: `authorizer.Attributes`. Absent texts are empty. */
export interface Attributes {
  readonly user: User
  /** A resource verb (`get`, `list`, `create`, ...) or, for other paths, the HTTP method in lower case. */
  readonly verb: string
  readonly group: string
  readonly version: string
  /** Plural name, or '' for a request that is not about a resource. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  /** Of the object; for a list or watch, what its field selector says of `metadata.name`. */
  readonly name: string
  /** Only for requests that are not about a resource. */
  readonly path?: string
  /** What the selector of a list, watch or deletecollection requires. Absent where there is none, or one that can't be parsed. */
  readonly fieldSelector?: readonly FieldRequirement[] | undefined
  readonly labelSelector?: readonly LabelRequirement[] | undefined
}

/** `reason` says what allows it, or what was found out while it was refused; it may be empty. */
export interface Decision {
  readonly allowed: boolean
  readonly reason: string
}

export interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface NonResourceRule {
  readonly verbs: readonly string[]
  readonly nonResourceURLs: readonly string[]
}

/** What a user may do in a namespace, as far as it can be listed. Upstream: `SubjectRulesReviewStatus`. */
export interface UserRules {
  readonly resourceRules: readonly ResourceRule[]
  readonly nonResourceRules: readonly NonResourceRule[]
  /** Some of what the user may do can't be listed. */
  readonly incomplete: boolean
  readonly errors: readonly string[]
}

export interface Authorizer {
  /** Decides at once, because every request waits for it. */
  authorize(attributes: Attributes): Decision
  rulesFor(user: User, namespace: string): UserRules
}

/** The text of a refusal, as upstream words it. */
export function refusalText(a: Attributes, reason: string): string {
  const because = reason && `: ${reason}`
  const who = `User ${JSON.stringify(a.user.name)} cannot ${a.verb}`
  if (a.path !== undefined) return `${withoutMarkup(`${who} path ${JSON.stringify(a.path)}`)}${because}`
  const resource = a.subresource ? `${a.resource}/${a.subresource}` : a.resource
  const what = `resource ${JSON.stringify(resource)} in API group ${JSON.stringify(a.group)}`
  const where = a.namespace ? `in the namespace ${JSON.stringify(a.namespace)}` : 'at the cluster scope'
  return `${withoutMarkup(`${who} ${what} ${where}`)}${because}`
}

/** Parts of it come from the request, and a browser may show it. */
function withoutMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
