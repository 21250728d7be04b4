/** Who asks, and for what: what authentication finds out, and what authorisation and admission decide upon. */

/** Upstream: `authentication/user.Info`. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export const ALL_AUTHENTICATED = 'system:authenticated'
export const SUPERUSERS = 'system:masters'

/** Upstream: `authorizer.Attributes`. */
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
  readonly name: string
  /** Only for requests that are not about a resource. */
  readonly path?: string
}

export type Decision = { allowed: true; reason: string } | { allowed: false; reason: string }

export interface Authorizer {
  authorize(attributes: Attributes): Decision
}

/** Members of `system:masters` may do everything, nobody else may do anything. */
export const superusersOnly: Authorizer = {
  authorize: ({ user }) =>
    user.groups.includes(SUPERUSERS)
      ? { allowed: true, reason: 'member of system:masters' }
      : { allowed: false, reason: '' },
}

/** The text of a refusal, as upstream words it. */
export function refusalText(a: Attributes, reason: string): string {
  const because = reason && `: ${reason}`
  const who = `User ${JSON.stringify(a.user.name)} cannot ${a.verb}`
  if (a.path !== undefined) return `${who} path ${JSON.stringify(a.path)}${because}`
  const what = `resource ${JSON.stringify(a.subresource ? `${a.resource}/${a.subresource}` : a.resource)} in API group ${JSON.stringify(a.group)}`
  return `${who} ${what} ${a.namespace ? `in the namespace ${JSON.stringify(a.namespace)}` : 'at the cluster scope'}${because}`
}
