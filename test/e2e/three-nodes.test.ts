/** Three nodes in network namespaces: a Service reaches pods on all of them, and traffic moves when one is cut off. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, isRoot, run, WholeCluster } from './whole-cluster.ts'

const SERVER = `require('node:http').createServer((q, s) => s.end(process.env.NODE)).listen(8080); process.on('SIGTERM', () => process.exit())`

describe.skipIf(!isRoot)('three nodes', () => {
  const cluster = new WholeCluster('trio')
  const netns = async (index: number) =>
    (await run('ip', ['netns'])).stdout
      .split('\n')
      .find((line) => line.includes(`trio-n${index}`))!
      .split(' ')[0]!

  beforeAll(async () => {
    await cluster.up('--nodes', '3', '--timeout', '180s')
    await cluster.rostrum(
      'image from-host',
      'rostrum.test/node:1',
      process.execPath,
      '/bin/sh',
      '/usr/bin/curl',
      '--entrypoint',
      process.execPath,
    )
    await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 6
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: rostrum.test/node:1
        imagePullPolicy: Never
        args: ["-e", ${JSON.stringify(SERVER)}]
        env: [{ name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }]
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]`)
    await cluster.ask('rollout status deployment web --timeout=180s', { timeoutMs: 190_000 })
  })
  afterAll(() => cluster.down())

  /** Which nodes answer `count` requests to `url`, made one after the other from the host. */
  const answering = async (url: string, count: number): Promise<Record<string, number>> => {
    const seen: Record<string, number> = {}
    for (let i = 0; i < count; i++) {
      const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(3000) }).then(
        (response) => response.text(),
        () => 'nobody',
      )
      seen[answer] = (seen[answer] ?? 0) + 1
    }
    return seen
  }
  const NODES = ['trio-0', 'trio-1', 'trio-2']

  it('share the pods between them', async () => {
    const placed = (await cluster.object('pods -l app=web')).items.map((pod: any) => pod.spec.nodeName)
    expect([...new Set(placed)].sort()).toEqual(NODES)
  })

  it('are all reached through the cluster IP, a node port of each, and the name', async () => {
    const { spec } = await cluster.object('service web')
    const addresses = (await cluster.object('nodes')).items.map(
      (node: any) => node.status.addresses.find((a: any) => a.type === 'InternalIP').address,
    )
    for (const url of [
      `http://${spec.clusterIP}/`,
      ...addresses.map((address: string) => `http://${address}:${spec.ports[0].nodePort}/`),
    ]) {
      expect(Object.keys(await answering(url, 60)).sort()).toEqual(NODES)
    }
    const pod = (await cluster.object('pods -l app=web')).items[0].metadata.name
    const byName = await cluster.ask([
      'exec',
      pod,
      '--',
      '/usr/bin/curl',
      '-s',
      'http://web.default.svc.cluster.local/',
    ])
    expect(NODES).toContain(byName)
  })

  it('reach one another\u2019s pods directly', async () => {
    const pods = (await cluster.object('pods -l app=web')).items
    const from = pods.find((pod: any) => pod.spec.nodeName === 'trio-0')
    for (const to of pods.filter((pod: any) => pod.spec.nodeName !== 'trio-0')) {
      expect(
        await cluster.ask([
          'exec',
          from.metadata.name,
          '--',
          '/usr/bin/curl',
          '-s',
          '-m',
          '5',
          `http://${to.status.podIP}:8080/`,
        ]),
      ).toBe(to.spec.nodeName)
    }
  })

  it('have pods that the API server reaches for its clients, and a Service that it passes on to any of them', async () => {
    const { items } = await cluster.object('pods -l app=web')
    for (const { metadata, spec } of items) {
      const path = `/api/v1/namespaces/default/pods/${metadata.name}:8080/proxy/`
      expect(await cluster.ask(['get', '--raw', path])).toBe(spec.nodeName)
    }
    expect(NODES).toContain(await cluster.ask('get --raw /api/v1/namespaces/default/services/web/proxy/'))
  })

  it('take over the traffic of one that is cut off', async () => {
    const { spec } = await cluster.object('service web')
    const cut = await netns(2)
    await run('ip', ['-n', cut, 'link', 'set', 'eth0', 'down'])
    try {
      await eventually(
        'the node to be missed',
        () => cluster.object('node trio-2'),
        (node) => node.status.conditions.some((c: any) => c.type === 'Ready' && c.status === 'Unknown'),
        120_000,
      )
      const seen = await eventually(
        'traffic to avoid it',
        () => answering(`http://${spec.clusterIP}/`, 30),
        (answer) => !answer.nobody && !answer['trio-2'],
        60_000,
      )
      expect(Object.keys(seen).sort()).toEqual(['trio-0', 'trio-1'])
    } finally {
      await run('ip', ['-n', cut, 'link', 'set', 'eth0', 'up'])
    }
    await eventually(
      'the node to be back in traffic',
      () => answering(`http://${spec.clusterIP}/`, 60),
      (answer) => (answer['trio-2'] ?? 0) > 0 || Object.keys(answer).length === 2,
      120_000,
    )
  })

  it('are taken away without a trace', async () => {
    await cluster.down()
    expect(cluster.traces()).toEqual({})
  })
})
