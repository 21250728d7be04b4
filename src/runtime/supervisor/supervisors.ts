/**
 * All supervisors of one daemon: that of the current program version, in which new processes start, and those of earlier
 * versions, which keep what they have until it ends.
 */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { ProcessExit, SupervisedProcess } from './supervisor.ts'
import { listSupervisorSockets, locateProgram, Supervisor } from './supervisor.ts'

export interface SupervisorsOptions {
  directory: string
  clock: Clock
  log: Log
  onExit(key: string, exit: ProcessExit): void
  /** A supervisor died; what it ran must be taken for lost. */
  onLost(supervisor: Supervisor): void
}

export interface Recovered {
  supervisor: Supervisor
  process: SupervisedProcess
}

export class Supervisors {
  readonly #options: SupervisorsOptions
  readonly #all = new Set<Supervisor>()
  #current: Promise<Supervisor> | undefined

  constructor(options: SupervisorsOptions) {
    this.#options = options
  }

  /** Connects to every supervisor that runs and returns what they have. */
  async recover(): Promise<Recovered[]> {
    const recovered: Recovered[] = []
    const { version } = locateProgram()
    for (const path of listSupervisorSockets(this.#options.directory)) {
      const supervisor = await this.#connect((events) => Supervisor.attach(path, { ...this.#options, events }))
      if (!supervisor) continue
      if (supervisor.version === version) this.#current = Promise.resolve(supervisor)
      for (const process of supervisor.recovered) recovered.push({ supervisor, process })
    }
    return recovered
  }

  /** The one for new processes, started when there is none. */
  current(): Promise<Supervisor> {
    this.#current ??= this.#connect((events) => Supervisor.start({ ...this.#options, events })).catch(
      (thrown: unknown) => {
        this.#current = undefined
        throw thrown
      },
    )
    return this.#current
  }

  /** Those connected. */
  all(): Supervisor[] {
    return [...this.#all]
  }

  /** Disconnects from all; they and their processes go on. */
  close(): void {
    for (const supervisor of this.#all) supervisor.close()
    this.#all.clear()
  }

  /** Ends those that run nothing. */
  async quit(): Promise<void> {
    const all = this.all()
    this.#all.clear()
    for (const supervisor of all) await supervisor.quit()
    this.#current = undefined
  }

  async #connect<T extends Supervisor | undefined>(
    open: (events: { onExit(key: string, exit: ProcessExit): void; onLost(): void }) => Promise<T>,
  ): Promise<T> {
    const connected: { supervisor?: T } = {}
    const opened = await open({
      onExit: (key, exit) => this.#options.onExit(key, exit),
      onLost: () => {
        const { supervisor } = connected
        if (!supervisor || !this.#all.delete(supervisor)) return
        this.#current = undefined
        this.#options.onLost(supervisor)
      },
    })
    connected.supervisor = opened
    if (opened) this.#all.add(opened)
    return opened
  }
}
