/**
 * Nothing acknowledged is ever lost: a process that writes to the embedded store is killed with SIGKILL at seeded
 * random moments, again and again on the same directory. After each death the store must open and hold
 *
 * - every write that the process had printed as acknowledged, with the bytes that it wrote;
 * - revisions without a gap since the last compaction, so that no commit is there by half;
 * - values that are whole (each begins with a digest of its rest), written or not acknowledged alike.
 *
 * SIGKILL does not lose what the kernel has cached; that commits reach the disk rests on lmdb's fsync. The second part
 * runs out of disk, once by a limit on file sizes and, for root, on a small tmpfs that is then given room again.
 */
import { spawn, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '#base/clock.ts'
import { seededRandom } from '#base/random.ts'
import { openLmdbStore } from '#storage/lmdb-store.ts'
import type { Store, StoreEvent } from '#storage/store.ts'

const ROUNDS = 10
const SEED = Number(process.env['CRASH_SEED'] ?? 1)

let folder: string
let child: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rostrum-crash-'))
  // Below node_modules, so that the packages which stay outside the bundle are found.
  child = join(import.meta.dirname, `../../node_modules/.cache/crash-store-child-${process.pid}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, 'crash-store-child.ts')],
    outfile: child,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await rm(child)
})

interface Acknowledged {
  readonly key: string
  readonly digest: string
}

/** Lets the child write for a random while after its first acknowledgement, kills it, and returns what it printed. */
async function writeAndDie(path: string, seed: number, afterMs: number): Promise<Map<number, Acknowledged>> {
  const victim = spawn(process.execPath, [child, path, String(seed), 'crash'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged = new Map<number, Acknowledged>()
  const lines = createInterface({ input: victim.stdout })
  const first = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      const [revision, key, digest] = line.split(' ')
      // The last line may be cut off; then nobody has heard of that write.
      if (digest?.length !== 64 && digest !== 'deleted') return
      acknowledged.set(Number(revision), { key: key!, digest })
      resolve()
    })
  })
  const closed = Promise.all([once(lines, 'close'), once(victim, 'exit')])
  await Promise.race([first, once(victim, 'exit')])
  await sleep(systemClock, afterMs)
  expect(victim.exitCode).toBeNull()
  victim.kill('SIGKILL')
  await closed
  return acknowledged
}

async function historyOf(store: Store): Promise<StoreEvent[]> {
  const events: StoreEvent[] = []
  if (store.revision === store.compacted) return events
  await new Promise<void>((resolve, reject) => {
    store.watch('', store.compacted, {
      onEvents(more) {
        events.push(...more)
        if (events.at(-1)!.revision === store.revision) resolve()
      },
      onEnd: (error) => reject(error ?? new Error('closed')),
    })
  })
  return events
}

const digestOf = (value: Buffer) => value.toString('hex', 0, 32)

function expectWhole(value: Buffer) {
  expect(createHash('sha256').update(value.subarray(32)).digest('hex')).toBe(digestOf(value))
}

describe('a killed writer', () => {
  it(`loses nothing that was acknowledged, in ${ROUNDS} rounds (CRASH_SEED=${SEED})`, async () => {
    const random = seededRandom(SEED)
    const path = join(folder, 'store')
    let total = 0
    let reached = 1
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeAndDie(path, SEED * 1_000 + round, random.int(500))
      const store = await openLmdbStore({ path, clock: systemClock })
      const newest = Math.max(...acknowledged.keys())
      expect(store.revision).toBeGreaterThanOrEqual(newest)
      expect(newest).toBeGreaterThan(reached)

      const history = await historyOf(store)
      expect(history.map((e) => e.revision)).toEqual(history.map((_, i) => Math.max(store.compacted, 1) + 1 + i))
      expect(history.at(-1)?.revision ?? store.compacted).toBe(store.revision)
      const current = new Map((await store.list('/')).entries.map((entry) => [entry.key, entry]))
      for (const { value } of current.values()) expectWhole(value)

      const byRevision = new Map(history.map((event) => [event.revision, event]))
      const lastOf = new Map<string, number>()
      for (const [revision, { key, digest }] of acknowledged) {
        lastOf.set(key, Math.max(revision, lastOf.get(key) ?? 0))
        if (revision <= store.compacted) continue
        const event = byRevision.get(revision)!
        expect(event.key).toBe(key)
        expect(event.entry ? digestOf(event.entry.value) : 'deleted').toBe(digest)
      }
      // Also what compaction has removed from history is there, as the current value.
      for (const [key, revision] of lastOf) {
        const entry = current.get(key)
        if (entry && entry.revision > revision) expect(byRevision.has(entry.revision)).toBe(true)
        else if (entry) expect(digestOf(entry.value)).toBe(acknowledged.get(revision)!.digest)
        else if (acknowledged.get(revision)!.digest !== 'deleted')
          expect(history.some((e) => e.key === key && e.type === 'delete' && e.revision > revision)).toBe(true)
      }
      reached = store.revision
      total += acknowledged.size
      await store.close()
    }
    expect(total).toBeGreaterThan(ROUNDS * 40)
  }, 60_000)
})

/** Runs the child until its disk is full; `makeRoom` is called before it writes again. */
async function runFull(command: string[], makeRoom: () => void): Promise<string[]> {
  const [file, ...args] = command
  const victim = spawn(file!, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines: string[] = []
  const closed = once(victim, 'close')
  createInterface({ input: victim.stdout }).on('line', (line) => {
    lines.push(line)
    if (!line.startsWith('unchanged')) return
    makeRoom()
    victim.stdin.end('go on\n')
  })
  await closed
  return lines
}

describe('a full disk', () => {
  it('refuses writes, stays readable, and opens again', async () => {
    const path = join(folder, 'limited')
    // The shell's unit is 1 KiB; the limit stays, so that the child's last write may fail or just fit.
    const command = ['bash', '-c', 'ulimit -f 3000; exec "$0" "$@"', process.execPath, child, path, '1', 'full']
    const lines = await runFull(command, () => {})
    expect(lines.slice(1, 2)).toEqual([expect.stringMatching(/^full true cannot write to /)])
    expect(lines.slice(2, 4)).toEqual([expect.stringMatching(/^readable \d+ true$/), 'unchanged true'])
    const store = await openLmdbStore({ path, clock: systemClock })
    const { entries } = await store.list('/filler/')
    expect(entries).toHaveLength(Number(lines[2]!.split(' ')[1]))
    await store.write({ key: '/after', expected: 0, value: Buffer.from('1') })
    await store.close()
  }, 30_000)

  it.runIf(process.getuid?.() === 0)(
    'takes writes again once there is room',
    async () => {
      const mount = join(folder, 'small')
      mkdirSync(mount)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'rostrum-crash', mount])
      try {
        writeFileSync(join(mount, 'filler'), Buffer.alloc(3 << 20))
        const command = [process.execPath, child, join(mount, 'store'), '1', 'full']
        const lines = await runFull(command, () => rmSync(join(mount, 'filler')))
        expect(lines.slice(1)).toEqual([
          expect.stringMatching(/^full true .*: the disk is full$/),
          expect.stringMatching(/^readable \d+ true$/),
          'unchanged true',
          'written true',
        ])
      } finally {
        execFileSync('umount', [mount])
      }
    },
    30_000,
  )
})
