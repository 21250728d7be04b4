/**
 * The executor that hands OCI bundles to runc, for hosts where its policies (AppArmor, SELinux, its track record) are wanted.
 * runc only creates; the supervisor adopts the process, so that supervision, logs and exits are the same as with the built-in
 * executor. With a terminal runc stays in the foreground, between the supervisor's terminal and the container's.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execAny } from '#base/exec.ts'
import type { OciProcess, OciRuntimeSpec } from '#contracts/oci/runtime-spec.ts'
import type { BuiltinExecutorOptions } from './builtin-executor.ts'
import type { ExecRequest, Executor, LaunchRequest, Started } from './executor.ts'
import { IMAGE_MOUNT, InvalidConfigError } from './plan/container-spec.ts'
import { overlayOptions } from './plan/launch-steps.ts'
import { resolveIdentity } from './plan/resolve-identity.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import { SupervisorError } from './supervisor/supervisor.ts'

export interface ExecutorParts extends BuiltinExecutorOptions {
  runtimeDir: string
}

const PLACES = ['/usr/local/sbin/runc', '/usr/local/bin/runc', '/usr/sbin/runc', '/usr/bin/runc']
const SECCOMP_ARCHITECTURES: Record<string, string> = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }
const START_TIMEOUT_MS = 60_000

export const findRunc = (): string | undefined => PLACES.find((path) => existsSync(path))

export class RuncExecutor implements Executor {
  readonly name = 'runc'
  readonly #options: ExecutorParts & { runcPath: string }

  constructor(options: ExecutorParts & { runcPath: string }) {
    this.#options = options
  }

  async launch({ id, key, spec, identity, root, streams, exitFile }: LaunchRequest): Promise<Started> {
    if (spec.mounts.some((mount) => mount.type === IMAGE_MOUNT))
      throw new InvalidConfigError('image volumes need the built-in executor')
    const bundle = this.#bundle(id)
    const rootfs = join(bundle, 'rootfs')
    mkdirSync(rootfs, { recursive: true, mode: 0o700 })
    const supervisor = await this.#options.supervisors.current()
    try {
      await supervisor.run([['overlay', root.layersDir, rootfs, overlayOptions(root)]])
      const user = resolveIdentity(identity, (path) => readInside(rootfs, path))
      const config: OciRuntimeSpec = {
        ...spec,
        process: withUser(spec.process, user),
        root: { ...spec.root, path: 'rootfs' },
        linux: withArchitecture(spec.linux),
      }
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 })
      const tty = spec.process.terminal ?? false
      const command = tty ? ['run'] : ['create', '--pid-file', join(bundle, 'pid')]
      const started = await this.#run(supervisor, bundle, key, [...command, '--bundle', bundle, id], {
        streams,
        tty,
        exitFile,
        info: [user.uid, ...user.groups].join(' '),
      })
      if (!tty) {
        const result = await execAny(this.#argv(bundle, 'start', id), { timeoutMs: START_TIMEOUT_MS })
        if (result.code !== 0) {
          await supervisor.signal(key, 9)
          throw new SupervisorError(this.#failure(bundle, result.stderr))
        }
      }
      return { supervisor, process: { ...started, user: [user.uid, ...user.groups] } }
    } catch (thrown) {
      await this.cleanup(id)
      throw thrown
    }
  }

  async exec(supervisor: Supervisor, { id, key, process, identity, streams }: ExecRequest): Promise<Started> {
    const bundle = this.#bundle(id)
    const user = resolveIdentity(identity, (path) => readInside(join(bundle, 'rootfs'), path))
    const name = key.replaceAll('/', '-')
    const files = { process: join(bundle, `${name}.json`), pid: join(bundle, `${name}.pid`) }
    writeFileSync(files.process, JSON.stringify(withUser(process, user)), { mode: 0o600 })
    try {
      const tty = process.terminal ?? false
      const how = tty ? [] : ['--detach', '--pid-file', files.pid]
      const started = await this.#run(supervisor, bundle, key, ['exec', ...how, '--process', files.process, id], {
        streams,
        tty,
        pidFile: files.pid,
      })
      return { supervisor, process: started }
    } finally {
      // In the foreground runc reads the file after it was started; it goes with the bundle.
      if (!process.terminal) rmSync(files.process, { force: true })
      rmSync(files.pid, { force: true })
    }
  }

  async cleanup(id: string): Promise<void> {
    const bundle = this.#bundle(id)
    if (!existsSync(bundle)) return
    await execAny(this.#argv(bundle, 'delete', '--force', id), { timeoutMs: START_TIMEOUT_MS })
    const supervisor = await this.#options.supervisors.current()
    await supervisor.unmount([join(bundle, 'rootfs')])
    rmSync(bundle, { recursive: true, force: true })
  }

  async #run(
    supervisor: Supervisor,
    bundle: string,
    key: string,
    command: string[],
    {
      streams,
      tty,
      exitFile,
      pidFile,
      info,
    }: { streams: LaunchRequest['streams']; tty: boolean; exitFile?: string; pidFile?: string; info?: string },
  ) {
    const steps = [
      ...(tty ? [['terminal', 0] as const] : []),
      ['env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'XDG_RUNTIME_DIR=/run'] as const,
      ['exec', ...this.#argv(bundle, ...command)] as const,
    ]
    rmSync(join(bundle, 'log'), { force: true })
    const adopt = tty ? undefined : (pidFile ?? join(bundle, 'pid'))
    try {
      return await supervisor.start({
        key,
        steps: steps as never,
        streams,
        tty,
        ...(exitFile && { exitFile }),
        ...(adopt && { adopt }),
        ...(info && { info }),
      })
    } catch (thrown) {
      throw new SupervisorError(this.#failure(bundle, (thrown as Error).message), { cause: thrown })
    }
  }

  #argv(bundle: string, ...command: string[]): string[] {
    return [
      this.#options.runcPath,
      '--root',
      join(this.#options.runtimeDir, 'runc'),
      '--log',
      join(bundle, 'log'),
      '--log-format',
      'json',
      ...command,
    ]
  }

  /** runc's own words, without the part that the caller says anyway. */
  #failure(bundle: string, fallback: string): string {
    const log = existsSync(join(bundle, 'log')) ? readFileSync(join(bundle, 'log'), 'utf8') : ''
    const errors = log
      .split('\n')
      .filter((line) => line.includes('"level":"error"'))
      .map((line) => (JSON.parse(line) as { msg: string }).msg)
    return (errors.at(-1) ?? fallback)
      .replace(
        /^(?:runc \w+ failed: )?(?:exec failed: )?(?:unable to start container process: )?(?:error during container init: )?/,
        '',
      )
      .trim()
  }

  #bundle(id: string): string {
    return join(this.#options.runtimeDir, 'bundles', id)
  }
}

function withUser(process: OciProcess, { uid, gid, groups, home }: ReturnType<typeof resolveIdentity>): OciProcess {
  const env = process.env.some((entry) => entry.startsWith('HOME='))
    ? process.env
    : [...process.env, `HOME=${home || '/'}`]
  return { ...process, env, user: { uid, gid, additionalGids: groups } }
}

function withArchitecture(linux: OciRuntimeSpec['linux']): OciRuntimeSpec['linux'] {
  if (!linux.seccomp) return linux
  return {
    ...linux,
    seccomp: { ...linux.seccomp, architectures: [SECCOMP_ARCHITECTURES[process.arch] ?? process.arch] },
  }
}

/** A file of the container's root, unless symbolic links lead out of it. */
function readInside(rootfs: string, path: string): string {
  try {
    const real = realpathSync(join(rootfs, path))
    return real.startsWith(`${realpathSync(rootfs)}/`) ? readFileSync(real, 'utf8') : ''
  } catch {
    return ''
  }
}
