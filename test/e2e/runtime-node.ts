/** A container runtime in a directory of its own, for the runtime's end-to-end tests: in this process, or as one that can be killed. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { sleep, systemClock } from '#base/clock.ts'
import { createLog, silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { CriClient } from '#contracts/cri/client.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import type { SandboxNetwork } from '#contracts/sandbox-network.ts'
import { purge, startCriServer } from '#runtime/cri-server.ts'
import type { CriServer, CriServerOptions } from '#runtime/cri-server.ts'

/** Loopback only: what the network adds is tested elsewhere. */
export const loopbackNetwork: SandboxNetwork = {
  setup: async () => ({ ips: ['192.0.2.7'], interfaceName: 'lo' }),
  teardown: async () => {},
  status: async () => ({ ready: true, reason: '', message: '' }),
}

export const IMAGE = 'docker.io/library/host:test'
const PROGRAMS = [
  'sh',
  'cat',
  'ls',
  'sleep',
  'id',
  'stty',
  'head',
  'dd',
  'touch',
  'seq',
  'tail',
  'perl',
  'grep',
  'hostname',
  'mount',
  'tty',
  'mknod',
  'unshare',
  'true',
  'wc',
  'ps',
]

export class RuntimeNode {
  readonly dir = join(tmpdir(), `rostrum-cri-${process.pid}-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`)
  readonly options: CriServerOptions
  readonly client: CriClient
  #server: CriServer | undefined
  #child: ChildProcess | undefined
  #count = 0

  constructor(executor: 'builtin' | 'runc' = 'builtin') {
    this.options = {
      socketPath: join(this.dir, 'cri.sock'),
      stateDir: join(this.dir, 'state'),
      runtimeDir: join(this.dir, 'run'),
      network: loopbackNetwork,
      cgroupRoot: `/rostrum-test-${process.pid}`,
      executor,
      registriesFile: join(this.dir, 'registries.yaml'),
      clock: systemClock,
      random: systemRandom,
      log: process.env.ROSTRUM_TEST_LOG ? createLog('debug') : silentLog,
    }
    this.client = new CriClient({ endpoint: this.options.socketPath, clock: systemClock })
  }

