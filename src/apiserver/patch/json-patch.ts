/**
 * JSON patch (RFC 6902) as upstream's library does it (`evanphx/json-patch` v4), in whose words clients hear what is
 * wrong. It is more lenient than the RFC: a member that is not there can be replaced, and counts as null for tests;
 * negative indices count from the end. Each `copy` may double a document, so what all of them add has a bound. Nothing
 * that is passed in is written to.
 */
import { own } from '#base/own.ts'
import { jsonEqual } from '#base/equal.ts'
import { copyJson, setMember } from '#base/json.ts'

/** An operation that is malformed, or can't be done to the document. */
export class JsonPatchError extends Error {
  override readonly name: string = 'JsonPatchError'
}

/** A `test` of the patch says that it is meant for another document. */
export class JsonPatchTestFailed extends JsonPatchError {
  override readonly name = 'JsonPatchTestFailed'
}

/** How much all copies of a patch may add (characters of JSON). */
const MAX_COPIED = 3 << 20

/** Throws JsonPatchError. */
export function applyJsonPatch(original: unknown, patch: readonly unknown[]): unknown {
  const run: Run = { document: copyJson(original), copied: 0 }
  for (const operation of patch) {
    if (typeof operation !== 'object' || operation === null) throw new JsonPatchError('an operation must be an object')
    perform(run, operation as Operation)
  }
  return run.document
}

interface Run {
  document: unknown
  copied: number
}

type Operation = Readonly<Record<'op' | 'path' | 'from' | 'value', unknown>>
type Container = unknown[] | Record<string, unknown>

const MISSING = 'missing value'

