/**
 * Objects in the other forms that clients may ask for by `Accept`: a Table, or only the metadata. Upstream: `asTable`,
 * `asPartialObjectMetadata` in `apiserver/pkg/endpoints/handlers/response.go`.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import type { Renderer } from '../http/server.ts'
import { plainPrinter } from './other-printers.ts'
import type { Column, Printed, Printer, RowCondition } from './printer.ts'

const META_VERSION = 'meta.k8s.io/v1'

export interface Table {
  kind: 'Table'
  apiVersion: typeof META_VERSION
  metadata: object
  columnDefinitions: readonly Column[] | null
  rows: TableRow[]
}

export interface TableRow {
  cells: unknown[]
  conditions?: RowCondition[]
  object: object | null
}

/** What of each object accompanies its row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** Throws BadRequest for a value that is none of IncludeObject; nothing means `Metadata`. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') || 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  const supported = '"Metadata", "None", "Object"'
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be ${supported}, or empty`,
  )
}

/** Throws nothing; an object without anything to show gets its name and time. */
export function tableOf(
  printer: Printer,
  objects: readonly KubeObject[],
  {
    metadata,
    include,
    nowMs,
    noHeaders = false,
  }: { metadata: object; include: IncludeObject; nowMs: number; noHeaders?: boolean },
): Table {
  return {
    kind: 'Table',
    apiVersion: META_VERSION,
    metadata,
    columnDefinitions: noHeaders ? null : printer.columns,
    rows: objects.map((object) => rowOf(printer, object, include, nowMs)),
  }
}

function rowOf(printer: Printer, object: KubeObject, include: IncludeObject, nowMs: number): TableRow {
  const printed = object as unknown as Printed
  const conditions = printer.conditions?.(printed)
  return {
    cells: printer.cells(printed, nowMs).map((cell) => cell ?? null),
    ...(conditions && { conditions }),
    object: include === 'None' ? null : include === 'Object' ? object : partialOf(object),
  }
}

export function partialOf({ metadata }: KubeObject) {
  return { kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata }
}

/** A bookmark carries nothing but a resourceVersion: it becomes a row of empty cells. */
const isBookmark = (object: KubeObject) => !object.metadata.name

/** `find` is asked anew for each request, because custom resources bring their own. */
export function createRenderer(clock: Clock, find: (resource: Resource) => Printer | undefined): Renderer {
  const printerOf = (resource: Resource) => find(resource) ?? plainPrinter(resource.type)
  const options = (query: URLSearchParams) => ({ include: includeObjectOf(query), nowMs: clock.now() })
  const one = (resource: Resource, object: KubeObject, query: URLSearchParams, noHeaders: boolean) => {
    const metadata = { resourceVersion: object.metadata.resourceVersion }
    if (isBookmark(object)) {
      const cells = printerOf(resource).columns.map(() => '')
      const rows = [{ cells, object: partialOf(object) }]
      return { kind: 'Table', apiVersion: META_VERSION, metadata, columnDefinitions: null, rows }
    }
    return tableOf(printerOf(resource), [object], { metadata, noHeaders, ...options(query) })
  }
  return {
    object(as, resource, object, query) {
      if (as === 'PartialObjectMetadata') return partialOf(object)
      if (as === 'PartialObjectMetadataList') throw notAList(resource)
      const noHeaders = query.get('noHeaders') === 'true'
      return one(resource, object, query, noHeaders)
    },
    list(as, resource, objects, metadata, query) {
      if (as === 'PartialObjectMetadata') throw isAList(resource)
      if (as === 'PartialObjectMetadataList') {
        return { kind: as, apiVersion: META_VERSION, metadata, items: objects.map(partialOf) }
      }
      const noHeaders = query.get('noHeaders') === 'true'
      return tableOf(printerOf(resource), objects, { metadata, noHeaders, ...options(query) })
    },
    event(as, resource, object, isFirst, query) {
      return as === 'Table' ? one(resource, object, query, !isFirst) : partialOf(object)
    },
  }
}

const notAList = ({ kind }: Resource) =>
  new StatusError(
    'NotAcceptable',
    `you requested PartialObjectMetadataList, but the requested object is not a list (${kind})`,
  )
const isAList = ({ kind }: Resource) =>
  new StatusError(
    'NotAcceptable',
    `you requested PartialObjectMetadata, but the requested object is a list (${kind}List)`,
  )
