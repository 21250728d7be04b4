/**
 * What is different between two objects, as sets of fields: one walk of both together, which looks closer only at what is
 * not equal. Upstream: `structured-merge-diff/typed.Compare`.
 */
import { isObject } from '#base/json.ts'
import { own } from '#base/own.ts'
import { jsonEqual } from '#base/equal.ts'
import { EMPTY, type FieldSet, FieldSetBuilder, union } from './field-set.ts'
import type { NewFields } from './new-fields.ts'
import { type Form, formOf, type ListSchema, type MapSchema, type MergeSchema } from './merge-schema.ts'
import { listElement } from './path-element.ts'

/** No field is in more than one of `added`, `modified` and `removed`. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
  /** `added` and `modified` together. */
  readonly changed: FieldSet
}

export interface CompareOptions {
  /**
   * Whether parts that only `next` has are complete, with all that Go writes in any case. They are not in what somebody
   * has applied and the server has not yet completed.
   */
  isComplete: boolean
  /** Takes the fields of complete parts from here. */
  newFields?: NewFields
}

interface Walk extends CompareOptions {
  readonly path: string[]
  added?: FieldSetBuilder
  modified?: FieldSetBuilder
  removed?: FieldSetBuilder
}

type Json = Record<string, unknown>

/** Of two values that fit the schema. Throws NoPathElement for lists whose elements can't be told apart. */
export const compare = (schema: MergeSchema, old: unknown, next: unknown, options: CompareOptions): Comparison =>
  compareInSteps(schema, old, next, options)()

/** The first half of `compare`, which looks; the second half puts together what was found. */
export function compareInSteps(
  schema: MergeSchema,
  old: unknown,
  next: unknown,
  options: CompareOptions,
): () => Comparison {
  const { newFields, isComplete } = options
  if (newFields && isComplete && isNothing(old)) {
    const found = comparison(newFields.ofObject(schema, next as Json), EMPTY, EMPTY)
    return () => found
  }
  const walk: Walk = { ...options, path: [] }
  compareValues(schema, old, next, walk)
  const { added, modified, removed } = walk
  return () => comparison(added?.build() ?? EMPTY, modified?.build() ?? EMPTY, removed?.build() ?? EMPTY)
}

function add(to: 'added' | 'modified' | 'removed', walk: Walk): void {
  ;(walk[to] ??= new FieldSetBuilder()).add(walk.path)
}

function isNothing(value: unknown): boolean {
  for (const _name in value as object) return false
  return true
}

export function comparison(added: FieldSet, modified: FieldSet, removed: FieldSet): Comparison {
  return { added, modified, removed, changed: union(added, modified) }
}

/** Undefined is absent, here and below. */
function compareValues(schema: MergeSchema | undefined, a: unknown, b: unknown, walk: Walk): void {
  if (a === b || schema === undefined) return
  if (a === undefined && walk.newFields && walk.isComplete)
    return (walk.added ??= new FieldSetBuilder()).graft(walk.path, walk.newFields.ofPlace(schema, b))
  const form = formOf(schema, a === undefined ? b : a)
  const isLeaf = compareAs(form, schema, a, b, walk)
  if (a === undefined || b === undefined) {
    if (!isLeaf) add(a === undefined ? 'added' : 'removed', walk)
    return
  }
  // Each in its own form: what was there is gone, and what is there is new.
  const other = formOf(schema, b)
  if (other !== form) compareAs(other, schema, a, b, walk)
}

/** Returns whether the place is a leaf, whose own membership is settled. */
function compareAs(form: Form, schema: MergeSchema, a: unknown, b: unknown, walk: Walk): boolean {
  if (form === 'map') return compareMaps(schema.map!, a, b, walk)
  if (form === 'list') return compareLists(schema.list!, a, b, walk)
  return leaf(a, b, walk)
}

