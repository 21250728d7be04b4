/** A cluster as a user starts it: the built program, real nodes, real kubectl. For end-to-end tests that need root. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
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

  /** `name` must be this test file's own. */
  constructor(name: string) {
    this.name = name
    this.dataDir = mkdtempSync(join(tmpdir(), `rostrum-e2e-${name}-`))
    this.kubeconfig = join(this.dataDir, 'kubeconfig')
  }

  async up(...args: string[]): Promise<CommandResult> {
    const result = await this.rostrum('up', ...args)
    if (result.code !== 0) throw new Error(`rostrum up failed (${result.code}): ${result.stderr}\n${this.logs()}`)
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

/** Everything of this host that a cluster could leave behind. */
export function hostState(): Record<string, string[]> {
  const lines = (file: string, args: string[]) => {
    try {
      return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .split('\n')
        .filter(Boolean)
        .sort()
    } catch {
      return []
    }
  }
  const cgroups = (dir: string): string[] => {
    try {
      return readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.includes('rostrum'))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    } catch {
      return []
    }
  }
  return {
    links: lines('ip', ['-o', 'link']).map((line) => line.split(':')[1]!.trim()),
    addresses: lines('ip', ['-o', '-4', 'addr']).map((line) => line.replace(/\s+/g, ' ').replace(/valid_lft.*/, '')),
    routes: lines('ip', ['-4', 'route']),
    namespaces: lines('ip', ['netns']),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((point) => /rostrum|netns/.test(point))
      .sort(),
    firewall: lines('nft', ['list', 'ruleset']),
    cgroups: cgroups('/sys/fs/cgroup'),
    processes: lines('ps', ['-eo', 'args']).filter((args) => /rostrum\.mjs|rostrum-supervisor|rostrum-shim/.test(args)),
    run: lines('ls', ['/run/rostrum']),
  }
}
