/**
 * The published JavaScript client and its informer, used as its documentation says: listed and watched, cut off, and come
 * back to a server that has forgotten what happened meanwhile. What is between them is a cable that the test pulls out.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  type Informer,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  type ObjectCache,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
} from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configMaps } from '#api/resources.ts'
import { establish, specSchema, widgetDefinition } from './custom-definition.ts'
import { startTestServer, type TestServer } from './test-server.ts'

/** TCP to a server that may be pulled out and plugged in again, elsewhere too. */
class Cable implements AsyncDisposable {
  #port: number | undefined
  readonly #ends = new Set<Socket>()
  readonly #server = createServer((near) => {
    if (this.#port === undefined) return void near.destroy()
    const far = connect(this.#port, '127.0.0.1')
    for (const [end, other] of [[near, far] as const, [far, near] as const]) {
      this.#ends.add(end)
      end.on('error', () => other.destroy())
      end.on('close', () => {
        this.#ends.delete(end)
        other.destroy()
      })
      end.pipe(other)
    }
  })

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  plugIn(port: number) {
    this.#port = port
  }

  pullOut() {
    this.#port = undefined
    for (const end of this.#ends) end.destroy()
  }

  async [Symbol.asyncDispose]() {
    this.pullOut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What an informer tells, in order, and a way to wait for it. */
class Told {
  readonly all: string[] = []
  #wake = () => {}

  constructor(informer: Informer<V1ConfigMap>) {
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, ({ metadata, data }) => this.#tell(`${verb} ${metadata!.name} ${data?.k ?? ''}`.trim()))
    informer.on('error', () => this.#tell('error'))
  }

  #tell(what: string) {
    this.all.push(what)
    this.#wake()
  }

  /** Resolves with what was told since the last call, once `last` was. */
  async upTo(last: string): Promise<string[]> {
    while (!this.all.includes(last)) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.all.splice(0, this.all.indexOf(last) + 1)
  }
}

describe('the JavaScript client', () => {
  let server: TestServer
  let cable: Cable
  let config: KubeConfig
  let core: CoreV1Api
  beforeEach(async () => {
    server = await startTestServer()
    cable = new Cable()
    const port = await cable.open()
    cable.plugIn(server.port)
    config = new KubeConfig()
    config.loadFromString(server.kubeconfig.replace(server.url, `https://127.0.0.1:${port}`))
    core = config.makeApiClient(CoreV1Api)
  })
  afterEach(async () => {
    await cable[Symbol.asyncDispose]()
    await server.close()
  })

  const map = (name: string, k: string) => ({ metadata: { namespace: 'default', name }, data: { k } })
  const create = (name: string, k: string) =>
    core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name }, data: { k } } })

  describe("'s informer", () => {
    let informer: Informer<V1ConfigMap> & ObjectCache<V1ConfigMap>
    let told: Told
    let lists: number
    beforeEach(async () => {
      await create('a', '1')
      lists = 0
      informer = makeInformer<V1ConfigMap>(config, '/api/v1/namespaces/default/configmaps', () => {
        lists++
        return core.listNamespacedConfigMap({ namespace: 'default' })
      })
      told = new Told(informer)
      await informer.start()
      expect(await told.upTo('add a 1')).toEqual(['add a 1'])
    })
    afterEach(() => informer.stop())

    const cached = () =>
      informer
        .list()
        .map(({ metadata, data }) => `${metadata!.name} ${data!.k}`)
        .toSorted()

    it('sees what is created, changed and deleted', async () => {
      const made = await create('b', '1')
      expect(await told.upTo('add b 1')).toEqual(['add b 1'])
      await core.replaceNamespacedConfigMap({ namespace: 'default', name: 'b', body: { ...made, data: { k: '2' } } })
      expect(await told.upTo('update b 2')).toEqual(['update b 2'])
      expect(cached()).toEqual(['a 1', 'b 2'])
      await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'b' })
      expect(await told.upTo('delete b 2')).toEqual(['delete b 2'])
      expect(cached()).toEqual(['a 1'])
      expect(lists).toBe(1)
    })

