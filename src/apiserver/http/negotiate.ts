/**
 * What representation a client asks for by its Accept header. There are two steps, as upstream has them: the header must
 * name a type that the path has at all, or anything; then the best of its clauses is taken that asks for nothing the path
 * can't do. Upstream: go-restful's `matchesAccept`, `goautoneg`, and `apiserver/pkg/endpoints/handlers/negotiation`.
 */
import { PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import { StatusError } from '#machinery/status-error.ts'

export type Format = 'json' | 'yaml' | 'protobuf'

/** Another form than the object itself. */
export interface Transform {
  readonly kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  readonly apiVersion: 'meta.k8s.io/v1' | 'meta.k8s.io/v1beta1'
}

export interface Accepted {
  readonly format: Format
  /** Indented, for people. */
  readonly isPretty: boolean
  readonly as: Transform | undefined
}

/** What the path that is asked can do. */
export interface Endpoint {
  /** Lists and watches: streams may be asked for. */
  readonly isCollection: boolean
  /** What else than themselves its objects can be shown as. */
  readonly forms: 'none' | 'metadata' | 'metadata and table'
  /** Its objects have a form in protobuf; those of custom resources have not. */
  readonly hasProtobuf: boolean
}

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: PROTOBUF_TYPE,
}
const formats = Object.keys(mediaTypes) as readonly Format[]
const OBJECT_TYPES = Object.values(mediaTypes)
const STREAM_TYPES = [`${mediaTypes.json};stream=watch`, `${mediaTypes.protobuf};stream=watch`]

const plain: Accepted = { format: 'json', isPretty: false, as: undefined }
/** More clauses than these are not looked at. */
const MAX_CLAUSES = 64

export const notAcceptable = (accepted: string) =>
  new StatusError('NotAcceptable', `only the following media types are accepted: ${accepted}`)

/** Throws NotAcceptable. */
export function negotiate(accept: string | undefined, endpoint: Endpoint): Accepted {
  if (accept === undefined || accept === '' || accept === mediaTypes.json || accept === '*/*') return plain
  const available = endpoint.isCollection ? [...OBJECT_TYPES, ...STREAM_TYPES] : OBJECT_TYPES
  if (!namesOneOf(accept, available)) {
    const message = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`
    throw new StatusError('NotAcceptable', message)
  }
  const accepted = bestOf(accept, endpoint)
  if (!accepted) throw notAcceptable(OBJECT_TYPES.join(', '))
  return accepted
}

/** Throws NotAcceptable for a format in which nothing can be watched. */
export function checkStreamable({ format }: Accepted) {
  if (format === 'yaml') throw notAcceptable(STREAM_TYPES.join(', '))
}

/** Of errors, discovery and the like. */
export const PLAIN_ENDPOINT: Endpoint = { isCollection: false, forms: 'none', hasProtobuf: true }

/** How to tell an error to a client; whoever accepts nothing that can be had is told in JSON. */
export function negotiateStatus(accept: string | undefined): Accepted {
  if (accept === undefined || accept === '') return plain
  return bestOf(accept, PLAIN_ENDPOINT) ?? { ...plain, isPretty: true }
}

/** Whether a clause is one of `types` or anything; wildcards for a part are none, and parameters do not count. */
function namesOneOf(accept: string, types: readonly string[]): boolean {
  return accept.split(',').some((clause) => {
    const type = clause.split(';', 1)[0]!.trim()
    return type === '*/*' || types.includes(type)
  })
}

interface Clause {
  readonly type: string
  readonly subtype: string
  readonly weight: number
  readonly parameters: ReadonlyMap<string, string>
}

function bestOf(accept: string, endpoint: Endpoint): Accepted | undefined {
  for (const clause of clausesOf(accept)) {
    for (const format of formats) {
      const [type, subtype] = mediaTypes[format].split('/')
      const isMeant =
        clause.type === '*' ? clause.subtype === '*' : clause.type === type && [subtype, '*'].includes(clause.subtype)
      const accepted = isMeant && withParameters(format, clause.parameters, endpoint)
      if (accepted) return accepted
    }
  }
  return undefined
}

/** Undefined where the parameters ask for what the endpoint can't do. */
function withParameters(
  format: Format,
  parameters: ReadonlyMap<string, string>,
  { forms, hasProtobuf }: Endpoint,
): Accepted | undefined {
  const stream = parameters.get('stream')
  if (stream && (stream !== 'watch' || format === 'yaml')) return undefined
  const serverVersion = parameters.get('sv')
  if (serverVersion && serverVersion !== 'v1') return undefined
  const isPretty = parameters.get('pretty') === '1'
  if (!parameters.has('as') && !parameters.has('g') && !parameters.has('v')) {
    return format === 'protobuf' && !hasProtobuf ? undefined : { format, isPretty, as: undefined }
  }
  const as = forms === 'none' ? undefined : transformOf(parameters)
  if (!as || (as.kind === 'Table' && (forms === 'metadata' || format === 'protobuf'))) return undefined
  return { format, isPretty, as }
}

function transformOf(parameters: ReadonlyMap<string, string>): Transform | undefined {
  const apiVersion = `${parameters.get('g')}/${parameters.get('v')}`
  const kind = parameters.get('as')
  if (apiVersion !== 'meta.k8s.io/v1' && apiVersion !== 'meta.k8s.io/v1beta1') return undefined
  if (kind !== 'Table' && kind !== 'PartialObjectMetadata' && kind !== 'PartialObjectMetadataList') return undefined
  return { kind, apiVersion }
}

/** The best first. */
function clausesOf(accept: string): Clause[] {
  const clauses: Clause[] = []
  for (const part of accept.split(',', MAX_CLAUSES)) {
    const [range = '', ...rest] = part.trim().split(';')
    const [type = '', subtype, more] = range.split('/').map((side) => side.trim())
    if (more !== undefined || (!subtype && type !== '*')) continue
    let weight = 1
    const parameters = new Map<string, string>()
    for (const parameter of rest) {
      const [name = '', value, extra] = parameter.split('=')
      if (!value || extra) continue
      if (name.trim() === 'q') weight = weightOf(value)
      else parameters.set(name.trim(), value.trim())
    }
    clauses.push({ type, subtype: subtype || '*', weight, parameters })
  }
  // Upstream's order is not transitive, so what comes out depends on the way of sorting: by insertion.
  for (let i = 1; i < clauses.length; i++) {
    for (let j = i; j > 0 && isBefore(clauses[j]!, clauses[j - 1]!); j--)
      [clauses[j], clauses[j - 1]] = [clauses[j - 1]!, clauses[j]!]
  }
  return clauses
}

function isBefore(a: Clause, b: Clause): boolean {
  return a.weight > b.weight || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*')
}

function weightOf(text: string): number {
  const weight = Number(text)
  return Number.isNaN(weight) ? 0 : weight
}

const TRUE_TEXTS: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
/** Browsers, and what people use at a terminal. */
const HUMAN_AGENTS = ['curl', 'Wget', 'Mozilla/5.0']

/** Whether the answer is for a human's eyes, as its `pretty` parameter or else its User-Agent says. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.size > 0 && query.get('pretty')
  if (asked) return TRUE_TEXTS.has(asked)
  return userAgent !== undefined && HUMAN_AGENTS.some((beginning) => userAgent.startsWith(beginning))
}
