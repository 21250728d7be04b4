/**
 * Who owns what, worked out the slow and obvious way: an object is the set of its leaves, an owner a set of paths. Knows
 * one kind of objects, which has a place of every sort.
 */

/** How a value is taken apart. */
type Shape =
  | { readonly leaf: true }
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly members: Shape }
  | { readonly set: true }
  | { readonly elements: Shape; readonly key: string }

const leaf: Shape = { leaf: true }
const inner: Shape = { fields: { a: leaf, b: leaf } }
const item: Shape = { fields: { name: leaf, v: leaf, inner, tags: { set: true } } }

const shape: Shape = {
  fields: {
    spec: {
      fields: {
        base: leaf,
        text: leaf,
        number: leaf,
        plain: leaf,
        whole: leaf,
        inner,
        labels: { members: leaf },
        tags: { set: true },
        items: { elements: item, key: 'name' },
      },
    },
  },
}

/** The same as an OpenAPI schema. */
export const naiveSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        base: { type: 'string' },
        text: { type: 'string' },
        number: { type: 'integer' },
        plain: { type: 'array', items: { type: 'integer' } },
        whole: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          additionalProperties: { type: 'integer' },
        },
        inner: innerSchema(),
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        tags: tagsSchema(),
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            properties: {
              name: { type: 'string' },
              v: { type: 'integer' },
              inner: innerSchema(),
              tags: tagsSchema(),
            },
          },
        },
      },
    },
  },
}

function innerSchema() {
  return { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } }
}

function tagsSchema() {
  return { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }
}

/** What is where. The value of an element of a list of objects is that it is there. */
export type Leaves = Map<string, string>

/** Path elements of `metadata.managedFields` after each other. */
const at = (path: string, element: string) => (path === '' ? element : `${path}\n${element}`)
const THERE = 'there'

/** The leaves of an object. */
export function leavesOf(object: unknown): Leaves {
  const leaves: Leaves = new Map()
  visit(shape, object, '', leaves)
  return leaves
}

/** The same for the same members. */
const textOf = (value: unknown) =>
  JSON.stringify(Array.isArray(value) || typeof value !== 'object' ? value : Object.entries(value as object).sort())

function visit(of: Shape, value: unknown, path: string, leaves: Leaves) {
  if (value === undefined) return
  if ('leaf' in of) {
    leaves.set(path, textOf(value))
  } else if ('set' in of) {
    for (const element of value as unknown[]) leaves.set(at(path, `v:${JSON.stringify(element)}`), THERE)
  } else if ('elements' in of) {
    for (const element of value as Record<string, unknown>[]) {
      const place = at(path, `k:${JSON.stringify({ [of.key]: element[of.key] })}`)
      leaves.set(place, THERE)
      visit(of.elements, element, place, leaves)
    }
  } else {
    for (const [name, member] of Object.entries(value as object)) {
      const below = 'members' in of ? of.members : of.fields[name]
      if (below) visit(below, member, at(path, `f:${name}`), leaves)
    }
  }
}

/** Whether a path is that of a leaf or of an element of a list, rather than of something that has them. */
export function isLeaf(path: readonly string[]): boolean {
  let of = shape
  for (const [i, element] of path.entries()) {
    if ('leaf' in of) return false
    if ('set' in of) return i === path.length - 1
    if ('elements' in of) {
      if (i === path.length - 1) return true
      of = of.elements
    } else if ('members' in of) of = of.members
    else {
      const below = of.fields[element.slice(2)]
      if (!below) return false
      of = below
    }
  }
  return 'leaf' in of
}

export class NaiveOwners {
  leaves: Leaves = new Map()
  /** By the manager's name and operation. */
  owners = new Map<string, Set<string>>()

  /** What is applied, or the conflicts that speak against it: `manager operation` and path. Changes nothing then. */
  apply(manager: string, applied: unknown, force: boolean): Set<string> {
    const me = `${manager} Apply`
    const wanted = leavesOf(applied)
    const conflicts = new Map<string, { owner: string; path: string }>()
    for (const [owner, paths] of this.owners) {
      for (const path of paths) {
        const isOther = owner !== me && wanted.has(path) && wanted.get(path) !== this.leaves.get(path)
        if (isOther) conflicts.set(`${owner}: ${path}`, { owner, path })
      }
    }
    if (conflicts.size > 0 && !force) return new Set(conflicts.keys())
    for (const { owner, path } of conflicts.values()) this.owners.get(owner)!.delete(path)
    const before = this.owners.get(me) ?? new Set()
    this.owners.set(me, new Set(wanted.keys()))
    for (const [path, value] of wanted) this.leaves.set(path, value)
    for (const path of before) if (!this.#isOwned(path)) this.#remove(path)
    this.#forget()
    return new Set()
  }

  #isOwned(path: string): boolean {
    return [...this.owners.values()].some((paths) => paths.has(path))
  }

  /** With all that is in it, whoever owns that. */
  #remove(path: string) {
    for (const all of [this.leaves, ...this.owners.values()])
      for (const each of all.keys()) if (each === path || each.startsWith(`${path}\n`)) all.delete(each)
  }

  update(manager: string, object: unknown) {
    const me = `${manager} Update`
    const next = leavesOf(object)
    const won = [...next].filter(([path, value]) => this.leaves.get(path) !== value).map(([path]) => path)
    const lost = [...this.leaves.keys()].filter((path) => !next.has(path))
    for (const paths of this.owners.values()) for (const path of [...won, ...lost]) paths.delete(path)
    const mine = this.owners.get(me) ?? new Set()
    for (const path of won) mine.add(path)
    this.owners.set(me, mine)
    this.leaves = next
    this.#forget()
  }

  #forget() {
    for (const [owner, paths] of this.owners) if (paths.size === 0) this.owners.delete(owner)
  }
}
