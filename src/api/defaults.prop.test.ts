import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyOf } from './arbitrary.ts'
import { decode, freezeParts } from './decode.ts'
import { allResources } from './resources.ts'

describe('defaulting', () => {
  it.each(allResources.map((resource) => [`${resource.apiVersion} ${resource.kind}`, resource.type] as const))(
    'changes nothing when it is applied to a complete %s',
    (_name, type) => {
      fc.assert(
        fc.property(anyOf(type), (value) => {
          const once = decode(type, value).object
          expect(decode(type, structuredClone(once)).object).toEqual(once)
          // The same, where all but the metadata is the very object that is complete.
          freezeParts(once)
          const again = decode(type, { ...once }, { known: once }).object
          expect(again).toEqual(once)
          for (const key of Object.keys(once)) if (key !== 'metadata') expect(again[key]).toBe(once[key])
        }),
        { numRuns: 30 },
      )
    },
  )
})
