/**
 * What `kubectl apply` does: compute a patch from what was and what shall be, and have it applied. A patch in kubectl's
 * form, with element orders and parallel lists of removals, must lead exactly to what shall be.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { f, type Message, message, selfField } from '#api/schema.ts'
import { strategicMerge } from './strategic-merge.ts'

const Item: Message = message('test.Item', '', {
  name: f.string(1, ''),
  value: f.string(2, ''),
  items: selfField('list', 3, '').merge('name'),
  atomicItems: selfField('list', 4, ''),
  numbers: f.list('int32', 5, '').merge(),
  labels: f.mapOf('string', 6, ''),
  child: selfField('one', 7, ''),
})

type Json = Record<string, unknown>

function item(depth: number): fc.Arbitrary<Json> {
  const below = depth > 0 ? item(depth - 1) : fc.record({ value: fc.constantFrom('v', 'w') })
  const named = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), below).map(([name, rest]) => ({ ...rest, name }))
  const fields = {
    value: fc.constantFrom('v', 'w', 'x'),
    items: fc.uniqueArray(named, { maxLength: 4, selector: ({ name }) => name }),
    atomicItems: fc.array(below, { maxLength: 2 }),
    numbers: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 5 }),
    labels: fc.dictionary(fc.constantFrom('p', 'q', 'r'), fc.constantFrom('1', '2'), { maxKeys: 3 }),
    child: below,
  }
  return fc.record(fields, { requiredKeys: [] })
}

/** The patch that leads from one to the other, or undefined where there is nothing to change. */
function diff(from: Json, to: Json): Json | undefined {
  const patch: Json = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [was, is] = [from[key], to[key]]
    if (is === undefined) patch[key] = null
    else if (was === undefined) patch[key] = is
    else if (key === 'items') diffItems(was as Json[], is as Json[], patch)
    else if (key === 'numbers') diffNumbers(was as number[], is as number[], patch)
    else if (key === 'child' || key === 'labels') {
      const inner = diff(was as Json, is as Json)
      if (inner) patch[key] = inner
    } else if (JSON.stringify(was) !== JSON.stringify(is)) patch[key] = is
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}

function diffItems(from: Json[], to: Json[], patch: Json) {
  const named = (list: Json[], name: unknown) => list.find((element) => element.name === name)
  const changed = to.flatMap((element) => {
    const was = named(from, element.name)
    const inner = was ? diff(was, element) : element
    return inner ? [{ ...inner, name: element.name }] : []
  })
  const removed = from.filter(({ name }) => !named(to, name)).map(({ name }) => ({ name, $patch: 'delete' }))
  if (changed.length + removed.length > 0) patch.items = [...changed, ...removed]
  if (to.length > 0) patch['$setElementOrder/items'] = to.map(({ name }) => ({ name }))
}

function diffNumbers(from: number[], to: number[], patch: Json) {
  const added = to.filter((n) => !from.includes(n))
  const removed = from.filter((n) => !to.includes(n))
  if (added.length > 0) patch.numbers = added
  if (removed.length > 0) patch['$deleteFromPrimitiveList/numbers'] = removed
  if (to.length > 0) patch['$setElementOrder/numbers'] = to
}

describe('a strategic merge patch', () => {
  it('computed from two objects leads from one to the other', () => {
    fc.assert(
      fc.property(item(2), item(2), (from, to) => {
        expect(strategicMerge(from, diff(from, to) ?? {}, Item)).toEqual(to)
      }),
      { numRuns: 500 },
    )
  })

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(item(2), item(2), (from, to) => {
        const patch = diff(from, to) ?? {}
        const once = strategicMerge(from, patch, Item)
        expect(strategicMerge(once, patch, Item)).toEqual(once)
      }),
      { numRuns: 300 },
    )
  })
})
