/** Clusters beside one another, ended and started again, started twice, and started by somebody who is not root. */
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeToolsImage, toolsPod } from './tools-image.ts'
import { eventually, isRoot, program, run, WholeCluster } from './whole-cluster.ts'

const SERVER = `require('node:http').createServer((q, s) => s.end(process.env.WHOSE)).listen(8080); process.on('SIGTERM', () => process.exit())`

const web = (whose: string) => `
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
        image: rostrum.test/tools:1
        imagePullPolicy: Never
        command: [node, -e, ${JSON.stringify(SERVER)}]
        env: [{ name: WHOSE, value: ${whose} }]
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`

describe.skipIf(!isRoot)(isRoot ? 'clusters' : 'clusters (skipped: needs root)', () => {
  const left = new WholeCluster('left')
  const right = new WholeCluster('right')
  const answer = async (cluster: WholeCluster) => {
    const { clusterIP } = (await cluster.object('service web')).spec
    return (await fetch(`http://${clusterIP}/`, { signal: AbortSignal.timeout(2000) })).text()
  }
  const answers = (cluster: WholeCluster) =>
    eventually(
      `${cluster.name} to answer`,
      () => answer(cluster),
      (text) => text === cluster.name,
    )

  beforeAll(async () => {
    // At the same moment: neither may take what the other has chosen.
    await Promise.all([left.up('--nodes', '2'), right.up()])
    for (const cluster of [left, right]) {
      await makeToolsImage(cluster)
      await cluster.apply(web(cluster.name))
    }
  })
  afterAll(async () => {
    await left.down()
    await right.down()
  })

  it('live beside one another', async () => {
    for (const cluster of [left, right]) await answers(cluster)
    expect((await left.object('nodes')).items).toHaveLength(2)
    expect((await right.object('nodes')).items).toHaveLength(1)
    expect(left.traces().links).not.toEqual(right.traces().links)
  })

  it('do not take a name that is in use', async () => {
    const other = mkdtempSync(join(tmpdir(), 'rostrum-other-'))
    const { code, stderr } = await run(process.execPath, [program, 'up', '--name', 'left', '--data-dir', other], {
      env: { KUBECONFIG: join(other, 'kubeconfig') },
    })
    rmSync(other, { recursive: true })
    expect(stderr).toContain(`rostrum: a cluster left runs already, from ${left.dataDir}/left`)
    expect(code).toBe(1)
    await answers(left)
  })

  it('carry on where they were ended', async () => {
    await left.apply(
      toolsPod('keeper', {
        command: ['sh', '-c', 'date +%s%N >> /v/starts; sleep 100000'],
        spec: 'volumes: [{ name: v, emptyDir: {} }]',
        container: 'volumeMounts: [{ name: v, mountPath: /v }]',
      }),
    )
    await left.ask('wait --for=condition=Ready pod/keeper --timeout=60s')
    await left.ask('create configmap kept --from-literal=a=b')
    const { uid } = (await left.object('pod keeper')).metadata
    expect((await left.rostrum('down')).code).toBe(0)
    // Nothing is there but its files.
    expect(left.traces()).toEqual({})
    await answers(right)
    expect((await left.rostrum('status')).code).toBe(1)

    const { stdout, stderr } = await left.up('--quiet')
    expect([stdout, stderr]).toEqual(['', ''])
    expect((await left.object('configmap kept')).data).toEqual({ a: 'b' })
    await answers(left)
    const pod = await eventually(
      'the pod to run again',
      () => left.object('pod keeper'),
      (p) => p.status.containerStatuses?.[0]?.ready === true && p.status.containerStatuses[0].restartCount === 1,
    )
    expect(pod.metadata.uid).toBe(uid)
    // As after a restart of a machine, a volume on disk is what it was.
    expect((await left.ask('exec keeper -- cat /v/starts')).trim().split('\n')).toHaveLength(2)
    await left.ask('rollout status deployment/web --timeout=60s')
  })

  it('are ended without harm to the other, and without a trace', async () => {
    await left.down()
    expect(left.traces()).toEqual({})
    expect(existsSync(left.dataDir)).toBe(false)
    await answers(right)
    await right.down()
    expect(right.traces()).toEqual({})
  })
})

/** A user without rights. Root can become one. */
const asNobody = isRoot ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : []

describe('without root', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rostrum-nobody-'))
  if (isRoot) chownSync(dir, 65534, 65534)
  const env = { HOME: dir, KUBECONFIG: join(dir, 'kubeconfig'), XDG_DATA_HOME: '', ROSTRUM_DATA: join(dir, 'data') }
  const rostrum = (...args: string[]) => {
    const [file, ...rest] = [...asNobody, process.execPath, program, ...args]
    return run(file!, rest, { env })
  }
  const kubectl = (...args: string[]) => run('kubectl', args, { env })
  afterAll(async () => {
    await rostrum('down', '--purge', '-q')
    rmSync(dir, { recursive: true, force: true })
  })

  it('says why real nodes need it', async () => {
    const { code, stderr } = await rostrum('up')
    expect(stderr).toMatch(/^rostrum: real nodes need root, because/)
    expect(stderr).toContain(
      'hint: run it as root, or without real containers: rostrum up --runtime none --simulated-nodes 3',
    )
    expect(code).toBe(4)
    expect(existsSync(join(dir, 'data', 'default'))).toBe(false)
  })

  it('runs a cluster of simulated nodes', async () => {
    const { code, stderr } = await rostrum('up', '--runtime', 'none', '--simulated-nodes', '3')
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    expect((await kubectl('get', 'nodes', '--no-headers')).stdout.trim().split('\n')).toHaveLength(3)
    expect((await kubectl('create', 'deployment', 'web', '--image=any', '--replicas=5')).code).toBe(0)
    expect((await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')).stdout).toContain('successfully')
    expect((await rostrum('status')).code).toBe(0)
    expect((await rostrum('down', '--purge')).code).toBe(0)
    expect(existsSync(join(dir, 'data', 'default'))).toBe(false)
  })
})
