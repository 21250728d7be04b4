/**
 * What the bridge did for each sandbox, one file each: enough to undo it and to restore port mappings after a restart of
 * the daemon. The directory should be on a file system that does not survive a reboot, as the sandboxes don't either.
 */
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxPortMapping } from '#contracts/sandbox-network.ts'
import { systemCode } from '#base/errors.ts'

export interface SandboxRecord {
  sandboxId: string
  ips: string[]
  /** The host's end of the pair. */
  hostInterface: string
  portMappings: readonly SandboxPortMapping[]
}

export interface SandboxRecords {
  write(record: SandboxRecord): Promise<void>
  remove(sandboxId: string): Promise<void>
  /** Undefined where there is none that can be read. */
  read(sandboxId: string): Promise<SandboxRecord | undefined>
  /** All records; files that cannot be read as one are passed over. */
  readAll(): Promise<SandboxRecord[]>
}

const SUFFIX = '.json'

export function createSandboxRecords(directory: string): SandboxRecords {
  const pathOf = (sandboxId: string) => join(directory, `${sandboxId}${SUFFIX}`)
  let made: Promise<unknown> | undefined
  return {
    async write(record) {
      made ??= mkdir(directory, { recursive: true, mode: 0o700 })
      await made
      const path = pathOf(record.sandboxId)
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
      await rename(`${path}.new`, path)
    },
    async remove(sandboxId) {
      await unlink(pathOf(sandboxId)).catch((err: unknown) => {
        if (systemCode(err) !== 'ENOENT') throw err
      })
    },
    async read(sandboxId) {
      return parseRecord(await readFile(pathOf(sandboxId), 'utf8').catch(() => ''))
    },
    async readAll() {
      const names = await readdir(directory).catch((err: unknown) => {
        if (systemCode(err) === 'ENOENT') return []
        throw err
      })
      const records: SandboxRecord[] = []
      for (const name of names) {
        if (!name.endsWith(SUFFIX)) continue
        const record = parseRecord(await readFile(join(directory, name), 'utf8').catch(() => ''))
        if (record && `${record.sandboxId}${SUFFIX}` === name) records.push(record)
      }
      return records
    },
  }
}

function parseRecord(text: string): SandboxRecord | undefined {
  try {
    return JSON.parse(text) as SandboxRecord
  } catch (err) {
    if (err instanceof SyntaxError) return undefined
    throw err
  }
}
