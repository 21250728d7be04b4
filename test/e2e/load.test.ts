/** Real work: Redis with 100,000 keys through a Service, and 200 pods on one node at once. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, isRoot, WholeCluster } from './whole-cluster.ts'

const hasRedis = existsSync('/usr/bin/redis-server')
const KEYS = 100_000

describe.skipIf(!isRoot)('a node under load', () => {
  const cluster = new WholeCluster('load')

  beforeAll(async () => {
    await cluster.up()
    await cluster.rostrum('image from-host', 'rostrum.test/sleep:1', '/bin/sleep', '--entrypoint', '/bin/sleep')
  })
  afterAll(() => cluster.down())

  it.skipIf(!hasRedis)(
    'keeps 100,000 keys of a Redis that is written through its Service from another pod',
    async () => {
      const made = await cluster.rostrum(
        'image from-host',
        'rostrum.test/redis:1',
        '/usr/bin/redis-server',
        '/usr/bin/redis-cli',
        '/bin/sh',
        '/usr/bin/seq',
        '/usr/bin/awk',
        '/usr/bin/wc',
        '/usr/bin/md5sum',
        '/bin/sleep',
      )
      expect(made.stderr + made.code).toContain('0')
      await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: { name: redis, labels: { app: redis } }
spec:
  containers:
  - name: redis
    image: rostrum.test/redis:1
    imagePullPolicy: Never
    command: [/usr/bin/redis-server, --bind, 0.0.0.0, --protected-mode, "no", --save, ""]
    readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: redis }
spec:
  selector: { app: redis }
  ports: [{ port: 6379 }]
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - { name: c, image: "rostrum.test/redis:1", imagePullPolicy: Never, command: [/bin/sleep, "100000"] }`)
      await cluster.ask('wait --for=condition=Ready pod/redis pod/client --timeout=60s')
      const inClient = (script: string) =>
        cluster.ask(['exec', 'client', '--', '/bin/sh', '-c', script], { timeoutMs: 120_000 })
      const wrote = await inClient(
        `seq 1 ${KEYS} | awk '{ v = "value-" $1 * 7; k = "key-" $1; printf "*3\\r\\n$3\\r\\nSET\\r\\n$%d\\r\\n%s\\r\\n$%d\\r\\n%s\\r\\n", length(k), k, length(v), v }' | redis-cli -h redis --pipe`,
      )
      expect(wrote).toContain(`errors: 0, replies: ${KEYS}`)
      expect((await inClient('redis-cli -h redis dbsize')).trim()).toBe(String(KEYS))
      const expected = await inClient(`seq 1 ${KEYS} | awk '{ print "value-" $1 * 7 }' | md5sum`)
      const found = await inClient(`seq 1 ${KEYS} | awk '{ print "GET key-" $1 }' | redis-cli -h redis | md5sum`)
      expect(found).toBe(expected)
      await cluster.ask('delete pod redis client --now')
      await cluster.ask('delete service redis')
    },
  )

  it('runs 200 pods at once, and nothing is left of them', async () => {
    const idle = cluster.traces()
    await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: many }
spec:
  replicas: 200
  progressDeadlineSeconds: 300
  selector: { matchLabels: { app: many } }
  template:
    metadata: { labels: { app: many } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - { name: c, image: "rostrum.test/sleep:1", imagePullPolicy: Never, args: ["100000"] }`)
    await cluster.ask('rollout status deployment many --timeout=240s', { timeoutMs: 250_000 })
    const list = (await cluster.object('pods -l app=many')).items
    expect(list.filter((p: any) => p.status.phase === 'Running')).toHaveLength(200)
    expect(new Set(list.map((p: any) => p.status.podIP)).size).toBe(200)
    expect(list.map((p: any) => p.status.containerStatuses[0].restartCount)).toEqual(
      Array.from({ length: 200 }, () => 0),
    )
    await cluster.ask('delete deployment many')
    await eventually(
      'all pods to be gone',
      () => cluster.object('pods -l app=many'),
      (answer) => answer.items.length === 0,
      180_000,
    )
    const settled = await eventually(
      'the host to be as before',
      async () => cluster.traces(),
      (state) => state.mounts!.length === idle.mounts!.length && state.cgroups!.length === idle.cgroups!.length,
      60_000,
    )
    expect(settled).toEqual(idle)
  })

  it('leaves nothing on the host', async () => {
    await cluster.down()
    expect(cluster.traces()).toEqual({})
  })
})
