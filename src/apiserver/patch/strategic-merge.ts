/**
 * Strategic merge patch: a JSON merge patch that knows from the schema which lists are merged and by which key, and obeys
 * the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`.
 * Upstream: `apimachinery/pkg/util/strategicpatch`. Nothing that is passed in is written to.
 *
 * Elements of a merged list stand in the order that the patch gives them; the others keep their own order between them,
 * which puts new elements in front unless `$setElementOrder` says otherwise. Directives mean something only where old and
 * new meet; elsewhere they stay in the object, whose decoding tells of fields that it does not know.
 */
import type { Field, Message } from '#api/schema.ts'
import { own } from '#base/own.ts'
import { isObject, setMember } from '#base/json.ts'
import { type IdOf, inOrder, positions } from './element-order.ts'
import { goText, goType } from './go-text.ts'
import { badFormat, noMergeKey, rejected, unexplained, unknownDirective, wrongType } from './patch-error.ts'

type Json = Record<string, unknown>

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList'
const ELEMENT_ORDER = '$setElementOrder'

/**
 * `original` with `patch` applied. `type` describes them; undefined where the schema does not look inside. Throws
 * BadRequest, Invalid, and errors without a reason.
 */
export function strategicMerge(original: Json, patch: Json, type: Message | undefined): Json {
  if (Object.hasOwn(patch, DIRECTIVE)) {
    const { [DIRECTIVE]: directive, ...rest } = patch
    if (directive === 'replace') return rest
    if (directive === 'delete') return {}
    throw unknownDirective(directive, patch)
  }
  const result: Json = { ...original }
  if (Object.hasOwn(patch, RETAIN_KEYS)) retainOnly(result, patch)
  const ordered = new Set<string>()
  for (const key in patch) {
    if (!key.startsWith(ELEMENT_ORDER)) continue
    const name = setOrder(result, patch, key, type)
    if (name !== undefined) ordered.add(name)
  }
  for (const key in patch) {
    if (key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || ordered.has(key)) continue
    const isRemoval = key.startsWith(DELETE_FROM)
    const name = isRemoval ? namedBy(key, 'primitive list') : key
    const value = patch[key]
    const before = own(result, name)
    // A removal from what is no list, or not there, has nothing to do.
    if (isRemoval && value !== null && !(Array.isArray(before) && Array.isArray(value))) continue
    const merged = value === null ? undefined : mergeValue(before, value, fieldOf(type, name), isRemoval)
    if (merged === undefined) delete result[name]
    else setMember(result, name, merged)
  }
  return result
}

/** Undefined: the field goes. */
function mergeValue(before: unknown, value: unknown, field: Field | undefined, isRemoval: boolean): unknown {
  const elementType = field && typeof field.type !== 'string' ? field.type : undefined
  if (isObject(before) && isObject(value)) {
    if (field?.patchStrategy === 'replace') return value
    // Below a map, the element type describes each value, not the map itself.
    return strategicMerge(before, value, field?.shape === 'one' ? elementType : undefined)
  }
  if (Array.isArray(before) && Array.isArray(value))
    return isRemoval || isMerged(field) ? mergeList(before, value, field, elementType, isRemoval) : value
  return withoutDirectives(value)
}

function mergeList(
  before: readonly unknown[],
  patch: readonly unknown[],
  field: Field | undefined,
  type: Message | undefined,
  isRemoval: boolean,
): unknown[] {
  const mergeKey = field?.patchMergeKey
  if (before.length === 0 && patch.length === 0) return []
  if (!isObject(checkAlike(before, patch))) {
    const removed = new Set(patch)
    if (isRemoval) return before.filter((element) => !removed.has(element))
    if (mergeKey) throw wrongType('object', before.length > 0 ? before[0] : patch[0])
    return inOrder([...new Set([...before, ...patch])], patch, before, identity)
  }
  if (!mergeKey) throw unexplained('cannot merge lists without merge key for struct')
  const { list, live, patched } = mergeObjects(before as Json[], patch as Json[], mergeKey, type)
  for (const element of list) requireKey(element, mergeKey)
  return inOrder(list, patched, live, idBy(mergeKey))
}

