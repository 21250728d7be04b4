/** `rostrum doctor`: what this machine has and lacks, and the command that mends it. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { detectCgroups } from '#base/cgroup.ts'
import { execAny } from '#base/exec.ts'
import { messageOf } from '#base/errors.ts'
import { checkNetwork } from '#network/check-network.ts'
import { createSystemHost } from '#network/host.ts'
import { findProgram } from './up.ts'

export interface Finding {
  check: string
  /** `missing` keeps real nodes from working, `degraded` takes something from them. */
  state: 'ok' | 'degraded' | 'missing'
  detail: string
  /** What mends it. */
  fix?: string
}

type Check = { name: string; run(): Promise<Omit<Finding, 'check'>> | Omit<Finding, 'check'> }

const ok = (detail: string) => ({ state: 'ok' as const, detail })

const program = (name: string, why: string, debianPackage: string): Check => ({
  name,
  run() {
    const path = findProgram(name)
    return path ? ok(path) : { state: 'missing', detail: `not found; ${why}`, fix: `apt-get install ${debianPackage}` }
  },
})

const optional = (name: string, without: string, debianPackage: string): Check => ({
  name,
  run() {
    const path = findProgram(name)
    return path ? ok(path) : { state: 'degraded', detail: without, fix: `apt-get install ${debianPackage}` }
  },
})

const CHECKS: readonly Check[] = [
  {
    name: 'node.js',
    run() {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
      const isGood = major > 20 || (major === 20 && minor >= 19)
      return isGood
        ? ok(process.versions.node)
        : { state: 'missing', detail: `${process.versions.node} is too old`, fix: 'install Node.js 20.19 or later' }
    },
  },
  {
    name: 'root',
    run: () =>
      process.getuid?.() === 0
        ? ok('yes')
        : {
            state: 'missing',
            detail: 'containers need namespaces, mounts and cgroups that only root may make',
            fix: 'run as root, or use: rostrum up --runtime none --simulated-nodes 3',
          },
  },
  program('ip', 'it connects pods to the network', 'iproute2'),
  program('unshare', 'it makes namespaces', 'util-linux'),
  program('nsenter', 'it enters namespaces', 'util-linux'),
  program('mount', 'it mounts volumes', 'mount'),
  program('perl', 'it starts containers', 'perl-base'),
  {
    name: 'cgroups',
    run() {
      try {
        const { layout } = detectCgroups()
        return ok(JSON.stringify(layout.version ?? 'found'))
      } catch (err) {
        return {
          state: 'missing',
          detail: messageOf(err),
          fix: 'mount the cgroup file system: mount -t cgroup2 none /sys/fs/cgroup',
        }
      }
    },
  },
  {
    name: 'overlayfs',
    run() {
      const known = readFileSync('/proc/filesystems', 'utf8').includes('overlay')
      return known
        ? ok('known to the kernel')
        : {
            state: 'missing',
            detail: 'not known to the kernel; layers of images are mounted with it',
            fix: 'modprobe overlay',
          }
    },
  },
  {
    name: 'veth and bridge',
    async run() {
      if (process.getuid?.() !== 0 || !findProgram('ip'))
        return { state: 'degraded', detail: 'not tried: needs root and ip' }
      const { code, stderr } = await execAny([
        'unshare',
        '--net',
        'ip',
        'link',
        'add',
        'name',
        'probe0',
        'type',
        'veth',
        'peer',
        'name',
        'probe1',
      ])
      if (code !== 0) return { state: 'missing', detail: stderr.trim(), fix: 'modprobe veth bridge' }
      return ok('can be made')
    },
  },
  optional('kubectl', 'not found; the cluster works, but you will want it', 'kubernetes-client'),
  optional('redis-server', 'not found; the demo uses a small store of its own', 'redis-server'),
  optional('containerd', 'not found; needed for --runtime containerd only', 'containerd runc'),
  {
    name: 'devices',
    run() {
      const wanted = ['/dev/null', '/dev/zero', '/dev/urandom', '/dev/ptmx']
      const missing = wanted.filter((path) => !existsSync(path))
      return missing.length === 0
        ? ok('basic devices are there')
        : { state: 'missing', detail: `no ${missing.join(', ')}`, fix: 'mount -t devtmpfs none /dev' }
    },
  },
  {
    name: 'state directory',
    run() {
      const dir = existsSync('/var/lib/rostrum') ? '/var/lib/rostrum' : '/var/lib'
      try {
        accessSync(dir, constants.W_OK)
        return ok(`${dir} can be written`)
      } catch {
        return { state: 'degraded', detail: `${dir} cannot be written`, fix: 'name another directory with --data-dir' }
      }
    },
  },
]

/** What networks need beyond `ip`, which is looked for with the other programs. */
async function networkFindings(): Promise<Finding[]> {
  const findings = (await checkNetwork(createSystemHost())).filter(({ reason }) => reason !== 'Iproute2Missing')
  if (findings.length === 0) return [{ check: 'network', ...ok('nftables and conntrack work') }]
  return findings.map(({ severity, message, remedy }) => ({
    check: 'network',
    state: severity === 'error' ? ('missing' as const) : ('degraded' as const),
    detail: message,
    fix: remedy,
  }))
}

export async function examine(): Promise<Finding[]> {
  const each = CHECKS.map(async ({ name, run }): Promise<Finding> => {
    try {
      return { check: name, ...(await run()) }
    } catch (err) {
      return { check: name, state: 'missing', detail: messageOf(err) }
    }
  })
  return [...(await Promise.all(each)), ...(await networkFindings())]
}
