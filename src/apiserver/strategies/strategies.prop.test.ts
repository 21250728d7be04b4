/** What a patch leaves alone is the stored object's own, and frozen: strategies must not notice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyOf } from '#api/arbitrary.ts'
import { decode, freezeParts } from '#api/decode.ts'
import { type Resource, resourceKey } from '#api/kind.ts'
import { allResources } from '#api/resources.ts'
import { seededRandom } from '#base/random.ts'
import { ServiceAllocator } from '../allocation/service-allocator.ts'
import type { Draft, Stored, Strategy, StrategyContext } from '../registry/strategy.ts'
import { strategies } from './all.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const context = (subresource: string): StrategyContext => ({ now: NOW, subresource, dryRun: false })

function strategyOf(resource: Resource): Strategy {
  const strategy = strategies.get(resourceKey(resource))!
  return resource.kind === 'Service' ? new ServiceAllocator('10.96.0.0/16', seededRandom(1)).extend(strategy) : strategy
}

/** Undefined where the kind would not have been stored like that. */
function stored(resource: Resource, strategy: Strategy, value: unknown): Stored | undefined {
  const draft = decode(resource.type, value).object as Draft
  try {
    strategy.prepareForCreate?.(draft, context(''))
    strategy.allocate?.(draft, undefined, context(''))
  } catch {
    return undefined
  }
  return draft
}

const labelled = (object: Stored): Draft => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, changed: 'yes' } },
})

describe('an update that shares parts with the stored object', () => {
  const kinds = allResources.map((resource) => [`${resource.apiVersion} ${resource.kind}`, resource] as const)
  it.each(kinds)('becomes the same %s as one that does not', (_name, resource) => {
    fc.assert(
      fc.property(anyOf(resource.type), fc.constantFrom('', 'status'), (value, subresource) => {
        const strategy = strategyOf(resource)
        const old = stored(resource, strategy, value)
        fc.pre(old !== undefined)
        const copy = structuredClone(old)
        const prepared = (draft: Draft, before: Stored) => {
          strategy.prepareForUpdate?.(draft, before, context(subresource))
          strategy.allocate?.(draft, before, context(subresource))
          return draft
        }
        const apart = prepared(structuredClone(labelled(old)), structuredClone(old))
        freezeParts(old)
        expect(prepared(labelled(old), old)).toEqual(apart)
        expect(old).toEqual(copy)
      }),
      { numRuns: 40 },
    )
  })
})
