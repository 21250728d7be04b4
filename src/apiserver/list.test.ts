import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configMaps, namespaces, pods, secrets } from '#api/resources.ts'
import type { RequestOptions } from '#client/transport.ts'
import { isStatus } from '#machinery/status-error.ts'
import { refusal } from '#testing/refusal.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const listed = { configmaps: configMaps, pods, secrets }

/** A namespace with `size` config maps `c00`, `c01`, ... of which every third is labelled. */
async function shelf(size: number, on: TestServer = server) {
  const namespace = `l${++count}`
  await on.createNamespace(namespace)
  const nameOf = (i: number) => `c${String(i).padStart(2, '0')}`
  const put = (name: string, labels: Record<string, string> = {}) =>
    on.client.create(configMaps, { metadata: { namespace, name, labels } })
  await Promise.all(
    Array.from({ length: size }, (_, i) => put(nameOf(i), i % 3 === 0 ? { third: 'yes', n: String(i) } : {})),
  )
  const list = (options: RequestOptions = {}) => on.client.list(configMaps, { namespace, ...options })
  const names = async (options: RequestOptions = {}) => (await list(options)).items.map(({ metadata }) => metadata.name)
  return {
    namespace,
    put,
    list,
    names,
    nameOf,
    remove: (name: string) => on.client.delete(configMaps, { namespace, name }),
  }
}

