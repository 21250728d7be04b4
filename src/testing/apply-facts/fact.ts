/**
 * Facts of who owns what: an object, the writes that several managers send for it, and what each is answered. How
 * upstream answers them has been observed.
 */

/** An object and what happens to it, in this order. */
export interface Fact {
  readonly title: string
  /** Where objects of its kind are; `NS` stands for a namespace. */
  readonly path: string
  readonly kind: string
  readonly name: string
  /** What of an answer is looked at, next to its managers. */
  readonly shows: (object: Shown) => unknown
  readonly steps: readonly Step[]
}

// oxlint-disable-next-line typescript/no-explicit-any
type Shown = any

export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Of the object: its subresource, and the query. */
  readonly suffix: string
  /** In which version it is sent, where that is not the fact's. */
  readonly version: string | undefined
  readonly type: string
  /** As it is sent, but for what the fact says of every object. */
  readonly body: object | undefined
  /** The body is an object rather than a patch. */
  readonly isWhole: boolean
  /** What is answered, if that is looked at; see `Outcomes`. */
  readonly outcome: Outcome
}

export type Outcome = readonly string[] | undefined

export interface How {
  readonly force?: true
  readonly subresource?: string
  readonly version?: string
  /** What else is asked. */
  readonly query?: string
}

const JSON_TYPE = 'application/json'

function step(
  method: Step['method'],
  type: string,
  manager: string,
  body: object | undefined,
  outcome: Outcome,
  { force, subresource, query, version }: How = {},
): Step {
  const isWhole = type === JSON_TYPE || type === 'application/apply-patch+yaml'
  const asked = [manager && `fieldManager=${manager}`, force && 'force=true', query].filter(Boolean).join('&')
  const suffix = `${subresource ? `/${subresource}` : ''}${asked && `?${asked}`}`
  return { method, suffix, version, type, body, isWhole, outcome }
}

const written =
  (method: Step['method'], type: string) =>
  (manager: string, body: object, outcome: Outcome, how?: How): Step =>
    step(method, type, manager, body, outcome, how)

/** Each takes the manager, the body and the outcome. */
export const create = written('POST', JSON_TYPE)
export const update = written('PUT', JSON_TYPE)
export const apply = written('PATCH', 'application/apply-patch+yaml')
export const merge = written('PATCH', 'application/merge-patch+json')
export const strategic = written('PATCH', 'application/strategic-merge-patch+json')
export const json = written('PATCH', 'application/json-patch+json')
export const get = (outcome: Outcome): Step => step('GET', JSON_TYPE, '', undefined, outcome)

/** The step as an HTTP request. */
export function requestOf(fact: Fact, { method, suffix, version, type, isWhole, body }: Step, namespace: string) {
  const [, root, ...rest] = fact.path.replace('NS', namespace).split('/')
  if (version) rest[root === 'api' ? 0 : 1] = version
  const collection = `/${root}/${rest.join('/')}`
  const apiVersion = root === 'api' ? rest[0] : `${rest[0]}/${rest[1]}`
  const { metadata, ...content } = (body ?? {}) as { metadata?: object }
  const whole = { apiVersion, kind: fact.kind, metadata: { name: fact.name, ...metadata }, ...content }
  const isOfCollection = method === 'POST' && !suffix.startsWith('/')
  return {
    method,
    path: isOfCollection ? collection + suffix : `${collection}/${fact.name}${suffix}`,
    type,
    body: body && (isWhole ? whole : body),
  }
}