    it('goes on after a cut where it was, without a second list', async () => {
      cable.pullOut()
      await told.upTo('error')
      await server.client.create(configMaps, map('b', '1'))
      await server.client.delete(configMaps, { namespace: 'default', name: 'a' })
      cable.plugIn(server.port)
      await informer.start()
      expect(await told.upTo('delete a 1')).toEqual(['add b 1', 'delete a 1'])
      expect(cached()).toEqual(['b 1'])
      expect(lists).toBe(1)
    })

    it('lists anew when the server has forgotten where it was', async () => {
      cable.pullOut()
      await told.upTo('error')
      await server.client.create(configMaps, map('b', '1'))
      await server.client.delete(configMaps, { namespace: 'default', name: 'a' })
      await server.store.compact(server.store.revision)
      // What happened since a server's start it would still know.
      await server.apiServer.close()
      await using restarted = await startTestServer({ store: server.store, pki: server.pki })
      cable.plugIn(restarted.port)
      await informer.start()
      // The deletion came out of comparing the lists; the 410 itself is none of the program's business.
      expect(await told.upTo('add b 1')).toEqual(['delete a 1', 'add b 1'])
      expect(cached()).toEqual(['b 1'])
      expect(lists).toBe(2)
      await restarted.client.patch(configMaps, map('b', '').metadata, { data: { k: '2' } })
      expect(await told.upTo('update b 2')).toEqual(['update b 2'])
    })
  })

  it('is told of errors as statuses', async () => {
    const absent = core.readNamespacedConfigMap({ namespace: 'default', name: 'absent' })
    const error = await absent.then(
      () => undefined,
      (err: unknown) => err,
    )
    expect(error).toBeInstanceOf(ApiException)
    const { code, body } = error as ApiException<string>
    expect(code).toBe(404)
    expect(JSON.parse(body)).toMatchObject({ reason: 'NotFound', message: 'configmaps "absent" not found' })
  })

  it('patches in every way', async () => {
    await create('p', '1')
    const patch = (body: object, strategy: string) =>
      core.patchNamespacedConfigMap(
        { namespace: 'default', name: 'p', body, fieldManager: 'js' },
        setHeaderOptions('Content-Type', strategy),
      )
    const { data } = await patch([{ op: 'replace', path: '/data/k', value: '2' }], PatchStrategy.JsonPatch)
    expect(data).toEqual({ k: '2' })
    expect((await patch({ data: { l: '3' } }, PatchStrategy.MergePatch)).data).toEqual({ k: '2', l: '3' })
    expect((await patch({ data: { l: null } }, PatchStrategy.StrategicMergePatch)).data).toEqual({ k: '2' })
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'p' }, data: { m: '4' } }
    expect((await patch(applied, PatchStrategy.ServerSideApply)).data).toEqual({ k: '2', m: '4' })
  })

  it('works with kinds that it learns from discovery, and with custom objects', async () => {
    await establish(server, widgetDefinition([{ schema: specSchema({ size: { type: 'integer', maximum: 9 } }) }]))
    const objects = KubernetesObjectApi.makeApiClient(config)
    const named = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' } }
    const widget = { ...named, spec: { size: 3 } }
    expect(await objects.create(widget)).toMatchObject(widget)
    const custom = config.makeApiClient(CustomObjectsApi)
    const place = { group: 'example.com', version: 'v1', namespace: 'default', plural: 'widgets' }
    expect(await custom.listNamespacedCustomObject(place)).toMatchObject({ kind: 'WidgetList', items: [widget] })
    const change = { ...named, spec: { size: 4 } } as typeof widget
    // What it does unless told otherwise, which custom resources cannot.
    await expect(objects.patch(change)).rejects.toMatchObject({ code: 415 })
    const merge = [undefined, undefined, undefined, undefined, PatchStrategy.MergePatch] as const
    expect(await objects.patch(change, ...merge)).toMatchObject({ spec: { size: 4 } })
    await expect(objects.create({ ...widget, metadata: { name: 'x' }, spec: { size: 10 } })).rejects.toMatchObject({
      code: 422,
    })
    await objects.delete(named)
    await expect(objects.read(named)).rejects.toMatchObject({ code: 404 })
  })
})
