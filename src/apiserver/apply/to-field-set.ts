/**
 * All fields that a value mentions: what somebody who applies it wants to own.
 * Upstream: `structured-merge-diff/typed.ToFieldSet`.
 */
import { isObject } from '#base/json.ts'
import { type FieldSet, FieldSetBuilder } from './field-set.ts'
import { formOf, type ListSchema, type MapSchema, type MergeSchema } from './merge-schema.ts'
import { listElement } from './path-element.ts'

interface Walk {
  readonly path: string[]
  readonly set: FieldSetBuilder
}

/** The value fits the schema, see `validationErrors`. Throws NoPathElement where it does not. */
export function toFieldSet(schema: MergeSchema, value: unknown): FieldSet {
  const set = new FieldSetBuilder()
  add(schema, value, { path: [], set })
  return set.build()
}

function add(schema: MergeSchema | undefined, value: unknown, walk: Walk): void {
  if (!schema) return
  const form = formOf(schema, value)
  if (form === 'scalar') walk.set.add(walk.path)
  else if (form === 'list') addList(schema.list!, value, walk)
  else addMap(schema.map!, value, walk)
}

function addMap(schema: MapSchema, value: unknown, walk: Walk): void {
  if (schema.isAtomic) return walk.set.add(walk.path)
  if (!isObject(value)) return
  for (const name in value) {
    if (value[name] === undefined) continue
    const field = schema.fields.get(name)
    walk.path.push(field?.element ?? `f:${name}`)
    add(field?.schema ?? schema.element, value[name], walk)
    // A field of a struct with something in it belongs to those who own what is in it.
    if (!field || value[name] === null || isEmptyMap(value[name])) walk.set.add(walk.path)
    walk.path.pop()
  }
}

function isEmptyMap(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const name in value) if (value[name] !== undefined) return false
  return true
}

function addList(schema: ListSchema, value: unknown, walk: Walk): void {
  if (schema.relationship === 'atomic') return walk.set.add(walk.path)
  if (!Array.isArray(value)) return
  const elements = value.map((item) => listElement(schema, item))
  const duplicates = repeated(elements)
  elements.forEach((element, i) => {
    walk.path.push(element)
    // An element that is there several times has one owner, as a whole.
    if (!duplicates.has(element)) add(schema.element, value[i], walk)
    walk.set.add(walk.path)
    walk.path.pop()
  })
}

const NONE: ReadonlySet<string> = new Set()

function repeated(elements: readonly string[]): ReadonlySet<string> {
  if (elements.length < 2) return NONE
  const [seen, twice] = [new Set<string>(), new Set<string>()]
  for (const element of elements) (seen.has(element) ? twice : seen).add(element)
  return twice
}
