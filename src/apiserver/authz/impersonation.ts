/**
 * Acting as somebody else, which headers ask for. Either one is allowed to be that user for this very request
 * (`impersonate:MODE` on the user and `impersonate-on:MODE:VERB` on what is requested), or, in the older way, to be that
 * user at all (`impersonate`). Upstream: `apiserver/pkg/endpoints/filters/impersonation`, KEP-5284.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import { badRequest, type StatusError } from '#machinery/status-error.ts'
import { RequestHeaders } from '../authn/request-headers.ts'
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS,
  type Attributes,
  type Authorizer,
  serviceAccountGroups,
  SUPERUSERS,
  type User,
} from '../user.ts'
import { ALL_NODES } from './node-identity.ts'
import { forbiddenBy } from './refusal.ts'

/** The user that the headers describe, as they do: nothing is completed. */
export interface WantedUser {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

const PREFIX = 'impersonate-'

/** Whether the headers ask for another user at all. */
export function asksForAnother(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith(PREFIX)) return true
  return false
}

/** Undefined where the headers name nobody. Throws BadRequest for groups and the like of nobody. */
export function wantedUser(rawHeaders: readonly string[]): WantedUser | undefined {
  const headers = new RequestHeaders(rawHeaders)
  const wanted: WantedUser = {
    name: headers.first('impersonate-user') ?? '',
    uid: headers.first('impersonate-uid') ?? '',
    groups: headers.all('impersonate-group'),
    extra: headers.withPrefix('impersonate-extra-'),
  }
  if (wanted.name !== '') return wanted
  if (wanted.uid === '' && wanted.groups.length === 0 && wanted.extra.size === 0) return undefined
  throw badRequest(`requested ${goText(wanted)} without impersonating a user name`)
}

/** How upstream prints it. */
function goText({ name, uid, groups, extra }: WantedUser): string {
  const list = (values: readonly string[]) => `{${values.map((value) => JSON.stringify(value)).join(', ')}}`
  const entries = [...extra].map(([key, values]) => `${JSON.stringify(key)}:[]string${list(values)}`)
  const groupsText = groups.length > 0 ? `[]string${list(groups)}` : '[]string(nil)'
  const extraText = extra.size > 0 ? `map[string][]string{${entries.join(', ')}}` : 'map[string][]string(nil)'
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${groupsText}, Extra:${extraText}}`
}

/**
 * The user that the request is performed as. `request` is what is requested, by the user who asks to be another. Throws
 * Forbidden: the first refusal, since what would be the least to allow is tried first.
 */
export function impersonated(authorizer: Authorizer, wanted: WantedUser, request: Attributes): User {
  let refusal: StatusError | undefined
  for (const mode of modes) {
    if (!mode.applies(wanted, request.user)) continue
    const result = attempt(authorizer, mode, wanted, request)
    if ('groups' in result) return result
    refusal ??= result
  }
  throw refusal!
}

interface Mode {
  /** Absent for the older way. */
  readonly name?: string
  applies(wanted: WantedUser, requestor: User): boolean
}

const modes: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, requestor) => {
      const node = isOnlyNamed(wanted) ? nodeOf(wanted.name) : undefined
      return node !== undefined && accountOf(requestor.name) !== undefined && nodeOfToken(requestor) === node
    },
  },
  { name: 'arbitrary-node', applies: (wanted) => isOnlyNamed(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => isOnlyNamed(wanted) && accountOf(wanted.name) !== undefined },
  {
    name: 'user-info',
    applies: ({ name }) => nodeOf(name) === undefined && accountOf(name) === undefined,
  },
  { applies: () => true },
]

const isOnlyNamed = ({ uid, groups, extra }: WantedUser) => uid === '' && groups.length === 0 && extra.size === 0

function nodeOf(user: string): string | undefined {
  const name = user.startsWith('system:node:') ? user.slice('system:node:'.length) : undefined
  return name !== undefined && dnsSubdomain(name).length === 0 ? name : undefined
}

function accountOf(user: string): { namespace: string; name: string } | undefined {
  const [system, kind, namespace, name, ...more] = user.split(':')
  if (system !== 'system' || kind !== 'serviceaccount' || !namespace || !name || more.length > 0) return undefined
  return dnsLabel(namespace).length === 0 && dnsSubdomain(name).length === 0 ? { namespace, name } : undefined
}

/** The node of the pod whose token this is. */
function nodeOfToken({ extra }: User): string | undefined {
  const names = extra?.['authentication.kubernetes.io/node-name']
  return names?.length === 1 ? names[0] : undefined
}

/** So many groups or values are tried as `*` first. */
const MANY = 4
const AUTHENTICATION = 'authentication.k8s.io'

function attempt(authorizer: Authorizer, mode: Mode, wanted: WantedUser, request: Attributes): User | StatusError {
  const { user: requestor } = request
  const verb = mode.name ? `impersonate:${mode.name}` : 'impersonate'
  const ask = (resource: string, name: string, more: Partial<Attributes> = {}): StatusError | undefined => {
    const isOfAuthentication = mode.name !== undefined || resource === 'uids' || resource === 'userextras'
    const group = isOfAuthentication ? AUTHENTICATION : ''
    const nothing = { subresource: '', namespace: '' }
    return refusalOf(authorizer, { ...nothing, user: requestor, verb, group, version: 'v1', resource, name, ...more })
  }
  if (mode.name) {
    const on = withVerb(request, `impersonate-on:${mode.name}:${request.verb}`)
    const refusal = refusalOf(authorizer, on)
    if (refusal) return refusal
  }
  const account = accountOf(wanted.name)
  const node = mode.name ? nodeOf(wanted.name) : undefined
  const refusal =
    (account
      ? ask('serviceaccounts', account.name, { namespace: account.namespace })
      : node !== undefined
        ? ask('nodes', mode.name === 'associated-node' ? '*' : node)
        : ask('users', wanted.name)) ??
    (wanted.uid === '' ? undefined : ask('uids', wanted.uid)) ??
    refusalOfGroups(wanted.groups, mode, ask, requestor) ??
    refusalOfExtra(wanted.extra, mode, ask, requestor)
  if (refusal) return refusal
  const groups = account && wanted.groups.length === 0 ? serviceAccountGroups(account.namespace) : wanted.groups
  return completed(wanted, node === undefined ? groups : [ALL_NODES])
}

type Ask = (resource: string, name: string, more?: Partial<Attributes>) => StatusError | undefined

function refusalOfGroups(groups: readonly string[], mode: Mode, ask: Ask, requestor: User): StatusError | undefined {
  if (groups.length === 0) return undefined
  if (mode.name) {
    const never = (name: string, what: string) => {
      const about = { user: requestor, verb: `impersonate:${mode.name}`, group: AUTHENTICATION, version: 'v1' }
      const attributes = { ...about, resource: 'groups', subresource: '', namespace: '', name }
      return forbiddenBy(attributes, `impersonating the ${what} group is not allowed`)
    }
    if (groups.includes('')) return never('', 'empty string')
    if (groups.includes(SUPERUSERS)) return never(SUPERUSERS, SUPERUSERS)
    if (groups.length >= MANY && !ask('groups', '*')) return undefined
  }
  return first(groups.map((group) => () => ask('groups', group)))
}

function refusalOfExtra(extra: WantedUser['extra'], mode: Mode, ask: Ask, requestor: User): StatusError | undefined {
  if (extra.size === 0) return undefined
  const values = [...extra].flatMap(([key, list]) => list.map((value) => ({ key, value })))
  if (mode.name) {
    const problem = extraProblem(extra)
    if (problem) {
      const about = { user: requestor, verb: `impersonate:${mode.name}`, group: AUTHENTICATION, version: 'v1' }
      const nothing = { subresource: '', namespace: '', name: '' }
      return forbiddenBy({ ...about, ...nothing, resource: 'userextras' }, problem)
    }
    const isLarge = extra.size >= MANY || values.length >= MANY
    if (isLarge && !ask('userextras', '*', { subresource: '*' })) return undefined
  }
  return first(
    values.map(
      ({ key, value }) =>
        () =>
          ask('userextras', value, { subresource: key }),
    ),
  )
}

function first(checks: readonly (() => StatusError | undefined)[]): StatusError | undefined {
  for (const check of checks) {
    const refusal = check()
    if (refusal) return refusal
  }
  return undefined
}

function extraProblem(extra: WantedUser['extra']): string | undefined {
  for (const [key, values] of extra) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed'
    const problem = keyProblem(key)
    if (problem) return `impersonating an invalid key in extra is not allowed: ${problem}`
    if (key !== key.toLowerCase())
      return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`
    if (values.length === 0) return 'impersonating empty values in extra is not allowed'
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed'
  }
  return undefined
}

