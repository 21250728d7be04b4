/** Field owners are those that a naive reference finds, whoever writes whatever in whatever order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLeaf, leavesOf, NaiveOwners, naiveSchema } from '#testing/naive-owners.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { ConflictError } from './conflicts.ts'
import { FieldOwners } from './field-owners.ts'
import { forEachMember, type FieldSet } from './field-set.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { structuralSchema } from './structural-schema.ts'

const kind: ManagedKind = {
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  schema: structuralSchema(naiveSchema),
  version: (apiVersion) => (apiVersion === kind.apiVersion ? kind : undefined),
  convert: (object) => object,
}

const inner = fc.record({ a: fc.nat(2), b: fc.nat(2) }, { requiredKeys: [] })
const tags = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'))
const items = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('p', 'q', 'r'), v: fc.nat(2), inner, tags }, { requiredKeys: ['name'] }),
  { selector: ({ name }) => name },
)
const spec = fc.record(
  {
    text: fc.constantFrom('1', '2'),
    number: fc.nat(2),
    plain: fc.array(fc.nat(1), { minLength: 1, maxLength: 2 }),
    whole: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(2), { minKeys: 1 }),
    inner,
    labels: fc.dictionary(fc.constantFrom('l', 'm'), fc.constantFrom('1', '2')),
    tags,
    items,
  },
  { requiredKeys: [] },
)

/** Nothing is empty, for what is empty is a leaf of its own. */
const content = spec.map((value) => pruned({ spec: value }) ?? {})

function pruned(value: unknown): object | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((element) => pruned(element) ?? element)
  if (typeof value !== 'object' || value === null) return value as never
  const members = Object.entries(value).map(([name, member]) => [name, pruned(member)] as const)
  const left = members.filter(([, member]) => member !== undefined)
  return left.length === 0 ? undefined : Object.fromEntries(left)
}

type Write =
  | { readonly does: 'apply'; readonly manager: string; readonly content: object; readonly force: boolean }
  | { readonly does: 'update'; readonly manager: string; readonly content: object }

const manager = fc.constantFrom('one', 'two', 'three')
const applying = fc.record({ does: fc.constant('apply' as const), manager, content, force: fc.boolean() })
const updating = fc.record({ does: fc.constant('update' as const), manager, content })

/** The real thing, with an object that it keeps. */
class Keeper {
  #owners = new FieldOwners({ now: () => this.now } as never)
  now = Date.UTC(2026, 0, 1)
  object: Stored | undefined

  /** The conflicts, as the reference has them. */
  apply(manager: string, content: object, force: boolean): Set<string> {
    const write = { kind, subresource: '', manager, filter: undefined }
    try {
      const applied = this.#owners.apply(write, this.object, named(content) as JsonObject, force)
      this.object = applied as unknown as Stored
      return new Set()
    } catch (err) {
      const { cause } = err as { cause?: unknown }
      if (!(cause instanceof ConflictError)) throw err
      return new Set(
        cause.conflicts.map(({ owner, path }) => `${owner.manager} ${owner.operation}: ${path.join('\n')}`),
      )
    }
  }

  /** With the field by which somebody is always known, for otherwise nobody would be any more. */
  update(manager: string, content: object) {
    const draft = named(withBase(content)) as unknown as Draft
    void this.#owners.update({ kind, subresource: '', manager, filter: undefined }, this.object, draft)
    this.object = draft as unknown as Stored
  }

  /** Without those that own nothing but places for what is others'. */
  get owners(): Map<string, Set<string>> {
    const owners = new Map<string, Set<string>>()
    for (const { manager, operation, fieldsV1 } of this.object?.metadata.managedFields ?? []) {
      const paths = new Set<string>()
      forEachMember(fieldsV1 as FieldSet, (path) => {
        if (isLeaf(path)) paths.add(path.join('\n'))
      })
      if (paths.size > 0) owners.set(`${manager} ${operation}`, paths)
    }
    return owners
  }
}

const named = (content: object) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  metadata: { name: 'a' },
  ...structuredClone(content),
})

const withBase = (content: { spec?: object }) => ({ ...content, spec: { ...content.spec, base: '1' } })

function carryOut(writes: readonly Write[], created: object = {}) {
  const keeper = new Keeper()
  const naive = new NaiveOwners()
  keeper.update('base', created)
  naive.update('base', withBase(created))
  for (const write of writes) {
    const { manager, content } = write
    if (write.does === 'apply') {
      expect(keeper.apply(manager, content, write.force)).toEqual(naive.apply(manager, content, write.force))
    } else {
      keeper.update(manager, content)
      naive.update(manager, withBase(content))
    }
    expect(leavesOf(keeper.object ?? {})).toEqual(naive.leaves)
    expect(keeper.owners).toEqual(naive.owners)
  }
  return keeper
}

describe('field owners', () => {
  it('are those of a naive reference where everybody applies', () => {
    fc.assert(
      fc.property(fc.array(applying, { minLength: 1, maxLength: 8 }), (writes) => void carryOut(writes)),
      { numRuns: 400 },
    )
  })

  it('are those of a naive reference where some update', () => {
    fc.assert(
      fc.property(content, fc.array(fc.oneof(applying, updating), { maxLength: 8 }), (created, writes) => {
        carryOut(writes, created)
      }),
      { numRuns: 400 },
    )
  })

  it('own all that there is, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(applying, updating), { minLength: 1, maxLength: 8 }), (writes) => {
        const keeper = carryOut(writes)
        const owned = new Set([...keeper.owners.values()].flatMap((paths) => [...paths]))
        expect(owned).toEqual(new Set(leavesOf(keeper.object ?? {}).keys()))
      }),
      { numRuns: 200 },
    )
  })

  it('are the same after applying the same again, to the very object', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(applying, updating), { maxLength: 6 }), manager, content, (writes, by, last) => {
        const keeper = carryOut(writes)
        keeper.apply(by, last, true)
        const once = structuredClone(keeper.object)
        keeper.now += 60_000
        keeper.apply(by, last, false)
        expect(keeper.object).toEqual(once)
      }),
      { numRuns: 200 },
    )
  })

  it('do not depend on the order in which managers apply what the others do not', () => {
    fc.assert(
      fc.property(content, fc.nat(100), (whole, seed) => {
        const parts = [0, 1, 2].map((i) => ({
          does: 'apply' as const,
          manager: `m${i}`,
          content: pruned(partOf(whole, (path) => (seed + [...path].length) % 3 === i)) ?? {},
          force: false,
        }))
        const [one, other] = [parts, parts.toReversed()].map((writes) => carryOut(writes))
        expect(leavesOf(one!.object)).toEqual(leavesOf(other!.object))
        expect(one!.owners).toEqual(other!.owners)
      }),
      { numRuns: 200 },
    )
  })
})

/** What of an object `keeps` says yes to, and the names of elements above it. */
function partOf(value: unknown, keeps: (path: string) => boolean, path = ''): unknown {
  const isWhole = path.endsWith('plain') || path.endsWith('whole')
  if (typeof value !== 'object' || value === null || isWhole) return keeps(path) ? value : undefined
  if (Array.isArray(value)) {
    return value.flatMap((element: string | { name: string }): unknown[] => {
      if (typeof element === 'string') return keeps(path + element) ? [element] : []
      const { name, ...rest } = element
      const below = pruned(partOf(rest, keeps, path + name))
      return below ? [{ name, ...below }] : []
    })
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, partOf(member, keeps, path + name)]))
}
