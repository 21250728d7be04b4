/** A cluster as a user starts it: the built program, real nodes, real kubectl. For end-to-end tests that need root. */
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const program = resolve('bin/rostrum.mjs')
export const isRoot = process.getuid?.() === 0

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string
  timeoutMs?: number
  env?: Record<string, string>
}

/** Runs a program to its end; never throws for its exit code. */
export function run(
  file: string,
  args: readonly string[],
  { input, timeoutMs = 120_000, env = {} }: RunOptions = {},
): Promise<CommandResult> {
  return new Promise((done, reject) => {
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      done({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}

export class WholeCluster {
  readonly name: string
  readonly dataDir: string
  readonly kubeconfig: string
  #slot: number | undefined

  /** `name` must be this test file's own. */
  constructor(name: string) {
    this.name = name
    this.dataDir = mkdtempSync(join(tmpdir(), `rostrum-e2e-${name}-`))
    this.kubeconfig = join(this.dataDir, 'kubeconfig')
  }

  async up(...args: string[]): Promise<CommandResult> {
    const result = await this.rostrum('up', ...args)
    if (result.code !== 0) throw new Error(`rostrum up failed (${result.code}): ${result.stderr}\n${this.logs()}`)
    const description = readFileSync(join(this.dataDir, this.name, 'cluster.json'), 'utf8')
    this.#slot = (JSON.parse(description) as { slot: number }).slot
    return result
  }

  rostrum(command: string, ...args: string[]): Promise<CommandResult> {
    const words = command.split(' ')
    return run(process.execPath, [program, ...words, '--name', this.name, '--data-dir', this.dataDir, ...args], {
      env: { KUBECONFIG: this.kubeconfig },
    })
  }

  kubectl(args: string | readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return run('kubectl', typeof args === 'string' ? args.split(' ') : args, {
      ...options,
      env: { KUBECONFIG: this.kubeconfig, ...options.env },
    })
  }

  /** What kubectl prints. Throws unless it succeeds. */
  async ask(args: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.kubectl(args, options)
    if (result.code !== 0)
      throw new Error(`kubectl ${typeof args === 'string' ? args : args.join(' ')}: ${result.stderr}`)
    return result.stdout
  }

  apply(manifest: string): Promise<string> {
    return this.ask('apply -f -', { input: manifest })
  }

  async object(what: string): Promise<any> {
    return JSON.parse(await this.ask(`get ${what} -o json`))
  }

  /** The process that does the work of a part now: `server`, `<node>-agent`, `<node>-cri`. */
  pid(part: string): number {
    return Number(readFileSync(join(this.dataDir, this.name, 'run', `${part}.pid`), 'utf8'))
  }

  /**
   * What of this host is the cluster's, told by its name, its directories and its private network; kinds of which there is
   * nothing are left out. Whatever else happens on the machine is not in it.
   */
  traces(): Record<string, string[]> {
    const slot = this.#slot ?? -1
    const directories = [this.dataDir, `/run/rostrum/${this.name}`]
    const isOurs = (text: string) => directories.some((dir) => text.includes(`${dir}/`) || text.endsWith(dir))
    const link = `rostrum-s${slot}`
    const range = new RegExp(`\\b(172\\.30\\.${slot}|10\\.${244 - slot}\\.\\d+|10\\.${96 + slot}\\.\\d+)\\.\\d+`)
    const cgroup = `/rostrum-${this.name}-`
    const found = {
      links: lines('ip', ['-o', 'link']).filter((line) => line.split(/[:@]\s*/)[1] === link),
      addresses: lines('ip', ['-o', '-4', 'addr']).filter((line) => range.test(line)),
      routes: lines('ip', ['-4', 'route']).filter((line) => range.test(line)),
      namespaces: lines('ip', ['netns']).filter((line) => line.startsWith(`${link}-`)),
      mounts: readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '')
        .filter((point) => isOurs(point) || point.startsWith(`/run/netns/${link}-`)),
      firewall: lines('nft', ['list', 'tables']).filter((line) => line.endsWith(` ${link}`)),
      cgroups: cgroupsWith(cgroup),
      processes: processes()
        .filter(
          ({ args, cgroups, cwd }) => cgroups.includes(cgroup) || isOurs(args.replaceAll('\0', ' ')) || isOurs(cwd),
        )
        .map(({ args }) => args.replaceAll('\0', ' ').trim()),
      files: lines('find', [`/run/rostrum/${this.name}`, '-maxdepth', '1']),
    }
    return Object.fromEntries(
      Object.entries(found)
        .filter(([, values]) => values.length > 0)
        .map(([kind, values]) => [kind, values.sort()]),
    )
  }

  logs(): string {
    const dir = join(this.dataDir, this.name, 'logs')
    try {
      return readdirSync(dir)
        .map((file) => `--- ${file}\n${readFileSync(join(dir, file), 'utf8').slice(-3000)}`)
        .join('\n')
    } catch {
      return ''
    }
  }

  async down(): Promise<void> {
    const result = await this.rostrum('down', '--purge')
    rmSync(this.dataDir, { recursive: true, force: true })
    if (result.code !== 0 && result.code !== 3)
      throw new Error(`rostrum down failed (${result.code}): ${result.stderr}`)
  }
}

/** Asks until the answer satisfies, every 50 ms. Throws with the last answer when time is up. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  isGood: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let answer: T | Error
    try {
      answer = await ask()
      if (isGood(answer)) return answer
    } catch (err) {
      answer = err as Error
    }
    if (Date.now() > deadline)
      throw new Error(
        `waited ${timeoutMs / 1000} s for ${what}; last: ${answer instanceof Error ? answer.message : JSON.stringify(answer).slice(0, 2000)}`,
      )
    await new Promise((next) => setTimeout(next, 50))
  }
}

function lines(file: string, args: string[]): string[] {
  try {
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
  } catch {
    return []
  }
}

/** Directories of every cgroup hierarchy whose path has `part` in it. */
function cgroupsWith(part: string): string[] {
  const folders = (dir: string) => lines('find', [dir, '-maxdepth', '8', '-type', 'd', '-path', `*${part}*`])
  return folders('/sys/fs/cgroup')
}

/** All processes of the machine but this one. */
function processes(): { args: string; cgroups: string; cwd: string }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      try {
        const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
        return [{ args: read('cmdline'), cgroups: read('cgroup'), cwd: readlinkSync(`/proc/${pid}/cwd`) }]
      } catch {
        return []
      }
    })
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