function perform(run: Run, operation: Operation) {
  const { op } = operation
  switch (op) {
    case 'add':
      return add(run, operation)
    case 'remove':
      return remove(run, operation)
    case 'replace':
      return replace(run, operation)
    case 'move':
      return move(run, operation)
    case 'copy':
      return copy(run, operation)
    case 'test':
      return test(run, operation)
    default:
      throw new JsonPatchError(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`)
  }
}

function add({ document }: Run, operation: Operation) {
  const path = textOf(operation, 'path', () => `add operation failed to decode path: ${MISSING}`)
  const place = find(document, path)
  if (!place) throw new JsonPatchError(`add operation does not apply: doc is missing path: "${path}": ${MISSING}`)
  during(`error in add for path: '${path}'`, () => insert(place, valueOf(operation)))
}

function remove({ document }: Run, operation: Operation) {
  const path = textOf(operation, 'path', () => `remove operation failed to decode path: ${MISSING}`)
  const place = find(document, path)
  if (!place) throw new JsonPatchError(`remove operation does not apply: doc is missing path: "${path}": ${MISSING}`)
  during(`error in remove for path: '${path}'`, () => takeOut(place))
}

function replace(run: Run, operation: Operation) {
  const path = textOf(operation, 'path', (why) => `replace operation failed to decode path: ${why}`)
  const value = valueOf(operation)
  if (path === '') {
    if (!isContainer(value)) throw new JsonPatchError('replace operation value must be object or array')
    run.document = value
    return
  }
  const place = find(run.document, path)
  if (!place) throw new JsonPatchError(`replace operation does not apply: doc is missing path: ${path}: ${MISSING}`)
  const { container, key } = place
  if (!Array.isArray(container)) return setMember(container, key, value)
  const index = existing(container, key)
  if (typeof index === 'string') {
    throw new JsonPatchError(`replace operation does not apply: doc is missing key: ${path}: ${MISSING}`)
  }
  container[index] = value
}

function move({ document }: Run, operation: Operation) {
  const from = textOf(operation, 'from', (why) => `move operation failed to decode from: ${why}`)
  const source = find(document, from)
  if (!source) throw new JsonPatchError(`move operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const value = during(`error in move for path: '${source.key}'`, () => {
    const moved = read(source)
    takeOut(source)
    return moved
  })
  const path = textOf(operation, 'path', (why) => `move operation failed to decode path: ${why}`)
  const place = find(document, path)
  if (!place) {
    throw new JsonPatchError(`move operation does not apply: doc is missing destination path: ${path}: ${MISSING}`)
  }
  during(`error in move for path: '${path}'`, () => insert(place, value))
}

function copy(run: Run, operation: Operation) {
  const { document } = run
  const from = textOf(operation, 'from', (why) => `copy operation failed to decode from: ${why}`)
  const source = find(document, from)
  if (!source) throw new JsonPatchError(`copy operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const value = during(`error in copy for from: '${from}'`, () => read(source)) ?? null
  const path = textOf(operation, 'path', () => `copy operation failed to decode path: ${MISSING}`)
  const place = find(document, path)
  if (!place) {
    throw new JsonPatchError(`copy operation does not apply: doc is missing destination path: ${path}: ${MISSING}`)
  }
  run.copied += JSON.stringify(value).length
  if (run.copied > MAX_COPIED) {
    throw new JsonPatchError(
      `Unable to complete the copy, the accumulated size increase of copy is ${run.copied}, exceeding the limit ${MAX_COPIED}`,
    )
  }
  during('error while adding value during copy', () => insert(place, copyJson(value)))
}

function test({ document }: Run, operation: Operation) {
  const path = textOf(operation, 'path', (why) => `test operation failed to decode path: ${why}`)
  const value = operation.value ?? null
  const failed = () => new JsonPatchTestFailed(`testing value ${path} failed: test failed`)
  if (path === '') {
    if (!jsonEqual(document, value)) throw failed()
    return
  }
  const place = find(document, path)
  if (!place) throw new JsonPatchError(`test operation does not apply: is missing path: ${path}: ${MISSING}`)
  const found = during(`error in test for path: '${path}'`, () => read(place))
  if (!jsonEqual(found ?? null, value)) throw failed()
}

/** Member of an object, or element of a list, that may not be there. */
interface Place {
  readonly container: Container
  readonly key: string
}

/** RFC 6901; undefined where nothing that is there can hold the last segment. */
function find(document: unknown, path: string): Place | undefined {
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
  const key = segments.pop()
  if (key === undefined) return undefined
  let container = document
  for (const segment of segments) {
    if (Array.isArray(container)) {
      const index = existing(container, segment)
      if (typeof index === 'string') return undefined
      container = container[index]
    } else if (isContainer(container) && Object.hasOwn(container, segment)) {
      container = (container as Record<string, unknown>)[segment]
    } else return undefined
  }
  return isContainer(container) ? { container, key } : undefined
}

/** undefined for a member that is not there. */
function read({ container, key }: Place): unknown {
  if (!Array.isArray(container)) return own(container, key)
  return container[indexed(existing(container, key))]
}

function insert({ container, key }: Place, value: unknown) {
  if (!Array.isArray(container)) setMember(container, key, value)
  else if (key === '-') container.push(value)
  else {
    const number = numberOf(key)
    if (typeof number === 'string') {
      throw new JsonPatchError(`value was not a proper array index: '${key}': ${number}`)
    }
    container.splice(indexed(within(number, container.length)), 0, value)
  }
}

function takeOut({ container, key }: Place) {
  if (Array.isArray(container)) container.splice(indexed(existing(container, key)), 1)
  else if (Object.hasOwn(container, key)) delete container[key]
  else throw new JsonPatchError(`Unable to remove nonexistent key: ${key}: ${MISSING}`)
}

/** The index of an element that is there, or why there is none. */
function existing(list: readonly unknown[], key: string): number | string {
  const number = numberOf(key)
  return typeof number === 'string' ? number : within(number, list.length - 1)
}

function within(number: number, last: number): number | string {
  const index = number < 0 ? number + last + 1 : number
  return index < 0 || index > last ? `Unable to access invalid index: ${number}: invalid index referenced` : index
}

function numberOf(key: string): number | string {
  if (!/^[+-]?\d+$/.test(key)) return `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`
  const number = Number(key)
  return Number.isSafeInteger(number) ? number : `strconv.Atoi: parsing ${JSON.stringify(key)}: value out of range`
}

function indexed(index: number | string): number {
  if (typeof index === 'string') throw new JsonPatchError(index)
  return index
}

function textOf(operation: Operation, member: 'path' | 'from', wrong: (why: string) => string): string {
  const text = operation[member]
  if (typeof text === 'string') return text
  const why =
    text === undefined || text === null
      ? `operation${member === 'from' ? ',' : ''} missing ${member} field: ${MISSING}`
      : `json: cannot unmarshal ${typeof text} into Go value of type string`
  throw new JsonPatchError(wrong(why))
}

/** What is left out is null. */
const valueOf = ({ value }: Operation): unknown => copyJson(value ?? null)

function during<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw cause instanceof JsonPatchError ? new JsonPatchError(`${what}: ${cause.message}`, { cause }) : cause
  }
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}
