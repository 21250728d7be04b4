/**
 * Reads a container's log: from the files that rotation left, then from the current one, and with `follow` what is still
 * to come, across rotations, until the container has ended and everything it wrote has been read.
 * Upstream: `ReadLogs` of `cri-client/pkg/logs` (which reads the current file only).
 */
import { watch } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { systemCode } from '#base/errors.ts'
import { LineFilter, type LineFilterOptions } from './line-filter.ts'
import { tailOffset } from './tail-offset.ts'

export interface LogOptions extends Omit<LineFilterOptions, 'limitLines'> {
  /** The last so many lines. */
  tailLines?: number
  follow?: boolean
}

export interface LogSource {
  /** The current file. */
  path: string
  /** Whether more may be written. */
  isRunning(): boolean
  clock: Clock
  signal?: AbortSignal
}

/** Takes what was read, in order; the next piece waits for its promise. */
export type LogSink = (bytes: Buffer) => void | Promise<void>

const CHUNK_BYTES = 256 << 10
/** The watch of the directory may miss changes; this is how late they are seen then. */
const RECHECK_MS = 1_000
const MAX_UNPACKED_BYTES = 256 << 20

/** Throws the system error where the current file can't be read. Resolves early when the signal aborts. */
export async function readLog(source: LogSource, options: LogOptions, sink: LogSink): Promise<void> {
  const { tailLines, follow = false, ...filterOptions } = options
  const { path, signal } = source
  let file = await open(path, 'r')
  try {
    const start = tailLines === undefined ? { offset: 0, lines: 0 } : await tailOffset(file, tailLines)
    const missing = tailLines === undefined ? Infinity : tailLines - start.lines
    const limited = tailLines !== undefined && !follow
    const filter = new LineFilter({ ...filterOptions, ...(limited && { limitLines: tailLines }) })
    const emit = async (bytes: Buffer) => {
      if (bytes.length > 0) await sink(bytes)
    }
    if (missing > 0 && (tailLines === undefined || start.offset === 0)) {
      for (const piece of await rotatedTail(path, missing, options.sinceMs)) {
        for (let at = 0; at < piece.length && !filter.isDone && !signal?.aborted; at += CHUNK_BYTES) {
          await emit(filter.push(piece.subarray(at, at + CHUNK_BYTES)))
        }
      }
    }
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let offset = start.offset
    const drain = async () => {
      while (!filter.isDone && !signal?.aborted) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, offset)
        if (bytesRead === 0) return
        offset += bytesRead
        await emit(filter.push(chunk.subarray(0, bytesRead)))
      }
    }
    const changes = follow ? watchDirectory(dirname(path), source) : undefined
    try {
      for (;;) {
        // Asked before reading: what was written before the container ended is read after the answer.
        const mayGrow = follow && source.isRunning()
        await drain()
        if (filter.isDone || signal?.aborted) return
        const next = follow ? await reopened(file, path) : undefined
        if (next) {
          await drain()
          await file.close()
          file = next
          offset = 0
        } else if (!mayGrow) break
        else await changes!.next()
      }
    } finally {
      changes?.close()
    }
    await emit(filter.finish())
  } finally {
    await file.close()
  }
}

/** The file under `path` when it is another one than `file`: rotation has replaced it. */
async function reopened(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const now = await stat(path).catch(absent)
  if (!now || now.ino === (await file.stat()).ino) return undefined
  return open(path, 'r').catch(absent)
}

function watchDirectory(dir: string, { clock, signal }: LogSource) {
  let wake = () => {}
  let isChanged = false
  const onChange = () => {
    isChanged = true
    wake()
  }
  const watcher = watch(dir, { persistent: false }, onChange)
  // The directory may go away with its pod; the regular check notices that.
  watcher.on('error', () => {})
  signal?.addEventListener('abort', onChange)
  return {
    /** Resolves when something in the directory has changed since the last call, or after RECHECK_MS. */
    async next(): Promise<void> {
      if (!isChanged) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(RECHECK_MS, resolve)
          wake = () => {
            timer.cancel()
            resolve()
          }
        })
      }
      isChanged = false
      wake = () => {}
    },
    close() {
      signal?.removeEventListener('abort', onChange)
      watcher.close()
    },
  }
}

/** Files that rotation left of `path`, oldest first: `0.log.20260101-120000`, packed or not. */
export async function rotatedFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`
  const names = (await readdir(dirname(path)).catch(absent)) ?? []
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}-\d{6}(\.gz)?$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => join(dirname(path), name))
}

/** The last `lines` lines of the rotated files, as pieces in order. Files that ended before `sinceMs` are left out. */
async function rotatedTail(path: string, lines: number, sinceMs: number | undefined): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let missing = lines
  for (const file of (await rotatedFiles(path)).toReversed()) {
    if (missing <= 0) break
    const info = await stat(file).catch(absent)
    if (!info || (sinceMs !== undefined && info.mtimeMs < sinceMs)) break
    const raw = await readFile(file).catch(absent)
    if (!raw) continue
    const bytes = file.endsWith('.gz') ? await promisify(gunzip)(raw, { maxOutputLength: MAX_UNPACKED_BYTES }) : raw
    let start = bytes.length
    while (missing > 0 && start > 0) {
      start = start > 1 ? bytes.lastIndexOf(10, start - 2) + 1 : 0
      missing--
    }
    pieces.unshift(bytes.subarray(missing === Infinity ? 0 : start))
  }
  return pieces
}

function absent(thrown: unknown): undefined {
  if (systemCode(thrown) === 'ENOENT') return undefined
  throw thrown
}
