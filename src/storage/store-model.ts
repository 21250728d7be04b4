/**
 * A store as a list of all changes, and a program that is run on it and on a real store side by side. Every answer is
 * compared, and at the end what every watcher was given. For store-suite.ts.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { CompareFailed, Compacted, type Revision, type Store, type StoreEvent } from './store.ts'

const KEYS = ['/a', '/a/', '/a/b', '/a/bc', '/ab', '/b/é', '/b/\u{1f600}', '/b/\uffee']
const PREFIXES = ['', '/', '/a', '/a/', '/a/b', '/b/', '/c']

/** `back` counts revisions backwards from the newest one. */
export type Operation =
  | { do: 'put'; key: string; value: number; stale: boolean; wait: boolean }
  | { do: 'delete'; key: string; stale: boolean; wait: boolean }
  | { do: 'get'; key: string; back: number }
  | { do: 'list'; prefix: string; back: number; limit: number }
  | { do: 'watch'; prefix: string; back: number }
  | { do: 'cancel'; watch: number }
  | { do: 'compact'; back: number; wait: boolean }
  | { do: 'settle' }

const key = fc.constantFrom(...KEYS)
const prefix = fc.constantFrom(...PREFIXES)
const back = fc.nat(12)
const stale = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)

export const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.nat(999), stale, wait: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key, stale, wait: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key, back }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('list' as const), prefix, back, limit: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), prefix, back }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), watch: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back, wait: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ do: 'settle' as const }) },
  ),
  { maxLength: 60, size: 'max' },
)

interface ModelChange {
  readonly revision: Revision
  readonly key: string
  /** Null: deleted. */
  readonly value: string | null
}

interface ModelWatch {
  readonly prefix: string
  readonly after: Revision
  readonly seen: StoreEvent[]
  cancel(): void
  cancelled: boolean
  ended: Error | undefined
}

export class StoreModel {
  readonly changes: ModelChange[] = []

  stateAt(revision: Revision): Map<string, ModelChange> {
    const state = new Map<string, ModelChange>()
    for (const change of this.changes) {
      if (change.revision > revision) break
      if (change.value === null) state.delete(change.key)
      else state.set(change.key, change)
    }
    return state
  }

  /** The entries under a prefix at a revision, as `key=value@revision`, in byte order. */
  listAt(prefix: string, revision: Revision): string[] {
    return [...this.stateAt(revision).values()]
      .filter((change) => change.key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      .map((change) => `${change.key}=${change.value}@${change.revision}`)
  }
}

/** Runs `program` on a store that may already have been written to as `model` says; afterwards both agree. */
export async function checkProgram(
  store: Store,
  program: readonly Operation[],
  model = new StoreModel(),
): Promise<void> {
  const outstanding: Promise<unknown>[] = []
  const watches: ModelWatch[] = []
  let accepted = store.revision

  const write = (key: string, value: string | null, stale: boolean) => {
    const current = model.stateAt(Infinity).get(key)
    const expected = stale ? (current?.revision ?? 0) + 1_000_000 : (current?.revision ?? 0)
    const written = store.write({ key, expected, value: value === null ? null : Buffer.from(value) })
    if (stale || (value === null && !current))
      return written.then(
        () => expect.unreachable('a collision was expected'),
        (err) => {
          expect(err).toBeInstanceOf(CompareFailed)
          expect((err as CompareFailed).current?.revision).toBe(current?.revision)
        },
      )
    const revision = ++accepted
    model.changes.push({ revision, key, value })
    return written.then((got) => {
      expect(got).toBe(revision)
      expect(store.revision).toBeGreaterThanOrEqual(revision)
    })
  }

  const at = (back: number) => Math.max(1, store.revision - back)
  /** Compares an answer about `revision` with the model's, unless compaction forbids or forestalls it. */
  const answer = async <T>(revision: Revision, asked: Promise<T>, compare: (given: T) => void) => {
    const forbidden = revision < store.compacted
    try {
      const given = await asked
      expect(forbidden).toBe(false)
      compare(given)
    } catch (err) {
      if (!(err instanceof Compacted)) throw err
      expect(revision).toBeLessThan(store.compacted)
    }
  }

  for (const op of program) {
    if (op.do === 'put' || op.do === 'delete') {
      const done = write(op.key, op.do === 'put' ? `${op.value}` : null, op.stale)
      outstanding.push(done)
      if (op.wait) await done
    } else if (op.do === 'get') {
      const revision = at(op.back)
      await answer(revision, store.get(op.key, revision), (entry) =>
        expect(entry && `${entry.value}@${entry.revision}`).toBe(
          model
            .listAt(op.key, revision)
            .find((line) => line.startsWith(`${op.key}=`))
            ?.slice(op.key.length + 1),
        ),
      )
    } else if (op.do === 'list') {
      const revision = at(op.back)
      const lines: string[] = []
      for (let startAfter = '', more = true; more;) {
        const ask = store.list(op.prefix, { revision, limit: op.limit, startAfter })
        more = false
        await answer(revision, ask, (page) => {
          lines.push(...page.entries.map((e) => `${e.key}=${e.value}@${e.revision}`))
          startAfter = page.entries.at(-1)?.key ?? ''
          more = page.more
          if (!more) expect(lines).toEqual(model.listAt(op.prefix, revision))
        })
      }
    } else if (op.do === 'watch') {
      const after = Math.max(at(op.back), store.compacted)
      const watch: ModelWatch = {
        prefix: op.prefix,
        after,
        seen: [],
        cancelled: false,
        ended: undefined,
        cancel: () => {},
      }
      watch.cancel = store.watch(op.prefix, after, {
        onEvents(events) {
          expect(watch.cancelled || watch.ended).toBeFalsy()
          watch.seen.push(...events)
        },
        onEnd: (error) => (watch.ended = error ?? new Error('closed')),
      })
      watches.push(watch)
    } else if (op.do === 'cancel') {
      const watch = watches[op.watch]
      watch?.cancel()
      if (watch) watch.cancelled = true
    } else if (op.do === 'compact') {
      const done = store.compact(at(op.back))
      outstanding.push(done)
      if (op.wait) await done
    } else {
      await Promise.all(outstanding)
    }
  }
  await Promise.all(outstanding)
  await drain()
  expect(store.revision).toBe(accepted)
  expect((await store.list('')).entries.map((e) => `${e.key}=${e.value}@${e.revision}`)).toEqual(
    model.listAt('', accepted),
  )
  for (const watch of watches) checkWatch(watch, model)
}

/** Nothing is being written any more, so that what a watch still has to be given comes within a few turns. */
async function drain() {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function checkWatch(watch: ModelWatch, model: StoreModel) {
  const expected = model.changes
    .filter(({ key, revision }) => revision > watch.after && key.startsWith(watch.prefix))
    .map(({ key, revision, value }) => {
      const before = model.stateAt(revision - 1).get(key)
      return `${value === null ? 'delete' : 'put'} ${key} ${value} @${revision} after ${before?.value}@${before?.revision}`
    })
  const seen = watch.seen.map(
    (e) =>
      `${e.type} ${e.key} ${e.entry?.value ?? null} @${e.revision} after ${e.previous?.value}@${e.previous?.revision}`,
  )
  // A watch that was ended in the middle has seen a beginning of it.
  if (watch.cancelled || watch.ended) expect(expected.slice(0, seen.length)).toEqual(seen)
  else expect(seen).toEqual(expected)
  if (watch.ended) expect(watch.ended).toBeInstanceOf(Compacted)
}
