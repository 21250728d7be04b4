/**
 * Strategic merge patch: a JSON merge patch that knows from the schema which lists are merged and by which key, and obeys
 * the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`.
 * Upstream: `apimachinery/pkg/util/strategicpatch`. Nothing that is passed in is written to.
 *
 * Elements of a merged list stand in the order that the patch gives them; the others keep their own order between them,
 * which puts new elements in front unless `$setElementOrder` says otherwise.
 */
import type { Field, Message } from '#api/schema.ts'
import { setMember } from '#base/json.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'

type Json = Record<string, unknown>

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const ELEMENT_ORDER = '$setElementOrder/'

/** `original` with `patch` applied. `type` describes them; undefined where the schema does not look inside. Throws BadRequest, Invalid. */
export function strategicMerge(original: Json, patch: Json, type: Message | undefined): Json {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return withoutDirectives(without(patch, DIRECTIVE)) as Json
  if (directive === 'delete') return {}
  if (directive !== undefined) throw unknownDirective(directive, patch)

  const result: Json = { ...original }
  if (RETAIN_KEYS in patch) retainOnly(result, patch)
  const ordered = new Set<string>()
  for (const key in patch) {
    if (!key.startsWith(ELEMENT_ORDER)) continue
    const name = key.slice(ELEMENT_ORDER.length)
    ordered.add(name)
    const order = asList(patch[key], 'invalid patch format of setElementOrder list')
    const list = orderedList(own(result, name), own(patch, name), order, fieldOf(type, name))
    if (list) setMember(result, name, list)
  }
  for (const key in patch) {
    const value = patch[key]
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length)
      const gone = new Set(asList(value, 'invalid patch format of primitive list'))
      const list = own(result, name)
      if (Array.isArray(list))
        setMember(
          result,
          name,
          list.filter((element) => !gone.has(element)),
        )
    } else if (!isDirective(key) && !ordered.has(key)) {
      const merged = value === null ? undefined : mergeValue(own(result, key), value, fieldOf(type, key))
      if (merged === undefined) delete result[key]
      else setMember(result, key, merged)
    }
  }
  return result
}

/** Undefined: the field goes. */
function mergeValue(before: unknown, value: unknown, field: Field | undefined): unknown {
  const elementType = field && typeof field.type !== 'string' ? field.type : undefined
  if (isObject(before) && isObject(value)) {
    if (field?.patchStrategy === 'replace') return value
    // Below a map, the element type describes each value, not the map itself.
    return strategicMerge(before, value, field?.shape === 'one' ? elementType : undefined)
  }
  if (Array.isArray(before) && Array.isArray(value) && field?.patchStrategy?.startsWith('merge')) {
    if (!field.patchMergeKey) return inOrder([...new Set([...before, ...value])], value, before, identity)
    const { list, live, patched } = mergeObjects(before, value, field.patchMergeKey, elementType)
    return inOrder(list, patched, live, idBy(field.patchMergeKey))
  }
  return withoutDirectives(value)
}

/** A list for which the patch gives an order, with or without elements; undefined where there is no list. */
function orderedList(
  before: unknown,
  value: unknown,
  order: readonly unknown[],
  field: Field | undefined,
): unknown[] | undefined {
  for (const list of [before, value])
    if (list !== undefined && !Array.isArray(list)) throw badRequest('invalid patch format of setElementOrder list')
  const live = before as unknown[] | undefined
  const patched = value as unknown[] | undefined
  const idOf = field?.patchMergeKey ? idBy(field.patchMergeKey) : identity
  if (patched) checkOrder(patched, order, idOf)
  const merged = live && patched ? mergeValue(live, patched, field) : (live ?? withoutDirectives(patched))
  return merged === undefined ? undefined : inOrder(merged as unknown[], order, live ?? [], idOf)
}

/** Elements of the patch must stand in their list in the order that it gives. Throws Invalid. */
function checkOrder(patched: readonly unknown[], order: readonly unknown[], idOf: IdOf) {
  if (order.length === 0) return
  let at = 0
  for (const element of patched) {
    if (isObject(element) && DIRECTIVE in element) continue
    while (at < order.length && idOf(order[at]) !== idOf(element)) at++
    if (at++ < order.length) continue
    throw new StatusError(
      'Invalid',
      `The order in patch list:\n${JSON.stringify(patched)}\n doesn't match ${ELEMENT_ORDER.slice(0, -1)} list:\n${JSON.stringify(order)}\n`,
    )
  }
}

