/**
 * How the events of a watch are sent: as lines of JSON or frames of protobuf; the objects themselves, their metadata, or
 * rows of a Table. All but rows are the same for every watcher of a selection, so they are made once for all of them.
 * Upstream: `watchEncoder` in `apiserver/pkg/endpoints/handlers/response.go`.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import { PartialObjectMetadata } from '#api/meta/partial.ts'
import { Status } from '#api/meta/v1.ts'
import { encodeAsField } from '#api/protobuf-encode.ts'
import { OBJECT_TAG, watchFrame } from '#api/protobuf-envelope.ts'
import type { Message } from '#api/schema.ts'
import type { Status as StatusObject } from '#machinery/status-error.ts'
import { BackwardWriter } from '#machinery/protobuf-wire.ts'
import type { SelectedBatch, SelectedEvent } from '../watch/watch-groups.ts'
import { type Accepted, checkStreamable, mediaTypes } from './negotiate.ts'
import { notAList, type Renderer } from './representation.ts'

export interface WatchEncoding {
  readonly contentType: string
  event(event: SelectedEvent): Buffer
  batch(batch: SelectedBatch): Buffer
  /** An object with nothing but a kind and a resourceVersion. */
  bookmark(object: KubeObject): Buffer
  error(status: StatusObject): Buffer
}

/** Throws NotAcceptable for what can't be sent event by event. */
export function watchEncoding(
  accepted: Accepted,
  resource: Resource,
  renderer: Renderer,
  query: URLSearchParams,
): WatchEncoding {
  checkStreamable(accepted)
  const { as } = accepted
  if (as?.kind === 'PartialObjectMetadataList') throw notAList(resource)
  if (accepted.format === 'protobuf') {
    if (!as) {
      const { apiVersion, kind, type } = resource
      return protobuf(
        'protobuf',
        apiVersion,
        kind,
        (event) => event.protobuf,
        (object) => field(type, object),
      )
    }
    const metadataOf = ({ metadata }: KubeObject) => field(PartialObjectMetadata, { metadata })
    return protobuf(
      `protobuf ${as.apiVersion}`,
      as.apiVersion,
      as.kind,
      (event) => metadataOf(event.object),
      metadataOf,
    )
  }
  if (!as)
    return json(
      'json',
      (object) => object,
      (event) => event.line,
    )
  let isFirst = true
  const render = (object: KubeObject) => {
    const rendered = renderer.event(as, resource, object, isFirst, query)
    isFirst = false
    return rendered
  }
  // Rows show ages, and what stands above them depends on the watcher.
  return json(as.kind === 'Table' ? undefined : `json ${as.apiVersion}`, render)
}

/** `name` is the same for encodings that make the same of an event; without one nothing is shared. */
function json(
  name: string | undefined,
  render: (object: KubeObject) => unknown,
  lineOf: (event: SelectedEvent) => Buffer = (event) => line(event.type, render(event.object)),
): WatchEncoding {
  return {
    contentType: mediaTypes.json,
    event: lineOf,
    batch: (batch) => batch.encoded(name, lineOf),
    bookmark: (object) => line('BOOKMARK', render(object)),
    error: (status) => line('ERROR', status),
  }
}

const line = (type: string, object: unknown) => Buffer.from(`${JSON.stringify({ type, object })}\n`)

function protobuf(
  name: string,
  apiVersion: string,
  kind: string,
  fieldOf: (event: SelectedEvent) => Buffer,
  bookmarkOf: (object: KubeObject) => Buffer,
): WatchEncoding {
  const frameOf = (event: SelectedEvent) => watchFrame(event.type, apiVersion, kind, fieldOf(event))
  return {
    contentType: `${mediaTypes.protobuf};stream=watch`,
    event: frameOf,
    batch: (batch) => batch.encoded(name, frameOf),
    bookmark: (object) => watchFrame('BOOKMARK', apiVersion, kind, bookmarkOf(object)),
    error: (status) => watchFrame('ERROR', 'v1', 'Status', field(Status, status)),
  }
}

const field = (type: Message, object: object) =>
  encodeAsField(type, object as Record<string, unknown>, OBJECT_TAG, new BackwardWriter())
