/**
 * Keeps container logs within bounds: a log beyond 10 MiB is renamed and the runtime told to open a new one; of the old
 * ones the newest stays readable, the others are packed, and beyond five files the oldest go.
 * Upstream: `container_log_manager.go`.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { rotatedFiles } from './log-reader.ts'

export interface LogRotationOptions {
  clock: Clock
  log: Log
  /** Running containers with their current log files. */
  running(): readonly { id: string; path: string }[]
  /** Makes the runtime write to a new file under the old name. */
  reopen(containerId: string): Promise<unknown>
  /** Default 10 MiB. */
  maxBytes?: number
  /** With the current one. Default 5. */
  maxFiles?: number
}

/** Looks at every log once. Never rejects. */
export async function rotateLogs(options: LogRotationOptions): Promise<void> {
  for (const { id, path } of options.running()) {
    try {
      await rotateOne(options, id, path)
    } catch (thrown) {
      options.log.warn({ container: id, path, reason: messageOf(thrown) }, 'cannot rotate a container log')
    }
  }
}

async function rotateOne(
  { clock, reopen, maxBytes = 10 << 20, maxFiles = 5 }: LogRotationOptions,
  id: string,
  path: string,
) {
  const info = await stat(path).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  })
  // After a crash between renaming and opening, the runtime still writes to the renamed file.
  if (!info) return void (await reopen(id))
  if (info.size < maxBytes) return
  const rotated = await rotatedFiles(path)
  // With the current one and the one that is about to be made there is room for so many.
  for (const file of rotated.slice(0, Math.max(0, rotated.length - (maxFiles - 2)))) await rm(file, { force: true })
  for (const file of await rotatedFiles(path)) if (!file.endsWith('.gz')) await pack(file)
  const target = `${path}.${stamp(clock.now())}`
  await rename(path, target)
  try {
    await reopen(id)
  } catch (thrown) {
    await rename(target, path)
    throw thrown
  }
}

async function pack(file: string) {
  const temporary = `${file}.tmp`
  try {
    await pipeline(createReadStream(file), createGzip(), createWriteStream(temporary, { mode: 0o640 }))
    await rename(temporary, `${file}.gz`)
    await rm(file)
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}

function stamp(nowMs: number): string {
  const [date, time] = new Date(nowMs).toISOString().slice(0, 19).split('T') as [string, string]
  return `${date.replaceAll('-', '')}-${time.replaceAll(':', '')}`
}
