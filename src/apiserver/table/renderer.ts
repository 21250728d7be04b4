/**
 * Objects in the other forms that clients may ask for by `Accept`: a Table, or only the metadata. Upstream: `asTable`,
 * `asPartialObjectMetadata` in `apiserver/pkg/endpoints/handlers/response.go`.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import type { Transform } from '../http/negotiate.ts'
import { notAList, type Renderer } from '../http/representation.ts'
import { plainPrinter, scalePrinter } from './other-printers.ts'
import type { Column, Printed, Printer, RowCondition } from './printer.ts'

type MetaVersion = Transform['apiVersion']

export interface Table {
  kind: 'Table'
  apiVersion: MetaVersion
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

interface TableOptions {
  metadata: object
  include: IncludeObject
  nowMs: number
  noHeaders?: boolean
  /** Default: the newest. */
  apiVersion?: MetaVersion
}

/** Throws nothing; an object without anything to show gets its name and time. */
export function tableOf(
  printer: Printer,
  objects: readonly KubeObject[],
  { metadata, include, nowMs, noHeaders = false, apiVersion = 'meta.k8s.io/v1' }: TableOptions,
): Table {
  const rowOf = (object: KubeObject): TableRow => {
    const printed = object as unknown as Printed
    const conditions = printer.conditions?.(printed)
    return {
      cells: printer.cells(printed, nowMs).map((cell) => cell ?? null),
      ...(conditions && { conditions }),
      object: include === 'None' ? null : include === 'Object' ? object : partialOf(object, apiVersion),
    }
  }
  const columnDefinitions = noHeaders ? null : printer.columns
  return { kind: 'Table', apiVersion, metadata, columnDefinitions, rows: objects.map(rowOf) }
}

function partialOf({ metadata }: KubeObject, apiVersion: MetaVersion) {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata }
}

/** A bookmark carries nothing but a resourceVersion: it becomes a row of empty cells. */
const isBookmark = (object: KubeObject) => !object.metadata.name

/** `find` is asked anew for each request, because custom resources bring their own. */
export function createRenderer(clock: Clock, find: (resource: Resource) => Printer | undefined): Renderer {
  const printerOf = (resource: Resource) => find(resource) ?? plainPrinter(resource.type)
  const optionsOf = (query: URLSearchParams, { apiVersion }: Transform) => ({
    include: includeObjectOf(query),
    nowMs: clock.now(),
    apiVersion,
  })
  const wantsNoHeaders = (query: URLSearchParams) => query.get('noHeaders') === 'true'
  const one = (as: Transform, resource: Resource, object: KubeObject, query: URLSearchParams, noHeaders: boolean) => {
    const { apiVersion } = as
    const metadata = { resourceVersion: object.metadata.resourceVersion }
    // Subresources that answer with a kind of their own have columns of their own.
    const printer = object.kind === 'Scale' ? scalePrinter : printerOf(resource)
    if (isBookmark(object)) {
      const rows = [{ cells: printer.columns.map(() => ''), object: partialOf(object, apiVersion) }]
      return { kind: 'Table', apiVersion, metadata, columnDefinitions: null, rows }
    }
    return tableOf(printer, [object], { metadata, noHeaders, ...optionsOf(query, as) })
  }
  return {
    object(as, resource, object, query) {
      if (as.kind === 'PartialObjectMetadata') return partialOf(object, as.apiVersion)
      if (as.kind === 'PartialObjectMetadataList') throw notAList(resource)
      return one(as, resource, object, query, wantsNoHeaders(query))
    },
    list(as, resource, objects, metadata, query) {
      const { kind, apiVersion } = as
      if (kind === 'PartialObjectMetadata') throw isAList(resource)
      if (kind === 'PartialObjectMetadataList')
        return { kind, apiVersion, metadata, items: objects.map((object) => partialOf(object, apiVersion)) }
      const noHeaders = wantsNoHeaders(query)
      return tableOf(printerOf(resource), objects, { metadata, noHeaders, ...optionsOf(query, as) })
    },
    event(as, resource, object, isFirst, query) {
      if (as.kind === 'PartialObjectMetadata') return partialOf(object, as.apiVersion)
      return one(as, resource, object, query, !isFirst)
    },
  }
}

const isAList = ({ kind, listKind = `${kind}List` }: Resource) =>
  new StatusError(
    'NotAcceptable',
    `you requested PartialObjectMetadata, but the requested object is a list (${listKind})`,
  )