const pathPattern = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/

/** Keys are paths below a domain. */
function keyProblem(key: string): string | undefined {
  const slash = key.indexOf('/')
  const invalid = (value: string, why: string) => `extra.key: Invalid value: ${JSON.stringify(value)}: ${why}`
  if (slash <= 0 || slash === key.length - 1)
    return invalid(key, 'must be a domain-prefixed path (such as "acme.io/foo")')
  const problems = dnsSubdomain(key.slice(0, slash)).map((why) => invalid(key.slice(0, slash), why))
  const path = key.slice(slash + 1)
  if (!pathPattern.test(path))
    problems.push(invalid(path, `Invalid path (regex used for validation is '${pathPattern.source.slice(1, -1)}')`))
  return problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]
}

function refusalOf(authorizer: Authorizer, attributes: Attributes): StatusError | undefined {
  const { allowed, reason } = authorizer.authorize(attributes)
  return allowed ? undefined : forbiddenBy(attributes, reason)
}

function withVerb(
  { user, group, version, resource, subresource, namespace, name, path, fieldSelector, labelSelector }: Attributes,
  verb: string,
): Attributes {
  const about = { user, verb, group, version, resource, subresource, namespace, name, fieldSelector, labelSelector }
  return path === undefined ? about : { ...about, path }
}

/** Everybody is in one of the two groups that tell whether somebody is known. */
function completed({ name, uid, extra }: WantedUser, groups: readonly string[]): User {
  const isKnown = name !== ANONYMOUS
  const own = isKnown ? ALL_AUTHENTICATED : ALL_UNAUTHENTICATED
  const hasOne = groups.includes(own) || (isKnown && groups.includes(ALL_UNAUTHENTICATED))
  return {
    name,
    ...(uid && { uid }),
    groups: hasOne ? groups : [...groups, own],
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
  }
}
