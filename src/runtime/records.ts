/**
 * What the daemon keeps on disk of sandboxes and containers: one JSON file each, replaced atomically before the change is
 * acknowledged. CRI configurations are stored in their own encoding, so that nothing of them is lost. Times are nanoseconds
 * as decimal strings.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeMessage, encodeMessage } from '#contracts/cri/codec.ts'
import type { ContainerConfig, PodSandboxConfig } from '#contracts/cri/types.ts'
import type { Identity } from './plan/container-spec.ts'

export interface SandboxRecord {
  id: string
  config: PodSandboxConfig
  runtimeHandler: string
  createdAtNs: bigint
  ready: boolean
  /** The boot during which the namespaces were made; they do not survive it. */
  bootId: string
  ips: string[]
  interfaceName: string
  /** The sandbox has, or may have, something set up on the network. */
  networked: boolean
}

export interface ContainerRecord {
  id: string
  sandboxId: string
  config: ContainerConfig
  imageId: string
  /** Directory names in the image store, which must not remove them. */
  layers: string[]
  /** How many of them, from the first, are the root; the rest belong to image volumes. */
  rootLayers: number
  identity: Identity
  createdAtNs: bigint
  state: 'created' | 'running' | 'exited'
  startedAtNs: bigint
  finishedAtNs: bigint
  exitCode: number
  reason: string
  message: string
  /** uid, gid, supplementary groups, once started. */
  user: number[]
  stopSignal: string
  cgroupPath: string
}

const BIGINTS = ['createdAtNs', 'startedAtNs', 'finishedAtNs']

/** A directory of records of one kind: `<dir>/<id>/record.json` beside whatever else belongs to the object. */
export class RecordStore<T extends { id: string }> {
  readonly dir: string
  readonly #message: 'PodSandboxConfig' | 'ContainerConfig'

  constructor(dir: string, message: 'PodSandboxConfig' | 'ContainerConfig') {
    this.dir = dir
    this.#message = message
    mkdirSync(dir, { recursive: true, mode: 0o711 })
  }

  path(id: string): string {
    return join(this.dir, id)
  }

  save(record: T): void {
    const dir = this.path(record.id)
    mkdirSync(dir, { recursive: true, mode: 0o711 })
    const text = JSON.stringify(record, (key, value: unknown) => {
      if (typeof value === 'bigint') return String(value)
      if (key === 'config') return Buffer.from(encodeMessage(this.#message, value as object)).toString('base64')
      return value
    })
    const file = join(dir, 'record.json')
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  /** Every readable record; directories without one are leftovers of an interrupted creation and are returned by name. */
  load(): { records: T[]; orphans: string[] } {
    const records: T[] = []
    const orphans: string[] = []
    for (const id of readdirSync(this.dir)) {
      const file = join(this.dir, id, 'record.json')
      if (!existsSync(file)) {
        orphans.push(id)
        continue
      }
      records.push(
        JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) => {
          if (BIGINTS.includes(key)) return BigInt(value as string)
          if (key === 'config') return decodeMessage(this.#message, Buffer.from(value as string, 'base64'))
          return value
        }) as T,
      )
    }
    return { records, orphans }
  }

  remove(id: string): void {
    rmSync(this.path(id), { recursive: true, force: true })
  }
}
