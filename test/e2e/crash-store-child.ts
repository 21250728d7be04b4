/**
 * The victim of crash-store.test.ts: `crash-store-child <path> <seed> crash|full`.
 *
 * `crash` writes, deletes and compacts until it is killed, and prints a line for each write after it was acknowledged.
 * `full` writes until the disk is full, waits for a line on standard input, and writes again.
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { systemClock } from '#base/clock.ts'
import { seededRandom } from '#base/random.ts'
import { openLmdbStore } from '#storage/lmdb-store.ts'
import { StoreUnavailable, type Store } from '#storage/store.ts'

const WRITERS = 40
const KEYS_PER_WRITER = 8

const [path, seed, mode] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const store = await openLmdbStore({ path: path!, clock: systemClock })
print(`open ${store.revision}`)
if (mode === 'crash') await crash()
else await full()

function print(line: string) {
  writeSync(1, `${line}\n`)
}

/** A value that shows whether it is whole: a digest of the rest, then the rest. */
function makeValue(bytes: number): Buffer {
  const rest = Buffer.from(random.bytes(bytes))
  return Buffer.concat([createHash('sha256').update(rest).digest(), rest])
}

async function crash() {
  for (let writer = 0; writer < WRITERS; writer++) void writeForever(writer)
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    const keep = 200 + random.int(2_000)
    if (random.int(50) === 0 && store.revision - store.compacted > keep) await store.compact(store.revision - keep)
  }
}

async function writeForever(writer: number) {
  for (;;) {
    const key = `/registry/pods/${writer}/${random.int(KEYS_PER_WRITER)}`
    const current = store.latest(key)
    const value = current && random.int(5) === 0 ? null : makeValue(random.int(20) === 0 ? 40_000 : random.int(4_000))
    const revision = await store.write({ key, expected: current?.revision ?? 0, value })
    print(`${revision} ${key} ${value ? value.toString('hex', 0, 32) : 'deleted'}`)
  }
}

async function full() {
  const failure = await fill(store, 0)
  const revision = store.revision
  print(`full ${failure instanceof StoreUnavailable} ${failure.message}`)
  const { entries } = await store.list('/')
  print(
    `readable ${entries.length} ${entries.at(-1)!.revision === revision && entries.every((e) => e.value.length === 3_000)}`,
  )
  await fill(store, 10_000)
  print(`unchanged ${store.revision === revision}`)
  await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve))
  const again = await store.write({ key: '/again', expected: 0, value: Buffer.alloc(3_000) })
  print(`written ${again > revision}`)
  await store.close()
  process.exit()
}

/** Writes until a write fails, and returns why. */
async function fill(store: Store, from: number): Promise<Error> {
  for (let i = from; ; i += 20) {
    const keys = Array.from({ length: 20 }, (_, j) => `/filler/${String(i + j).padStart(6, '0')}`)
    try {
      await Promise.all(keys.map((key) => store.write({ key, expected: 0, value: Buffer.alloc(3_000, 'x') })))
    } catch (err) {
      return err as Error
    }
  }
}
