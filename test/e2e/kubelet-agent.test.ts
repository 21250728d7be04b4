/** The node agent's volumes, its server, and that it may come and go: needs root and Debian's base programs. */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueCertificate } from '#base/x509.ts'
import { systemClock } from '#base/clock.ts'
import { systemRandom } from '#base/random.ts'
import type { Container } from '#api/core/v1/container.ts'
import { configMaps, persistentVolumeClaims, persistentVolumes, pods, secrets } from '#api/resources.ts'
import { execOverSpdy, execOverWebSocket } from '#streaming/remote-command-client.ts'
import { KubeletNode } from './kubelet-node.ts'
import { IMAGE } from './runtime-node.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'

function script(name: string, text: string, extra: Partial<Container> = {}): Container {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', text], resources: {}, ...extra }
}

describe.skipIf(!isRoot)(isRoot ? 'a node agent' : 'a node agent (skipped: needs root)', () => {
  const node = new KubeletNode()
  const { runtime } = node
  beforeAll(() => node.start())
  afterAll(() => node.dispose())

  const read = async (name: string, path: string) => {
    const { stdout, stderr } = await node.exec((await node.get(name))!, 'cat', path)
    return stdout || stderr
  }
  const untilReads = (name: string, path: string, text: string) =>
    runtime.until(async () => (await read(name, path)) === text || undefined, `${path} to be ${text}`)

  it('shows config maps, secrets and the pod itself as files, and keeps them current', async () => {
    const map = { metadata: { name: 'files', namespace }, data: { 'a.txt': 'one', 'b.txt': 'two' } }
    await node.client.create(configMaps, map)
    await node.client.create(secrets, {
      metadata: { name: 'files', namespace },
      data: { key: Buffer.from('hush').toString('base64') },
    })
    await node.create(
      'files',
      {
        volumes: [
          { name: 'map', configMap: { name: 'files' } },
          { name: 'one', configMap: { name: 'files', items: [{ key: 'a.txt', path: 'deep/er.txt', mode: 0o400 }] } },
          { name: 'secret', secret: { secretName: 'files', defaultMode: 0o440 } },
          { name: 'self', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'absent', configMap: { name: 'none', optional: true } },
          {
            name: 'all',
            projected: {
              sources: [
                { configMap: { name: 'files', items: [{ key: 'a.txt', path: 'a' }] } },
                { secret: { name: 'files' } },
                { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
                { serviceAccountToken: { path: 'token', audience: 'me', expirationSeconds: 600 } },
              ],
            },
          },
        ],
        containers: [
          script('main', 'sleep 1000', {
            volumeMounts: ['map', 'one', 'secret', 'self', 'absent', 'all'].map((name) => ({
              name,
              mountPath: `/v/${name}`,
            })),
          }),
        ],
      },
      { labels: { color: 'red' } },
    )
    const pod = await node.running('files')
    expect(await read('files', '/v/map/a.txt')).toBe('one')
    expect((await node.exec(pod, 'ls', '-lL', '/v/one/deep/er.txt')).stdout).toMatch(/^-r-------- /)
    expect((await node.exec(pod, 'ls', '-lL', '/v/secret/key')).stdout).toMatch(/^-r--r----- /)
    expect(await read('files', '/v/self/labels')).toBe('color="red"')
    expect((await node.exec(pod, 'ls', '/v/absent')).stdout).toBe('')
    expect((await node.exec(pod, 'ls', '/v/all')).stdout).toBe('a\nkey\nname\ntoken\n')
    const claims = JSON.parse(Buffer.from((await read('files', '/v/all/token')).split('.')[1]!, 'base64url').toString())
    expect(claims).toMatchObject({ aud: ['me'], sub: 'system:serviceaccount:default:default' })
    await node.client.patch(configMaps, { namespace, name: 'files' }, { data: { 'a.txt': 'new', 'b.txt': null } })
    await untilReads('files', '/v/map/a.txt', 'new')
    await untilReads('files', '/v/all/a', 'new')
    expect((await node.exec(pod, 'ls', '/v/map')).stdout).toBe('a.txt\n')
    await node.client.patch(pods, pod.metadata, { metadata: { labels: { color: 'blue' } } })
    await untilReads('files', '/v/self/labels', 'color="blue"')
    await node.client.create(configMaps, { metadata: { name: 'none', namespace }, data: { now: 'there' } })
    await untilReads('files', '/v/absent/now', 'there')
    await node.remove('files')
    expect(existsSync(join(runtime.dir, 'kubelet/pods', pod.metadata.uid))).toBe(false)
    expect(existsSync(join(runtime.dir, 'kubelet/memory', pod.metadata.uid))).toBe(false)
  })

  it('mounts directories: empty, of the host, claimed, and parts of them', async () => {
    const host = join(runtime.dir, 'host')
    mkdirSync(join(host, 'inner'), { recursive: true })
    writeFileSync(join(host, 'inner/file'), 'from host')
    symlinkSync('/etc', join(host, 'escape'))
    await node.client.create(persistentVolumes, {
      metadata: { name: 'pv' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: host } },
    })
    const claim = await node.client.create(persistentVolumeClaims, {
      metadata: { name: 'claim', namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeName: 'pv',
        resources: { requests: { storage: '1Gi' } },
        storageClassName: '',
      },
    })
    await node.client.patch(
      persistentVolumeClaims,
      claim.metadata,
      { status: { phase: 'Bound' } },
      { subresource: 'status' },
    )
    await node.create('dirs', {
      volumes: [
        { name: 'disk', emptyDir: {} },
        { name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
        { name: 'host', hostPath: { path: host, type: 'Directory' } },
        { name: 'made', hostPath: { path: join(host, 'made'), type: 'DirectoryOrCreate' } },
        { name: 'claimed', persistentVolumeClaim: { claimName: 'claim' } },
      ],
      containers: [
        script('main', 'sleep 1000', {
          env: [{ name: 'WHERE', value: 'inner' }],
          volumeMounts: [
            { name: 'disk', mountPath: '/disk' },
            { name: 'ram', mountPath: '/ram' },
            { name: 'host', mountPath: '/host', readOnly: true },
            { name: 'host', mountPath: '/sub', subPathExpr: '$(WHERE)' },
            { name: 'host', mountPath: '/file', subPath: 'inner/file' },
            { name: 'disk', mountPath: '/new', subPath: 'a/b' },
            { name: 'made', mountPath: '/made' },
            { name: 'claimed', mountPath: '/claimed' },
          ],
        }),
      ],
    })
    const pod = await node.running('dirs')
    expect((await node.exec(pod, 'mount')).stdout).toMatch(/ on \/ram type tmpfs .*size=8192k/)
    expect((await node.exec(pod, 'touch', '/host/x')).exitCode).not.toBe(0)
    expect(await read('dirs', '/sub/file')).toBe('from host')
    expect(await read('dirs', '/file')).toBe('from host')
    expect(await read('dirs', '/claimed/inner/file')).toBe('from host')
    await node.exec(pod, 'touch', '/new/mark')
    expect((await node.exec(pod, 'ls', '/disk/a/b')).stdout).toBe('mark\n')
    expect(statSync(join(host, 'made')).isDirectory()).toBe(true)
    await node.remove('dirs')
    expect(readdirSync(host).sort()).toEqual(['escape', 'inner', 'made'])

    await node.create('escapes', {
      volumes: [{ name: 'host', hostPath: { path: host } }],
      containers: [
        script('main', 'true', { volumeMounts: [{ name: 'host', mountPath: '/x', subPath: 'escape/ssl' }] }),
      ],
    })
    const escaped = await node.until(
      'escapes',
      (p) => p.status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(escaped.status.containerStatuses![0]!.state.waiting!.message).toBe(
      'failed to prepare subPath for volumeMount "host" of container "main"',
    )
    await node.remove('escapes')
  })

  it('waits for volumes it cannot mount, and says why', async () => {
    await node.create('unmounted', {
      volumes: [{ name: 'v', secret: { secretName: 'soon' } }],
      containers: [script('main', 'sleep 1000', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
    })
    await runtime.until(
      async () => (await node.eventsOf('unmounted')).some((e) => e.reason === 'FailedMount') || undefined,
      'the event',
    )
    const event = (await node.eventsOf('unmounted')).find((e) => e.reason === 'FailedMount')
    expect(event!.message).toBe('MountVolume.SetUp failed for volume "v" : secret "soon" not found')
    await node.client.create(secrets, { metadata: { name: 'soon', namespace }, data: {} })
    await node.running('unmounted')
    await node.remove('unmounted')
    await node.create('nfs', {
      volumes: [{ name: 'v', nfs: { server: 'a', path: '/b' } }],
      containers: [script('main', 'true', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
    })
    await runtime.until(async () => {
      const messages = (await node.eventsOf('nfs')).map((e) => e.message)
      return (
        messages.includes(
          'MountVolume.SetUp failed for volume "v" : volumes of kind "nfs" are not supported by this node',
        ) || undefined
      )
    }, 'the event')
    await node.remove('nfs')
  })

  it('serves logs, commands and figures to the API server, and nothing to strangers', async () => {
    await node.create('served', {
      containers: [script('main', 'for i in 1 2 3 4 5; do echo line $i; done; echo err >&2; sleep 1000')],
    })
    const pod = await node.running('served')
    const logs = async (query: string) => (await node.fetch(`/containerLogs/default/served/main${query}`)).text
    await runtime.until(async () => (await logs('')).includes('err') || undefined, 'the log')
    expect(await logs('?stream=Stdout')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n')
    expect(await logs('?tailLines=2')).toBe('line 5\nerr\n')
    expect(await logs('?limitBytes=4')).toBe('line')
    expect((await logs('?timestamps=true')).split('\n')[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 1$/)
    expect(await logs('?sinceTime=2100-01-01T00:00:00Z')).toBe('')
    expect(await node.fetch('/containerLogs/default/served/other')).toEqual({
      status: 404,
      text: 'container "other" not found in pod "served"\n',
    })
    expect(await node.fetch('/containerLogs/default/none/main')).toEqual({
      status: 404,
      text: 'pod "none" does not exist\n',
    })
    expect((await node.fetch('/containerLogs/default/served/main?previous=true')).text).toBe(
      'previous terminated container "main" in pod "served" not found\n',
    )

    const tls = { ca: node.pki.authority.cert, ...node.pki.kubeletClient }
    const base = `https://127.0.0.1:${node.kubelet.port}/exec/default/served/main?output=1&error=1&command=sh&command=-c`
    const url = new URL(`${base}&command=${encodeURIComponent('echo out; echo err >&2; exit 3')}`)
    for (const open of [execOverSpdy, execOverWebSocket]) {
      const command = await open({
        url,
        streams: { stdin: false, stdout: true, stderr: true, tty: false },
        tls,
        clock: systemClock,
      })
      const [out, err] = await Promise.all([text(command.stdout!), text(command.stderr!)])
      expect([out, err, await command.exit]).toMatchObject(['out\n', 'err\n', { exitCode: 3 }])
      command.close()
    }

    expect((await node.fetch('/healthz')).text).toBe('ok')
    const list = JSON.parse((await node.fetch('/pods')).text)
    expect(list.items.map((p: { metadata: { name: string } }) => p.metadata.name)).toContain('served')
    const summary = JSON.parse((await node.fetch('/stats/summary')).text)
    expect(summary.node).toMatchObject({
      nodeName: 'n1',
      cpu: { usageCoreNanoSeconds: expect.any(Number) },
      fs: { capacityBytes: expect.any(Number) },
    })
    const figures = summary.pods.find((p: { podRef: { uid: string } }) => p.podRef.uid === pod.metadata.uid)
    expect(figures.containers[0]).toMatchObject({ name: 'main', memory: { workingSetBytes: expect.any(Number) } })
    expect((await node.fetch('/metrics/resource')).text).toMatch(
      /^container_memory_working_set_bytes\{container="main",namespace="default",pod="served"\} \d+ \d+$/m,
    )
    expect((await node.fetch('/metrics')).text).toMatch(/^kubelet_running_pods \d+$/m)
    expect(JSON.parse((await node.fetch('/configz')).text).kubeletconfig.clusterDomain).toBe('cluster.local')
    expect((await node.fetch('/nothing')).status).toBe(404)

    const stranger = issueCertificate(node.pki.authority, {
      commonName: 'somebody',
      usages: ['client'],
      days: 1,
      nowMs: systemClock.now(),
      random: systemRandom,
    })
    const who = 'user=somebody, verb=get, resource=nodes, subresource(s)=[pods proxy]'
    expect(await node.fetch('/pods', stranger)).toEqual({ status: 403, text: `Forbidden (${who})\n` })
    expect(await node.fetch('/healthz', {} as never)).toEqual({ status: 401, text: 'Unauthorized\n' })
    await node.remove('served')
  })

  it('may be restarted: containers run on, counts stay, and what was deleted meanwhile is ended', async () => {
    await node.create('stays', {
      containers: [
        script('main', 'test -e /tmp/again || { touch /tmp/again; exit 1; }; sleep 1000', {
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
          readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
        }),
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    })
    await node.create('deleted')
    await node.create('forgotten')
    const before = await node.until(
      'stays',
      (p) => p.status.containerStatuses?.[0]?.restartCount === 1 && p.status.containerStatuses[0].ready,
    )
    await node.running('deleted')
    await node.running('forgotten')
    await node.kubelet.close()
    await node.client.delete(pods, { namespace, name: 'deleted' })
    await node.client.delete(pods, { namespace, name: 'forgotten' }, { gracePeriodSeconds: 0 })
    await node.gone('forgotten')
    await node.startKubelet()
    await node.kubelet.ready
    await node.gone('deleted')
    await runtime.until(async () => {
      const { containers } = await runtime.client.runtime.listContainers({})
      return containers.every((c) => c.labels['io.kubernetes.pod.name'] === 'stays') || undefined
    }, 'the forgotten pod to end')
    const after = (await node.get('stays'))!
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses)
    const { containers } = await runtime.client.runtime.listContainers({})
    expect(containers.filter((c) => c.state === 1)).toHaveLength(1)
    await node.remove('stays')
  })

  it('makes a new sandbox when the old one dies', async () => {
    await node.create('sandboxed')
    const pod = await node.running('sandboxed')
    const { items } = await runtime.client.runtime.listPodSandbox({
      filter: { labelSelector: { 'io.kubernetes.pod.uid': pod.metadata.uid } },
    })
    await runtime.client.runtime.stopPodSandbox({ podSandboxId: items[0]!.id })
    await node.until(
      'sandboxed',
      (p) => p.status.containerStatuses![0]!.restartCount === 1 && p.status.containerStatuses![0]!.state.running,
    )
    await node.untilEvent('sandboxed', (e) => e.reason === 'SandboxChanged')
    await node.remove('sandboxed')
  })

  it('runs many pods at once', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `many-${i}`)
    const began = performance.now()
    await Promise.all(names.map((name) => node.create(name)))
    await Promise.all(names.map((name) => node.running(name)))
    const ran = performance.now()
    await Promise.all(names.map((name) => node.remove(name)))
    if (process.env.ROSTRUM_TEST_TIMES)
      console.log('30 pods: running', ran - began, 'ms, gone', performance.now() - ran, 'ms')
    expect((await node.client.list(pods, { namespace })).items).toEqual([])
  })
})

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let out = ''
  for await (const chunk of stream) out += chunk.toString()
  return out
}
