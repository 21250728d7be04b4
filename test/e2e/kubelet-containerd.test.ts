/** The node agent with containerd and runc instead of the built-in runtime: needs root and those two. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exec } from '#base/exec.ts'
import { systemClock } from '#base/clock.ts'
import { pods } from '#api/resources.ts'
import { CriClient } from '#contracts/cri/client.ts'
import { execOverWebSocket } from '#streaming/remote-command-client.ts'
import { KubeletNode } from './kubelet-node.ts'
import { IMAGE } from './runtime-node.ts'

const programs = ['/usr/bin/containerd', '/usr/sbin/runc']
const missing = process.getuid?.() === 0 ? programs.filter((path) => !existsSync(path)) : ['root']
const title =
  missing.length === 0
    ? 'a node agent on containerd'
    : `a node agent on containerd (skipped: needs ${missing.join(', ')})`
const PAUSE = 'docker.io/library/pause:test'

describe.skipIf(missing.length > 0)(title, () => {
  const node = new KubeletNode()
  const { runtime } = node
  const dir = join(runtime.dir, 'containerd')
  const socket = join(dir, 'containerd.sock')
  let daemon: ChildProcess

  /** A network plugin that gives every sandbox the same address and nothing else. */
  function writeNetwork() {
    mkdirSync(join(dir, 'cni'), { recursive: true })
    const result = {
      cniVersion: '0.4.0',
      interfaces: [{ name: 'eth0' }],
      ips: [{ version: '4', address: '192.0.2.7/32', interface: 0 }],
    }
    const plugin = `#!/bin/sh\ncase $CNI_COMMAND in ADD) echo '${JSON.stringify(result)}';; VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}';; esac\n`
    writeFileSync(join(dir, 'cni/fixed'), plugin, { mode: 0o755 })
    // containerd brings up loopback through a plugin of this name.
    writeFileSync(join(dir, 'cni/loopback'), plugin, { mode: 0o755 })
    const network = { cniVersion: '0.4.0', name: 'test', plugins: [{ type: 'fixed' }] }
    writeFileSync(join(dir, 'cni/10-test.conflist'), JSON.stringify(network))
  }

  async function startContainerd() {
    mkdirSync(dir, { recursive: true })
    writeNetwork()
    writeFileSync(
      join(dir, 'config.toml'),
      `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${dir}/cni"
    conf_dir = "${dir}/cni"
`,
    )
    daemon = spawn('containerd', ['--config', join(dir, 'config.toml')], {
      stdio: process.env.ROSTRUM_TEST_LOG ? 'inherit' : 'ignore',
    })
    node.cri = new CriClient({ endpoint: socket, clock: systemClock })
    await runtime.until(async () => node.cri.runtime.version({}).catch(() => undefined), 'containerd')
  }

  /** Images are made by the built-in runtime, so that no registry is needed. */
  async function importImages() {
    await runtime.start()
    await runtime.makeImage()
    await runtime.client.archive.fromHost({ name: PAUSE, programs: ['sleep'], cmd: ['sleep', 'infinity'] })
    const path = join(dir, 'images.tar')
    for await (const _ of runtime.client.archive.export({ images: [IMAGE, PAUSE], path })) void _
    await runtime.stop()
    await exec(['ctr', '--address', socket, '-n', 'k8s.io', 'images', 'import', path], { timeoutMs: 60_000 })
  }

  beforeAll(async () => {
    await startContainerd()
    await importImages()
    await node.start()
  })
  afterAll(async () => {
    for (const { id } of (await node.cri.runtime.listPodSandbox({})).items) {
      await node.cri.runtime.stopPodSandbox({ podSandboxId: id })
      await node.cri.runtime.removePodSandbox({ podSandboxId: id })
    }
    node.cri.close()
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill()
    await ended
    await node.dispose()
  })

  it('runs, probes, restarts and removes pods', async () => {
    await node.create('web', {
      containers: [
        {
          name: 'main',
          image: IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', 'echo hello; sleep 1000'],
          resources: { limits: { memory: '64Mi', cpu: '100m' } },
          livenessProbe: { exec: { command: ['sh', '-c', '! ls /dead'] }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    })
    const pod = await node.ready('web')
    expect(pod.status.podIP).toBe('192.0.2.7')
    expect(pod.status.containerStatuses![0]).toMatchObject({
      image: IMAGE,
      containerID: expect.stringMatching(/^containerd:\/\//),
    })
    const log = await node.runtime.until(
      async () => (await node.fetch('/containerLogs/default/web/main')).text || undefined,
      'the log',
    )
    expect(log).toBe('hello\n')
    expect((await node.exec(pod, 'hostname')).stdout).toBe('web\n')
    const url = new URL(`https://127.0.0.1:${node.kubelet.port}/exec/default/web/main?output=1&command=hostname`)
    const tls = { ca: node.pki.authority.cert, ...node.pki.kubeletClient }
    const streams = { stdin: false, stdout: true, stderr: false, tty: false }
    const command = await execOverWebSocket({ url, streams, tls, clock: systemClock })
    let out = ''
    for await (const chunk of command.stdout!) out += chunk.toString()
    expect([out, await command.exit]).toMatchObject(['web\n', { exitCode: 0 }])
    command.close()
    const summary = JSON.parse((await node.fetch('/stats/summary')).text)
    expect(summary.pods[0].containers[0]).toMatchObject({
      name: 'main',
      memory: { workingSetBytes: expect.any(Number) },
    })
    await node.exec(pod, 'touch', '/dead')
    await node.until(
      'web',
      (p) => p.status.containerStatuses![0]!.restartCount === 1 && p.status.containerStatuses![0]!.state.running,
    )
    await node.remove('web')
    await runtime.until(
      async () => (await node.cri.runtime.listPodSandbox({})).items.length === 0 || undefined,
      'the sandbox to go',
    )
    expect((await node.cri.runtime.listContainers({})).containers).toEqual([])
  })

  it('completes pods and keeps what they said', async () => {
    await node.create('job', {
      restartPolicy: 'Never',
      command: ['sh', '-c', 'echo done > /dev/termination-log; exit 4'],
    })
    const pod = await node.until('job', (p) => p.status.phase === 'Failed')
    expect(pod.status.containerStatuses![0]!.state.terminated).toMatchObject({
      exitCode: 4,
      message: 'done\n',
      reason: 'Error',
    })
    await node.remove('job')
  })

  it('finds its pods again after a restart', async () => {
    await node.create('stays')
    const before = await node.running('stays')
    await node.kubelet.close()
    await node.startKubelet()
    await node.kubelet.ready
    await node.client.patch(pods, before.metadata, { metadata: { labels: { touched: 'yes' } } })
    const after = await node.until('stays', (p) => p.metadata.labels?.touched)
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses)
    await node.remove('stays')
  })
})