function leaf(a: unknown, b: unknown, walk: Walk): true {
  if (a === undefined) add('added', walk)
  else if (b === undefined) add('removed', walk)
  else if (!jsonEqual(a, b)) add('modified', walk)
  return true
}

const mapIn = (value: unknown) => (isObject(value) ? value : undefined)
const listIn = (value: unknown) => (Array.isArray(value) ? (value as unknown[]) : NO_ELEMENTS)
const NO_ELEMENTS: readonly unknown[] = []

/** Names such as `constructor` are names like others. */
const member = (map: Json | undefined, name: string) => map && own(map, name)

/**
 * A null is what Go writes for a zero, where it writes one; but not in what somebody has applied and nobody completed. An
 * empty list may be one, too: stored ones are not told apart.
 */
const orZero = (value: unknown, zero: unknown, isComplete = true) =>
  value === undefined ||
  (zero !== undefined && ((value === null && isComplete) || (zero === null && isEmptyList(value))))
    ? zero
    : value
const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

function compareMaps(schema: MapSchema, whole: unknown, wholeNext: unknown, walk: Walk): boolean {
  const [a, b] = [mapIn(whole), mapIn(wholeNext)]
  const zerosA = a && schema.zeros
  const zerosB = b && (a || walk.isComplete) ? schema.zeros : undefined
  if (schema.isAtomic) return leaf(whole, wholeNext, walk)
  let hasMembers = !isNothing(zerosA ?? {}) || !isNothing(zerosB ?? {})
  const both = (name: string, x: unknown, y: unknown) => {
    if (x !== undefined) hasMembers = true
    if (x === y) return
    hasMembers = true
    const field = schema.fields.get(name)
    walk.path.push(field?.element ?? `f:${name}`)
    compareValues(field?.schema ?? schema.element, x, y, walk)
    walk.path.pop()
  }
  for (const name in b)
    both(name, orZero(member(a, name), zerosA?.[name]), orZero(b[name], zerosB?.[name], walk.isComplete))
  for (const name in a) {
    if (!b || !Object.hasOwn(b, name)) both(name, orZero(a[name], zerosA?.[name]), zerosB?.[name])
  }
  // What neither has of itself, but one of the two in any case.
  if (zerosA !== zerosB)
    for (const name in schema.zeros)
      if (member(a, name) === undefined && member(b, name) === undefined) both(name, zerosA?.[name], zerosB?.[name])
  return hasMembers ? false : leaf(whole, wholeNext, walk)
}

function compareLists(schema: ListSchema, whole: unknown, wholeNext: unknown, walk: Walk): boolean {
  const [a, b] = [listIn(whole), listIn(wholeNext)]
  if (schema.relationship === 'atomic' || (a.length === 0 && b.length === 0)) return leaf(whole, wholeNext, walk)
  if (jsonEqual(a, b)) return false
  const before = byElement(schema, a)
  const after = byElement(schema, b)
  for (const [element, x] of before) compareElement(schema, element, x, after.get(element) ?? NO_ELEMENTS, walk)
  for (const [element, y] of after) if (!before.has(element)) compareElement(schema, element, NO_ELEMENTS, y, walk)
  return false
}

function byElement(schema: ListSchema, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  for (const item of items) {
    const element = listElement(schema, item)
    const same = found.get(element)
    if (same) same.push(item)
    else found.set(element, [item])
  }
  return found
}

/** An element that is there several times has one owner, as a whole. */
function compareElement(schema: ListSchema, element: string, a: readonly unknown[], b: readonly unknown[], walk: Walk) {
  walk.path.push(element)
  if (a.length <= 1 && b.length <= 1) compareValues(schema.element, a[0], b[0], walk)
  else if (a.length > 1 && b.length > 1) {
    if (!jsonEqual(a, b)) add('modified', walk)
  } else if (a.length > 1) {
    compareValues(schema.element, undefined, b[0], walk)
    add('removed', walk)
  } else {
    compareValues(schema.element, a[0], undefined, walk)
    add('added', walk)
  }
  walk.path.pop()
}
