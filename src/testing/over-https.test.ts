/** Controllers and scheduler in what could be a process of their own: everything they do goes over HTTPS. */
import { setMaxListeners } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { deployments, nodes, pods, replicaSets } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import { createInformers } from '#client/informers.ts'
import { controllers } from '#controllers/all.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import { startTestServer, type TestServer } from './test-server.ts'

describe('controllers and scheduler over HTTPS', () => {
  let server: TestServer
  const stop = new AbortController()
  afterEach(async () => {
    stop.abort(new Error('the test is over'))
    await server.close()
  })

  it('turn a Deployment into pods on a node, and a deleted one into nothing', async () => {
    server = await startTestServer()
    const { signal } = stop
    setMaxListeners(100, signal)
    const client = server.httpsClient
    const common = { client, clock: systemClock, random: systemRandom, log: silentLog, signal }
    const informers = createInformers(common)
    const context = { ...common, informers, recorder: createEventRecorder({ ...common, component: 'test' }) }
    for (const { create } of controllers) await create({ caBundle: server.pki.authority.cert })?.start(context)
    startScheduler(context)

    const capacity = { cpu: '4', memory: '8Gi', pods: '110' }
    const node = await client.create(nodes, { metadata: { name: 'n' } })
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }
    await client.patch(
      nodes,
      node.metadata,
      { status: { capacity, allocatable: capacity, conditions: [ready] } },
      { subresource: 'status' },
    )
    await client.create(deployments, {
      metadata: { namespace: 'default', name: 'web' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      } as never,
    })
    const seen = informers.for(pods)
    const until = (test: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => test() && resolve()
        for (const resource of [pods, replicaSets])
          informers.for(resource as typeof pods).handle({ added: check, updated: check, deleted: check })
        check()
      })
    await until(() => seen.list('default').filter((pod) => pod.spec.nodeName === 'n').length === 3)
    expect(seen.list('default').map((pod) => pod.metadata.ownerReferences?.[0]?.kind)).toEqual([
      'ReplicaSet',
      'ReplicaSet',
      'ReplicaSet',
    ])

    await client.delete(deployments, { namespace: 'default', name: 'web' })
    // Nobody runs the pods, so nobody but this test ends them.
    await until(() => seen.list('default').every((pod) => pod.metadata.deletionTimestamp !== undefined))
    for (const { metadata } of seen.list('default')) await client.delete(pods, metadata, { gracePeriodSeconds: 0 })
    await until(() => seen.list('default').length === 0 && informers.for(replicaSets).list('default').length === 0)
    expect(await client.list(deployments)).toMatchObject({ items: [] })
  })
})
