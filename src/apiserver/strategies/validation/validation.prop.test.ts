import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyOf } from '#api/arbitrary.ts'
import { decode } from '#api/decode.ts'
import type { Resource } from '#api/kind.ts'
import { allResources } from '#api/resources.ts'
import type { Stored, StrategyContext } from '../../registry/strategy.ts'
import { strategies } from '../all.ts'

const context = (subresource: string): StrategyContext => ({ now: 0, subresource, dryRun: false })

const stored = (resource: Resource): fc.Arbitrary<Stored> =>
  anyOf(resource.type).map((object) => {
    const decoded = decode(resource.type, object).object as Stored
    Object.assign(decoded.metadata, { name: 'x', uid: 'u', ...(resource.namespaced && { namespace: 'default' }) })
    return decoded
  })

const kinds = allResources.filter(({ verbs }) => verbs.includes('update'))

describe('validation of whatever can be decoded', () => {
  it.each(kinds.map((resource) => [`${resource.plural}.${resource.group}`, resource] as const))(
    'answers for %s',
    (_name, resource) => {
      const strategy = strategies.get(`${resource.group}/${resource.plural}`)!
      const subresources = ['', ...Object.keys(resource.subresources)]
      fc.assert(
        fc.property(stored(resource), stored(resource), (object, old) => {
          const errors = [
            ...(strategy.validate?.(object) ?? []),
            ...subresources.flatMap((name) => strategy.validateUpdate?.(object, old, context(name)) ?? []),
          ]
          for (const { field, message } of errors) {
            expect(message).not.toMatch(/undefined|\[object/)
            expect(field).not.toMatch(/undefined|\[object/)
          }
        }),
        { numRuns: 40 },
      )
    },
  )
})

describe('writing back what is stored', () => {
  it.each(kinds.map((resource) => [`${resource.plural}.${resource.group}`, resource] as const))(
    'is fine for %s',
    (_name, resource) => {
      const strategy = strategies.get(`${resource.group}/${resource.plural}`)!
      fc.assert(
        fc.property(stored(resource), ({ status: _status, ...object }) => {
          expect(strategy.validateUpdate?.(object, structuredClone(object), context('')) ?? []).toEqual([])
        }),
        { numRuns: 20 },
      )
    },
  )
})
