/**
 * One step of a path to a field, as the text by which FieldsV1 knows it: `f:spec`, `k:{"name":"web"}`, `v:"a"`, `i:3`.
 * Everything here works on that text, so that field sets need no other form.
 * Upstream: `structured-merge-diff/fieldpath.PathElement` and its serialisation.
 */
import { isObject } from '#base/json.ts'
import type { ListSchema } from './merge-schema.ts'

/** In a field set, says of a place with others below it that it is a member itself. */
export const SELF = '.'

/** An element of a list that cannot be told apart from others. */
export class NoPathElement extends Error {
  override readonly name = 'NoPathElement'
}

/** The element of an associative list, by its keys or by its value. Throws NoPathElement. */
export function listElement(list: ListSchema, item: unknown): string {
  return list.keys.length > 0 ? keyElement(list, item) : valueElement(item)
}

function keyElement(list: ListSchema, item: unknown): string {
  if (item === null) throw new NoPathElement('associative list with keys may not have a null element')
  if (typeof item !== 'object' || Array.isArray(item))
    throw new NoPathElement('associative list with keys may not have non-map elements')
  let members = ''
  for (const key of list.keys) {
    const value = (item as Record<string, unknown>)[key] ?? list.element.map?.defaults.get(key)
    if (value === undefined) continue
    members += `${members === '' ? '' : ','}"${key}":${goJson(value)}`
  }
  if (members !== '') return `k:{${members}}`
  const keys = list.keys.map((key) => JSON.stringify(key)).join(' ')
  throw new NoPathElement(
    `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
  )
}

function valueElement(item: unknown): string {
  if (item === null) throw new NoPathElement("associative list without keys has an element that's an explicit null")
  if (Array.isArray(item)) throw new NoPathElement('not supported: associative list with lists as elements')
  if (typeof item === 'object')
    throw new NoPathElement("associative list without keys has an element that's a map type")
  return `v:${goJson(item)}`
}

/** What Go's encoder escapes beyond JSON's own rules. */
const ESCAPED = /[<>&\u2028\u2029]/g

/** What needs no escapes. */
const PLAIN = /^[\w./ :-]*$/

/** JSON as Go writes it. */
export function goJson(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return `"${value}"`
  const text = JSON.stringify(value)
  // All of them stand inside strings only.
  return text.search(ESCAPED) < 0
    ? text
    : text.replace(ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Fields before keys before values before indexes. */
const kinds = 'fkvi'

/** `compareElements` for many elements, each of which is parsed once. */
export function elementComparer(): (a: string, b: string) => number {
  const known = new Map<string, Sortable>()
  const valueOf = (element: string) => {
    let value = known.get(element)
    if (value === undefined) known.set(element, (value = sortable(parsed(element))))
    return value
  }
  return (a, b) => compareElements(a, b, valueOf)
}

/** The order in which elements stand in FieldsV1: negative, zero or positive. */
export function compareElements(
  a: string,
  b: string,
  valueOf = (element: string) => sortable(parsed(element)),
): number {
  if (a === b) return 0
  if (a.charCodeAt(0) !== b.charCodeAt(0)) {
    if (a === SELF || b === SELF) return a === SELF ? -1 : 1
    return kinds.indexOf(a[0]!) - kinds.indexOf(b[0]!)
  }
  if (a.startsWith('f:')) return a < b ? -1 : 1
  if (a.startsWith('i:')) return Number(a.slice(2)) - Number(b.slice(2))
  return compareStrings(a, b) ?? compareValues(valueOf(a), valueOf(b))
}

const QUOTE = 0x22

/** Undefined where the texts differ in something else than a plain string. */
function compareStrings(a: string, b: string): number | undefined {
  if (a.includes('\\') || b.includes('\\')) return undefined
  let isInString = false
  for (let i = 2; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) {
      if (!isInString) return undefined
      // The end of a string comes before whatever might have followed.
      return x === QUOTE ? -1 : y === QUOTE ? 1 : x - y
    }
    if (x === QUOTE) isInString = !isInString
  }
  return undefined
}

/** A value that is looked at often: what it is and what is in it. */
interface Sortable {
  readonly rank: number
  readonly scalar: string | number | boolean
  readonly members: readonly (readonly [string, Sortable])[]
}

const NO_MEMBERS: readonly never[] = []

/** Numbers before strings before booleans before lists before objects before null. */
function sortable(value: unknown): Sortable {
  if (value === null) return { rank: 5, scalar: 0, members: NO_MEMBERS }
  if (typeof value === 'object') {
    const members = Object.entries(value).map(([name, member]) => [name, sortable(member)] as const)
    return { rank: Array.isArray(value) ? 3 : 4, scalar: 0, members }
  }
  const scalar = value as Sortable['scalar']
  return { rank: typeof scalar === 'number' ? 0 : typeof scalar === 'string' ? 1 : 2, scalar, members: NO_MEMBERS }
}

function compareValues(a: Sortable, b: Sortable): number {
  if (a.rank !== b.rank) return a.rank - b.rank
  if (a.scalar !== b.scalar) return a.scalar < b.scalar ? -1 : 1
  for (let i = 0; i < a.members.length && i < b.members.length; i++) {
    const [[x, before], [y, after]] = [a.members[i]!, b.members[i]!]
    if (x !== y) return x < y ? -1 : 1
    const order = compareValues(before, after)
    if (order !== 0) return order
  }
  return a.members.length - b.members.length
}

const parsed = (element: string): unknown => JSON.parse(element.slice(2))

/**
 * The element in the one form in which it is written here; undefined for a kind of element that a later version may
 * know. Throws NoPathElement for what no version can mean.
 */
export function canonicalElement(text: string): string | undefined {
  if (text.length < 2) throw new NoPathElement('key must be 2 characters long:')
  if (text[1] !== ':') throw new NoPathElement(`missing colon: ${text}`)
  switch (text[0]) {
    case 'f':
      return text
    case 'i':
      if (!/^[-+]?\d{1,9}$/.test(text.slice(2))) throw new NoPathElement(`${text} is no index`)
      return `i:${Number(text.slice(2))}`
    case 'v':
      return `v:${goJson(parsedForeign(text))}`
    case 'k':
      return canonicalKeys(text)
    default:
      return undefined
  }
}

function canonicalKeys(text: string): string {
  const keys = parsedForeign(text)
  if (!isObject(keys)) throw new NoPathElement(`${text} has no keys`)
  const entries = Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `k:{${entries.map(([name, value]) => `${JSON.stringify(name)}:${goJson(value)}`).join(',')}}`
}

function parsedForeign(text: string): unknown {
  try {
    return JSON.parse(text.slice(2))
  } catch (cause) {
    throw new NoPathElement(`${text} is not JSON`, { cause })
  }
}

/** As people read it: `.spec`, `[name="web"]`, `[="a"]`, `[3]`. */
export function elementText(element: string): string {
  const rest = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${rest}`
    case 'i':
      return `[${rest}]`
    case 'v':
      return `[=${JSON.stringify(parsed(element))}]`
    default: {
      const members = Object.entries(parsed(element) as object)
      return `[${members.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
    }
  }
}

export const pathText = (path: readonly string[]) => path.map(elementText).join('')
