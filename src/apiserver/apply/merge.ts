/**
 * An object with what somebody applies put into it. Nothing is taken out; where both have a leaf, the applied one wins.
 * Upstream: `structured-merge-diff/typed.Merge`.
 */
import { own } from '#base/own.ts'
import { isObject, setMember } from '#base/json.ts'
import { formOf, type ListSchema, type MapSchema, memberSchema, type MergeSchema } from './merge-schema.ts'
import { listElement } from './path-element.ts'

type Json = Record<string, unknown>

/**
 * Both values fit the schema, and `applied` has no element of a list twice. Nothing is written to; the result shares
 * parts of both.
 */
export function merge(schema: MergeSchema | undefined, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live
  if (live === undefined || schema === undefined) return applied
  const form = formOf(schema, applied)
  if (form === 'map' && isObject(live) && isObject(applied)) return mergeMaps(schema.map!, live, applied)
  if (form === 'list' && Array.isArray(live) && Array.isArray(applied)) return mergeLists(schema.list!, live, applied)
  // An empty list or map is there, a null is not: against something that can be merged with, it says nothing.
  return applied === null && !isNothing(live) && isMergeable(schema, live) ? live : applied
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0
}

function isMergeable({ map, list }: MergeSchema, value: unknown): boolean {
  return Array.isArray(value) ? list !== undefined && list.relationship !== 'atomic' : isObject(value) && !map?.isAtomic
}

function mergeMaps(schema: MapSchema, live: Json, applied: Json): unknown {
  if (schema.isAtomic || (isNothing(live) && isNothing(applied))) return applied
  const out: Json = { ...live }
  for (const name in applied) {
    const before = own(live, name)
    setMember(out, name, merge(memberSchema(schema, name), before, applied[name]))
  }
  return out
}

/**
 * Elements of `applied` in its order, each after those of `live` that stood before it there; elements of `live` that
 * `applied` does not mention keep their places among those that it does.
 */
function mergeLists(schema: ListSchema, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  if (schema.relationship === 'atomic' || (live.length === 0 && applied.length === 0)) return [...applied]
  const left = live.map((item) => listElement(schema, item))
  const right = applied.map((item) => listElement(schema, item))
  const byLeft = new Map<string, unknown>()
  // What is there several times does not merge: the applied element takes its place.
  left.forEach((element, i) => byLeft.set(element, byLeft.has(element) ? null : live[i]))
  const byRight = new Map(right.map((element, i) => [element, applied[i]]))
  const shared = right.filter((element) => byLeft.has(element))
  const out: unknown[] = []
  const done = new Set<string>()
  let next = 0
  const takeRight = (element: string) => {
    done.add(element)
    out.push(merge(schema.element, byLeft.get(element), byRight.get(element)))
  }
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    if (l < left.length && r < right.length) {
      if (left[l] === right[r]) {
        takeRight(right[r]!)
        l++
        r++
        next++
        continue
      }
      if (byRight.has(left[l]!) && next < shared.length && shared[next] !== left[l]) {
        // It has its turn later, or has had it.
        l++
        continue
      }
    }
    if (l < left.length) {
      if (!byRight.has(left[l]!)) {
        out.push(live[l])
        l++
        continue
      }
      if (done.has(left[l]!)) l++
    }
    if (r < right.length) {
      takeRight(right[r]!)
      if (next < shared.length && shared[next] === right[r]) next++
      r++
    }
  }
  return out
}
