/**
 * Deletes interfaces, those asked for at the same time together: the kernel waits for all readers of its tables after each
 * deletion (some 20 ms), but only once for a group of interfaces.
 */
import type { Random } from '#base/random.ts'
import { type IpCommand, isAbsent, type NetworkHost, throwOnFailure } from './host.ts'

interface Waiting {
  name: string
  resolve(): void
  reject(err: unknown): void
}

/** Group numbers are 32 bits; a random one of the upper half is nobody else's. */
const FIRST_GROUP = 0x4000_0000

export class LinkRemover {
  readonly #host: NetworkHost
  readonly #random: Random
  #queue: Waiting[] = []
  #running = false

  constructor(host: NetworkHost, random: Random) {
    this.#host = host
    this.#random = random
  }

  /** Resolves when the interface is gone, also if it wasn't there. Rejects with NetworkError or ExecError. */
  remove(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ name, resolve, reject })
      if (!this.#running) void this.#drain()
    })
  }

  async #drain() {
    this.#running = true
    // Everything that is asked for in the same turn of the event loop goes together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0)
      try {
        await this.#removeAll(batch.map((w) => w.name))
        for (const { resolve } of batch) resolve()
      } catch (err) {
        for (const { reject } of batch) reject(err)
      }
    }
    this.#running = false
  }

  async #removeAll(names: readonly string[]) {
    const commands = removalCommands(names, FIRST_GROUP + this.#random.int(FIRST_GROUP))
    throwOnFailure('remove interfaces', commands, await this.#host.ip(commands), isAbsent)
  }
}

/** Pure. */
export function removalCommands(names: readonly string[], group: number): IpCommand[] {
  if (names.length === 1) return [['link', 'del', 'dev', names[0]!]]
  const each = names.map((name) => ['link', 'set', 'dev', name, 'group', String(group)])
  return [...each, ['link', 'del', 'group', String(group)]]
}