describe('a list', () => {
  it('is in the order of names, of one namespace or all', async () => {
    const { names, namespace } = await shelf(5)
    expect(await names()).toEqual(['c00', 'c01', 'c02', 'c03', 'c04'])
    const all = await server.client.list(configMaps)
    expect(all.items.filter(({ metadata }) => metadata.namespace === namespace)).toHaveLength(5)
    expect(all.kind).toBe('ConfigMapList')
  })

  it.each([
    ['third', [0, 3, 6]],
    ['third=yes,n!=3', [0, 6]],
    ['n in (0, 6)', [0, 6]],
    ['!third', [1, 2, 4, 5, 7]],
    ['n>2', [3, 6]],
    ['', [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('selects by labels: %s', async (labelSelector, which) => {
    const { names, nameOf } = await shelf(8)
    expect(await names({ labelSelector })).toEqual(which.map(nameOf))
  })

  it.each([
    ['metadata.name=c01', ['c01']],
    ['metadata.name==c01', ['c01']],
    ['metadata.name!=c01', ['c00', 'c02']],
    ['metadata.name=c0', []],
    ['metadata.name=c01,metadata.name=c02', []],
  ])('selects by fields: %s', async (fieldSelector, expected) => {
    const { names } = await shelf(3)
    expect(await names({ fieldSelector })).toEqual(expected)
  })

  it('selects by the namespace as a field', async () => {
    const { namespace } = await shelf(2)
    const list = await server.client.list(configMaps, { fieldSelector: `metadata.namespace=${namespace}` })
    expect(list.items).toHaveLength(2)
  })

  it.each([
    ['configmaps', { labelSelector: 'a in b' }, 'unable to parse requirement'],
    [
      'configmaps',
      { fieldSelector: 'data.k=v' },
      '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['pods', { fieldSelector: 'spec.color=red' }, 'field label not supported: spec.color'],
    [
      'configmaps',
      { resourceVersion: 'x' },
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    ['configmaps', { resourceVersion: '18446744073709551616' }, 'value out of range'],
    [
      'configmaps',
      { continue: 'x' },
      'invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
    ],
  ] as const)('of %s with %j is refused', async (plural, options, message) => {
    const err = await refusal(server.client.list(listed[plural] as typeof configMaps, options))
    expect(err).toMatchObject({ reason: 'BadRequest', code: 400 })
    expect(err.message).toContain(message)
  })
})

describe('pages', () => {
  const collect = async (
    list: (options: RequestOptions) => Promise<any>,
    options: RequestOptions,
    between = async () => {},
  ) => {
    const pages: string[][] = []
    const versions = new Set<string>()
    let token: string | undefined
    do {
      const page = await list({ ...options, ...(token && { continue: token }) })
      pages.push(page.items.map(({ metadata }: any) => metadata.name))
      versions.add(page.metadata.resourceVersion)
      token = page.metadata.continue
      await between()
    } while (token)
    return { pages, versions }
  }

  it.each(['memory', 'lmdb'] as const)(
    'together are the list as it was at the first, while writes go on: %s',
    async (store) => {
      await using own = await startTestServer({ store })
      const { list, names, put, remove, nameOf } = await shelf(10, own)
      const before = await names()
      let i = 0
      const { pages, versions } = await collect(list, { limit: 3 }, async () => {
        await put(`b${i}`)
        await put(`z${i}`)
        await remove(nameOf(9 - i++))
      })
      expect(pages.map(({ length }) => length)).toEqual([3, 3, 3, 1])
      expect(pages.flat()).toEqual(before)
      expect(versions.size).toBe(1)
    },
  )

  it.each(['memory', 'lmdb'] as const)('do not mind what happens to other kinds: %s', async (store) => {
    await using own = await startTestServer({ store })
    const { list, names } = await shelf(7, own)
    const { pages, versions } = await collect(list, { limit: 2 }, async () => {
      await own.client.create(secrets, { metadata: { namespace: 'default', generateName: 'other-' } })
    })
    expect(pages.flat()).toEqual(await names())
    expect(versions.size).toBe(1)
  })

  it('count what remains, unless something is selected', async () => {
    const { list } = await shelf(10)
    const page = await list({ limit: 3 })
    expect(page.metadata.remainingItemCount).toBe(7)
    const last = await list({ limit: 9, continue: page.metadata.continue! })
    expect(last.metadata).toEqual({ resourceVersion: page.metadata.resourceVersion })
    expect((await list({ limit: 1, labelSelector: 'third' })).metadata.remainingItemCount).toBeUndefined()
  })

  it.each(['memory', 'lmdb'] as const)(
    'count what remained at their revision, when it is history: %s',
    async (store) => {
      await using own = await startTestServer({ store })
      const { list, put, remove } = await shelf(10, own)
      const first = await list({ limit: 3 })
      await put('a0')
      await remove('c09')
      const second = await list({ limit: 3, continue: first.metadata.continue! })
      expect(second.metadata).toMatchObject({ resourceVersion: first.metadata.resourceVersion, remainingItemCount: 4 })
      const last = await list({ limit: 4, continue: second.metadata.continue! })
      expect(last.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion })
      expect(last.items).toHaveLength(4)
    },
  )

  it('are not made for who takes any revision', async () => {
    const { list } = await shelf(4)
    const whole = await list({ limit: 1, resourceVersion: '0' })
    expect(whole.items).toHaveLength(4)
    expect(whole.metadata.continue).toBeUndefined()
    const first = await list({ limit: 1 })
    expect((await list({ limit: 1, resourceVersion: '0', continue: first.metadata.continue! })).items).toHaveLength(3)
  })

  it('of a selection are full, and none is empty', async () => {
    const { list } = await shelf(10)
    const { pages } = await collect(list, { limit: 2, labelSelector: 'third' })
    expect(pages).toEqual([
      ['c00', 'c03'],
      ['c06', 'c09'],
    ])
  })

  it('may change their size on the way, and a limit of nothing is none', async () => {
    const { list } = await shelf(6)
    const first = await list({ limit: 1 })
    const rest = await list({ limit: 0, continue: first.metadata.continue! })
    expect(rest.items).toHaveLength(5)
    expect((await list({ limit: -1 })).items).toHaveLength(6)
  })

  it('end with Expired once their revision is forgotten, and the client may go on inconsistently', async () => {
    await using own = await startTestServer()
    const { list, put, nameOf } = await shelf(4, own)
    const first = await list({ limit: 2 })
    await put(nameOf(2) + 'x')
    await own.store.compact(own.store.revision)
    const err = await refusal(list({ limit: 2, continue: first.metadata.continue! }))
    expect(err).toMatchObject({ reason: 'Expired', code: 410 })
    expect(err.message).toBe(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    )
    const rest = await list({ continue: err.toStatus().metadata.continue! })
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['c02', 'c02x', 'c03'])
    const other = await own.fetch(`/api/v1/configmaps?limit=2&continue=${first.metadata.continue}`)
    expect(other.status).toBe(410)
    expect(await other.json()).toMatchObject({ kind: 'Status', metadata: { continue: expect.any(String) } })
  })

  it('expire with their revision even where nothing of the resource has changed since', async () => {
    await using own = await startTestServer()
    const { list } = await shelf(4, own)
    const first = await list({ limit: 2 })
    const { metadata } = await own.client.create(namespaces, { metadata: { name: 'elsewhere' } })
    await own.store.compact(Number(metadata.resourceVersion))
    const err = await refusal(list({ limit: 2, continue: first.metadata.continue! }))
    expect(err).toMatchObject({ reason: 'Expired', code: 410 })
  })

  it.each([
    [{ rv: 5, start: 'x' }, 'does not recognize this encoded version'],
    [{ v: 'meta.k8s.io/v1', rv: 0, start: 'x' }, 'incorrect encoded start resourceVersion'],
    [{ v: 'meta.k8s.io/v1', rv: -7, start: 'x' }, 'incorrect encoded start resourceVersion'],
    [{ v: 'meta.k8s.io/v1', rv: 5 }, 'encoded start key empty'],
    [null, 'does not recognize'],
    ['text', 'does not recognize'],
    [{ v: 'meta.k8s.io/v1', rv: 5, start: '../secrets/x' }, 'continue key is not valid: ../secrets/x'],
    [{ v: 'meta.k8s.io/v1', rv: 5, start: '/a//b' }, 'continue key is not valid: /a//b'],
  ])('refuse the token %j', async (token, message) => {
    const text = Buffer.from(JSON.stringify(token)).toString('base64url')
    const err = await refusal(server.client.list(configMaps, { continue: text }))
    expect(err.reason).toBe('BadRequest')
    expect(err.message).toContain(message)
  })
})

describe('fields that may be selected', () => {
  it.each([
    ['/api/v1/pods', 'spec.host=x,status.podIPs=x,spec.hostNetwork=false,status.phase!=Running'],
    ['/api/v1/nodes', 'spec.unschedulable=false'],
    ['/api/v1/namespaces', 'status.phase=Active,metadata.name=default'],
    ['/api/v1/replicationcontrollers', 'status.replicas=0'],
    ['/api/v1/secrets', 'type=Opaque'],
    ['/api/v1/services', 'spec.type=ClusterIP,spec.clusterIP=None'],
    ['/api/v1/events', 'source=x,involvedObject.uid=x,reportingComponent=x'],
    ['/apis/events.k8s.io/v1/events', 'regarding.name=x,reportingController=x,reason=a\\,b,type=Normal'],
    ['/apis/batch/v1/jobs', 'status.successful=0'],
    ['/apis/resource.k8s.io/v1/resourceslices', 'spec.driver=x,spec.nodeName=x'],
    ['/apis/certificates.k8s.io/v1/certificatesigningrequests', 'spec.signerName=x'],
    ['/apis/rbac.authorization.k8s.io/v1/clusterroles', 'metadata.namespace=x'],
  ])('of %s: %s', async (path, selector) => {
    expect((await server.fetch(`${path}?fieldSelector=${encodeURIComponent(selector)}`)).status).toBe(200)
  })

  it.each([
    ['/api/v1/nodes', 'metadata.namespace', 'field label not supported: metadata.namespace'],
    ['/api/v1/namespaces', 'name', 'field label not supported: name'],
    [
      '/api/v1/persistentvolumes',
      'name',
      '"name" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [
      '/apis/apps/v1/replicasets',
      'status.replicas',
      '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['/apis/batch/v1/jobs', 'x', 'field label "x" not supported for Job'],
    [
      '/apis/resource.k8s.io/v1/resourceslices',
      'x',
      'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x',
    ],
    ['/apis/events.k8s.io/v1/events', 'source', 'field label not supported: source'],
    ['/apis/events.k8s.io/v1/events', 'involvedObject.name', 'field label not supported: involvedObject.name'],
    ['/api/v1/events', 'regarding.name', 'field label not supported: regarding.name'],
  ])('of %s, not: %s', async (path, field, message) => {
    const answer = await server.fetch(`${path}?fieldSelector=${encodeURIComponent(`${field}=x`)}`)
    expect(await answer.json()).toMatchObject({ code: 400, reason: 'BadRequest', message })
  })

  it('of a watch of one object, none that asks for another', async () => {
    const path = '/api/v1/watch/namespaces/default/configmaps/c?timeoutSeconds=1&fieldSelector='
    const answer = await server.fetch(`${path}metadata.name%3Da`)
    expect(await answer.json()).toMatchObject({
      code: 400,
      message: "fieldSelector metadata.name doesn't match requested name",
    })
    expect((await server.fetch(`${path}metadata.name%3Dc`)).status).toBe(200)
  })
})

it.each([
  ['/api/v1/endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  [
    '/api/v1/namespaces/default/endpoints/kubernetes',
    'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  ],
  [
    '/api/v1/endpoints?watch=1&timeoutSeconds=1',
    'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  ],
  ['/api/v1/componentstatuses', 'v1 ComponentStatus is deprecated in v1.19+'],
])('who uses %s is told to leave it', async (path, text) => {
  const answer = await server.fetch(path)
  expect(answer.headers.get('warning')).toBe(`299 - "${text}"`)
  await answer.body?.cancel()
})

describe('resourceVersion', () => {
  it('with Exact shows what was then', async () => {
    const { list, names, put, remove } = await shelf(3)
    const { resourceVersion } = (await list()).metadata
    await put('new')
    await remove('c00')
    const exact = { resourceVersion, resourceVersionMatch: 'Exact' } as const
    expect(await names(exact)).toEqual(['c00', 'c01', 'c02'])
    expect((await list(exact)).metadata.resourceVersion).toBe(resourceVersion)
    expect((await list({ resourceVersion, limit: 2 })).items.map(({ metadata }) => metadata.name)).toEqual([
      'c00',
      'c01',
    ])
    expect(await names({ resourceVersion, resourceVersionMatch: 'NotOlderThan' })).toEqual(['c01', 'c02', 'new'])
    expect(await names({ resourceVersion })).toEqual(['c01', 'c02', 'new'])
    expect(await names({ resourceVersion: '0' })).toEqual(['c01', 'c02', 'new'])
  })

  it('that is forgotten is Expired', async () => {
    await using own = await startTestServer()
    const { list, put } = await shelf(1, own)
    const { resourceVersion } = (await list()).metadata
    await put('x')
    await own.store.compact(own.store.revision)
    const err = await refusal(list({ resourceVersion, resourceVersionMatch: 'Exact' }))
    expect(err).toMatchObject({ reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' })
  })

  it('that has not happened is refused, for one object too', async () => {
    const { list, namespace } = await shelf(1)
    const resourceVersion = String(server.store.revision + 100)
    const get = server.client.get(configMaps, { namespace, name: 'c00' }, { resourceVersion })
    for (const promise of [list({ resourceVersion }), list({ resourceVersion, resourceVersionMatch: 'Exact' }), get]) {
      const err = await refusal(promise)
      expect(isStatus(err, 'Timeout')).toBe(true)
      expect(err.message).toBe(
        `Timeout: Too large resource version: ${resourceVersion}, current: ${server.store.revision}`,
      )
    }
  })

  it.each([
    [{ resourceVersionMatch: 'Exact' }, 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [{ resourceVersionMatch: 'Exact', resourceVersion: '0' }, 'resourceVersionMatch "exact" is forbidden for'],
    [{ resourceVersionMatch: 'Newest', resourceVersion: '1' }, 'Unsupported value: "Newest"'],
    [
      { resourceVersionMatch: 'NotOlderThan', resourceVersion: '1', continue: 'a' },
      'resourceVersionMatch is forbidden when continue is provided',
    ],
  ])('with %j is invalid', async (options, message) => {
    const err = await refusal(server.client.list(configMaps, options as never))
    expect(err.reason).toBe('Invalid')
    expect(err.message).toContain('ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: ')
    expect(err.message).toContain(message)
  })

  it('and continue exclude one another', async () => {
    const { list } = await shelf(2)
    const { metadata } = await list({ limit: 1 })
    const err = await refusal(list({ continue: metadata.continue!, resourceVersion: metadata.resourceVersion }))
    expect(err.message).toBe('specifying resource version is not allowed when using continue')
  })
})
