/**
 * containerd as the runtime of a node of this machine: one daemon a node, with directories of its own, in the node's
 * network namespace, using the built-in bridge through CNI. Nothing of a containerd that the host already runs is touched.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '#base/clock.ts'
import { exec } from '#base/exec.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { CriClient } from '#contracts/cri/client.ts'
import { purge, startCriServer } from '#runtime/cri-server.ts'
import { type HostImage, requestOf } from './host-image.ts'

export interface ContainerdPaths {
  socket: string
  /** Images and writable layers. */
  stateDir: string
  /** Sockets, configuration, addresses. */
  runDir: string
  logFile: string
}

const NAMESPACE = 'k8s.io'
const PAUSE_IMAGE = 'rostrum.dev/pause:1'
const IMPORT_TIMEOUT_MS = 5 * 60_000

/** Writes the daemon's configuration and returns the command that starts it. */
export function prepareContainerd({ socket, stateDir, runDir }: ContainerdPaths, program: string): string[] {
  const cni = join(runDir, 'cni')
  for (const dir of [stateDir, join(cni, 'conf'), join(cni, 'bin')]) mkdirSync(dir, { recursive: true, mode: 0o711 })
  const plugin = join(cni, 'bin', 'rostrum-cni')
  writeFileSync(plugin, `#!/bin/sh\nexec ${shellWord(process.execPath)} ${shellWord(program)} cni\n`)
  const loopback = join(cni, 'bin', 'loopback')
  writeFileSync(loopback, LOOPBACK_PLUGIN)
  for (const file of [plugin, loopback]) chmodSync(file, 0o755)
  const template = join(cni, 'template.conflist')
  writeFileSync(template, conflistTemplate(join(runDir, 'network')))
  const config = join(runDir, 'containerd.toml')
  writeFileSync(config, daemonConfig({ socket, stateDir, runDir, cni, template }), { mode: 0o600 })
  return ['containerd', '--config', config]
}

/** containerd insists on a plug-in of this name, which brings `lo` up; Debian has it in a package of its own. */
const LOOPBACK_PLUGIN = `#!/bin/sh
version=$(sed -n 's/.*"cniVersion" *: *"\\([0-9.]*\\)".*/\\1/p')
case "$CNI_COMMAND" in
  ADD) nsenter --net="$CNI_NETNS" ip link set lo up || exit 1; printf '{"cniVersion":"%s"}\\n' "\${version:-0.3.1}" ;;
  VERSION) echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0"]}' ;;
esac
`

/** A word that `sh` takes as it is. */
const shellWord = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** containerd fills in the node's network when the kubelet tells it. */
const conflistTemplate = (stateDirectory: string) =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'rostrum',
    plugins: [{ type: 'rostrum-cni', stateDirectory, podCidr: '{{.PodCIDR}}', capabilities: { portMappings: true } }],
  })

const toml = (text: string) => JSON.stringify(text)

function daemonConfig(paths: {
  socket: string
  stateDir: string
  runDir: string
  cni: string
  template: string
}): string {
  return `version = 2
root = ${toml(join(paths.stateDir, 'root'))}
state = ${toml(join(paths.runDir, 'containerd'))}
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = ${toml(paths.socket)}
[ttrpc]
  address = ${toml(`${paths.socket}.ttrpc`)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${toml(PAUSE_IMAGE)}
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  enable_selinux = false
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${toml(join(paths.cni, 'bin'))}
    conf_dir = ${toml(join(paths.cni, 'conf'))}
    conf_template = ${toml(paths.template)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`
}

/** Waits for the daemon and gives it the image of its sandboxes. Throws when it does not come up within `timeoutMs`. */
export async function readyContainerd(paths: ContainerdPaths, timeoutMs = 30_000): Promise<void> {
  const cri = new CriClient({ endpoint: paths.socket, clock: systemClock })
  const deadline = systemClock.monotonic() + timeoutMs
  for (;;) {
    try {
      await cri.runtime.version({ version: '0.1.0' }, { timeoutMs: 1000 })
      break
    } catch (cause) {
      if (systemClock.monotonic() > deadline)
        throw new Error(`containerd does not answer; its log is ${paths.logFile}`, { cause })
      await sleep(systemClock, 50)
    }
  }
  const { image } = await cri.image.imageStatus({ image: { image: PAUSE_IMAGE } })
  if (!image)
    await importHostImage(paths, {
      name: PAUSE_IMAGE,
      programs: ['/bin/sleep'],
      entrypoint: ['/bin/sleep', '2147483647'],
    })
}

/** Makes an image of files of this host and imports it. */
export async function importHostImage(paths: Pick<ContainerdPaths, 'socket'>, image: HostImage): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'rostrum-image-'))
  const options = {
    socketPath: join(dir, 'cri.sock'),
    stateDir: join(dir, 'state'),
    runtimeDir: join(dir, 'run'),
    network: NO_NETWORK,
    cgroupRoot: '/rostrum-image',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  }
  try {
    // The built-in runtime knows how to make images; for a moment there is one, with nothing else to do.
    const server = await startCriServer({ ...options, executor: 'builtin' })
    const archive = join(dir, 'image.tar')
    const { archive: images } = new CriClient({
      endpoint: options.socketPath,
      clock: systemClock,
      defaultTimeoutMs: IMPORT_TIMEOUT_MS,
    })
    const { id } = await images.fromHost(requestOf(image))
    for await (const _written of images.export({ images: [image.name], path: archive })) void _written
    await server.close()
    await purge({ ...options })
    await importArchive(paths, archive)
    return id
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export async function importArchive({ socket }: Pick<ContainerdPaths, 'socket'>, archive: string): Promise<void> {
  await exec(['ctr', '--address', socket, '--namespace', NAMESPACE, 'images', 'import', archive], {
    timeoutMs: IMPORT_TIMEOUT_MS,
  })
}

const NO_NETWORK = {
  setup: () => Promise.reject(new Error('no pods run here')),
  teardown: () => Promise.resolve(),
  status: () => Promise.resolve({ ready: false, reason: 'NoNetwork', message: 'no pods run here' }),
}

/** Ends every pod of the daemon, which must be running still. */
export async function endPods({ socket }: Pick<ContainerdPaths, 'socket'>): Promise<void> {
  const { runtime } = new CriClient({ endpoint: socket, clock: systemClock, defaultTimeoutMs: 20_000 })
  const { items } = await runtime.listPodSandbox({})
  await Promise.all(
    items.map(async ({ id }) => {
      const { containers } = await runtime.listContainers({ filter: { podSandboxId: id } })
      await Promise.all(containers.map((container) => runtime.stopContainer({ containerId: container.id, timeout: 0 })))
      await runtime.stopPodSandbox({ podSandboxId: id })
      await runtime.removePodSandbox({ podSandboxId: id })
    }),
  )
}
