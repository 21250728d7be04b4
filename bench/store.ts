/**
 * The embedded store beside bare lmdb, on the same disk in the same minute: durable writes of 1.5 KB by many writers,
 * reads, lists, fan-out, opening, memory. `node bench/store.mjs [directory] [part ...]`; parts as in the table at the
 * end. Each part runs in a process of its own when all are asked for, so that memory can be told apart.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { systemClock } from '#base/clock.ts'
import { openLmdbStore } from '#storage/lmdb-store.ts'
import type { Store } from '#storage/store.ts'

const SECONDS = 3
const VALUE_BYTES = 1_500
const POD_BYTES = 3_400
const KEYS = 20_000

const [parent = tmpdir(), ...asked] = process.argv.slice(2)
const keyOf = (i: number) => `/registry/pods/default/pod-${String(i % KEYS).padStart(6, '0')}`

function report(line: string) {
  console.log(line)
}

function residentMegabytes(): { all: number; file: number } {
  const status = readFileSync('/proc/self/status', 'latin1')
  const megabytes = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024)
  return { all: megabytes('VmRSS'), file: megabytes('RssFile') }
}

/** Runs `write(writer, turn)` by `writers` at once for a while, each waiting for its write before the next. */
async function load(name: string, writers: number, write: (writer: number, turn: number) => Promise<unknown>) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const until = started + SECONDS * 1_000
  const waits: number[] = []
  const loop = async (writer: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const before = performance.now()
      await write(writer, turn)
      waits.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, i) => loop(i)))
  const seconds = (performance.now() - started) / 1_000
  const used = process.cpuUsage(cpu)
  waits.sort((a, b) => a - b)
  const at = (share: number) => waits[Math.floor((waits.length - 1) * share)]!.toFixed(2)
  report(
    `${name}, ${writers} writers: ${Math.round(waits.length / seconds)}/s, median ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${((used.user + used.system) / waits.length).toFixed(1)} us of CPU each, resident ${JSON.stringify(residentMegabytes())} MB`,
  )
}

/** Bare lmdb with the same group commit: what arrives while a transaction runs goes into the next one. */
async function bare(path: string) {
  const root = open({ path, noSubdir: false, overlappingSync: false, encoding: 'binary', eventTurnBatching: false })
  const table = root.openDB('t', { encoding: 'binary' })
  const value = Buffer.alloc(VALUE_BYTES, 'x')
  let waiting: { key: string; resolve: () => void }[] = []
  let running = false
  const commit = async () => {
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      const batch = waiting
      waiting = []
      await table.batch(() => batch.forEach(({ key }) => void table.put(key, value)))
      for (const { resolve } of batch) resolve()
    }
    running = false
  }
  const put = (key: string) =>
    new Promise<void>((resolve) => {
      waiting.push({ key, resolve })
      if (!running) {
        running = true
        void commit()
      }
    })
  for (const writers of [1, 100, 1_000])
    await load('bare lmdb', writers, (writer, turn) => put(keyOf(writer * 7919 + turn * 104_729)))
  await root.close()
}

const openAt = (path: string) => openLmdbStore({ path, clock: systemClock })

function put(store: Store, key: string, value: Buffer) {
  return store.write({ key, expected: store.latest(key)?.revision ?? 0, value })
}

async function writes(path: string) {
  const store = await openAt(path)
  const value = Buffer.alloc(VALUE_BYTES, 'x')
  for (const writers of [1, 100, 1_000])
    await load('store', writers, (writer, turn) =>
      // Writers keep to keys of their own, so that none collides.
      put(store, keyOf(writer + (turn % Math.floor(KEYS / writers)) * writers), Buffer.from(value)),
    )
  const at = store.revision
  const started = performance.now()
  const compacting = store.compact(at)
  await load('store while compacting', 100, (writer, turn) =>
    put(store, keyOf(writer + (turn % 200) * 100), Buffer.from(value)),
  )
  await compacting
  report(`compacted ${at} revisions in ${Math.round(performance.now() - started)} ms at most, writes going on`)
  await store.close()
}

async function reads(path: string) {
  let store = await openAt(path)
  const started = performance.now()
  await Promise.all(Array.from({ length: 5_000 }, (_, i) => put(store, keyOf(i), Buffer.alloc(POD_BYTES, `${i}`))))
  report(`5,000 creates at once: ${Math.round(performance.now() - started)} ms`)
  report(`resident with 5,000 pods of 3.4 KB just written: ${JSON.stringify(residentMegabytes())} MB`)
  await lists(store, 'cached')
  await store.close()
  const reopened = performance.now()
  store = await openAt(path)
  report(`opening with 5,000 pods: ${(performance.now() - reopened).toFixed(1)} ms`)
  const cold = performance.now()
  await store.list('/registry/pods/')
  report(`first list of 5,000 after opening: ${(performance.now() - cold).toFixed(1)} ms`)
  await lists(store, 'cached')
  const count = 200_000
  const keys = Array.from({ length: 5_000 }, (_, i) => keyOf(i))
  const before = performance.now()
  for (let i = 0; i < count; i++) store.latest(keys[(i * 7) % 5_000]!)
  report(`latest: ${Math.round(((performance.now() - before) * 1e6) / count)} ns`)
  await store.close()
}

async function lists(store: Store, name: string) {
  const before = performance.now()
  for (let i = 0; i < 20; i++) await store.list('/registry/pods/')
  report(`list of 5,000, ${name}: ${((performance.now() - before) / 20).toFixed(2)} ms`)
  const paged = performance.now()
  for (let i = 0; i < 200; i++) await store.list('/registry/pods/', { limit: 500, startAfter: keyOf(1_000) })
  report(`page of 500, ${name}: ${((performance.now() - paged) / 200).toFixed(3)} ms`)
}

async function fanOut(path: string) {
  const store = await openAt(path)
  let delivered = 0
  for (let i = 0; i < 500; i++)
    store.watch('/registry/pods/', 1, { onEvents: (events) => (delivered += events.length), onEnd() {} })
  for (let i = 0; i < 30; i++) store.watch(`/registry/kind-${i}/`, 1, { onEvents() {}, onEnd() {} })
  await load('store with 500 watchers', 100, (writer, turn) =>
    put(store, keyOf(writer + (turn % 200) * 100), Buffer.alloc(VALUE_BYTES, 'x')),
  )
  report(`events delivered: ${Math.round(delivered / SECONDS)}/s`)
  await store.close()
}

async function empty(path: string) {
  const before = residentMegabytes()
  const started = performance.now()
  const store = await openAt(path)
  const opened = performance.now()
  const after = residentMegabytes()
  report(`making an empty store: ${(opened - started).toFixed(1)} ms, resident ${before.all} -> ${after.all} MB`)
  await store.write({ key: '/a', expected: 0, value: Buffer.from('1') })
  await store.close()
  const again = performance.now()
  const reopened = await openAt(path)
  report(
    `opening it again: ${(performance.now() - again).toFixed(1)} ms; ${statSync(join(path, 'data.mdb')).size} bytes`,
  )
  await reopened.close()
}

const parts: Record<string, (path: string) => Promise<void>> = { empty, bare, writes, reads, 'fan-out': fanOut }

if (asked.length === 1) {
  const path = mkdtempSync(join(parent, 'rostrum-bench-'))
  try {
    await parts[asked[0]!]!(path)
  } finally {
    rmSync(path, { recursive: true })
  }
} else {
  for (const part of asked.length > 0 ? asked : Object.keys(parts))
    spawnSync(process.execPath, [process.argv[1]!, parent, part], { stdio: 'inherit' })
}
