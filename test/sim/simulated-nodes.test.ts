/** Simulated nodes under a real API server and scheduler, in one process. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, sleep, systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { createAuthority, createKeys, issueCertificate, keyId } from '#base/x509.ts'
import { leases, nodes, pods, serviceAccounts } from '#api/resources.ts'
import { type ApiServer, createApiServer, systemUser } from '#apiserver/server.ts'
import { Client } from '#client/client.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import { createInformers } from '#client/informers.ts'
import { createNodeLifecycleController } from '#controllers/node/node-lifecycle-controller.ts'
import { EXIT_ANNOTATION } from '#kubelet/simulated-pod.ts'
import { type SimulatedNodes, startSimulatedNodes } from '#kubelet/simulated.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import { createMemoryStore } from '#storage/memory-store.ts'

const clock: Clock = systemClock
const common = { clock, random: systemRandom, log: silentLog }
const COUNT = Number(process.env.ROSTRUM_TEST_NODES ?? 50)
const PODS = Number(process.env.ROSTRUM_TEST_PODS ?? 200)

describe('simulated nodes', () => {
  const stop = new AbortController()
  let server: ApiServer
  let client: Client
  let simulated: SimulatedNodes

  beforeAll(async () => {
    const validity = { days: 1, nowMs: clock.now(), random: systemRandom }
    const authority = createAuthority('test', validity)
    const serving = issueCertificate(authority, {
      ...validity,
      commonName: 'test',
      usages: ['server'],
      hosts: ['127.0.0.1'],
    })
    const key = createKeys()
    server = await createApiServer({
      ...common,
      store: createMemoryStore(),
      serviceCidr: '10.96.0.0/16',
      tokens: [],
      signingKey: { ...key, keyId: keyId(key.publicKey) },
      tls: { ...serving, clientCa: authority.cert },
      kubeletTls: { ca: authority.cert, ...serving },
      version: {
        major: '1',
        minor: '36',
        gitVersion: 'v1.36.0',
        gitCommit: '',
        gitTreeState: 'clean',
        buildDate: '',
        goVersion: '',
        compiler: '',
        platform: '',
      },
    })
    await server.bootstrap({ address: '127.0.0.1', port: 6443 })
    client = new Client(server.transport(systemUser('system:test')))
    const informers = createInformers({ ...common, client, signal: stop.signal })
    const recorder = createEventRecorder({ ...common, client, component: 'test', signal: stop.signal })
    const context = { ...common, client, informers, recorder, signal: stop.signal }
    startScheduler(context)
    createNodeLifecycleController().start(context)
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'default' } })
    const names = Array.from({ length: COUNT }, (_, i) => `sim-${i}`)
    simulated = startSimulatedNodes({
      ...common,
      names,
      client,
      informers,
      version: 'v1.36.0-test',
      startMs: 10,
      stopMs: 10,
    })
    await simulated.ready
  })
  afterAll(async () => {
    await simulated.close()
    stop.abort(new Error('the test is over'))
    await server.close()
  })

  async function until(check: () => Promise<unknown>) {
    for (const deadline = clock.monotonic() + 60_000; clock.monotonic() < deadline; await sleep(clock, 20)) {
      if (await check()) return
    }
    throw new Error('timed out')
  }
  const create = (name: string, annotations: Record<string, string> = {}, restartPolicy = 'Always') =>
    client.create(pods, {
      metadata: { name, namespace: 'default', annotations },
      spec: { restartPolicy, containers: [{ name: 'main', image: 'example.org/app:1', resources: {} }] },
    })
  const list = async () => (await client.list(pods, { namespace: 'default' })).items

  it('register, are Ready and keep leases', async () => {
    const { items } = await client.list(nodes)
    expect(items).toHaveLength(COUNT)
    expect(items.every((n) => n.status.conditions!.some((c) => c.type === 'Ready' && c.status === 'True'))).toBe(true)
    const found = await client.list(leases, { namespace: 'kube-node-lease' })
    expect(found.items.map((l) => l.spec.holderIdentity).sort()).toEqual(items.map((n) => n.metadata.name).sort())
  })

  it('run pods, each with an address of its own, and let them go', async () => {
    await Promise.all(Array.from({ length: PODS }, (_, i) => create(`p-${i}`)))
    await until(async () => (await list()).every((p) => p.status.phase === 'Running'))
    const running = await list()
    expect(new Set(running.map((p) => p.status.podIP)).size).toBe(PODS)
    await Promise.all(running.map((p) => client.delete(pods, p.metadata, { gracePeriodSeconds: 1 })))
    await until(async () => (await list()).length === 0)
  })

  it('complete and fail pods whose annotation says so', async () => {
    await create('good', { [EXIT_ANNOTATION]: '0@50ms' }, 'Never')
    await create('bad', { [EXIT_ANNOTATION]: '2@50ms' }, 'Never')
    const phases = async () =>
      (await list())
        .map((p) => p.status.phase)
        .sort()
        .join()
    await until(async () => (await phases()) === 'Failed,Succeeded')
  })
})
