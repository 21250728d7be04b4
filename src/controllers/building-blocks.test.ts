import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { TerminalError } from '#base/errors.ts'
import type { KubeObject } from '#api/kind.ts'
import { selectorFromMap } from '#machinery/labels.ts'
import { planClaims } from './claim.ts'
import { Expectations } from './expectations.ts'
import { scaledValue } from './int-or-percent.ts'
import { semanticEqual } from './semantic-equal.ts'
import { slowStart } from './slow-start.ts'
import { canonicalJson, templateHash } from './template-hash.ts'

describe('expectations', () => {
  it('are met when all creations and deletions have been seen', () => {
    const expectations = new Expectations(new FakeClock())
    expect(expectations.areMet('a')).toBe(true)
    expectations.expectCreations('a', 2)
    expectations.creationObserved('a')
    expect(expectations.areMet('a')).toBe(false)
    expectations.creationObserved('a')
    expect(expectations.areMet('a')).toBe(true)
    expectations.expectDeletions('a', ['ns/x', 'ns/y'])
    expectations.deletionObserved('a', 'ns/x')
    expectations.deletionObserved('a', 'ns/x')
    expect(expectations.areMet('a')).toBe(false)
    expectations.deletionObserved('a', 'ns/y')
    expect(expectations.areMet('a')).toBe(true)
  })

  it('are given up after five minutes', async () => {
    const clock = new FakeClock()
    const expectations = new Expectations(clock)
    expectations.expectCreations('a', 1)
    await clock.advance(299_999)
    expect(expectations.areMet('a')).toBe(false)
    await clock.advance(1)
    expect(expectations.areMet('a')).toBe(true)
  })
})

describe('a slow start', () => {
  it('doubles its batches as long as all goes well', async () => {
    let [running, most] = [0, 0]
    const result = await slowStart(10, async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
    })
    expect([result, most]).toEqual([{ succeeded: 10 }, 4])
  })

  it('ends with the first batch that has a failure', async () => {
    let calls = 0
    const result = await slowStart(100, async () => {
      if (++calls > 5) throw new Error('quota')
    })
    expect([result.succeeded, calls, (result.error as Error).message]).toEqual([5, 7, 'quota'])
  })
})

describe('numbers or percentages', () => {
  it('are rounded as asked', () => {
    expect([
      scaledValue('25%', 10, 'up'),
      scaledValue('25%', 10, 'down'),
      scaledValue(3, 10, 'up'),
      scaledValue(undefined, 10, 'up'),
    ]).toEqual([3, 2, 3, 0])
    expect(() => scaledValue('25', 10, 'up')).toThrow(TerminalError)
  })
})

describe('semantic equality', () => {
  it('does not tell absent from empty', () => {
    expect(semanticEqual({ a: 1, b: [], c: {}, d: '', e: { f: null } }, { a: 1 })).toBe(true)
    expect(semanticEqual({ a: [1, 2] }, { a: [2, 1] })).toBe(false)
    expect(semanticEqual({ a: 0 }, {})).toBe(false)
    expect(semanticEqual({ a: false }, {})).toBe(false)
    expect(semanticEqual([], {})).toBe(true)
    expect(semanticEqual(['a'], { 0: 'a' })).toBe(false)
  })
})

describe('a template hash', () => {
  it('depends on values, not on the order of keys or on what is absent', () => {
    expect(templateHash({ a: 1, b: { c: [1], d: undefined } })).toBe(templateHash({ b: { c: [1] }, a: 1 }))
    expect(templateHash({ a: 1 })).not.toBe(templateHash({ a: 2 }))
    expect(templateHash({ a: 1 }, 1)).not.toBe(templateHash({ a: 1 }))
    expect(templateHash({ a: 1 })).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
    expect(canonicalJson({ b: [undefined, 'x'], a: null })).toBe('{"b":[null,"x"]}')
  })
})

describe('claims', () => {
  const owner = { kind: 'ReplicaSet', metadata: { name: 'o', uid: 'u', namespace: 'ns' } } as KubeObject
  const objectOf = (name: string, app: string, controller?: string, metadata: object = {}) =>
    ({
      metadata: {
        name,
        namespace: 'ns',
        labels: { app },
        ...(controller && {
          ownerReferences: [
            { uid: controller, controller: true, name: 'o', kind: 'ReplicaSet', apiVersion: 'apps/v1' },
          ],
        }),
        ...metadata,
      },
    }) as unknown as KubeObject
  const objects = [
    objectOf('own', 'web', 'u'),
    objectOf('stray', 'db', 'u'),
    objectOf('orphan', 'web'),
    objectOf('leaving', 'web', undefined, { deletionTimestamp: 'x' }),
    objectOf('abroad', 'web', undefined, { namespace: 'other' }),
    objectOf('foreign', 'web', 'someone'),
    objectOf('unrelated', 'db'),
  ]
  const names = (list: KubeObject[]) => list.map(({ metadata }) => metadata.name)

  it('keep, adopt and release', () => {
    const { owned, adopt, release } = planClaims(owner, selectorFromMap({ app: 'web' }), objects)
    expect([names(owned), names(adopt), names(release)]).toEqual([['own'], ['orphan'], ['stray']])
  })

  it('change nothing while the owner is being deleted', () => {
    const leaving = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: 'x' } }
    const { owned, adopt, release } = planClaims(leaving, selectorFromMap({ app: 'web' }), objects)
    expect([names(owned), adopt, release]).toEqual([['own'], [], []])
  })
})