/** `live` and `patched` are what is left of both lists once directives are obeyed. */
function mergeObjects(before: Json[], patch: Json[], mergeKey: string, type: Message | undefined) {
  const patched: Json[] = []
  const removed = new Set<unknown>()
  let isReplaced = false
  for (const element of patch) {
    if (!Object.hasOwn(element, DIRECTIVE)) {
      patched.push(element)
      continue
    }
    const directive = element[DIRECTIVE]
    if (directive === 'replace') isReplaced = true
    else if (directive === 'delete') removed.add(requireKey(element, mergeKey))
    else if (directive === 'merge') throw unexplained('merging lists cannot yet be specified in the patch')
    else throw unknownDirective(directive, element)
  }
  if (isReplaced) return { list: patched, live: patched, patched: [] }
  const live = removed.size === 0 ? before : before.filter((element) => !removed.has(own(element, mergeKey)))
  const list = [...live]
  const at = positions(list, idBy(mergeKey))
  for (const element of patched) {
    const id = requireKey(element, mergeKey)
    const found = at.get(id)
    if (found === undefined) at.set(id, list.push(element) - 1)
    else list[found] = strategicMerge(list[found]!, element, type)
  }
  return { list, live, patched }
}

/** Obeys an order of the elements of a list, and whether the patch has some of them. Returns the name of a list that it has. */
function setOrder(result: Json, patch: Json, key: string, type: Message | undefined): string | undefined {
  const order = asList(patch[key])
  const name = namedBy(key, 'setElementOrder list')
  const live = Object.hasOwn(result, name) ? asList(result[name]) : undefined
  const patched = Object.hasOwn(patch, name) ? asList(patch[name]) : undefined
  const field = fieldOf(type, name)
  if (type && !field) {
    const struct = type.name.slice(type.name.lastIndexOf('.') + 1)
    throw unexplained(`unable to find api field in struct ${struct} for the json field ${JSON.stringify(name)}`)
  }
  const mergeKey = field?.patchMergeKey
  if (patched) checkOrder(patched, order, mergeKey)
  // A list that is new keeps its nulls here, unlike anywhere else.
  const merged = live && patched ? mergeValue(live, patched, field, false) : (live ?? withoutDirectives(patched, true))
  if (merged === undefined) return undefined
  const list = merged as unknown[]
  if (mergeKey) checkOrdered(list, order, mergeKey)
  const hasElements = (live ?? []).length + (patched ?? []).length > 0
  if (!hasElements) throw unexplained('no elements in any of the given slices')
  checkAlike(live ?? [], patched ?? [])
  if (mergeKey) for (const element of [...order, ...(live ?? [])]) requireKey(element, mergeKey)
  const places = mergeKey ? placesAfter(live ?? [], patched ?? [], mergeKey) : (live ?? [])
  setMember(result, name, inOrder(list, order, places, mergeKey ? idBy(mergeKey) : identity))
  return patched && name
}

/** The order that the others keep: new elements stand where removed ones have left room, behind those that were there. */
function placesAfter(live: readonly unknown[], patched: readonly unknown[], mergeKey: string): readonly unknown[] {
  const idOf = idBy(mergeKey)
  const named = (directive: string) => patched.filter((element) => (element as Json)[DIRECTIVE] === directive)
  const removed = new Set(named('delete').map(idOf))
  const rest = live.filter((element) => !removed.has(idOf(element)))
  if (rest.length === live.length || named('replace').length > 0) return live
  const known = positions(rest, idOf)
  const added = patched.filter((element) => !Object.hasOwn(element as Json, DIRECTIVE) && !known.has(idOf(element)))
  return [...rest, ...added.slice(0, live.length - rest.length)]
}

