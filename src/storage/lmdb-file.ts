/**
 * One lmdb environment as a log of changes: the disk under lmdb-store.ts. Two tables, both keyed by the revision in
 * eight bytes, big-endian, so that every write is an append and a commit touches few pages:
 *
 *     changes: revision -> kind (1 byte: 1 put, 2 delete) | revision of the key's change before (8 bytes, 0: none) | key
 *     values:  revision -> the value; deletes have none
 *
 * `meta` holds the format, how far history was compacted, and which process owns the directory. Values are apart
 * from changes so that opening, compacting and replaying read a few bytes a change, whatever the values weigh.
 * Invariant: a commit is wholly on disk when its promise resolves (`overlappingSync: false`: fsync before the meta page).
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import { checkPages } from './lmdb-pages.ts'
import { StoreUnavailable, type Revision } from './store.ts'

/** The data directory can't be read as a store. Restoring a backup helps; retrying does not. */
export class StoreCorrupt extends Error {
  override readonly name = 'StoreCorrupt'
  readonly path: string
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${path} is not a usable store: ${why}; restore it from a backup, or move it away to start empty`, options)
    this.path = path
  }
}

/** Another server has the data directory open. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked'
  readonly path: string
  readonly pid: number
  constructor(path: string, pid: number) {
    super(`${path} is in use by process ${pid}; stop it first, or choose another data directory`)
    this.path = path
    this.pid = pid
  }
}

export interface Change {
  readonly revision: Revision
  readonly key: string
  readonly deleted: boolean
  /** The revision of the key's change before this one; 0 when there was none. */
  readonly previous: Revision
}

/** A change together with what it wrote; a delete has no entry. */
export interface Append {
  readonly version: Change
  readonly entry: { readonly value: Buffer } | undefined
}

/** What one transaction does, in this order. */
export interface Commit {
  /** Ascending by revision, all newer than everything in the file. */
  readonly appended: readonly Append[]
  /** Revisions to forget. */
  readonly removed?: readonly Revision[]
  readonly compacted?: Revision
  /** The revision up to which `removed` of this and of earlier commits has carried out the compaction. */
  readonly swept?: Revision
}

const FORMAT = 'rostrum-store-1'
const PUT = 1
const DELETE = 2
const HEADER_BYTES = 9
/** A commit slower than this counts as lost, and the file takes no more writes. */
const COMMIT_TIMEOUT_MS = 60_000
/** Address space to begin with; the map grows by itself, moving it costs time. */
const MAP_BYTES = 1 << 30

/** lmdb-js writes and reads keys in buffers of its own through these two functions. */
const revisionKeys = {
  writeKey(revision: Revision, target: Uint8Array, start: number): number {
    putRevision(target, start, revision)
    return start + 8
  },
  readKey: (source: Uint8Array, start: number): Revision => takeRevision(source, start),
}

const tableOptions = { encoding: 'binary', cache: false, compression: false } as const

export class LmdbFile {
  readonly #path: string
  readonly #clock: Clock
  readonly #root: RootDatabase<string, string>
  readonly #meta: Database<string, string>
  readonly #changes: Database<Buffer, Revision>
  readonly #values: Database<Buffer, Revision>
  #lost = false

  /** Opens or creates the file in directory `path`. Throws StoreCorrupt, StoreLocked, and system errors. */
  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
    preparePath(path)
    try {
      this.#root = open<string, string>({
        path,
        noSubdir: false,
        overlappingSync: false,
        // The caller makes the batches, so that lmdb-js need not wait for more writes to come.
        eventTurnBatching: false,
        txnStartThreshold: 1,
        maxDbs: 4,
        mapSize: MAP_BYTES,
        encoding: 'string',
        cache: false,
        compression: false,
      } as Parameters<typeof open>[0])
    } catch (cause) {
      throw new StoreCorrupt(path, messageOf(cause), { cause })
    }
    try {
      const tables = [...this.#root.getKeys({ limit: 5 })]
      if (tables.length > 0 && !tables.includes('meta')) throw new StoreCorrupt(path, 'it belongs to another program')
      this.#meta = this.#root.openDB<string, string>('meta', { encoding: 'string', cache: false, compression: false })
      this.#claim()
      this.#changes = this.#openLog('changes')
      this.#values = this.#openLog('values')
    } catch (err) {
      void this.#root.close()
      throw err
    }
  }

  get path(): string {
    return this.#path
  }

  get compacted(): Revision {
    return Number(this.#meta.get('compacted') ?? 0)
  }

  get swept(): Revision {
    return Number(this.#meta.get('swept') ?? 0)
  }

  /** The value written at `revision`, in a Buffer of its own. */
  value(revision: Revision): Buffer | undefined {
    const bytes = this.#values.getBinary(revision)
    // lmdb-js gives large buffers a `length` property of their own, which would make every later access slow.
    return (
      bytes && Buffer.from(bytes.buffer, bytes.byteOffset, (this.#values as unknown as { lastSize: number }).lastSize)
    )
  }

  change(revision: Revision): Change | undefined {
    const row = this.#changes.getBinary(revision)
    return row && this.#decode(revision, row)
  }

  /** Changes with a revision greater than `after`, ascending, at most `limit`. */
  *changesAfter(after: Revision, limit = Infinity): Generator<Change, void> {
    for (const { key, value } of this.#changes.getRange({ start: after + 1, limit })) yield this.#decode(key, value)
  }

  /** Makes one transaction durable. Rejects with StoreUnavailable; then nothing of it was written, unless the file is `lost`. */
  async commit(commit: Commit): Promise<void> {
    if (this.#lost) throw new StoreUnavailable(this.#lostMessage())
    const { appended, removed = [], compacted, swept } = commit
    let lastAppend: Promise<boolean> | undefined
    const rows = packRows(appended)
    try {
      const done = this.#changes.batch(() => {
        appended.forEach(({ version: { revision }, entry }, i) => {
          if (entry) keepQuiet(this.#values.put(revision, entry.value, APPEND))
          keepQuiet((lastAppend = this.#changes.put(revision, rows[i]!, APPEND)))
        })
        for (const revision of removed) {
          this.#changes.remove(revision)
          this.#values.remove(revision)
        }
        if (compacted !== undefined) this.#meta.put('compacted', String(compacted))
        if (swept !== undefined) this.#meta.put('swept', String(swept))
      })
      await this.#bounded(done)
      // An append that is out of order is skipped without failing the transaction.
      if ((await lastAppend) === false) {
        this.#lost = true
        throw new StoreUnavailable(`${this.#path} did not take revision ${appended.at(-1)!.version.revision}`)
      }
    } catch (cause) {
      if (cause instanceof StoreUnavailable) throw cause
      throw new StoreUnavailable(`cannot write to ${this.#path}: ${await this.#reason(cause)}`, { cause })
    }
  }

  /** No write may be under way. */
  async close(): Promise<void> {
    if (!this.#lost) {
      // Without it the next server finds a dead owner, which is as good.
      await this.#bounded(this.#meta.remove('owner')).catch(() => {})
    }
    // A transaction that hangs would hang this too.
    if (!this.#lost) await this.#root.close()
  }

  #openLog(name: string): Database<Buffer, Revision> {
    return this.#root.openDB<Buffer, Revision>(name, { ...tableOptions, keyEncoder: revisionKeys } as never)
  }

  /** Becomes the directory's owner: in one transaction, so that of two servers that start at once one sees the other. */
  #claim() {
    this.#root.transactionSync(() => {
      const format = this.#meta.get('format')
      if (format !== undefined && format !== FORMAT)
        throw new StoreCorrupt(this.#path, `it has format ${JSON.stringify(format)}, this version reads ${FORMAT}`)
      const owner = this.#meta.get('owner')
      const pid = owner && livingOwner(JSON.parse(owner) as Owner)
      if (pid) throw new StoreLocked(this.#path, pid)
      void this.#meta.put('format', FORMAT)
      void this.#meta.put('owner', JSON.stringify(describeProcess(process.pid)))
    })
  }

  #decode(revision: Revision, row: Buffer): Change {
    const kind = row[0]
    if (row.length <= HEADER_BYTES || (kind !== PUT && kind !== DELETE))
      throw new StoreCorrupt(this.#path, `the change at revision ${revision} can't be read`)
    return {
      revision,
      deleted: kind === DELETE,
      previous: takeRevision(row, 1),
      key: row.toString('utf8', HEADER_BYTES),
    }
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(COMMIT_TIMEOUT_MS, () => {
        this.#lost = true
        reject(new StoreUnavailable(this.#lostMessage()))
      })
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  #lostMessage(): string {
    return `${this.#path} did not finish a write within ${COMMIT_TIMEOUT_MS / 1000} s; the server must be restarted`
  }

  /** lmdb reports a full disk as an I/O error, because it sees no more than a short write. */
  async #reason(thrown: unknown): Promise<string> {
    const detail = await Promise.resolve((thrown as { commitError?: unknown }).commitError).catch((err: unknown) => err)
    const { bavail, bsize } = statfsSync(this.#path)
    return bavail * bsize < 1 << 20 ? 'the disk is full' : messageOf(detail ?? thrown)
  }
}

const APPEND = { append: true } as never

/** Appends have a promise each; the one of the batch tells of failure. */
function keepQuiet(promise: Promise<boolean>) {
  promise.catch(() => {})
}

/** All rows of a commit in one allocation. */
function packRows(appended: readonly Append[]): Buffer[] {
  // UTF-8 takes at most three bytes for a UTF-16 code unit.
  const bytes = appended.reduce((sum, { version }) => sum + HEADER_BYTES + version.key.length * 3, 0)
  const all = Buffer.allocUnsafeSlow(bytes)
  let end = 0
  return appended.map(({ version: { key, deleted, previous } }) => {
    const start = end
    all[start] = deleted ? DELETE : PUT
    putRevision(all, start + 1, previous)
    end = start + HEADER_BYTES + all.write(key, start + HEADER_BYTES)
    return all.subarray(start, end)
  })
}

function putRevision(target: Uint8Array, at: number, revision: Revision) {
  const high = Math.floor(revision / 0x1_0000_0000)
  for (let i = 0; i < 4; i++) {
    target[at + i] = high >>> (24 - 8 * i)
    target[at + 4 + i] = revision >>> (24 - 8 * i)
  }
}

function takeRevision(source: Uint8Array, at: number): Revision {
  let high = 0
  let low = 0
  for (let i = 0; i < 4; i++) {
    high = (high << 8) | source[at + i]!
    low = (low << 8) | source[at + 4 + i]!
  }
  // Integers stay integers where they can: V8 looks up a boxed double in a Map ten times slower.
  return high === 0 && low >= 0 ? low : high * 0x1_0000_0000 + (low >>> 0)
}

/** Makes directory and files with access for their owner only, and looks whether lmdb may map them. */
function preparePath(path: string) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  for (const name of ['data.mdb', 'lock.mdb']) {
    const file = join(path, name)
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
  }
  const data = join(path, 'data.mdb')
  const flaw = checkPages(data)
  if (flaw) throw new StoreCorrupt(data, flaw)
}

/** A process, told apart from a later one with the same number. */
interface Owner {
  readonly pid: number
  readonly started: string
  readonly boot: string
}

/** Undefined when there is no such process. */
function describeProcess(pid: number): Owner | undefined {
  try {
    // The program's name, in parentheses, may contain anything; fields 3 and up follow it: the state, ..., the start time.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie is dead, only its parent has not asked yet.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const started = fields[19]!
    return { pid, started, boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() }
  } catch (err) {
    if (systemCode(err) === 'ESRCH' || existsSync('/proc/self/stat')) return undefined
    // A system without /proc: the number has to do.
    return isRunning(pid) ? { pid, started: '', boot: '' } : undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    return systemCode(err) === 'EPERM'
  }
}

/** The process that owns the directory, if it still runs. */
function livingOwner(recorded: Owner): number | undefined {
  const now = describeProcess(recorded.pid)
  return now && now.started === recorded.started && now.boot === recorded.boot ? recorded.pid : undefined
}