  async start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    this.#server = await startCriServer(this.options)
  }

  async stop(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }

  /** Starts the daemon as a process of its own, as it is shipped: bundled. */
  async startProcess(): Promise<void> {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const outdir = join(root, 'node_modules/.rostrum-e2e')
    mkdirSync(outdir, { recursive: true })
    const entry = join(outdir, `daemon-${process.pid}.ts`)
    writeFileSync(
      entry,
      `import { startCriServer } from '#runtime/cri-server.ts'
import { systemClock } from '#base/clock.ts'
import { systemRandom } from '#base/random.ts'
import { silentLog } from '#base/log.ts'
const network = { setup: async () => ({ ips: ['192.0.2.7'], interfaceName: 'lo' }), teardown: async () => {}, status: async () => ({ ready: true, reason: '', message: '' }) }
const options = JSON.parse(process.argv[2])
await startCriServer({ ...options, network, clock: systemClock, random: systemRandom, log: silentLog })
process.stdout.write('ready')
`,
    )
    const outfile = entry.replace(/ts$/, 'mjs')
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    })
    const { socketPath, stateDir, runtimeDir, cgroupRoot, executor } = this.options
    this.#child = spawn(
      process.execPath,
      [outfile, JSON.stringify({ socketPath, stateDir, runtimeDir, cgroupRoot, executor })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await new Promise((resolve, reject) => this.#child!.once('exit', reject).stdout!.once('data', resolve))
    for (const file of [entry, outfile]) rmSync(file)
  }

  async killProcess(): Promise<void> {
    const gone = new Promise((resolve) => this.#child!.once('exit', resolve))
    this.#child!.kill('SIGKILL')
    await gone
    this.#child = undefined
  }

  get pid(): number {
    return this.#child!.pid!
  }

  async dispose(): Promise<void> {
    await this.stop()
    if (this.#child) await this.killProcess()
    this.client.close()
    await purge(this.options)
    rmSync(this.dir, { recursive: true, force: true })
  }

  async makeImage(): Promise<void> {
    const perl = readdirSync('/usr/lib')
      .map((arch) => `/usr/lib/${arch}/perl-base`)
      .filter((path) => existsSync(path))
    await this.client.archive.fromHost({
      name: IMAGE,
      programs: PROGRAMS,
      files: perl.map((path) => ({ from: path, to: path })),
      cmd: ['sh'],
    })
  }

  async sandbox(
    extra: CriMessageInit<'PodSandboxConfig'> = {},
  ): Promise<{ id: string; config: CriMessageInit<'PodSandboxConfig'> }> {
    const n = ++this.#count
    const config = {
      metadata: { name: `pod-${n}`, uid: `uid-${n}`, namespace: 'default', attempt: 0 },
      hostname: `pod-${n}`,
      logDirectory: join(this.dir, `logs/pod-${n}`),
      ...extra,
      linux: {
        cgroupParent: `${this.options.cgroupRoot}/pod${n}`,
        securityContext: { namespaceOptions: { pid: 1 as const } },
        ...extra.linux,
      },
    }
    const { podSandboxId } = await this.client.runtime.runPodSandbox({ config })
    return { id: podSandboxId, config }
  }

  async create(sandboxId: string, command: string[], extra: CriMessageInit<'ContainerConfig'> = {}): Promise<string> {
    const n = ++this.#count
    const config: CriMessageInit<'ContainerConfig'> = {
      metadata: { name: `c-${n}`, attempt: 0 },
      image: { image: IMAGE },
      command,
      logPath: `${n}.log`,
      ...extra,
    }
    config.linux = {
      ...extra.linux,
      securityContext: { namespaceOptions: { pid: 1 }, seccomp: { profileType: 0 }, ...extra.linux?.securityContext },
    }
    return (await this.client.runtime.createContainer({ podSandboxId: sandboxId, config })).containerId
  }

  async run(sandboxId: string, command: string[], extra: CriMessageInit<'ContainerConfig'> = {}): Promise<string> {
    const containerId = await this.create(sandboxId, command, extra)
    await this.client.runtime.startContainer({ containerId })
    return containerId
  }

  async status(containerId: string) {
    return (await this.client.runtime.containerStatus({ containerId })).status!
  }

  /** Waits until the container ended. */
  async exited(containerId: string) {
    return this.until(async () => {
      const status = await this.status(containerId)
      return status.state === 2 ? status : undefined
    }, `container ${containerId} to end`)
  }

  async until<T>(check: () => Promise<T | undefined> | T | undefined, what: string, timeoutMs = 20_000): Promise<T> {
    const deadline = systemClock.monotonic() + timeoutMs
    for (;;) {
      const value = await check()
      if (value !== undefined && value !== false) return value
      if (systemClock.monotonic() > deadline) throw new Error(`timed out waiting for ${what}`)
      await sleep(systemClock, 10)
    }
  }

  /** Runs a command to its end in a pod of its own; returns what it wrote, without the log's tags. */
  async output(
    command: string[],
    extra: CriMessageInit<'ContainerConfig'> = {},
    pod: CriMessageInit<'PodSandboxConfig'> = {},
  ) {
    const { id } = await this.sandbox(pod)
    const containerId = await this.run(id, command, extra)
    const { exitCode, reason } = await this.exited(containerId)
    const text = await this.log(containerId)
    await this.client.runtime.removePodSandbox({ podSandboxId: id })
    return { text, exitCode, reason }
  }

  async rawLog(containerId: string): Promise<string> {
    return readFileSync((await this.status(containerId)).logPath, 'utf8')
  }

  async log(containerId: string): Promise<string> {
    const lines = (await this.rawLog(containerId)).split('\n').slice(0, -1)
    return lines.map((line) => line.split(' ').slice(3).join(' ') + (line.split(' ')[2] === 'F' ? '\n' : '')).join('')
  }

  async exec(containerId: string, ...cmd: string[]) {
    const { stdout, stderr, exitCode } = await this.client.runtime.execSync({ containerId, cmd, timeout: 10 })
    return { stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString(), exitCode }
  }
}

/** What a runtime could leave behind on the host. */
export function hostTraces(marker: string) {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(marker))
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker)
      } catch {
        return false
      }
    })
  const cgroups = readdirSync('/sys/fs/cgroup').flatMap((hierarchy) => {
    try {
      return readdirSync(`/sys/fs/cgroup/${hierarchy}`).filter((name) => name === `rostrum-test-${process.pid}`)
    } catch {
      return []
    }
  })
  return { mounts, processes, cgroups }
}