/** Elements of the patch must stand in their list in the order that it gives. */
function checkOrder(patched: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined) {
  if (order.length === 0 || patched.length === 0) return
  const idOf: IdOf = mergeKey ? (element) => requireKey(element, mergeKey) : identity
  if (mergeKey) for (const element of patched) if (!isObject(element)) throw wrongType('object', element)
  const kept = mergeKey ? patched.filter((element) => (element as Json)[DIRECTIVE] !== 'delete') : patched
  let [at, next] = [0, 0]
  // Other directives are passed over only as long as the order has elements left.
  while (next < kept.length && at < order.length) {
    const element = kept[next]
    if (isObject(element) && Object.hasOwn(element, DIRECTIVE)) next++
    else {
      const id = idOf(element)
      if (id === idOf(order[at++])) next++
    }
  }
  if (next === kept.length) return
  throw unexplained(
    `The order in patch list:\n${goText(patched)}\n doesn't match ${ELEMENT_ORDER} list:\n${goText(order)}\n`,
  )
}

/** Each element has a key, and whoever looks for it in the order comes by nothing but objects. */
function checkOrdered(list: readonly unknown[], order: readonly unknown[], mergeKey: string) {
  const stray = order.findIndex((element) => !isObject(element))
  const at = positions(order, idBy(mergeKey))
  for (const element of list) {
    const id = requireKey(element, mergeKey)
    if (stray >= 0 && (at.get(id) ?? Infinity) > stray) throw unexplained(`value for key ${stray} is not a map`)
  }
}

/** All elements of both lists have one type. Returns the first, if any. */
function checkAlike(before: readonly unknown[], patch: readonly unknown[]): unknown {
  const first = before.length > 0 ? before[0] : patch[0]
  if (Array.isArray(first)) throw rejected()
  const type = goType(first)
  if (!before.every((element) => goType(element) === type) || !patch.every((element) => goType(element) === type))
    throw unexplained(`list element types are not identical: ${goText([before, patch])}`)
  return first
}

/** A value that meets no old one: its nulls have nothing to act upon, and it loses objects that are directives. */
function withoutDirectives(value: unknown, keepsNulls = false): unknown {
  if (Array.isArray(value))
    return value.map((element) => withoutDirectives(element, keepsNulls)).filter((element) => element !== undefined)
  if (!isObject(value)) return value
  if (Object.hasOwn(value, DIRECTIVE) && (keepsNulls || value[DIRECTIVE] !== null)) return undefined
  const out: Json = {}
  for (const key in value) {
    const member = value[key] === null && !keepsNulls ? undefined : withoutDirectives(value[key], keepsNulls)
    if (member !== undefined) setMember(out, key, member)
  }
  return out
}

function retainOnly(result: Json, patch: Json) {
  const kept = patch[RETAIN_KEYS]
  if (!Array.isArray(kept)) throw badFormat('retainKeys')
  const keep = new Set<unknown>(kept)
  for (const key in patch) {
    const isDirective = key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER)
    if (!isDirective && patch[key] !== null && !keep.has(key)) throw badFormat('retainKeys')
  }
  for (const key in result) if (!keep.has(key)) delete result[key]
}

const identity: IdOf = (element) => element
const idBy =
  (mergeKey: string): IdOf =>
  (element) =>
    isObject(element) ? own(element, mergeKey) : undefined

/** What tells an element of a merged list from the others. */
function requireKey(element: unknown, mergeKey: string): unknown {
  if (!isObject(element)) throw wrongType('object', element)
  if (!Object.hasOwn(element, mergeKey)) throw noMergeKey(element, mergeKey)
  return element[mergeKey]
}

/** The field that a directive with a slash names. */
function namedBy(key: string, what: Parameters<typeof badFormat>[0]): string {
  const directive = what === 'primitive list' ? DELETE_FROM : ELEMENT_ORDER
  if (key[directive.length] !== '/') throw badFormat(what)
  return key.slice(directive.length + 1)
}

const isMerged = (field: Field | undefined) => field?.patchStrategy?.startsWith('merge') === true

const fieldOf = (type: Message | undefined, name: string): Field | undefined => type && own(type.fields, name)

function asList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw wrongType('list', value)
  return value
}
