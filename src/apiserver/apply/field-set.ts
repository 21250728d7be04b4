/**
 * Sets of fields, in the very form in which objects carry them: FieldsV1, a trie whose names are path elements. A place
 * is a member if nothing stands below it or if `.` does; the root is never a member, so that `{}` is the empty set.
 * Nothing is parsed to work with a set and nothing is encoded to write it.
 *
 * Invariant: sets are canonical (`canonicalSet`), sorted as upstream sorts, and never written to. Operations return
 * their first argument itself where the result is equal to it, so that an unchanged set is known by its identity.
 * Upstream: `structured-merge-diff/fieldpath.Set`.
 */
import { canonicalElement, compareElements, elementComparer, NoPathElement, SELF } from './path-element.ts'

export interface FieldSet {
  readonly [element: string]: FieldSet
}
/** Path elements from the root on. */
export type Path = readonly string[]

type Node = { [element: string]: FieldSet }

/** The empty set; as a place in a trie, a member without others below. */
export const EMPTY: FieldSet = Object.freeze({})

export function isEmpty(set: FieldSet): boolean {
  for (const _element in set) return false
  return true
}

/** Whether the place that `node` stands for is a member. */
function isMember(node: FieldSet): boolean {
  for (const element in node) return element === SELF
  return true
}

/** Whether anything stands below the place. */
export function hasChildren(node: FieldSet): boolean {
  for (const element in node) if (element !== SELF) return true
  return false
}

export function has(set: FieldSet, path: Path): boolean {
  let node: FieldSet | undefined = set
  for (const element of path) {
    node = node[element]
    if (!node) return false
  }
  return path.length > 0 && isMember(node)
}

/** What of the set is below a place, and whether the place is a member. */
export function descend(set: FieldSet, element: string): { isMember: boolean; below: FieldSet | undefined } {
  const node = set[element]
  if (!node) return { isMember: false, below: undefined }
  return { isMember: isMember(node), below: hasChildren(node) ? node : undefined }
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a
  return isEmpty(a) ? b : merged(a, b)
}

/** Of two places of which at least one has others below. */
function merged(a: FieldSet, b: FieldSet): FieldSet {
  let changed: Node | undefined
  for (const element in b) {
    const [x, y] = [a[element], b[element]!]
    const both = x === undefined ? y : joined(x, y)
    if (both === x) continue
    changed ??= { ...a }
    changed[element] = both
  }
  return changed ? sorted(changed, a) : a
}

function joined(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  if (isEmpty(b)) return isMember(a) ? a : { [SELF]: EMPTY, ...a }
  if (isEmpty(a)) return isMember(b) ? b : { [SELF]: EMPTY, ...b }
  return merged(a, b)
}

/** `node` with its elements in order; they are already, if they are those of `like`. */
export function sorted(node: Node, like?: FieldSet): FieldSet {
  const elements = Object.keys(node)
  if (like && elements.length === Object.keys(like).length) return node
  let isSorted = true
  for (let i = 1; i < elements.length && isSorted; i++) isSorted = compareElements(elements[i - 1]!, elements[i]!) < 0
  if (isSorted) return node
  const out: Node = {}
  for (const element of elements.sort(elementComparer())) out[element] = node[element]!
  return out
}

/** What is left of `node` with `keep` applied to each place below, and the place itself a member or not. */
function filtered(
  node: FieldSet,
  isStillMember: boolean,
  keep: (element: string, below: FieldSet) => FieldSet | undefined,
): FieldSet | undefined {
  let out: Node | undefined
  let count = 0
  for (const element in node) {
    const before = node[element]!
    const after = element === SELF ? (isStillMember ? before : undefined) : keep(element, before)
    if (after !== before) out ??= upTo(node, element)
    if (after === undefined) continue
    count++
    if (out) out[element] = after
  }
  if (!out) return node
  if (count === 0) return isStillMember ? EMPTY : undefined
  // A member that has lost everything below it needs no mark.
  return isStillMember && count === 1 && out[SELF] ? EMPTY : out
}

/** A copy of what stands before `end`. */
function upTo(node: FieldSet, end: string): Node {
  const out: Node = {}
  for (const element in node) {
    if (element === end) break
    out[element] = node[element]!
  }
  return out
}

