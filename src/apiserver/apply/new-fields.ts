/**
 * The fields of what has just been set, as compared with nothing. Objects of a kind mostly look alike, so sets are shared:
 * whoever makes the same fields as somebody before gets that one's set, down to single list elements. That saves building,
 * sorting and encoding them, and the memory for them.
 *
 * Invariant: sets from here are frozen, and two places of the same schema with the same fields have the very same set,
 * as long as it is among the last few. Upstream: what `typed.Compare` finds to be added.
 */
import { EMPTY, type FieldSet, sorted } from './field-set.ts'
import { formOf, type ListSchema, type MapSchema, type MergeSchema } from './merge-schema.ts'
import { listElement, SELF } from './path-element.ts'

/** How many sets are remembered of each schema. */
const REMEMBERED = 4
/** Sets of more elements are few, and are not remembered. */
const MAX_REMEMBERED_SIZE = 4096

/**
 * What a value is compared with: with nothing at all, so that the place itself is new; with a null; or with an object on
 * which nothing is set, which has zeros nevertheless.
 */
type Against = 'nothing' | 'null' | 'zero'
type Json = Record<string, unknown>

interface Known {
  readonly set: FieldSet
  readonly size: number
}

export class NewFields {
  readonly #known: Record<Against, WeakMap<MapSchema | ListSchema, Known[]>> = {
    nothing: new WeakMap(),
    null: new WeakMap(),
    zero: new WeakMap(),
  }
  /** Elements and sets below of the places under way, innermost last, up to `#top`. */
  readonly #elements: string[] = []
  readonly #below: FieldSet[] = []
  #top = 0

  /** All fields of an object that is complete. Throws NoPathElement for lists whose elements can't be told apart. */
  ofObject(schema: MergeSchema, object: Json): FieldSet {
    this.#top = 0
    return this.#against('zero', schema, object, {}) ?? EMPTY
  }

  /** What stands at a place that was not there, in a trie. The value is complete. Throws NoPathElement. */
  ofPlace(schema: MergeSchema | undefined, value: unknown): FieldSet {
    this.#top = 0
    return this.#place(schema, value)
  }

  #place(schema: MergeSchema | undefined, value: unknown): FieldSet {
    return this.#against('nothing', schema, value, undefined) ?? EMPTY
  }

  /** Undefined where there is no difference. */
  #against(against: Against, schema: MergeSchema | undefined, value: unknown, zero: unknown): FieldSet | undefined {
    if (typeof value !== 'object' || value === null || !schema)
      return against !== 'nothing' && (value === zero || value === null) ? undefined : EMPTY
    const form = formOf(schema, value)
    if (form === 'list' && Array.isArray(value)) return this.#list(against, schema.list!, value)
    if (form === 'map' && !Array.isArray(value)) return this.#map(against, schema.map!, value as Json)
    return EMPTY
  }

  #list(against: Against, schema: ListSchema, list: readonly unknown[]): FieldSet | undefined {
    if (list.length === 0) return against === 'nothing' ? EMPTY : undefined
    if (schema.relationship === 'atomic') return EMPTY
    const start = this.#top
    /** Where elements stand, by element. */
    const places = new Map<string, number>()
    for (const item of list) {
      const element = listElement(schema, item)
      const twin = places.get(element)
      // What is there several times has one owner, as a whole.
      if (twin !== undefined) this.#below[twin] = EMPTY
      else {
        const below = this.#place(schema.element, item)
        places.set(element, this.#top)
        this.#push(element, below)
      }
    }
    return this.#take(against, schema, start)
  }

  #map(against: Against, schema: MapSchema, map: Json): FieldSet | undefined {
    const { zeros } = schema
    if (schema.isAtomic) return against === 'zero' && isEmpty(map) ? undefined : EMPTY
    const start = this.#top
    for (const name in map) {
      const value = map[name]
      if (value === undefined) continue
      const field = schema.fields.get(name)
      const below = field?.schema ?? schema.element
      const zero = zeros?.[name]
      const mode = against !== 'zero' || zero === undefined ? 'nothing' : zero === null ? 'null' : 'zero'
      const set = this.#against(mode, below, value === null && zero !== undefined ? zero : value, zero)
      if (set) this.#push(field?.element ?? `f:${name}`, set)
    }
    if (against !== 'zero') {
      for (const name in zeros) {
        const { element, schema: below } = schema.fields.get(name)!
        if (map[name] === undefined) this.#push(element, this.#place(below, zeros[name]))
      }
    }
    return this.#take(against, schema, start)
  }

  #push(element: string, below: FieldSet) {
    this.#elements[this.#top] = element
    this.#below[this.#top++] = below
  }

  /** The set of what has been pushed since `start`, which is taken off again. */
  #take(against: Against, schema: MapSchema | ListSchema, start: number): FieldSet | undefined {
    const size = this.#top - start
    const isMember = against === 'nothing'
    let found: FieldSet | undefined
    if (size > 0) found = this.#find(this.#known[against], schema, start, size, isMember)
    else if (isMember) found = EMPTY
    this.#top = start
    return found
  }

  #find(
    known: WeakMap<MapSchema | ListSchema, Known[]>,
    schema: MapSchema | ListSchema,
    start: number,
    size: number,
    isMember: boolean,
  ): FieldSet {
    let candidates = known.get(schema)
    if (!candidates) known.set(schema, (candidates = []))
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]!
      if (candidate.size !== size || !this.#isSame(candidate.set, start)) continue
      if (i > 0) candidates.unshift(...candidates.splice(i, 1))
      return candidate.set
    }
    const set: Record<string, FieldSet> = isMember ? { [SELF]: EMPTY } : {}
    for (let i = start; i < this.#top; i++) set[this.#elements[i]!] = this.#below[i]!
    const made = Object.freeze(sorted(set))
    if (size > MAX_REMEMBERED_SIZE) return made
    candidates.unshift({ set: made, size })
    if (candidates.length > REMEMBERED) candidates.pop()
    return made
  }

  #isSame(set: FieldSet, start: number): boolean {
    for (let i = start; i < this.#top; i++) if (set[this.#elements[i]!] !== this.#below[i]) return false
    return true
  }
}

function isEmpty(map: Json): boolean {
  for (const name in map) if (map[name] !== undefined) return false
  return true
}
