/**
 * An object without certain fields. What held them stays, empty if need be.
 * Upstream: `structured-merge-diff/typed.RemoveItems`.
 */
import { setMember } from '#base/json.ts'
import { descend, type FieldSet, isEmpty } from './field-set.ts'
import { formOf, type ListSchema, type MapSchema, memberSchema, type MergeSchema } from './merge-schema.ts'
import { listElement } from './path-element.ts'

type Json = Record<string, unknown>

/** The value fits the schema. Nothing is written to; the result shares parts with it. */
export function removeItems<T>(schema: MergeSchema, value: T, items: FieldSet): T {
  return isEmpty(items) ? value : (remove(schema, value, items) as T)
}

function remove(schema: MergeSchema | undefined, value: unknown, items: FieldSet): unknown {
  if (!schema) return value
  const form = formOf(schema, value)
  if (form === 'scalar') return value
  if (form === 'list') return Array.isArray(value) ? removeFromList(schema.list!, value, items) : null
  return typeof value === 'object' && value !== null ? removeFromMap(schema.map!, value as Json, items) : null
}

/** With nothing left in it, null, unless something was taken out of what is left. */
function removeFromMap(schema: MapSchema, map: Json, items: FieldSet): unknown {
  if (schema.isAtomic) return null
  const out: Json = {}
  let isKept = false
  for (const name in map) {
    if (map[name] === undefined) continue
    const { isMember, below } = descend(items, `f:${name}`)
    if (isMember) continue
    isKept = true
    setMember(out, name, below ? inside(memberSchema(schema, name), map[name], below) : map[name])
  }
  return isKept ? out : null
}

function removeFromList(schema: ListSchema, list: readonly unknown[], items: FieldSet): unknown {
  if (schema.relationship === 'atomic') return null
  const out: unknown[] = []
  for (const item of list) {
    const { isMember, below } = descend(items, listElement(schema, item))
    if (!isMember) out.push(below ? inside(schema.element, item, below) : item)
  }
  return out.length > 0 ? out : null
}

/** A container that loses all that is in it is still there. */
function inside(schema: MergeSchema | undefined, value: unknown, items: FieldSet): unknown {
  const left = remove(schema, value, items)
  if (left !== null || typeof value !== 'object' || value === null) return left
  return Array.isArray(value) ? [] : {}
}
