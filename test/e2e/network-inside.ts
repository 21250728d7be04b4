/** How network tests work inside namespaces: programs that answer JSON lines there, and a picture of the machine's network. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { exec } from '#base/exec.ts'

/** Bundles network-node.ts, which runs under plain Node; returns its path. */
export async function buildProgram(directory: string): Promise<string> {
  const program = join(directory, 'network-node.mjs')
  await build({
    entryPoints: ['test/e2e/network-node.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'error',
    banner: { js: "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);" },
  })
  return program
}

/** A process in a namespace that answers JSON lines. */
export class Inside {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: any): void; reject(err: Error): void }>()
  readonly #ready: Promise<void>
  #id = 0

  constructor(program: string, netns: string, args: string[]) {
    this.#child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', process.execPath, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: this.#child.stdout! })
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
      lines.on('line', (line) => {
        if (line === 'ready') return resolve()
        const { id, result, error } = JSON.parse(line)
        const waiting = this.#waiting.get(id)!
        if (error === undefined) waiting.resolve(result)
        else waiting.reject(new Error(error))
      })
    })
  }

  ready() {
    return this.#ready
  }

  ask(op: string, argument: object = {}): Promise<any> {
    const id = ++this.#id
    this.#child.stdin!.write(`${JSON.stringify({ id, op, argument })}\n`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  async end() {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin!.end()
    await gone
  }
}

/** Everything of the machine's network that a cluster could leave traces in. */
export async function snapshot() {
  const outputs = await Promise.all([
    exec(['ip', '-br', 'link']),
    exec(['ip', 'route', 'show', 'table', 'all']),
    exec(['ip', '-br', 'address']),
    exec(['ip', 'netns']),
    exec(['nft', 'list', 'ruleset']),
    exec(['sh', '-c', 'grep . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/forwarding']),
  ])
  return outputs.map((o) => o.stdout).join('\n---\n')
}