/** Members of `a` that are not members of `b`; those below a member of `b` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a
  return filtered(a, false, (element, below) => (b[element] ? without(below, b[element]) : below)) ?? EMPTY
}

function without(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const isStillMember = isMember(a) && !isMember(b)
  if (isEmpty(a)) return isStillMember ? a : undefined
  if (isEmpty(b) && !isMember(a)) return a
  return filtered(a, isStillMember, (element, below) => (b[element] ? without(below, b[element]) : below))
}

/** Members of `a` that neither are members of `b` nor below one. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmpty(a) || isEmpty(b) ? a : (cut(a, b, false) ?? EMPTY)
}

function cut(a: FieldSet, b: FieldSet, isStillMember: boolean): FieldSet | undefined {
  return filtered(a, isStillMember, (element, below) => {
    const found = b[element]
    if (!found) return below
    if (isMember(found)) return undefined
    return isEmpty(below) ? below : cut(below, found, isMember(below))
  })
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(a)) return a
  if (isEmpty(b)) return b
  return filtered(a, false, (element, below) => b[element] && common(below, b[element])) ?? EMPTY
}

function common(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const isStillMember = isMember(a) && isMember(b)
  if (isEmpty(a)) return isStillMember ? a : undefined
  return filtered(a, isStillMember, (element, below) => b[element] && common(below, b[element]))
}

/** All members: those of a place before those below it. The path is the same array each time. */
export function forEachMember(set: FieldSet, visit: (path: Path) => void): void {
  const path: string[] = []
  const walk = (node: FieldSet) => {
    for (const element in node) {
      if (element === SELF || !isMember(node[element]!)) continue
      path.push(element)
      visit(path)
      path.pop()
    }
    for (const element in node) {
      if (element === SELF || !hasChildren(node[element]!)) continue
      path.push(element)
      walk(node[element]!)
      path.pop()
    }
  }
  walk(set)
}

/** Collects members in any order. */
export class FieldSetBuilder {
  #root: Node | undefined

  /** Puts in what a set holds at the path, where nothing has been put in yet. */
  graft(path: Path, below: FieldSet): void {
    if (path.length > 0) this.#parent(path)[path[path.length - 1]!] = below
  }

  add(path: Path): void {
    if (path.length === 0) return
    const parent = this.#parent(path)
    const last = path[path.length - 1]!
    const below = parent[last]
    if (below === undefined) parent[last] = EMPTY
    else if (!isMember(below)) parent[last] = { [SELF]: EMPTY, ...below }
  }

  /** The node in which the last element of the path stands. */
  #parent(path: Path): Node {
    let node = (this.#root ??= {})
    for (let i = 0; i < path.length - 1; i++) {
      const below = node[path[i]!]
      if (below === undefined) node = node[path[i]!] = {}
      // Shared nodes are not written to.
      else if (Object.isFrozen(below)) node = node[path[i]!] = isEmpty(below) ? { [SELF]: EMPTY } : { ...below }
      else node = below
    }
    return node
  }

  get isEmpty(): boolean {
    return this.#root === undefined
  }

  /** The set of what was added; the builder must not be used after it. */
  build(): FieldSet {
    return this.#root ? inOrder(this.#root) : EMPTY
  }
}

function inOrder(node: Node): FieldSet {
  for (const element in node) if (!Object.isFrozen(node[element])) node[element] = inOrder(node[element]!)
  return sorted(node)
}

export function setOf(...paths: Path[]): FieldSet {
  const builder = new FieldSetBuilder()
  for (const path of paths) builder.add(path)
  return builder.build()
}

/** The set that somebody else's FieldsV1 means. Throws NoPathElement. */
export function canonicalSet(fields: unknown): FieldSet {
  const builder = new FieldSetBuilder()
  const path: string[] = []
  /** Whether the place is a member: it says so, or has nothing below that means anything. */
  const walk = (node: unknown): boolean => {
    let self = false
    let children = false
    if (typeof node !== 'object' || Array.isArray(node)) throw new NoPathElement('FieldsV1 consists of objects')
    for (const key in node) {
      if (key === SELF) {
        self = true
        continue
      }
      const element = canonicalElement(key)
      if (element === undefined) continue
      children = true
      path.push(element)
      if (walk((node as Record<string, unknown>)[key])) builder.add(path)
      path.pop()
    }
    return self || !children
  }
  walk(fields)
  return builder.build()
}