/** Throws BadRequest. `live` and `patched` are what is left of both lists once directives are obeyed. */
function mergeObjects(before: unknown[], patch: unknown[], mergeKey: string, type: Message | undefined) {
  const idOf = idBy(mergeKey)
  let live = before
  const patched: Json[] = []
  let isReplaced = false
  for (const element of patch) {
    if (!isObject(element)) throw badRequest(`invalid patch: ${JSON.stringify(element)} is not an object`)
    const directive = element[DIRECTIVE]
    if (directive === 'replace') isReplaced = true
    else if (directive !== undefined && directive !== 'delete') throw unknownDirective(directive, element)
    else if (element[mergeKey] === undefined || element[mergeKey] === null)
      throw badRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`)
    else if (directive === undefined) patched.push(element)
    else live = live.filter((existing) => idOf(existing) !== element[mergeKey])
  }
  if (isReplaced) return { list: patched.map(withoutDirectives), live: patched, patched: [] }
  const list = [...live]
  for (const element of patched) {
    const at = list.findIndex((existing) => idOf(existing) === element[mergeKey])
    if (at < 0) list.push(withoutDirectives(element))
    else list[at] = strategicMerge(list[at] as Json, element, type)
  }
  return { list, live, patched }
}

type IdOf = (element: unknown) => unknown
const identity: IdOf = (element) => element
const idBy =
  (mergeKey: string): IdOf =>
  (element) =>
    isObject(element) ? element[mergeKey] : element

/** Elements that `order` names stand in its order; the others stand before whatever follows them in `live`. */
function inOrder(list: readonly unknown[], order: readonly unknown[], live: readonly unknown[], idOf: IdOf): unknown[] {
  const wanted = positions(order, idOf)
  const lived = positions(live, idOf)
  const named = list
    .filter((element) => wanted.has(idOf(element)))
    .sort((a, b) => wanted.get(idOf(a))! - wanted.get(idOf(b))!)
  const others = list.filter((element) => !wanted.has(idOf(element)))
  const out: unknown[] = []
  let next = 0
  for (const element of named) {
    const at = lived.get(idOf(element)) ?? -1
    while (next < others.length && (lived.get(idOf(others[next])) ?? Infinity) < at) out.push(others[next++])
    out.push(element)
  }
  return [...out, ...others.slice(next)]
}

/** Where each element stands first. */
function positions(list: readonly unknown[], idOf: IdOf): Map<unknown, number> {
  const at = new Map<unknown, number>()
  list.forEach((element, i) => {
    const id = idOf(element)
    if (!at.has(id)) at.set(id, i)
  })
  return at
}

/** A value that is taken over whole: its nulls and directives have nothing to act upon. Undefined: it is a directive itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((element) => element !== undefined)
  if (!isObject(value)) return value
  if (DIRECTIVE in value) return undefined
  const out: Json = {}
  for (const key in value) {
    const member = value[key] === null || isDirective(key) ? undefined : withoutDirectives(value[key])
    if (member !== undefined) setMember(out, key, member)
  }
  return out
}

/** Throws BadRequest. */
function retainOnly(result: Json, patch: Json) {
  const wrongFormat = 'invalid patch format of retainKeys'
  const keep = new Set(asList(patch[RETAIN_KEYS], wrongFormat))
  for (const key in patch) if (!isDirective(key) && patch[key] !== null && !keep.has(key)) throw badRequest(wrongFormat)
  for (const key in result) if (!keep.has(key)) delete result[key]
}

const isDirective = (key: string) =>
  key.startsWith('$') &&
  (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER))

/** A member of the object itself, where `object[key]` would also find what all objects have. */
const own = (object: Json, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined)

const fieldOf = (type: Message | undefined, name: string): Field | undefined =>
  type && Object.hasOwn(type.fields, name) ? type.fields[name] : undefined

function asList(value: unknown, message: string): unknown[] {
  if (!Array.isArray(value)) throw badRequest(message)
  return value
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function without(object: Json, key: string): Json {
  const { [key]: _dropped, ...rest } = object
  return rest
}

const unknownDirective = (directive: unknown, patch: Json) =>
  badRequest(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(patch)}`)
