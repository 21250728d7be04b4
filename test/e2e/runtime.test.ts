/** The built-in container runtime with real containers: needs root, and nothing but Debian's base programs. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { ContainerEventType, ContainerState, NamespaceMode } from '#contracts/cri/enums.ts'
import { execOverSpdy, execOverWebSocket } from '#streaming/remote-command-client.ts'
import { dialSpdy } from '#streaming/upgrade-client.ts'
import { hostTraces, IMAGE, RuntimeNode } from './runtime-node.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)(isRoot ? 'rostrum-cri' : 'rostrum-cri (skipped: needs root)', () => {
  const node = new RuntimeNode()
  const { client } = node
  const { runtime } = client

  beforeAll(async () => {
    await node.start()
    await node.makeImage()
  })
  afterAll(async () => {
    await node.dispose()
    expect(hostTraces(node.dir)).toEqual({ mounts: [], processes: [], cgroups: [] })
  })

  it('says who it is and that it is ready', async () => {
    expect(await runtime.version({})).toMatchObject({ runtimeName: 'rostrum-cri', runtimeApiVersion: 'v1' })
    const { status } = await runtime.status({})
    expect(status!.conditions.map(({ type, status: ok }) => [type, ok])).toEqual([
      ['RuntimeReady', true],
      ['NetworkReady', true],
    ])
    expect((await runtime.runtimeConfig({})).linux!.cgroupDriver).toBe(1)
    await expect(runtime.checkpointContainer({ containerId: 'x' })).rejects.toMatchObject({ code: 12 })
  })

  describe('containers', () => {
    it('log both streams, leave their exit code, and see their own host name and process 1', async () => {
      const { id } = await node.sandbox({ hostname: 'web-0' })
      const containerId = await node.run(id, ['sh', '-c', 'hostname; echo $$; echo $HOSTNAME; echo oops >&2; exit 3'])
      expect(await node.exited(containerId)).toMatchObject({ exitCode: 3, reason: 'Error' })
      expect(await node.rawLog(containerId)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F web-0$/m)
      expect(await node.rawLog(containerId)).toMatch(/ stderr F oops$/m)
      expect(await node.log(containerId)).toMatch(/^web-0\n1\nweb-0\n/)
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('say why they could not start, in the words users know', async () => {
      const { id } = await node.sandbox()
      const cases: [string[], string][] = [
        [['nope'], 'exec: "nope": executable file not found in $PATH'],
        [['/nope'], 'exec: "/nope": stat /nope: no such file or directory'],
        [['/etc/passwd'], 'exec: "/etc/passwd": permission denied'],
      ]
      for (const [command, words] of cases) {
        const containerId = await node.create(id, command)
        await expect(runtime.startContainer({ containerId })).rejects.toThrow(words)
        expect(await node.status(containerId)).toMatchObject({
          state: ContainerState.CONTAINER_EXITED,
          exitCode: 128,
          reason: 'StartError',
        })
      }
      const unknownUser = await node.create(id, ['true'], { linux: { securityContext: { runAsUsername: 'nobody2' } } })
      await expect(runtime.startContainer({ containerId: unknownUser })).rejects.toThrow('unable to find user nobody2')
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('run as the user, group and groups asked for, without rights', async () => {
      const security = {
        runAsUser: { value: 1000 },
        runAsGroup: { value: 2000 },
        supplementalGroups: [3000],
        noNewPrivs: true,
      }
      const { text } = await node.output(
        [
          'sh',
          '-c',
          'id -u; id -g; id -G; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; echo x > /dev/stdout',
        ],
        { linux: { securityContext: security } },
      )
      expect(text).toBe('1000\n2000\n2000 3000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nx\n')
    })

    it('have the capabilities asked for and no others', async () => {
      const caps = (securityContext: object) =>
        node.output(['grep', 'CapEff', '/proc/self/status'], { linux: { securityContext } })
      expect((await caps({ capabilities: { dropCapabilities: ['ALL'], addCapabilities: ['NET_ADMIN'] } })).text).toBe(
        'CapEff:\t0000000000001000\n',
      )
      expect((await caps({})).text).toBe('CapEff:\t00000000a80425fb\n')
    })

    it('cannot touch what is masked, read-only, or forbidden by seccomp', async () => {
      const script =
        'wc -c < /proc/keys; (echo 1 > /proc/sys/kernel/panic) 2>&1; (touch /sys/x) 2>&1; unshare -U true 2>&1; mknod /tmp/sda b 8 0 && (head -c1 /tmp/sda) 2>&1'
      const { text } = await node.output(['sh', '-c', script], {
        linux: { securityContext: { maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys'] } },
      })
      const lines = text.split('\n')
      expect(lines[0]).toBe('0')
      expect(lines[1]).toMatch(/Read-only file system/)
      expect(lines[2]).toMatch(/Read-only file system/)
      expect(lines[3]).toMatch(/Operation not permitted/)
      expect(lines[4]).toMatch(/Operation not permitted/)
    })

    it('mount volumes, read-only ones too, and cannot be led out by symbolic links', async () => {
      const dir = mkdtempSync(join(node.dir, 'vol-'))
      writeFileSync(join(dir, 'f'), 'data')
      mkdirSync(join(dir, 'sub'))
      symlinkSync('/etc', join(dir, 'sub', 'link'))
      const mounts = [
        { hostPath: dir, containerPath: '/rw' },
        { hostPath: dir, containerPath: '/ro', readonly: true },
        { hostPath: dir, containerPath: '/rro', readonly: true, recursiveReadOnly: true },
        { hostPath: join(dir, 'f'), containerPath: '/etc/deep/er/file' },
        { hostPath: join(dir, 'f'), containerPath: '/rw/sub/link/placed' },
      ]
      const { text } = await node.output(
        [
          'sh',
          '-c',
          'cat /ro/f /etc/deep/er/file /etc/placed; echo; (echo x > /ro/f) 2>&1; (echo x > /rro/f) 2>&1; echo new > /rw/g; ls /rw',
        ],
        { mounts },
      )
      const lines = text.split('\n')
      expect(lines[0]).toBe('datadatadata')
      expect(lines[1]).toMatch(/Read-only file system/)
      expect(lines[2]).toMatch(/Read-only file system/)
      expect(readFileSync(join(dir, 'g'), 'utf8')).toBe('new\n')
    })

    it('mount images as volumes, whole or in part', async () => {
      const mounts = [
        { containerPath: '/img', image: { image: IMAGE } },
        { containerPath: '/passwd-dir', image: { image: IMAGE }, imageSubPath: 'etc' },
      ]
      const { text } = await node.output(
        ['sh', '-c', 'ls -d /img/etc/passwd /passwd-dir/passwd; (echo x > /img/x) 2>&1'],
        { mounts },
      )
      expect(text).toMatch(/^\/img\/etc\/passwd\n\/passwd-dir\/passwd\n.*Read-only file system\n$/)
    })

    it('have everything when they are privileged', async () => {
      const script =
        'grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; ls /dev | wc -l; mount -t tmpfs x /run; echo 1 > /proc/sys/vm/drop_caches && echo done'
      const { text } = await node.output(['sh', '-c', script], {
        linux: { securityContext: { privileged: true, maskedPaths: ['/proc/sys'] } },
      })
      const own = /CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]
      const lines = text.split('\n')
      expect(lines[0]).toBe(`CapEff:\t${own}`)
      expect(lines[1]).toBe('Seccomp:\t0')
      expect(Number(lines[2])).toBeGreaterThan(12)
      expect(lines.at(-2)).toBe('done')
    })

    it('keep a read-only root read-only', async () => {
      const { text } = await node.output(['sh', '-c', '(echo x > /x) 2>&1; echo y > /dev/shm/y && cat /dev/shm/y'], {
        linux: { securityContext: { readonlyRootfs: true } },
      })
      expect(text).toMatch(/Read-only file system\ny\n$/)
    })

    it('are killed, and say so, when they exceed their memory', async () => {
      const { exitCode, reason } = await node.output(
        ['perl', '-e', 'my $x = "x" x (200 * 1024 * 1024); print length $x'],
        { linux: { resources: { memoryLimitInBytes: 32 << 20, oomScoreAdj: 1000 } } },
      )
      expect({ exitCode, reason }).toEqual({ exitCode: 137, reason: 'OOMKilled' })
    })

    it('stop by their stop signal, or by force after the time given', async () => {
      const { id } = await node.sandbox()
      const polite = await node.run(id, ['sh', '-c', 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'])
      await runtime.stopContainer({ containerId: polite, timeout: 10 })
      expect(await node.status(polite)).toMatchObject({
        state: ContainerState.CONTAINER_EXITED,
        exitCode: 0,
        reason: 'Completed',
      })
      expect(await node.log(polite)).toBe('bye\n')
      const stubborn = await node.run(id, ['sleep', '1000'])
      await runtime.stopContainer({ containerId: stubborn, timeout: 1 })
      expect(await node.status(stubborn)).toMatchObject({ exitCode: 137 })
      await runtime.stopContainer({ containerId: 'gone', timeout: 1 })
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('take new limits while they run, and are measured', async () => {
      const { id } = await node.sandbox()
      const containerId = await node.run(id, ['sleep', '1000'], {
        linux: { resources: { cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000, memoryLimitInBytes: 64 << 20 } },
      })
      await runtime.updateContainerResources({
        containerId,
        linux: { memoryLimitInBytes: 128 << 20, cpuQuota: 20_000 },
      })
      expect((await node.status(containerId)).resources!.linux).toMatchObject({
        cpuShares: 512,
        cpuQuota: 20_000,
        cpuPeriod: 100_000,
        memoryLimitInBytes: 128 << 20,
      })
      const { stats } = await runtime.containerStats({ containerId })
      expect(stats!.memory!.workingSetBytes!.value).toBeGreaterThan(0)
      expect(stats!.memory!.availableBytes!.value).toBeGreaterThan(100 << 20)
      expect(stats!.cpu!.usageCoreNanoSeconds!.value).toBeGreaterThan(0)
      const pod = (await runtime.podSandboxStats({ podSandboxId: id })).stats!
      expect(pod.linux!.containers).toHaveLength(1)
      expect((await runtime.listContainerStats({ filter: { podSandboxId: id } })).stats).toHaveLength(1)
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('write long lines in pieces and continue in a new file after rotation', async () => {
      const { id } = await node.sandbox()
      const containerId = await node.run(id, [
        'sh',
        '-c',
        'head -c 40000 /dev/zero | tail -c 40000; echo; while [ ! -e /go ]; do sleep 0.02; done; echo after',
      ])
      const path = (await node.status(containerId)).logPath
      await node.until(() => (readFileSync(path, 'utf8').includes(' F ') ? true : undefined), 'the long line')
      expect(
        readFileSync(path, 'utf8')
          .split('\n')
          .map((line) => line.split(' ')[2])
          .filter(Boolean),
      ).toEqual(['P', 'P', 'F'])
      renameSync(path, `${path}.1`)
      await runtime.reopenContainerLog({ containerId })
      await node.exec(containerId, 'touch', '/go')
      await node.exited(containerId)
      expect(await node.log(containerId)).toBe('after\n')
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('lose nothing of heavy output', async () => {
      const { id } = await node.sandbox()
      const containerId = await node.run(id, ['seq', '1', '300000'])
      await node.exited(containerId)
      const lines = (await node.log(containerId)).split('\n')
      expect(lines).toHaveLength(300_001)
      expect(lines[299_999]).toBe('300000')
      await runtime.removePodSandbox({ podSandboxId: id })
    })
  })

  describe('pods', () => {
    it('share network, IPC and host name, and a pid namespace when asked to', async () => {
      const { id } = await node.sandbox({
        linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.POD } } },
      })
      const shared = { linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.POD } } } }
      const a = await node.run(id, ['sleep', '1234'], shared)
      const b = await node.run(id, ['sleep', '2345'], shared)
      const { stdout } = await node.exec(b, 'ps', '-eo', 'pid,args')
      expect(stdout).toMatch(/^ +1 \/pause$/m)
      expect(stdout).toMatch(/sleep 1234/)
      expect((await node.exec(a, 'ls', '/proc/1/root')).exitCode).not.toBe(0)
      await runtime.stopContainer({ containerId: a, timeout: 0 })
      expect((await node.status(b)).state).toBe(ContainerState.CONTAINER_RUNNING)
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('use the namespaces of the node when asked to', async () => {
      const options = { network: NamespaceMode.NODE, pid: NamespaceMode.NODE, ipc: NamespaceMode.NODE }
      const { id } = await node.sandbox({ hostname: '', linux: { securityContext: { namespaceOptions: options } } })
      const containerId = await node.run(id, ['sleep', '1000'], {
        linux: { securityContext: { namespaceOptions: options } },
      })
      const { stdout } = await node.exec(containerId, 'sh', '-c', 'cat /proc/net/dev | wc -l; echo $$')
      expect(Number(stdout.split('\n')[0])).toBe(readFileSync('/proc/net/dev', 'utf8').split('\n').length - 1)
      expect(Number(stdout.split('\n')[1])).toBeGreaterThan(50)
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('set sysctls of their own, and only their own', async () => {
      const { text } = await node.output(
        [
          'cat',
          '/proc/sys/net/ipv4/tcp_syncookies',
          '/proc/sys/kernel/shm_rmid_forced',
          '/proc/sys/net/ipv4/ip_unprivileged_port_start',
        ],
        {},
        {
          linux: {
            sysctls: { 'net.ipv4.tcp_syncookies': '0', 'kernel.shm_rmid_forced': '1' },
            securityContext: { namespaceOptions: { pid: 1 } },
          },
        },
      )
      expect(text).toBe('0\n1\n0\n')
      await expect(node.sandbox({ linux: { sysctls: { 'net.ipv4.nonsense': '1' } } })).rejects.toThrow(
        'net/ipv4/nonsense',
      )
    })

    it('are listed by label and state, refuse a second of the same name, and stop idempotently', async () => {
      const { id, config } = await node.sandbox({
        labels: { app: 'x' },
        dnsConfig: { servers: ['10.0.0.10'], searches: ['a.b'], options: ['ndots:5'] },
      })
      await expect(runtime.runPodSandbox({ config })).rejects.toMatchObject({ code: 6 })
      expect(
        (await runtime.listPodSandbox({ filter: { labelSelector: { app: 'x' } } })).items.map((item) => item.id),
      ).toEqual([id])
      const containerId = await node.run(id, ['sleep', '1000'])
      expect((await node.exec(containerId, 'cat', '/etc/resolv.conf')).stdout).toBe(
        'search a.b\nnameserver 10.0.0.10\noptions ndots:5\n',
      )
      expect((await runtime.podSandboxStatus({ podSandboxId: id })).status).toMatchObject({
        state: 0,
        network: { ip: '192.0.2.7' },
      })
      await runtime.stopPodSandbox({ podSandboxId: id })
      await runtime.stopPodSandbox({ podSandboxId: id })
      expect(await node.status(containerId)).toMatchObject({ exitCode: 137 })
      expect(
        (await runtime.listPodSandbox({ filter: { state: { state: 1 } } })).items.map((item) => item.id),
      ).toContain(id)
      await runtime.removePodSandbox({ podSandboxId: id })
      await runtime.removePodSandbox({ podSandboxId: id })
      await expect(runtime.podSandboxStatus({ podSandboxId: id })).rejects.toMatchObject({ code: 5 })
    })

    it('tell their story as events', async () => {
      const stop = new AbortController()
      const seen: string[] = []
      const reading = (async () => {
        for await (const event of runtime.getContainerEvents({}, { signal: stop.signal })) {
          seen.push(
            `${event.containerId === event.podSandboxStatus?.id ? 'pod' : 'container'} ${ContainerEventType.CONTAINER_CREATED_EVENT === event.containerEventType ? 'created' : ['', 'started', 'stopped', 'deleted'][event.containerEventType]}`,
          )
        }
      })().catch(() => {})
      await node.until(async () => {
        const { id } = await node.sandbox()
        await runtime.removePodSandbox({ podSandboxId: id })
        return seen.length > 0 ? true : undefined
      }, 'the subscription')
      await node.until(() => (seen.at(-1) === 'pod deleted' ? true : undefined), 'the end of the first pod')
      seen.length = 0
      const { id } = await node.sandbox()
      const containerId = await node.run(id, ['true'])
      await node.exited(containerId)
      await runtime.removePodSandbox({ podSandboxId: id })
      await node.until(() => (seen.at(-1) === 'pod deleted' ? true : undefined), 'the last event')
      expect(seen).toEqual([
        'pod created',
        'pod started',
        'container created',
        'container started',
        'container stopped',
        'pod stopped',
        'container deleted',
        'pod deleted',
      ])
      stop.abort()
      await reading
    })

    it('start fifty at a time', async () => {
      const ids = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const { id } = await node.sandbox()
          await node.run(id, ['sleep', '1000'])
          return id
        }),
      )
      const running = await runtime.listContainers({ filter: { state: { state: ContainerState.CONTAINER_RUNNING } } })
      expect(running.containers).toHaveLength(50)
      await Promise.all(ids.map((podSandboxId) => runtime.removePodSandbox({ podSandboxId })))
      expect((await runtime.listContainers({})).containers).toHaveLength(0)
    })
  })

  describe('commands', () => {
    let sandboxId: string
    let containerId: string
    beforeAll(async () => {
      sandboxId = (await node.sandbox()).id
      containerId = await node.run(sandboxId, ['sh', '-c', 'while read line; do echo "got $line"; done; echo end'], {
        stdin: true,
        stdinOnce: true,
        envs: [{ key: 'A', value: Buffer.from('b c') }],
        workingDir: '/tmp',
      })
    })
    afterAll(() => runtime.removePodSandbox({ podSandboxId: sandboxId }))

    it('run with the environment and directory of the container and return output and code', async () => {
      expect(await node.exec(containerId, 'sh', '-c', 'echo "$A $(ls -d $PWD)"; echo err >&2; exit 7')).toEqual({
        stdout: 'b c /tmp\n',
        stderr: 'err\n',
        exitCode: 7,
      })
      await expect(runtime.execSync({ containerId, cmd: ['nope'] })).rejects.toThrow(
        'executable file not found in $PATH',
      )
    })

    it('die at their time limit', async () => {
      await expect(runtime.execSync({ containerId, cmd: ['sleep', '777'], timeout: 1 })).rejects.toMatchObject({
        code: 4,
      })
      expect((await node.exec(containerId, 'ps', '-eo', 'args')).stdout).not.toMatch(/sleep 777/)
    })

    it('are not held up by what they leave behind', async () => {
      expect(await node.exec(containerId, 'sh', '-c', 'sleep 3 & echo done')).toMatchObject({
        stdout: 'done\n',
        exitCode: 0,
      })
    })

    it.each([
      ['SPDY', execOverSpdy],
      ['WebSocket', execOverWebSocket],
    ] as const)('stream over %s: input, both outputs, code', async (_, dial) => {
      const streams = { stdin: true, stdout: true, stderr: true, tty: false }
      const { url } = await runtime.exec({ containerId, cmd: ['sh', '-c', 'cat; echo e >&2; exit 5'], ...streams })
      const command = await dial({ url: new URL(url), streams, clock: systemClock })
      const [stdout, stderr] = [collect(command.stdout!), collect(command.stderr!)]
      command.stdin!.end('x'.repeat(300_000))
      expect(await command.exit).toEqual({ exitCode: 5 })
      expect((await stdout).length).toBe(300_000)
      expect(await stderr).toBe('e\n')
      await expect(dial({ url: new URL(url), streams, clock: systemClock })).rejects.toThrow()
    })

    it('have a terminal that can be resized', async () => {
      const streams = { stdin: true, stdout: true, stderr: false, tty: true }
      const { url } = await runtime.exec({
        containerId,
        cmd: ['sh', '-c', 'tty; read x; stty size; echo "<$x>"'],
        ...streams,
      })
      const command = await execOverSpdy({ url: new URL(url), streams, clock: systemClock })
      const output = collect(command.stdout!)
      command.resize({ width: 132, height: 43 })
      await node.exec(containerId, 'sleep', '0.3')
      command.stdin!.write('hi\n')
      expect(await command.exit).toEqual({ exitCode: 0 })
      expect(await output).toMatch(/\/dev\/pts\/0\r\n[\s\S]*43 132\r\n<hi>\r\n/)
    })

    it('attach to the container, whose input ends with its first client when it says so', async () => {
      const streams = { stdin: true, stdout: true, stderr: true, tty: false }
      const { url } = await runtime.attach({ containerId, ...streams })
      const client_ = await execOverSpdy({ url: new URL(url), streams, clock: systemClock })
      const [stdout] = [collect(client_.stdout!), collect(client_.stderr!)]
      client_.stdin!.end('one\ntwo\n')
      expect(await node.exited(containerId)).toMatchObject({ exitCode: 0 })
      expect(await stdout).toBe('got one\ngot two\nend\n')
      expect(await node.log(containerId)).toBe('got one\ngot two\nend\n')
      await expect(runtime.execSync({ containerId, cmd: ['true'] })).rejects.toThrow(
        'container is in CONTAINER_EXITED state',
      )
    })

    it('lets a client go whose input has ended, and takes the next, where input is for several', async () => {
      const { id } = await node.sandbox()
      const echo = ['sh', '-c', 'while read line; do echo "got $line"; done; echo end']
      const open = await node.run(id, echo, { stdin: true })
      const streams = { stdin: true, stdout: true, stderr: true, tty: false }
      for (const word of ['one', 'two']) {
        const { url } = await runtime.attach({ containerId: open, ...streams })
        const command = await execOverSpdy({ url: new URL(url), streams, clock: systemClock })
        command.stdout!.resume()
        command.stderr!.resume()
        command.stdin!.end(`${word}\n`)
        expect(await command.exit).toEqual({ exitCode: 0 })
      }
      const log = await node.until(
        async () => ((await node.log(open)).includes('two') ? node.log(open) : undefined),
        'two',
      )
      expect(log).toBe('got one\ngot two\n')
      await runtime.removePodSandbox({ podSandboxId: id })
    })

    it('forward ports into the pod', async () => {
      const { id } = await node.sandbox()
      const server =
        'use Socket; socket(my $s,AF_INET,SOCK_STREAM,0); setsockopt($s,SOL_SOCKET,SO_REUSEADDR,1); bind($s,pack_sockaddr_in(8080,INADDR_ANY)); listen($s,5); print STDERR "up\\n"; while(accept(my $c,$s)){ sysread $c,my $x,100; syswrite $c,"echo $x"; close $c }'
      const containerId_ = await node.run(id, ['perl', '-e', server])
      await node.until(async () => ((await node.log(containerId_)).includes('up') ? true : undefined), 'the server')
      const { url } = await runtime.portForward({ podSandboxId: id, port: [] })
      const { connection } = await dialSpdy({
        url: new URL(url),
        clock: systemClock,
        protocols: ['portforward.k8s.io'],
      })
      const errors = connection.createStream({ streamType: 'error', port: '8080', requestID: '0' })
      const data = connection.createStream({ streamType: 'data', port: '8080', requestID: '0' })
      errors.resume()
      data.write('hello')
      expect(await collect(data)).toBe('echo hello')
      const failed = connection.createStream({ streamType: 'error', port: '8081', requestID: '1' })
      connection.createStream({ streamType: 'data', port: '8081', requestID: '1' }).resume()
      expect(await collect(failed)).toMatch(/connection refused/)
      connection.close()
      await runtime.removePodSandbox({ podSandboxId: id })
    })
  })
})

async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
