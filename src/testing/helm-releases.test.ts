/**
 * What Helm asks of an API server, request by request: releases kept in Secrets, objects looked up, created, merged from
 * three sides, waited for, taken back and removed. Paths, content types and patches are those that Helm 3.21 was seen to
 * send; the last test applies on the server's side, as Helm 4 does.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deployments, pods } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { createDeploymentController } from '#controllers/deployment/deployment-controller.ts'
import { createGarbageCollector } from '#controllers/gc/garbage-collector.ts'
import { createNodeLifecycleController } from '#controllers/node/node-lifecycle-controller.ts'
import { createReplicaSetController } from '#controllers/replicaset/replica-controller.ts'
import { startSimulatedNodes } from '#kubelet/simulated.ts'
import { type Answered, ask, establish, specSchema, widgetDefinition } from './custom-definition.ts'
import { startTestServer, type TestServer } from './test-server.ts'
import { recordWatch } from './watched.ts'

type Json = any
type Status = 'pending-install' | 'pending-upgrade' | 'pending-rollback' | 'deployed' | 'superseded' | 'failed'

const SECRETS = '/api/v1/namespaces/shop/secrets'
const CONFIG = '/api/v1/namespaces/shop/configmaps'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments'
const WIDGETS = '/apis/example.com/v1/namespaces/shop/widgets'
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' }
const APPLY = { 'content-type': 'application/apply-patch+yaml' }

/** What Helm adds to everything that a chart makes. */
const owned = (name: string) => ({
  name,
  labels: { 'app.kubernetes.io/managed-by': 'Helm' },
  annotations: { 'meta.helm.sh/release-name': 'store', 'meta.helm.sh/release-namespace': 'shop' },
})

/** The chart: a Deployment, a ConfigMap and a custom object, in the order in which Helm creates kinds. */
const chart = (values: { replicas: number; image: string; size: number }): { path: string; object: Json }[] => [
  {
    path: CONFIG,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: owned('store'), data: { image: values.image } },
  },
  {
    path: DEPLOYMENTS,
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: owned('store'),
      spec: {
        replicas: values.replicas,
        selector: { matchLabels: { app: 'store' } },
        template: {
          metadata: { labels: { app: 'store' } },
          spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: values.image }] },
        },
      },
    },
  },
  {
    path: WIDGETS,
    object: {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: owned('store'),
      spec: { size: values.size, color: 'red' },
    },
  },
]

const encoded = (release: object) =>
  Buffer.from(gzipSync(Buffer.from(JSON.stringify(release))).toString('base64')).toString('base64')
const decoded = (secret: Json) =>
  JSON.parse(gunzipSync(Buffer.from(Buffer.from(secret.data.release, 'base64').toString(), 'base64')).toString())

