/**
 * Answers in the representation that was negotiated: JSON, YAML or protobuf; the object itself, a Table, or its metadata
 * only. Objects and lists in JSON and protobuf are sent as the bytes that were made once for everybody.
 */
import { dump } from 'js-yaml'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  PartialObjectMetadata,
  PartialObjectMetadataList,
  PartialObjectMetadataListV1Beta1,
} from '#api/meta/partial.ts'
import { ListMeta, Status } from '#api/meta/v1.ts'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { closeEnvelope, enveloped, listPieces } from '#api/protobuf-envelope.ts'
import type { Message } from '#api/schema.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Answer } from '../answer.ts'
import type { ListResult } from '../list.ts'
import type { JoinedEntries } from './joined-entries.ts'
import { type Accepted, mediaTypes, notAcceptable, type Transform } from './negotiate.ts'

/** Renders objects for clients that ask for another form than the object itself. */
export interface Renderer {
  object(as: Transform, resource: Resource, object: KubeObject, query: URLSearchParams): Rendered
  list(
    as: Transform,
    resource: Resource,
    objects: readonly KubeObject[],
    metadata: object,
    query: URLSearchParams,
  ): Rendered
  /** One object of a watch; only the first carries a Table's column definitions. */
  event(as: Transform, resource: Resource, object: KubeObject, isFirst: boolean, query: URLSearchParams): Rendered
}

export interface Rendered {
  readonly kind: string
  readonly apiVersion?: string
}

export const notAList = ({ kind }: Resource) =>
  new StatusError(
    'NotAcceptable',
    `you requested PartialObjectMetadataList, but the requested object is not a list (${kind})`,
  )

/** The type of a kind, where it has one in protobuf. */
export type TypeLookup = (apiVersion: string, kind: string) => Message | undefined

/** What is sent: bytes, or pieces of them that are sent one after the other. */
export interface Body {
  readonly contentType: string
  readonly pieces: readonly Buffer[]
}

export interface RepresentationOptions {
  readonly accepted: Accepted
  readonly resource: Resource
  readonly query: URLSearchParams
  readonly renderer: Renderer
  readonly typeOf: TypeLookup
  readonly joined: JoinedEntries
}

/** Throws NotAcceptable, and BadRequest for parameters that the form can't be made with. */
export function represent(answer: Answer, options: RepresentationOptions): Body {
  const { accepted, resource, query, renderer } = options
  const { as } = accepted
  if (answer.type === 'status') return valueBody(answer.status, accepted, options.typeOf)
  if (answer.type === 'list') {
    if (!as) return listBody(answer.list, options)
    const objects = answer.list.entries.map((entry) => entry.object)
    return valueBody(renderer.list(as, resource, objects, answer.list.metadata, query), accepted, options.typeOf)
  }
  const { object, cached } = answer
  if (as) return valueBody(renderer.object(as, resource, object, query), accepted, options.typeOf)
  if (cached && accepted.format === 'json' && !accepted.isPretty) return body('json', cached.wire)
  if (cached && accepted.format === 'protobuf')
    return body('protobuf', enveloped(object.apiVersion, object.kind, cached.protobuf))
  return valueBody(object, accepted, options.typeOf)
}

/** Any error, in a representation that its client understands. */
export function statusBody(error: StatusError, accepted: Accepted): Body {
  return valueBody(error.toStatus(), accepted, () => undefined)
}

/** Any value that has a kind. Throws NotAcceptable where it has no form in the format. */
export function valueBody(value: Rendered, { format, isPretty }: Accepted, typeOf: TypeLookup): Body {
  switch (format) {
    case 'json':
      return body('json', Buffer.from(`${JSON.stringify(value, undefined, isPretty ? 2 : undefined)}\n`))
    case 'yaml':
      return body('yaml', Buffer.from(dump(value, { noRefs: true, sortKeys: true, noArrayIndent: true })))
    case 'protobuf': {
      const { kind, apiVersion = '' } = value
      const type = metaTypes.get(`${apiVersion} ${kind}`) ?? typeOf(apiVersion, kind)
      if (!type || type.schema) throw notAcceptable(`${mediaTypes.json}, ${mediaTypes.yaml}`)
      return body('protobuf', closeEnvelope(apiVersion, kind, encodeProtobuf(type, value as unknown as JsonObject)))
    }
  }
}
type JsonObject = Record<string, unknown>

/** Kinds that are no resource's. */
const metaTypes: ReadonlyMap<string, Message> = new Map<string, Message>([
  ['v1 Status', Status],
  ['meta.k8s.io/v1 PartialObjectMetadata', PartialObjectMetadata],
  ['meta.k8s.io/v1beta1 PartialObjectMetadata', PartialObjectMetadata],
  ['meta.k8s.io/v1 PartialObjectMetadataList', PartialObjectMetadataList],
  ['meta.k8s.io/v1beta1 PartialObjectMetadataList', PartialObjectMetadataListV1Beta1],
])

function body(format: Accepted['format'], bytes: Buffer): Body {
  return { contentType: mediaTypes[format], pieces: [bytes] }
}

const LIST_END = Buffer.from(']}\n')

function listBody({ entries, metadata }: ListResult, options: RepresentationOptions): Body {
  const { accepted, resource } = options
  const { format, isPretty } = accepted
  const head = { kind: resource.listKind ?? `${resource.kind}List`, apiVersion: resource.apiVersion, metadata }
  if (format === 'protobuf') {
    const fields = entries.map((entry) => entry.protobuf)
    const meta = encodeProtobuf(ListMeta, metadata as unknown as JsonObject)
    return { contentType: mediaTypes.protobuf, pieces: listPieces(head.apiVersion, head.kind, meta, fields) }
  }
  if (format === 'yaml' || isPretty)
    return valueBody({ ...head, items: entries.map((entry) => entry.object) } as Rendered, accepted, options.typeOf)
  const start = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)
  return { contentType: mediaTypes.json, pieces: [start, ...options.joined.join(entries), LIST_END] }
}
