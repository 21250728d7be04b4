/** A NetworkHost that changes nothing and writes down what it was asked for: for tests that run without root. */
import type { IpBatchOptions, IpCommand, IpFailure, NetworkHost } from './host.ts'

export class RecordingHost implements NetworkHost {
  /** One line for each command, `@<netns>` in front where it ran inside a namespace. */
  readonly commands: string[] = []
  readonly scripts: string[] = []
  readonly runs: string[] = []
  /** How many programs would have been started. */
  batches = 0
  nftWorks = false
  /** Answers of `ipJson` by its arguments. */
  readonly answers = new Map<string, unknown[]>()
  /** Messages with which commands that begin so fail. */
  readonly failing = new Map<string, string>()
  /** Makes the next `nft` call fail. */
  failNft: Error | undefined

  async ip(commands: readonly IpCommand[], { netns }: IpBatchOptions = {}): Promise<IpFailure[]> {
    const failures: IpFailure[] = []
    if (commands.length > 0) this.batches++
    // As long as a program would run, others may come and wait.
    await new Promise(setImmediate)
    commands.forEach((command, index) => {
      const line = command.join(' ')
      this.commands.push(netns ? `@${netns} ${line}` : line)
      for (const [start, message] of this.failing) if (line.startsWith(start)) failures.push({ index, message })
    })
    return failures
  }

  bridge(commands: readonly IpCommand[], options?: IpBatchOptions): Promise<IpFailure[]> {
    return this.ip(commands, options)
  }

  async ipJson(args: readonly string[]): Promise<unknown[] | undefined> {
    return this.answers.get(args.join(' ')) ?? []
  }

  async hasNft(): Promise<boolean> {
    return this.nftWorks
  }

  async nft(script: string): Promise<void> {
    if (this.failNft) {
      const err = this.failNft
      this.failNft = undefined
      throw err
    }
    this.scripts.push(script)
  }

  async readSysctl(): Promise<string | undefined> {
    return undefined
  }

  async writeSysctl(): Promise<boolean> {
    return true
  }

  async run(command: readonly string[]): Promise<{ code: number; stdout: string } | undefined> {
    this.runs.push(command.join(' '))
    return { code: 0, stdout: '' }
  }
}
