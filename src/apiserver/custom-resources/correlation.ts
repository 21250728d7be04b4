/**
 * A new value beside the old one that it took the place of, down through the schema: what did not change may stay as
 * invalid as it was ("ratcheting"). Elements of lists are told apart by their keys, where a list has keys.
 * Upstream: `apiserver/pkg/cel/common.CorrelatedObject` and `MapList`.
 */
import { isObject } from '#base/json.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Structural } from './structural.ts'

type Json = Record<string, unknown>

/** The elements of a list with keys, by their keys. */
export class KeyedList {
  readonly #keys: readonly string[]
  readonly #byKey = new Map<string, Json>()

  constructor(schema: Structural, list: readonly unknown[]) {
    this.#keys = schema.type === 'array' && schema.listType === 'map' ? schema.listMapKeys : []
    for (const element of list) {
      const key = this.#keyOf(element)
      if (key !== undefined && !this.#byKey.has(key)) this.#byKey.set(key, element as Json)
    }
  }

  /** The element with the keys that `like` has; undefined where there is none, and for lists without keys. */
  get(like: unknown): Json | undefined {
    const key = this.#keyOf(like)
    return key === undefined ? undefined : this.#byKey.get(key)
  }

  #keyOf(element: unknown): string | undefined {
    if (!isObject(element) || this.#keys.length === 0) return undefined
    const values = this.#keys.map((name) => element[name])
    const areScalars = values.every((value) => value !== undefined && typeof value !== 'object')
    return areScalars ? JSON.stringify(values) : undefined
  }
}

export class Correlation {
  readonly value: unknown
  readonly old: unknown
  readonly #schema: Structural
  readonly #children = new Map<string | number, Correlation | undefined>()
  #oldList: KeyedList | undefined
  #isEqual: boolean | undefined

  constructor(value: unknown, old: unknown, schema: Structural) {
    this.value = value
    this.old = old
    this.#schema = schema
  }

  /** The value of a field, beside its old one; undefined where there was none, or where the schema does not know it. */
  field(name: string): Correlation | undefined {
    return this.#child(name, () => {
      if (!isObject(this.value) || !isObject(this.old)) return undefined
      if (!Object.hasOwn(this.value, name) || !Object.hasOwn(this.old, name)) return undefined
      const schema = this.#schema.field(name)
      return schema && new Correlation(this.value[name], this.old[name], schema)
    })
  }

  index(i: number): Correlation | undefined {
    return this.#child(i, () => {
      const { items, listType } = this.#schema
      if (!Array.isArray(this.value) || !Array.isArray(this.old) || listType !== 'map' || !items) return undefined
      this.#oldList ??= new KeyedList(this.#schema, this.old)
      const old = this.#oldList.get(this.value[i])
      return old && new Correlation(this.value[i], old, items)
    })
  }

  /** Whether nothing has changed, where elements of lists with keys may have moved. */
  get isEqual(): boolean {
    return (this.#isEqual ??= this.#compare())
  }

  #child(key: string | number, make: () => Correlation | undefined): Correlation | undefined {
    if (!this.#children.has(key)) this.#children.set(key, make())
    return this.#children.get(key)
  }

  #compare(): boolean {
    const { value, old } = this
    if (Array.isArray(value) && Array.isArray(old)) {
      if (value.length !== old.length) return false
      if (this.#schema.listType !== 'map' || !this.#schema.items) return jsonEqual(value, old)
      return value.every((_element, i) => this.index(i)?.isEqual === true)
    }
    if (isObject(value) && isObject(old)) {
      const names = Object.keys(value)
      return names.length === Object.keys(old).length && names.every((name) => this.field(name)?.isEqual === true)
    }
    return jsonEqual(value, old)
  }
}
