/** The same pods on containerd and runc, each node with a containerd of its own. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isInstalled } from './programs.ts'
import { makeToolsImage, TOOLS, toolsPod } from './tools-image.ts'
import { eventually, isRoot, WholeCluster } from './whole-cluster.ts'

const missing = [
  ...(isRoot ? [] : ['root']),
  ...['containerd', 'ctr', 'runc'].filter((program) => !isInstalled(program)),
].join(', ')

const SERVER = `require('node:http').createServer((q, s) => s.end('hello')).listen(8080); process.on('SIGTERM', () => process.exit())`

describe.skipIf(missing)(missing ? `on containerd (skipped: needs ${missing})` : 'on containerd', () => {
  const cluster = new WholeCluster('ctrd')
  const ask = cluster.ask.bind(cluster)

  beforeAll(async () => {
    await cluster.up('--runtime', 'containerd')
    await makeToolsImage(cluster)
    await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: ${TOOLS}
        imagePullPolicy: Never
        command: [node, -e, ${JSON.stringify(SERVER)}]
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
${toolsPod('box', { command: ['sh', '-c', 'echo started; sleep 100000'] })}`)
    await ask('rollout status deployment/web --timeout=120s')
    await ask('wait --for=condition=Ready pod/box --timeout=60s')
  })
  afterAll(() => cluster.down())

  it('pods run, and say so', async () => {
    expect((await cluster.object('node ctrd-0')).status.nodeInfo.containerRuntimeVersion).toMatch(/^containerd:\/\//)
    expect((await cluster.object('pod box')).status.containerStatuses[0].containerID).toMatch(/^containerd:\/\//)
    expect(await ask('logs box')).toBe('started\n')
    expect((await cluster.rostrum('image list')).stdout).toContain(TOOLS)
  })

  it('commands run in them, over both protocols', async () => {
    const streams: Record<string, string>[] = [{}, { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }]
    for (const env of streams) {
      expect(await ask('exec -i box -- md5sum', { input: 'x'.repeat(1 << 20), env })).toMatch(/^[0-9a-f]{32} /)
      expect((await cluster.kubectl(['exec', 'box', '--', 'sh', '-c', 'exit 7'], { env })).code).toBe(7)
    }
  })

  it('services reach them, by name and from the host', async () => {
    expect(await ask('exec box -- curl -s http://web/')).toBe('hello')
    const { clusterIP, ports } = (await cluster.object('service web')).spec
    const node = (await cluster.object('node ctrd-0')).status.addresses.find(
      (a: any) => a.type === 'InternalIP',
    ).address
    for (const url of [`http://${clusterIP}/`, `http://${node}:${ports[0].nodePort}/`])
      expect(await (await fetch(url)).text()).toBe('hello')
  })

  it('they are restarted, limited and deleted', async () => {
    await cluster.apply(
      toolsPod('crashes', { command: ['sh', '-c', 'sleep 0.2; exit 3'] }) +
        toolsPod('greedy', {
          command: ['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))'],
          container: 'resources: { limits: { memory: 96Mi } }',
          spec: 'restartPolicy: Never',
        }),
    )
    const status = async (pod: string) => (await cluster.object(`pod ${pod}`)).status.containerStatuses?.[0]
    const crashed = await eventually(
      'the restart',
      () => status('crashes'),
      (s) => s?.restartCount > 0 && s.lastState.terminated,
    )
    expect(crashed.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
    const killed = await eventually(
      'the end',
      () => status('greedy'),
      (s) => s?.state?.terminated,
    )
    expect(killed.state.terminated.reason).toBe('OOMKilled')
    await ask('delete pod crashes greedy box --timeout=60s')
    expect((await cluster.object('pods')).items).toHaveLength(2)
  })

  it('are taken away without a trace', async () => {
    // containerd pins the namespaces of its pods itself, below the node's own directory.
    expect(pinnedNamespaces().length).toBeGreaterThan(0)
    await cluster.down()
    expect(cluster.traces()).toEqual({})
    expect(pinnedNamespaces()).toEqual([])
  })
})

/** Where the network namespaces of the cluster's pods are mounted. */
const pinnedNamespaces = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' - nsfs '))
    .map((line) => line.split(' ')[4]!)
    .filter((point) => point.startsWith('/run/rostrum/ctrd/'))
