/**
 * The kernel's network configuration, reached through iproute2 and nftables. Everything in network/ that changes the
 * host goes through a NetworkHost, in batches: starting a program costs more than what it does.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { systemCode } from '#base/errors.ts'
import { exec, execAny, ExecError } from '#base/exec.ts'

/** One line of `ip -batch`: the arguments of one `ip` command, none of which may contain white space or quotes. */
export type IpCommand = readonly string[]

export interface IpBatchOptions {
  /** Path of the network namespace in which to run; default is that of this process. */
  netns?: string
  signal?: AbortSignal
}

/** A command of a batch that failed; the others ran. */
export interface IpFailure {
  /** Index into the batch. */
  index: number
  message: string
}

export interface NetworkHost {
  /** Runs all commands in order, those after a failed one too, and says which failed. Throws ExecError when nothing could run. */
  ip(commands: readonly IpCommand[], options?: IpBatchOptions): Promise<IpFailure[]>
  /** As `ip`, for the `bridge` program (forwarding database). */
  bridge(commands: readonly IpCommand[], options?: IpBatchOptions): Promise<IpFailure[]>
  /** Runs `ip -json <args>` and parses its answer; undefined where what is asked about does not exist. */
  ipJson(args: readonly string[], options?: IpBatchOptions): Promise<unknown[] | undefined>
  /** Whether `nft` works here (the program is there, and the kernel answers). Asked once per host object. */
  hasNft(): Promise<boolean>
  /** Applies a script of nft commands as one transaction: all of it or nothing. Throws ExecError. */
  nft(script: string): Promise<void>
  /** Value of `net/ipv4/ip_forward` and the like in this process's network namespace; undefined if there is no such setting. */
  readSysctl(path: string): Promise<string | undefined>
  /** Returns false where the setting does not exist or may not be written. */
  writeSysctl(path: string, value: string): Promise<boolean>
  /** Runs another program of the host, e.g. `conntrack`; undefined when it is not installed. */
  run(command: readonly string[]): Promise<{ code: number; stdout: string } | undefined>
}

const UNSAFE_ARGUMENT = /[\s"'\\#]/

/** The text that `ip -batch -` reads. Throws TypeError for an argument that would be read as something else. */
export function batchText(commands: readonly IpCommand[]): string {
  let text = ''
  for (const command of commands) {
    for (const argument of command) {
      if (argument === '' || UNSAFE_ARGUMENT.test(argument))
        throw new TypeError(`not an argument for ip: ${JSON.stringify(argument)}`)
    }
    text += `${command.join(' ')}\n`
  }
  return text
}

/** Assigns each `Command failed -:N` of an `ip -force -batch` run to its command, with the error that came before it. */
export function batchFailures(stderr: string): IpFailure[] {
  const failures: IpFailure[] = []
  let message: string[] = []
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed -:(\d+)$/.exec(line.trim())
    if (failed) {
      failures.push({ index: Number(failed[1]) - 1, message: message.join('; ') || 'failed' })
      message = []
    } else if (line.trim() !== '') message.push(line.trim())
  }
  return failures
}

/** What `ip` says when a link, route or address to be removed is not there. */
const ABSENT =
  /Cannot find device|No such device|No such process|No such file or directory|Cannot assign requested address|does not exist/

export const isAbsent = (failure: IpFailure) => ABSENT.test(failure.message)

/** What `ip` says when something to be added is there already. */
export const isPresent = (failure: IpFailure) =>
  /File exists|already exists|Address already assigned/.test(failure.message)

export interface SystemHostOptions {
  /** Where the programs are looked for; default is this process's PATH with the sbin directories added. */
  path?: string
}

export function createSystemHost({
  path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
}: SystemHostOptions = {}): NetworkHost {
  const env = { PATH: path, LC_ALL: 'C' }
  const inside = (netns: string | undefined) => (netns ? ['nsenter', `--net=${netns}`, '--'] : [])

  async function batch(program: string, commands: readonly IpCommand[], { netns, signal }: IpBatchOptions = {}) {
    if (commands.length === 0) return []
    const command = [...inside(netns), program, '-force', '-batch', '-']
    const result = await execAny(command, { input: batchText(commands), env, signal })
    if (result.code === 0) return []
    const failures = batchFailures(result.stderr)
    if (failures.length === 0) throw new ExecError(command, result.code, result.stderr)
    return failures
  }

  let nftWorks: Promise<boolean> | undefined
  return {
    ip: (commands, options) => batch('ip', commands, options),
    bridge: (commands, options) => batch('bridge', commands, options),
    async ipJson(args, { netns, signal } = {}) {
      const result = await execAny([...inside(netns), 'ip', '-json', ...args], { env, signal })
      if (result.code !== 0) {
        if (ABSENT.test(result.stderr)) return undefined
        throw new ExecError(['ip', ...args], result.code, result.stderr)
      }
      return result.stdout.trim() === '' ? [] : (JSON.parse(result.stdout) as unknown[])
    },
    hasNft() {
      nftWorks ??= execAny(['nft', 'list', 'tables'], { env }).then(
        (result) => result.code === 0,
        () => false,
      )
      return nftWorks
    },
    async nft(script) {
      await exec(['nft', '-f', '-'], { input: script, env })
    },
    async readSysctl(name) {
      try {
        return (await readFile(`/proc/sys/${name}`, 'utf8')).trim()
      } catch (err) {
        if (systemCode(err) === 'ENOENT') return undefined
        throw err
      }
    },
    async writeSysctl(name, value) {
      try {
        await writeFile(`/proc/sys/${name}`, value)
        return true
      } catch (err) {
        const code = systemCode(err)
        if (code === 'ENOENT' || code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false
        throw err
      }
    },
    async run(command) {
      try {
        return await execAny(command, { env })
      } catch (err) {
        if (err instanceof ExecError && systemCode(err.cause) === 'ENOENT') return undefined
        throw err
      }
    },
  }
}

/** Throws with the text of the first failure that is not expected. */
export function throwOnFailure(
  doing: string,
  commands: readonly IpCommand[],
  failures: readonly IpFailure[],
  expected: (failure: IpFailure) => boolean = () => false,
): void {
  const bad = failures.find((failure) => !expected(failure))
  if (bad) throw new NetworkError(`cannot ${doing}: ip ${commands[bad.index]?.join(' ')}: ${bad.message}`)
}

/** The host's network could not be configured; the message says what was being done, to what, and what the kernel answered. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
}
