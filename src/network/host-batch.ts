/**
 * Lets commands of concurrent callers share one run of `ip`: what arrives while a run is under way goes into the next one.
 * Each caller learns only of its own failures.
 */
import type { IpCommand, IpFailure, NetworkHost } from './host.ts'

interface Waiting {
  commands: readonly IpCommand[]
  resolve(failures: IpFailure[]): void
  reject(err: unknown): void
}

const MAX_COMMANDS = 2_000

export class HostBatch {
  readonly #host: NetworkHost
  #queue: Waiting[] = []
  #running = false

  constructor(host: NetworkHost) {
    this.#host = host
  }

  /** As NetworkHost.ip in the namespace of this process. */
  run(commands: readonly IpCommand[]): Promise<IpFailure[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ commands, resolve, reject })
      if (!this.#running) void this.#drain()
    })
  }

  async #drain() {
    this.#running = true
    // Everything that is asked for in the same turn of the event loop goes together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch: Waiting[] = []
      let size = 0
      while (this.#queue.length > 0 && (size === 0 || size + this.#queue[0]!.commands.length <= MAX_COMMANDS)) {
        const next = this.#queue.shift()!
        batch.push(next)
        size += next.commands.length
      }
      try {
        const failures = await this.#host.ip(batch.flatMap((w) => w.commands))
        let start = 0
        for (const { commands, resolve } of batch) {
          const end = start + commands.length
          const from = start
          resolve(
            failures.filter((f) => f.index >= from && f.index < end).map((f) => ({ ...f, index: f.index - from })),
          )
          start = end
        }
      } catch (err) {
        for (const { reject } of batch) reject(err)
      }
    }
    this.#running = false
  }
}