describe('a release of Helm', () => {
  let server: TestServer
  beforeEach(async () => {
    const controllers = [
      createNodeLifecycleController(),
      createDeploymentController(),
      createReplicaSetController(),
      createGarbageCollector(),
    ]
    server = await startTestServer({ controllers, scheduler: true })
    const { client, informers } = server
    const real = { clock: systemClock, random: systemRandom, log: silentLog, signal: server.signal }
    const node = startSimulatedNodes({ names: ['n'], client, informers, ...real, version: 'v1', startMs: 1, stopMs: 1 })
    await node.ready
    await server.createNamespace('shop')
    await establish(
      server,
      widgetDefinition([{ schema: specSchema({ size: { type: 'integer', maximum: 9 }, color: { type: 'string' } }) }]),
    )
  })
  afterEach(() => server.close())

  const call = (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    ask(server, method, path, body, headers)
  /** Answered as asked for, or the test is over. */
  const must = async (answer: Promise<Answered>): Promise<Json> => {
    const { code, body } = await answer
    expect([code, code < 300 ? '' : body.message]).toEqual([expect.toSatisfy((n: number) => n < 300), ''])
    return body
  }

  const secretOf = (version: number, status: Status, release: object, stamp: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `sh.helm.release.v1.store.v${version}`,
      labels: { name: 'store', owner: 'helm', status, version: String(version), [stamp]: '1795376923' },
    },
    type: 'helm.sh/release.v1',
    data: { release: encoded({ ...release, status }) },
  })
  const record = (version: number, status: Status, release: object) =>
    call('POST', SECRETS, secretOf(version, status, release, 'createdAt'))
  const rerecord = (version: number, status: Status, release: object) =>
    must(
      call('PUT', `${SECRETS}/sh.helm.release.v1.store.v${version}`, secretOf(version, status, release, 'modifiedAt')),
    )
  const query = (labels: string) => `${SECRETS}?labelSelector=${encodeURIComponent(labels)}`
  const history = async () => {
    const { items } = await must(call('GET', query('name=store,owner=helm')))
    return items.map(({ metadata: { labels } }: Json) => `${labels.version} ${labels.status}`)
  }

  const at = (path: string) => `${path}/store?fieldManager=helm`
  const untilRolledOut = async () => {
    using watched = recordWatch(server.client, deployments, { namespace: 'shop' })
    await watched.until(({ events }) => {
      const deployment = events.at(-1)?.object as Json
      if (!deployment?.status) return false
      const { metadata, spec, status } = deployment
      return (
        status.observedGeneration === metadata.generation &&
        status.updatedReplicas === spec.replicas &&
        status.readyReplicas === spec.replicas &&
        status.replicas === spec.replicas
      )
    })
  }

  async function install(values = { replicas: 2, image: 'web:1', size: 3 }) {
    const objects = chart(values)
    for (const { path } of objects) expect((await call('GET', `${path}/store`)).code).toBe(404)
    const release = { manifest: objects, values }
    await must(record(1, 'pending-install', release))
    for (const { path, object } of objects) await must(call('POST', `${path}?fieldManager=helm`, object))
    await untilRolledOut()
    await rerecord(1, 'deployed', release)
    return release
  }

  it('is tried without doing it', async () => {
    expect(await must(call('GET', '/version'))).toMatchObject({ major: '1', minor: '36' })
    for (const { path, object } of chart({ replicas: 1, image: 'web:1', size: 1 }))
      await must(call('POST', `${path}?dryRun=All&fieldManager=helm&fieldValidation=Strict`, object))
    expect((await call('GET', `${DEPLOYMENTS}/store`)).code).toBe(404)
    const wrong = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, date: {} }
    expect((await call('POST', `${CONFIG}?dryRun=All&fieldValidation=Strict`, wrong)).body).toMatchObject({
      code: 400,
      message: expect.stringContaining('strict decoding error: unknown field "date"'),
    })
  })

  it('is installed, and found again by its labels with all that is in it', async () => {
    expect(await history()).toEqual([])
    const release = await install()
    expect(await history()).toEqual(['1 deployed'])
    const { items } = await must(call('GET', query('name=store,owner=helm,status=deployed')))
    expect(items).toMatchObject([{ type: 'helm.sh/release.v1' }])
    expect(decoded(items[0])).toEqual({ ...release, status: 'deployed' })
    expect((await must(call('GET', query('owner=helm,status in (failed,superseded)')))).items).toEqual([])
    expect((await record(1, 'pending-install', {})).body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'secrets "sh.helm.release.v1.store.v1" already exists',
    })
  })

  it('is upgraded by merging three sides, fails where it must, and is rolled back', async () => {
    const first = await install()
    // What is there has been changed by others meanwhile: a sidecar, an annotation, and what was to become of replicas.
    const sidecar = { template: { spec: { containers: [{ name: 'proxy', image: 'proxy:1' }] } } }
    await must(call('PATCH', at(DEPLOYMENTS), { spec: sidecar }, STRATEGIC))
    await must(call('PATCH', at(WIDGETS), { metadata: { annotations: { seen: 'yes' } } }))

    const values = { replicas: 3, image: 'web:2', size: 5 }
    const second = { manifest: chart(values), values }
    await must(record(2, 'pending-upgrade', second))
    await must(call('PATCH', at(CONFIG), { data: { image: 'web:2' } }, STRATEGIC))
    const containers = (image: string) => ({
      '$setElementOrder/containers': [{ name: 'web' }],
      containers: [{ name: 'web', image }],
    })
    const change = { replicas: 3, template: { spec: containers('web:2') } }
    const { spec } = await must(call('PATCH', at(DEPLOYMENTS), { spec: change }, STRATEGIC))
    expect(spec.template.spec.containers).toMatchObject([
      { name: 'proxy', image: 'proxy:1' },
      { name: 'web', image: 'web:2' },
    ])
    const { labels, annotations } = owned('store')
    const widget = await must(call('PATCH', at(WIDGETS), { metadata: { labels, annotations }, spec: { size: 5 } }))
    expect(widget).toMatchObject({ metadata: { annotations: { seen: 'yes' } }, spec: { size: 5, color: 'red' } })
    await untilRolledOut()
    await rerecord(1, 'superseded', first)
    await rerecord(2, 'deployed', second)

    await must(record(3, 'pending-upgrade', {}))
    expect((await call('PATCH', at(WIDGETS), { spec: { size: 50 } })).body).toMatchObject({
      code: 422,
      message:
        'Widget.example.com "store" is invalid: spec.size: Invalid value: 50: spec.size in body should be less than or equal to 9',
    })
    await rerecord(3, 'failed', {})

    const target = decoded(await must(call('GET', `${SECRETS}/sh.helm.release.v1.store.v1`)))
    expect(target).toEqual({ ...first, status: 'superseded' })
    await must(record(4, 'pending-rollback', first))
    await must(call('PATCH', at(CONFIG), { data: { image: 'web:1' } }, STRATEGIC))
    const back = { replicas: 2, template: { spec: containers('web:1') } }
    await must(call('PATCH', at(DEPLOYMENTS), { spec: back }, STRATEGIC))
    await must(call('PATCH', at(WIDGETS), { spec: { size: 3 } }))
    await untilRolledOut()
    await rerecord(2, 'superseded', second)
    await rerecord(4, 'deployed', first)
    expect(await history()).toEqual(['1 superseded', '2 superseded', '3 failed', '4 deployed'])
    // The ReplicaSet of the first release is taken again.
    const sets = await must(call('GET', '/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dstore'))
    const wanted = sets.items.filter((set: Json) => set.spec.replicas > 0)
    expect(wanted).toMatchObject([{ status: { readyReplicas: 2 } }])
  })

  it('leaves nothing behind', async () => {
    await install()
    const background = { propagationPolicy: 'Background' }
    using watched = recordWatch(server.client, pods, { namespace: 'shop' })
    for (const { path } of chart({ replicas: 0, image: '', size: 0 }))
      await must(call('DELETE', `${path}/store`, background))
    await watched.until(({ events }) => events.filter(({ type }) => type === 'DELETED').length === 2)
    for (const { path } of chart({ replicas: 0, image: '', size: 0 }))
      expect((await call('GET', `${path}/store`)).code).toBe(404)
    await must(call('DELETE', `${SECRETS}/sh.helm.release.v1.store.v1`))
    expect(await history()).toEqual([])
  })

  it('must fit a Secret', async () => {
    const whole = secretOf(1, 'pending-install', {}, 'createdAt')
    const release = Buffer.alloc(1024 * 1024 + 1).toString('base64')
    expect((await call('POST', SECRETS, { ...whole, data: { release } })).body).toMatchObject({
      code: 422,
      message: 'Secret "sh.helm.release.v1.store.v1" is invalid: data: Too long: may not be more than 1048576 bytes',
    })
  })

  it('is applied on the server as well, and told whose field it would take', async () => {
    const apply = (values: Parameters<typeof chart>[0], force = false) =>
      Promise.all(
        chart(values).map(({ path, object }) =>
          call('PATCH', `${at(path)}&force=${force}&fieldValidation=Strict`, object, APPLY),
        ),
      )
    const codes = (answers: Answered[]) => answers.map(({ code }) => code)
    expect(codes(await apply({ replicas: 1, image: 'web:1', size: 3 }))).toEqual([201, 201, 201])
    expect(codes(await apply({ replicas: 1, image: 'web:2', size: 4 }))).toEqual([200, 200, 200])
    await must(call('PATCH', `${DEPLOYMENTS}/store?fieldManager=other`, { spec: { replicas: 5 } }))
    const answers = await apply({ replicas: 2, image: 'web:2', size: 4 })
    expect(codes(answers)).toEqual([200, 409, 200])
    expect(answers[1]!.body.message).toMatch(/^Apply failed with 1 conflict: conflict with "other"/)
    expect(codes(await apply({ replicas: 2, image: 'web:2', size: 4 }, true))).toEqual([200, 200, 200])
  })
})
