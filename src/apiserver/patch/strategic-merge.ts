/**
 * Strategic merge patch: a JSON merge patch that knows from the schema which lists are merged and by which key, and obeys
 * the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`.
 * Upstream: `apimachinery/pkg/util/strategicpatch`. Nothing that is passed in is written to.
 */
import type { Field, Message } from '#api/schema.ts'
import { badRequest } from '#machinery/status-error.ts'

type Json = Record<string, unknown>

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const ELEMENT_ORDER = '$setElementOrder/'

/** `original` with `patch` applied. `type` describes them; undefined where the schema does not look inside. Throws BadRequest. */
export function strategicMerge(original: Json, patch: Json, type: Message | undefined): Json {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return without(patch, DIRECTIVE)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive)

  const result: Json = { ...original }
  if (RETAIN_KEYS in patch) retainOnly(result, patch)
  for (const key in patch) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER)) continue
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length)
      const gone = new Set(asList(patch[key], key))
      if (Array.isArray(result[name])) result[name] = (result[name] as unknown[]).filter((value) => !gone.has(value))
      continue
    }
    const value = patch[key]
    if (value === null) {
      delete result[key]
      continue
    }
    const field = type && Object.hasOwn(type.fields, key) ? type.fields[key] : undefined
    result[key] = mergeValue(result[key], value, field, key)
  }
  for (const key in patch) {
    if (!key.startsWith(ELEMENT_ORDER)) continue
    const name = key.slice(ELEMENT_ORDER.length)
    const list = result[name]
    if (Array.isArray(list)) {
      const field = type && Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
      result[name] = inOrder(
        list,
        asList(patch[key], key),
        asArray(patch[name]),
        asArray(original[name]),
        field?.patchMergeKey,
      )
    }
  }
  return result
}

function mergeValue(before: unknown, value: unknown, field: Field | undefined, key: string): unknown {
  const elementType = field && typeof field.type !== 'string' ? field.type : undefined
  if (Array.isArray(value)) {
    if (!field?.patchStrategy?.includes('merge')) return clean(value, elementType)
    const list = asArray(before)
    return field.patchMergeKey
      ? mergeObjects(list as Json[], value as Json[], field.patchMergeKey, elementType, key)
      : [...new Set([...list, ...value])]
  }
  if (isObject(value)) {
    // Below a map, the element type describes each value, not the map itself.
    const inner = field?.shape === 'one' ? elementType : undefined
    return strategicMerge(isObject(before) ? before : {}, value, inner)
  }
  return value
}

/** Removes directives and nulls from a value that is taken over whole. */
function clean(value: unknown, type: Message | undefined): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((element) => !(isObject(element) && DIRECTIVE in element))
      .map((element) => clean(element, type))
  }
  return isObject(value) ? strategicMerge({}, value, type) : value
}

function mergeObjects(
  before: readonly Json[],
  patch: readonly Json[],
  mergeKey: string,
  type: Message | undefined,
  name: string,
): Json[] {
  for (const element of patch)
    if (!isObject(element)) throw badRequest(`invalid patch: ${name} must be a list of objects`)
  if (patch.some((element) => element[DIRECTIVE] === 'replace')) {
    return patch
      .filter((element) => element[DIRECTIVE] !== 'replace')
      .map((element) => strategicMerge({}, element, type))
  }
  let out = [...before]
  for (const element of patch) {
    const id = element[mergeKey]
    const directive = element[DIRECTIVE]
    if (id === undefined || id === null) {
      throw badRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`)
    }
    if (directive === 'delete') {
      out = out.filter((existing) => existing[mergeKey] !== id)
      continue
    }
    if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive)
    const at = out.findIndex((existing) => existing[mergeKey] === id)
    if (at < 0) out.push(strategicMerge({}, without(element, DIRECTIVE), type))
    else out[at] = strategicMerge(out[at]!, element, type)
  }
  return out
}

/**
 * Orders a merged list: elements that the patch names stand in the patch's order; the others keep their place relative to
 * their neighbours in the original list.
 */
function inOrder(
  list: readonly unknown[],
  order: readonly unknown[],
  patched: readonly unknown[],
  original: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const idOf = (element: unknown) => (mergeKey && isObject(element) ? element[mergeKey] : element)
  const wanted = order.map(idOf)
  const position = new Map(wanted.map((id, i) => [id, i]))
  for (const element of patched) {
    if (isObject(element) && element[DIRECTIVE] === 'delete') continue
    if (!position.has(idOf(element))) {
      throw badRequest(
        `The order in patch list:\n${JSON.stringify(patched)}\n doesn't match ${ELEMENT_ORDER.slice(0, -1)} list:\n${JSON.stringify(order)}\n`,
      )
    }
  }
  const ordered = list
    .filter((element) => position.has(idOf(element)))
    .sort((a, b) => position.get(idOf(a))! - position.get(idOf(b))!)
  const serverOnly = list.filter((element) => !position.has(idOf(element)))
  const originalAt = new Map(original.map((element, i) => [idOf(element), i]))
  const out: unknown[] = []
  let next = 0
  for (const element of ordered) {
    const at = originalAt.get(idOf(element))
    while (next < serverOnly.length && at !== undefined && (originalAt.get(idOf(serverOnly[next])) ?? Infinity) < at)
      out.push(serverOnly[next++])
    out.push(element)
  }
  return [...out, ...serverOnly.slice(next)]
}

function retainOnly(result: Json, patch: Json) {
  const keep = new Set(asList(patch[RETAIN_KEYS], RETAIN_KEYS))
  for (const key in patch) {
    if (!key.startsWith('$') && patch[key] !== null && !keep.has(key)) {
      throw badRequest('retainKeys directive must contain all the keys present in the patch')
    }
  }
  for (const key in result) if (!keep.has(key)) delete result[key]
}

const asArray = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

function asList(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw badRequest(`invalid patch: ${name} must be a list`)
  return value
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function without(object: Json, key: string): Json {
  const { [key]: _dropped, ...rest } = object
  return rest
}

const unknownDirective = (directive: unknown) => badRequest(`Unknown patch type: ${String(directive)}`)
