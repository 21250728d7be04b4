/**
 * The annotation in which client-side `kubectl apply` keeps what was applied, for objects that move to server-side apply:
 * what it names doesn't conflict, and it is kept up to date, so that going back works too.
 * Upstream: `lastAppliedManager` and `lastAppliedUpdater` of `managedfields/internal`.
 */
import { validateAnnotations } from '../registry/object-meta.ts'
import { compare } from './compare.ts'
import { difference, EMPTY, type FieldSet } from './field-set.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { goJson, NoPathElement } from './path-element.ts'
import { toFieldSet } from './to-field-set.ts'
import { validationError } from './validate.ts'

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration'

/** The only manager for whom the annotation is looked at. */
export const KUBECTL = 'kubectl'

type Meta = { annotations?: Record<string, unknown> | undefined }

function lastApplied(object: JsonObject): string | undefined {
  const value = (object.metadata as Meta | undefined)?.annotations?.[ANNOTATION]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** What the annotation says was applied and is still so; the empty set where it can't be read. */
export function stillApplied(kind: ManagedKind, live: JsonObject): FieldSet {
  const text = lastApplied(live)
  if (text === undefined) return EMPTY
  let applied: unknown
  try {
    applied = JSON.parse(text)
  } catch {
    return EMPTY
  }
  if (typeof applied !== 'object' || applied === null || (applied as JsonObject).apiVersion !== kind.apiVersion)
    return EMPTY
  const strictly = { allowDuplicates: false }
  if (validationError(kind.schema, applied, strictly) || validationError(kind.schema, live, strictly)) return EMPTY
  try {
    const { changed, removed } = compare(kind.schema, applied, live, { isComplete: true })
    return difference(difference(toFieldSet(kind.schema, applied), changed), removed)
  } catch (err) {
    if (err instanceof NoPathElement) return EMPTY
    throw err
  }
}

/** `object` with the annotation, where it has one, saying what has been applied now. */
export function withLastApplied(object: JsonObject, applied: JsonObject): JsonObject {
  if (lastApplied(object) === undefined) return object
  const metadata = object.metadata as Meta
  const { [ANNOTATION]: _former, ...others } = metadata.annotations!
  const annotations = { ...others, [ANNOTATION]: encoded(applied) }
  const isTooLong = validateAnnotations(annotations, '').some(({ type }) => type === 'TooLong')
  return { ...object, metadata: { ...metadata, annotations: isTooLong ? others : annotations } }
}

/** As upstream encodes: names sorted, a line end after it. */
function encoded(applied: JsonObject): string {
  const { annotations, ...meta } = (applied.metadata ?? {}) as Meta
  const { [ANNOTATION]: _own, ...others } = annotations ?? {}
  const metadata = annotations === undefined ? meta : { ...meta, annotations: others }
  return `${goJson(inOrder({ ...applied, metadata }))}\n`
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, member]) => [name, inOrder(member)]))
}
