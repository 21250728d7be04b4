/** Kinds served in two forms: what is written in one is read in the other, watches included. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import { events, eventsV1, horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from '#api/resources.ts'
import { type StatusError } from '#machinery/status-error.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

type Any = KubeObject & Record<string, any>
const namespace = 'default'
const fresh = (base: string) => ({ namespace, name: `${base}-${++count}` })
const create = (resource: Resource<any>, draft: unknown, options: object = {}): Promise<Any> =>
  server.client.create(resource, draft as never, options)
const get = (resource: Resource<any>, key: object): Promise<Any> => server.client.get(resource, key as never)

const coreEvent = (key: { name: string }) => ({
  metadata: key,
  involvedObject: { kind: 'Pod', namespace, name: `pod-of-${key.name}` },
  reason: 'Tested',
  message: 'It was tested.',
  type: 'Normal',
  source: { component: 'test' },
  firstTimestamp: '2026-01-31T12:00:00Z',
  lastTimestamp: '2026-01-31T12:00:00Z',
  count: 1,
})
const newEvent = (key: { name: string }) => ({
  metadata: key,
  regarding: { kind: 'Pod', namespace, name: `pod-of-${key.name}` },
  reason: 'Tested',
  note: 'It was tested.',
  type: 'Normal',
  action: 'Testing',
  eventTime: '2026-01-31T12:00:00.000000Z',
  reportingController: 'example.com/test',
  reportingInstance: 'test-1',
})
const autoscaler = (key: object, spec: object = {}) => ({
  metadata: key,
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3, ...spec },
})

describe('events', () => {
  it('of core/v1 are read as events.k8s.io/v1', async () => {
    const key = fresh('core')
    const made = await create(events, coreEvent(key))
    const read = await get(eventsV1, key)
    expect(read).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: made.metadata,
      regarding: made.involvedObject,
      note: 'It was tested.',
      deprecatedSource: { component: 'test' },
      deprecatedCount: 1,
    })
    expect(read.involvedObject).toBeUndefined()
  })

  it('of events.k8s.io/v1 are read as core/v1', async () => {
    const key = fresh('new')
    const made = await create(eventsV1, newEvent(key))
    expect(made).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'It was tested.' })
    expect(await get(events, key)).toMatchObject({
      apiVersion: 'v1',
      metadata: made.metadata,
      message: 'It was tested.',
      reportingComponent: 'example.com/test',
    })
  })

  it('are changed in either form', async () => {
    const key = fresh('both')
    await create(eventsV1, newEvent(key))
    const patched = (await server.client.patch(eventsV1, key, { metadata: { labels: { a: 'b' } } })) as Any
    expect(patched).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      metadata: { labels: { a: 'b' } },
      note: 'It was tested.',
    })
    const series = { count: 2, lastObservedTime: '2026-01-31T12:01:00.000000Z' }
    await server.client.patch(eventsV1, key, { series }, { type: 'merge' })
    expect((await get(events, key)).series).toEqual(series)
    const stale = { metadata: { resourceVersion: '1' }, note: 'x' }
    await expect(server.client.patch(eventsV1, key, stale)).rejects.toMatchObject({ reason: 'Conflict' })
    await server.client.delete(eventsV1, key)
    await expect(get(events, key)).rejects.toMatchObject({ reason: 'NotFound' })
    await expect(get(eventsV1, key)).rejects.toMatchObject({ message: `events.events.k8s.io "${key.name}" not found` })
  })

  it('are listed and selected under the names of each form', async () => {
    const key = fresh('listed')
    await create(events, coreEvent(key))
    const pod = `pod-of-${key.name}`
    const old = await server.client.list(events, { namespace, fieldSelector: `involvedObject.name=${pod}` })
    const list = await server.client.list(eventsV1, { namespace, fieldSelector: `regarding.name=${pod}` })
    expect(list.kind).toBe('EventList')
    expect(list.apiVersion).toBe('events.k8s.io/v1')
    expect(list.items).toHaveLength(1)
    expect(old.items).toHaveLength(1)
    expect(list.items[0]).toEqual(await get(eventsV1, key))
    const answer = await server.fetch(`/apis/events.k8s.io/v1/namespaces/default/events/${key.name}`)
    expect(await answer.json()).toEqual(list.items[0])
    const overHttp: any = await (await server.fetch('/apis/events.k8s.io/v1/events')).json()
    expect(overHttp.items.every(({ apiVersion }: any) => apiVersion === 'events.k8s.io/v1')).toBe(true)
  })

  it('are watched in both forms', async () => {
    const start = String(server.store.revision)
    using old = recordWatch(server.client, events, { namespace, resourceVersion: start })
    using watched = recordWatch(server.client, eventsV1, { namespace, resourceVersion: start })
    const key = fresh('watched')
    await create(events, coreEvent(key))
    await server.client.patch(eventsV1, key, { note: 'Again.' })
    await server.client.delete(events, key)
    await watched.until(() => watched.events.length === 3 && old.events.length === 3)
    expect(watched.events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    const versions = (of: typeof old | typeof watched) =>
      of.events.map((event) => (event.object as Any).metadata.resourceVersion)
    expect(versions(watched)).toEqual(versions(old))
    expect(watched.events.map((event) => (event.object as Any).note)).toEqual(['It was tested.', 'Again.', 'Again.'])
    expect(watched.events.every((event) => (event.object as Any).apiVersion === 'events.k8s.io/v1')).toBe(true)
    using initial = recordWatch(server.client, eventsV1, { namespace })
    expect(initial.events.every((event) => (event.object as Any).apiVersion === 'events.k8s.io/v1')).toBe(true)
    expect(initial.events.length).toBeGreaterThan(0)
  })

  it('are checked in the form in which they come', async () => {
    const key = fresh('checked')
    const answer = await server.fetch('/apis/events.k8s.io/v1/namespaces/default/events?fieldValidation=Strict', {
      method: 'POST',
      body: { apiVersion: 'events.k8s.io/v1', kind: 'Event', ...newEvent(key), message: 'not here' },
    })
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as StatusError).message).toContain('unknown field "message"')
    const wrong = await server.fetch('/apis/events.k8s.io/v1/namespaces/default/events', {
      method: 'POST',
      body: { apiVersion: 'v1', kind: 'Event', ...coreEvent(key) },
    })
    expect(wrong.status).toBe(400)
  })
})

describe('autoscalers', () => {
  it('of v1 are stored as v2', async () => {
    const key = fresh('v1')
    const made = await create(horizontalPodAutoscalersV1, autoscaler(key, { targetCPUUtilizationPercentage: 70 }))
    expect(made).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 70 } })
    expect((await get(horizontalPodAutoscalers, key)).spec.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
    ])
  })

  it('of v2 lose nothing when they are changed as v1', async () => {
    const key = fresh('v2')
    const memory = {
      type: 'Resource',
      resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 60 } },
    }
    const made = await create(
      horizontalPodAutoscalers,
      autoscaler(key, { metrics: [memory], behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }),
    )
    await server.client.patch(horizontalPodAutoscalersV1, key, { spec: { maxReplicas: 9 } })
    const after = await get(horizontalPodAutoscalers, key)
    expect(after.spec).toEqual({ ...made.spec, maxReplicas: 9 })
    const { metadata } = await get(horizontalPodAutoscalersV1, key)
    expect(metadata.annotations).toHaveProperty('autoscaling.alpha.kubernetes.io/metrics')
    expect(after.metadata.annotations).toBeUndefined()
  })

  it('have one status in both forms', async () => {
    const key = fresh('status')
    const made = await create(horizontalPodAutoscalers, autoscaler(key))
    const status = { currentReplicas: 2, desiredReplicas: 3, conditions: [] }
    await server.client.updateStatus(horizontalPodAutoscalers, { ...made, status } as never)
    expect((await get(horizontalPodAutoscalersV1, key)).status).toMatchObject({
      currentReplicas: 2,
      desiredReplicas: 3,
    })
    await server.client.patch(
      horizontalPodAutoscalersV1,
      key,
      { status: { desiredReplicas: 5 } },
      { subresource: 'status' },
    )
    expect((await get(horizontalPodAutoscalers, key)).status.desiredReplicas).toBe(5)
  })

  it('keep nothing of a dry run', async () => {
    const key = fresh('dry')
    await create(horizontalPodAutoscalersV1, autoscaler(key), { dryRun: 'All' })
    expect(await server.client.find(horizontalPodAutoscalers, key)).toBeUndefined()
  })
})
