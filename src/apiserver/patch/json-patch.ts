/**
 * JSON patch (RFC 6902). Our own because each `copy` may double a document, and what all of them add must have a bound;
 * upstream's library has one as well. Nothing that is passed in is written to.
 */
import { jsonEqual } from '#base/equal.ts'
import { copyJson, setMember } from '#base/json.ts'

/** An operation that is malformed, or can't be done to the document. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError'
}

/** A `test` of the patch says that it is meant for another document. */
export class JsonPatchTestFailed extends JsonPatchError {}

/** How much all copies of a patch may add (characters of JSON). */
const MAX_COPIED = 3 << 20

/** Throws JsonPatchError. */
export function applyJsonPatch(original: unknown, patch: readonly unknown[]): unknown {
  const run: Run = { document: copyJson(original), copied: 0 }
  patch.forEach((operation, i) => {
    try {
      perform(run, operation)
    } catch (cause) {
      throw cause instanceof JsonPatchError ? new JsonPatchError(`operation ${i}: ${cause.message}`, { cause }) : cause
    }
  })
  return run.document
}

interface Run {
  document: unknown
  copied: number
}

function perform(run: Run, operation: unknown) {
  if (typeof operation !== 'object' || operation === null) throw new JsonPatchError('it is not an object')
  const { op, path, from, value } = operation as Record<string, unknown>
  const to = parsePointer(path, 'path')
  const given = () => {
    if (value === undefined) throw new JsonPatchError(`${String(op)} needs a value`)
    return copyJson(value)
  }
  switch (op) {
    case 'add':
      return add(run, to, given())
    case 'remove':
      return void remove(run, to)
    case 'replace':
      if (to.length === 0) run.document = given()
      else {
        find(run.document, to)
        put(find(run.document, to.slice(0, -1)), to.at(-1)!, given())
      }
      return
    case 'move': {
      const source = parsePointer(from, 'from')
      if (to.length > source.length && source.every((part, i) => part === to[i]))
        throw new JsonPatchError(`${String(from)} can't be moved into itself`)
      return add(run, to, remove(run, source))
    }
    case 'copy': {
      const copied = find(run.document, parsePointer(from, 'from'))
      run.copied += JSON.stringify(copied).length
      if (run.copied > MAX_COPIED)
        throw new JsonPatchError(`all copies together may add ${MAX_COPIED} characters, not ${run.copied}`)
      return add(run, to, copyJson(copied))
    }
    case 'test':
      if (!jsonEqual(find(run.document, to), value ?? null))
        throw new JsonPatchTestFailed(`testing value ${String(path)} failed`)
      return
    default:
      throw new JsonPatchError(`unexpected kind: ${String(op)}`)
  }
}

/** RFC 6901. */
function parsePointer(text: unknown, member: string): string[] {
  if (typeof text !== 'string') throw new JsonPatchError(`${member} must be a string`)
  if (text === '') return []
  if (!text.startsWith('/')) throw new JsonPatchError(`${member} ${JSON.stringify(text)} does not begin with a slash`)
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const missing = (part: string) => new JsonPatchError(`there is no ${JSON.stringify(part)} at its path`)

function find(document: unknown, path: readonly string[]): unknown {
  let at = document
  for (const part of path) {
    if (Array.isArray(at)) at = at[indexOf(at, part, at.length - 1)]
    else if (isObject(at) && Object.hasOwn(at, part)) at = at[part]
    else throw missing(part)
  }
  return at
}

function add(run: Run, path: readonly string[], value: unknown) {
  if (path.length === 0) {
    run.document = value
    return
  }
  const part = path.at(-1)!
  const parent = find(run.document, path.slice(0, -1))
  if (Array.isArray(parent))
    parent.splice(part === '-' ? parent.length : indexOf(parent, part, parent.length), 0, value)
  else put(parent, part, value)
}

/** Sets a member, or an element that is there. */
function put(parent: unknown, part: string, value: unknown) {
  if (Array.isArray(parent)) parent[indexOf(parent, part, parent.length - 1)] = value
  else if (isObject(parent)) setMember(parent, part, value)
  else throw missing(part)
}

function remove(run: Run, path: readonly string[]): unknown {
  if (path.length === 0) throw new JsonPatchError('the whole document can not be removed')
  const part = path.at(-1)!
  const parent = find(run.document, path.slice(0, -1))
  const value = find(parent, [part])
  if (Array.isArray(parent)) parent.splice(Number(part), 1)
  else delete (parent as Record<string, unknown>)[part]
  return value
}

function indexOf(list: readonly unknown[], part: string, last: number): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(part) || Number(part) > last)
    throw new JsonPatchError(`${JSON.stringify(part)} is no index of a list of ${list.length}`)
  return Number(part)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
