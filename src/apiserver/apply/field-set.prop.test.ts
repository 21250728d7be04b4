/** Field sets do what sets of paths do, one by one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalSet,
  difference,
  type FieldSet,
  forEachMember,
  has,
  intersection,
  isEmpty,
  recursiveDifference,
  setOf,
  union,
} from './field-set.ts'
import { compareElements, SELF } from './path-element.ts'

const element = fc.constantFrom(
  'f:a',
  'f:b',
  'f:ab',
  'f:é',
  'k:{"name":"a"}',
  'k:{"name":"ab"}',
  'k:{"name":"a b"}',
  'k:{"port":80,"protocol":"TCP"}',
  'k:{"port":443,"protocol":"TCP"}',
  'k:{"port":443,"protocol":"UDP"}',
  'k:{"port":443}',
  'v:"a"',
  'v:"\\""',
  'v:1.5',
  'v:true',
  'i:2',
  'i:10',
)
const path = fc.array(element, { minLength: 1, maxLength: 4 })
const paths = fc.array(path, { maxLength: 12 })

const key = (path: readonly string[]) => path.join('\n')
const naive = (paths: readonly (readonly string[])[]) => new Set(paths.map(key))
function membersOf(set: FieldSet): Set<string> {
  const members = new Set<string>()
  forEachMember(set, (path) => {
    expect(members).not.toContain(key(path))
    members.add(key(path))
  })
  return members
}

/** In order, without marks that say nothing, and without places that lead nowhere. */
function expectCanonical(set: FieldSet) {
  const elements = Object.keys(set)
  expect(elements).toEqual(elements.toSorted(compareElements))
  expect(elements).not.toEqual([SELF])
  for (const element of elements) expectCanonical(set[element]!)
}

const isBelow = (path: string, others: Set<string>) =>
  path.split('\n').some((_, i, all) => others.has(all.slice(0, i + 1).join('\n')))

describe('field sets', () => {
  it('have the members that were put in', () => {
    fc.assert(
      fc.property(paths, path, (all, other) => {
        const set = setOf(...all)
        expectCanonical(set)
        expect(membersOf(set)).toEqual(naive(all))
        for (const one of all) expect(has(set, one)).toBe(true)
        expect(has(set, other)).toBe(naive(all).has(key(other)))
        expect(isEmpty(set)).toBe(all.length === 0)
      }),
    )
  })

  it('survive being written and read by somebody else', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const set = setOf(...all)
        expect(canonicalSet(JSON.parse(JSON.stringify(set)))).toEqual(set)
      }),
    )
  })

  it('join, cut and intersect member by member', () => {
    fc.assert(
      fc.property(paths, paths, (all, others) => {
        const [a, b, x, y] = [setOf(...all), setOf(...others), naive(all), naive(others)]
        for (const [result, members] of [
          [union(a, b), new Set([...x, ...y])],
          [difference(a, b), new Set([...x].filter((path) => !y.has(path)))],
          [intersection(a, b), new Set([...x].filter((path) => y.has(path)))],
          [recursiveDifference(a, b), new Set([...x].filter((path) => !isBelow(path, y)))],
        ] as const) {
          expectCanonical(result)
          expect(membersOf(result)).toEqual(members)
        }
        expect(a).toEqual(setOf(...all))
        expect(b).toEqual(setOf(...others))
      }),
    )
  })

  it('are themselves where an operation changes nothing', () => {
    fc.assert(
      fc.property(paths, paths, (all, others) => {
        const [a, b] = [setOf(...all), setOf(...others)]
        const both = union(a, b)
        expect(union(both, JSON.parse(JSON.stringify(b)))).toBe(both)
        expect(difference(both, setOf())).toBe(both)
        const rest = difference(a, b)
        expect(difference(rest, b)).toBe(rest)
        expect(recursiveDifference(rest, intersection(rest, b))).toBe(rest)
      }),
    )
  })
})
