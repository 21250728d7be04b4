/** The verbs as every client meets them, in process; what HTTP adds is tested in `http/`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import { configMaps, deployments, jobs, leases, limitRanges, namespaces, nodes, pods, secrets } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { refusal } from '#testing/refusal.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const namespace = 'default'
const key = (name: string) => ({ namespace, name })
const configMap = (name: string, extra: object = {}) => ({ metadata: { namespace, name }, ...extra })
const pod = (name: string, spec: object = {}, metadata: object = {}) =>
  ({
    metadata: { namespace, name, ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }) as never
const deployment = (name: string, spec: object = {}) =>
  ({
    metadata: { namespace, name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      ...spec,
    },
  }) as never
const create = <T extends KubeObject>(resource: Resource<T>, draft: unknown, options: object = {}) =>
  server.client.create(resource, draft as never, options) as Promise<T & Record<string, any>>

describe('resourceVersion', () => {
  it('is one counter for all kinds, and only grows', async () => {
    const first = await create(configMaps, configMap('rv-a'))
    const second = await create(secrets, configMap('rv-b'))
    const third = await server.client.update(configMaps, { ...first, data: { k: 'v' } })
    const list = await server.client.list(nodes)
    const versions = [first, second, third, list].map((object) => Number(object.metadata.resourceVersion))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
    expect(new Set(versions.slice(0, 3)).size).toBe(3)
  })

  it('of an update must be the current one', async () => {
    const old = await create(configMaps, configMap('rv-stale'))
    await server.client.update(configMaps, { ...old, data: { k: '1' } })
    const err = await refusal(server.client.update(configMaps, { ...old, data: { k: '2' } }))
    expect(err).toMatchObject({
      reason: 'Conflict',
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "rv-stale": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'rv-stale', kind: 'configmaps' },
    })
  })

  it('may be left out of an update, unless the kind insists', async () => {
    const { metadata, ...rest } = await create(configMaps, configMap('rv-none'))
    const { resourceVersion: _gone, ...meta } = metadata
    const updated = await server.client.update(configMaps, { ...rest, metadata: meta, data: { k: 'v' } } as never)
    expect(updated.data).toEqual({ k: 'v' })
    const lease = await create(leases, configMap('rv-none'))
    const err = await refusal(
      server.client.update(leases, { ...lease, metadata: { ...lease.metadata, resourceVersion: '' } } as never),
    )
    expect(err.message).toBe(
      'leases.coordination.k8s.io "rv-none" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    )
  })

  it.each([
    ['merge', { metadata: { resourceVersion: null } }],
    ['merge', { metadata: { resourceVersion: '0' } }],
    ['strategic', { metadata: { resourceVersion: '' } }],
    ['json', [{ op: 'remove', path: '/metadata/resourceVersion' }]],
    ['apply', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { resourceVersion: null } }],
  ] as const)('may be left out of a patch, but not taken away where the kind insists: %s %j', async (type, patch) => {
    const name = `rv-taken-${++count}`
    await create(leases, configMap(name))
    const options = { type, ...(type === 'apply' && { fieldManager: 'me', force: true }) }
    const err = await refusal(server.client.patch(leases, key(name), patch as never, options))
    expect(err).toMatchObject({
      code: 422,
      message: `leases.coordination.k8s.io "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    })
    if (type === 'apply') return
    await create(configMaps, configMap(name))
    const patched = await server.client.patch(configMaps, key(name), patch as never, options)
    expect(patched.metadata.resourceVersion).toMatch(/^[1-9]/)
  })

  it('of what is deleted is that of the deletion', async () => {
    const made = await create(pods, pod('rv-deleted'))
    const tried = (await server.client.delete(pods, key('rv-deleted'), { dryRun: ['All'] })) as KubeObject
    expect(tried.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
    const gone = (await server.client.delete(pods, key('rv-deleted'))) as KubeObject
    expect(Number(gone.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion))
  })

  it('stays where nothing changes', async () => {
    const old = await create(configMaps, configMap('rv-same', { data: { k: 'v' } }))
    expect(await server.client.update(configMaps, structuredClone(old))).toEqual(old)
    expect(await server.client.patch(configMaps, old.metadata, { data: { k: 'v' } })).toEqual(old)
  })

  it('in a patch is a condition', async () => {
    const old = await create(configMaps, configMap('rv-patch'))
    const { resourceVersion } = old.metadata
    await server.client.patch(configMaps, key('rv-patch'), { metadata: { resourceVersion }, data: { k: '1' } })
    const err = await refusal(
      server.client.patch(configMaps, key('rv-patch'), { metadata: { resourceVersion }, data: { k: '2' } }),
    )
    expect(err.reason).toBe('Conflict')
  })

  it('in a patch is a condition even while an update of that version is under way', async () => {
    const old = await create(configMaps, configMap('rv-race'))
    const { resourceVersion } = old.metadata
    const update = server.client.update(configMaps, { ...old, data: { k: '1' } })
    const patch = server.client.patch(configMaps, key('rv-race'), { metadata: { resourceVersion }, data: { k: '2' } })
    expect((await update).data).toEqual({ k: '1' })
    expect((await refusal(patch)).reason).toBe('Conflict')
  })

  it('may not be set on what is created', async () => {
    const draft = { metadata: { ...key('rv-set'), resourceVersion: '7' } }
    expect((await refusal(create(configMaps, draft))).message).toContain('resourceVersion should not be set')
  })
})

describe('concurrent writers', () => {
  it.each(['memory', 'lmdb'] as const)('lose no patch of one object: %s', async (store) => {
    await using own = await startTestServer({ store })
    await own.client.create(configMaps, configMap('busy'))
    const patches = Array.from({ length: 100 }, (_, i) =>
      (i % 3 ? own.client : own.httpsClient).patch(
        configMaps,
        key('busy'),
        { data: { [`k${i}`]: 'v' } },
        i % 2 ? { type: 'merge' } : {},
      ),
    )
    const answers = await Promise.all(patches)
    const { data } = await own.client.get(configMaps, key('busy'))
    expect(Object.keys(data!)).toHaveLength(100)
    expect(new Set(answers.map(({ metadata }) => metadata.resourceVersion)).size).toBe(100)
    for (const [i, answer] of answers.entries()) expect(answer.data).toHaveProperty(`k${i}`)
  })

  it('of one version have one winner', async () => {
    const old = await create(configMaps, configMap('contested'))
    const updates = Array.from({ length: 20 }, (_, i) =>
      server.client.update(configMaps, { ...old, data: { winner: String(i) } }),
    )
    const outcomes = await Promise.allSettled(updates)
    const winners = outcomes.filter(({ status }) => status === 'fulfilled')
    expect(winners).toHaveLength(1)
    const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(losers.every((err) => isStatus(err, 'Conflict'))).toBe(true)
  })

  it('of one name have one creator', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => create(configMaps, configMap('only-one'))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(isStatus(outcome.reason, 'AlreadyExists')).toBe(true)
  })
})

describe('create', () => {
  it('fills in what the server knows', async () => {
    const draft = {
      metadata: { ...key('filled'), uid: 'mine', generation: 9, selfLink: '/x', deletionGracePeriodSeconds: 1 },
    }
    const { metadata } = await create(configMaps, draft)
    expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Object.keys(metadata).sort()).toEqual([
      'creationTimestamp',
      ...(metadata.managedFields ? ['managedFields'] : []),
      'name',
      'namespace',
      'resourceVersion',
      'uid',
    ])
  })

  it('makes a name from generateName', async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, () => create(configMaps, { metadata: { namespace, generateName: 'gen-' } })),
    )
    for (const { metadata } of made) expect(metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(new Set(made.map(({ metadata }) => metadata.name)).size).toBe(50)
    const long = await create(configMaps, { metadata: { namespace, generateName: 'x'.repeat(100) } })
    expect(long.metadata.name).toHaveLength(63)
  })

  it('refuses a taken name', async () => {
    await create(configMaps, configMap('taken'))
    expect(await refusal(create(configMaps, configMap('taken')))).toMatchObject({
      reason: 'AlreadyExists',
      code: 409,
      message: 'configmaps "taken" already exists',
      details: { name: 'taken', kind: 'configmaps' },
    })
  })

  it('says when the name is taken by something that is going', async () => {
    await create(configMaps, { metadata: { ...key('going'), finalizers: ['x/y'] } })
    await server.client.delete(configMaps, key('going'))
    expect((await refusal(create(configMaps, configMap('going')))).message).toBe(
      'object is being deleted: configmaps "going" already exists',
    )
  })

  it.each([
    ['', 'metadata.name: Required value: name or generateName is required'],
    ['Upper', 'a lowercase RFC 1123 subdomain must consist of'],
    ['a/b', 'a lowercase RFC 1123 subdomain must consist of'],
    ['a'.repeat(254), 'must be no more than 253 characters'],
    ['..', 'a lowercase RFC 1123 subdomain must consist of'],
  ])('refuses the name %j', async (name, message) => {
    const err = await refusal(create(configMaps, configMap(name)))
    expect(err).toMatchObject({ reason: 'Invalid', code: 422 })
    expect(err.message).toContain(`ConfigMap "${name}" is invalid: `)
    expect(err.message).toContain(message)
    expect(err.details!.causes![0]).toMatchObject({ field: 'metadata.name' })
  })

  it('refuses a namespace that is not there', async () => {
    const err = await refusal(create(configMaps, { metadata: { namespace: 'nowhere', name: 'a' } }))
    expect(err).toMatchObject({ reason: 'NotFound', message: 'namespaces "nowhere" not found' })
  })

  it('fills in defaults', async () => {
    const made = await create(deployments, deployment('defaulted'))
    expect(made.spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
    })
    expect(made.spec.template.spec).toMatchObject({ restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' })
  })

  it('drops a status that only the subresource may write', async () => {
    const made = await create(deployments, { ...(deployment('no-status') as object), status: { replicas: 5 } })
    expect(made.status).toEqual({})
  })
})

describe('update', () => {
  it('does not change what is not the client’s to change', async () => {
    const old = await create(configMaps, { metadata: { namespace, generateName: 'fixed-' } })
    const changed = await server.client.update(configMaps, {
      ...old,
      metadata: { ...old.metadata, creationTimestamp: '2000-01-01T00:00:00Z', generateName: 'x-', generation: 7 },
      data: { k: 'v' },
    })
    const { resourceVersion: _new, managedFields: _fields, ...rest } = changed.metadata
    const { resourceVersion: _old, managedFields: _before, ...before } = old.metadata
    expect(rest).toEqual(before)
  })

  it('refuses another UID', async () => {
    const old = await create(configMaps, configMap('uid'))
    const err = await refusal(server.client.update(configMaps, { ...old, metadata: { ...old.metadata, uid: 'other' } }))
    expect(err).toMatchObject({ reason: 'Conflict' })
    expect(err.message).toContain('UID in precondition: other')
  })

  it('of what is not there is NotFound, and creates where the kind allows', async () => {
    const err = await refusal(server.client.update(configMaps, configMap('absent') as never))
    expect(err).toMatchObject({ reason: 'NotFound', message: 'configmaps "absent" not found' })
    const made = await server.client.update(limitRanges, configMap('absent') as never)
    expect(made.metadata.uid).toBeTruthy()
  })

  it('counts changes of the spec only', async () => {
    const made = await create(deployments, deployment('counted'))
    expect(made.metadata.generation).toBe(1)
    const labelled = await server.client.patch(deployments, key('counted'), { metadata: { labels: { a: 'b' } } })
    expect(labelled.metadata.generation).toBe(1)
    const scaled = await server.client.patch(deployments, key('counted'), { spec: { replicas: 2 } })
    expect(scaled.metadata.generation).toBe(2)
    const stated = await server.client.updateStatus(deployments, {
      ...scaled,
      spec: { ...scaled.spec, replicas: 9 },
      status: { replicas: 1 },
    } as never)
    expect(stated.metadata.generation).toBe(2)
    expect(stated.spec.replicas, 'the status subresource writes no spec').toBe(2)
    expect((stated as Record<string, any>).status.replicas).toBe(1)
    const written = await server.client.update(deployments, { ...stated, status: { replicas: 7 } } as never)
    expect((written as Record<string, any>).status.replicas, 'nor the object its status').toBe(1)
  })
})

describe('patch', () => {
  it.each([
    ['strategic', { data: { b: '2', a: null } }],
    ['merge', { data: { b: '2', a: null } }],
    [
      'json',
      [
        { op: 'remove', path: '/data/a' },
        { op: 'add', path: '/data/b', value: '2' },
      ],
    ],
  ] as const)('of type %s', async (type, patch) => {
    await create(configMaps, configMap(`patched-${type}`, { data: { a: '1' } }))
    const patched = await server.client.patch(configMaps, key(`patched-${type}`), patch, { type })
    expect(patched.data).toEqual({ b: '2' })
  })

  it('that leads to a wrong type is invalid', async () => {
    await create(deployments, deployment('patch-wrong'))
    const err = await refusal(server.client.patch(deployments, key('patch-wrong'), { spec: { replicas: 'many' } }))
    expect(err).toMatchObject({ reason: 'Invalid', code: 422 })
    expect(err.message).toContain(' "" is invalid: patch: Invalid value: "map[spec:map[replicas:many]]": ')
  })

  it('may not rename', async () => {
    await create(configMaps, configMap('patch-name'))
    const err = await refusal(server.client.patch(configMaps, key('patch-name'), { metadata: { name: 'other' } }))
    expect(err).toMatchObject({ reason: 'BadRequest' })
    expect(err.message).toBe('the name of the object (other) does not match the name on the URL (patch-name)')
  })

  it('may not move to another namespace', async () => {
    await create(configMaps, configMap('patch-ns'))
    const err = await refusal(server.client.patch(configMaps, key('patch-ns'), { metadata: { namespace: 'other' } }))
    expect(err.message).toBe('the namespace of the provided object does not match the namespace sent on the request')
  })

  it('needs no resourceVersion, whatever the kind', async () => {
    await create(leases, configMap('patch-lease'))
    const patched = await server.client.patch(leases, key('patch-lease'), { spec: { holderIdentity: 'me' } })
    expect(patched.spec!.holderIdentity).toBe('me')
  })
})

describe('delete', () => {
  it('answers with a Status, or with the object where the kind is used to that', async () => {
    const made = await create(configMaps, configMap('deleted'))
    expect(await server.client.delete(configMaps, key('deleted'))).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'deleted', kind: 'configmaps', uid: made.metadata.uid },
    })
    await create(pods, pod('deleted'))
    expect(await server.client.delete(pods, key('deleted'))).toMatchObject({ kind: 'Pod' })
    expect((await refusal(server.client.get(configMaps, key('deleted')))).message).toBe(
      'configmaps "deleted" not found',
    )
  })

  it('waits for finalizers, and goes with the last of them', async () => {
    await create(configMaps, { metadata: { ...key('held'), finalizers: ['a/b', 'c/d'] } })
    const deleting = (await server.client.delete(configMaps, key('held'))) as KubeObject
    expect(deleting.metadata).toMatchObject({ finalizers: ['a/b', 'c/d'], deletionGracePeriodSeconds: 0 })
    const err = await refusal(
      server.client.patch(configMaps, key('held'), { metadata: { finalizers: ['a/b', 'e/f'] } }, { type: 'merge' }),
    )
    expect(err.message).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"e/f"}',
    )
    await server.client.patch(configMaps, key('held'), { metadata: { finalizers: ['a/b'] } }, { type: 'merge' })
    expect(await server.client.find(configMaps, key('held'))).toBeDefined()
    await server.client.patch(configMaps, key('held'), { metadata: { finalizers: null } })
    expect(await server.client.find(configMaps, key('held'))).toBeUndefined()
  })

  it('of a pod on a node is graceful, may be shortened, and ends with 0', async () => {
    await create(pods, pod('graceful', { nodeName: 'n', terminationGracePeriodSeconds: 50 }))
    const first = (await server.client.delete(pods, key('graceful'))) as KubeObject
    expect(first.metadata).toMatchObject({ deletionGracePeriodSeconds: 50, generation: 2 })
    const same = (await server.client.delete(pods, key('graceful'), { gracePeriodSeconds: 60 })) as KubeObject
    expect(same.metadata.deletionTimestamp).toBe(first.metadata.deletionTimestamp)
    const shorter = (await server.client.delete(pods, key('graceful'), { gracePeriodSeconds: 20 })) as KubeObject
    expect(shorter.metadata.deletionGracePeriodSeconds).toBe(20)
    expect(Date.parse(first.metadata.deletionTimestamp!) - Date.parse(shorter.metadata.deletionTimestamp!)).toBe(30_000)
    const last = (await server.client.delete(pods, key('graceful'), { gracePeriodSeconds: 0 })) as KubeObject
    expect(last.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, generation: 2 })
    expect(await server.client.find(pods, key('graceful'))).toBeUndefined()
  })

  it('of a pod that is nowhere, or is done, happens at once', async () => {
    await create(pods, pod('nowhere'))
    const gone = (await server.client.delete(pods, key('nowhere'))) as KubeObject
    const asIfGraceful = { deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0, generation: 2 }
    expect(gone.metadata).toMatchObject(asIfGraceful)
    expect(await server.client.find(pods, key('nowhere'))).toBeUndefined()
    const made = await create(pods, pod('done', { nodeName: 'n' }))
    await server.client.updateStatus(pods, { ...made, status: { ...made.status, phase: 'Succeeded' } } as never)
    await server.client.delete(pods, key('done'))
    expect(await server.client.find(pods, key('done'))).toBeUndefined()
  })

  it('obeys its preconditions', async () => {
    const { metadata } = await create(configMaps, configMap('conditional'))
    const { uid, resourceVersion } = metadata
    const asked = (preconditions: object) => server.client.delete(configMaps, key('conditional'), { preconditions })
    expect((await refusal(asked({ uid: 'other' }))).message).toContain('the UID in the precondition (other)')
    expect((await refusal(asked({ resourceVersion: '1' }))).reason).toBe('Conflict')
    await asked({ uid, resourceVersion })
    expect(await server.client.find(configMaps, key('conditional'))).toBeUndefined()
  })

  it('refuses options that contradict one another, or are none', async () => {
    await create(configMaps, configMap('contradiction'))
    const asked = (body: object) => refusal(server.client.delete(configMaps, key('contradiction'), body))
    expect((await asked({ orphanDependents: true, propagationPolicy: 'Orphan' })).message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    )
    expect((await asked({ propagationPolicy: 'Sideways' })).message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
    expect((await asked({ gracePeriodSeconds: 'soon' })).reason).toBe('BadRequest')
    expect((await asked({ dryRun: ['some'] })).reason).toBe('Invalid')
  })

  it('of a Job keeps its pods unless told otherwise', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
    await create(jobs, { metadata: key('job'), spec: { template } })
    const deleting = (await server.client.delete(jobs, key('job'))) as KubeObject
    expect(deleting.metadata.finalizers).toEqual(['orphan'])
    await server.client.delete(jobs, key('job'), { propagationPolicy: 'Background' })
    expect(await server.client.find(jobs, key('job'))).toBeUndefined()
  })
})

describe('deletecollection', () => {
  it('deletes what is selected, in one namespace', async () => {
    await server.createNamespace('crowd')
    const labels = (i: number) => ({ parity: i % 2 ? 'odd' : 'even' })
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        create(configMaps, { metadata: { namespace: 'crowd', name: `c${i}`, labels: labels(i) } }),
      ),
    )
    const answer = (await server.client.deleteCollection(configMaps, {
      namespace: 'crowd',
      labelSelector: 'parity=odd',
    })) as { items: unknown[] }
    expect(answer.items).toHaveLength(10)
    const left = await server.client.list(configMaps, { namespace: 'crowd' })
    expect(left.items.map(({ metadata }) => metadata.labels!.parity)).toEqual(Array(10).fill('even'))
  })

  it('needs a namespace where objects have one', async () => {
    expect((await refusal(server.client.deleteCollection(configMaps, {}))).reason).toBe('BadRequest')
  })
})

describe('a dry run', () => {
  it('of any verb leaves nothing behind', async () => {
    const kept = await create(pods, pod('dry', { nodeName: 'n' }))
    const dryRun = 'All' as const
    const before = server.store.revision
    const made = await create(configMaps, configMap('dry-new'), { dryRun })
    expect(made.metadata.uid).toBeTruthy()
    expect(made.metadata.resourceVersion).toBeUndefined()
    const labels = { a: 'b' }
    const updated = await server.client.update(pods, { ...kept, metadata: { ...kept.metadata, labels } }, { dryRun })
    expect(updated.metadata.labels).toEqual(labels)
    const patched = await server.client.patch(pods, key('dry'), { metadata: { labels } }, { dryRun })
    expect(patched.metadata.labels).toEqual(labels)
    const deleted = (await server.client.delete(pods, key('dry'), {}, { dryRun })) as KubeObject
    expect(deleted.metadata.deletionTimestamp).toBeTruthy()
    await server.client.delete(pods, key('dry'), { dryRun: ['All'], gracePeriodSeconds: 0 })
    await server.client.deleteCollection(pods, { namespace, dryRun })
    await server.client.createSubresource(
      pods as never,
      key('dry'),
      'eviction',
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: key('dry') },
      { dryRun },
    )
    expect(server.store.revision).toBe(before)
    expect(await server.client.get(pods, key('dry'))).toEqual(kept)
  })

  it('is refused for the same reasons', async () => {
    await create(configMaps, configMap('dry-taken'))
    const dryRun = 'All' as const
    expect((await refusal(create(configMaps, configMap('dry-taken'), { dryRun }))).reason).toBe('AlreadyExists')
    expect((await refusal(create(configMaps, configMap('NO'), { dryRun }))).reason).toBe('Invalid')
    expect((await refusal(server.client.delete(configMaps, key('dry-none'), {}, { dryRun }))).reason).toBe('NotFound')
  })
})

describe('namespaces', () => {
  it('that are going take nothing new, and stay until they are finalized', async () => {
    await server.createNamespace('leaving')
    const deleting = (await server.client.delete(namespaces, { name: 'leaving' })) as KubeObject & Record<string, any>
    expect(deleting.status.phase).toBe('Terminating')
    expect(deleting.metadata).not.toHaveProperty('deletionGracePeriodSeconds')
    expect(deleting.spec.finalizers).toEqual(['kubernetes'])
    const err = await refusal(create(configMaps, { metadata: { namespace: 'leaving', name: 'late' } }))
    expect(err).toMatchObject({
      reason: 'Forbidden',
      message:
        'configmaps "late" is forbidden: unable to create new content in namespace leaving because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] },
    })
    const again = (await server.client.delete(namespaces, { name: 'leaving' })) as KubeObject
    expect(again.metadata.deletionTimestamp).toBe(deleting.metadata.deletionTimestamp)
    await server.client.update(namespaces, { ...again, spec: { finalizers: [] } } as never, { subresource: 'finalize' })
    expect(await server.client.find(namespaces, { name: 'leaving' })).toBeUndefined()
  })

  it.each(['default', 'kube-system', 'kube-public'])('%s may not be deleted', async (name) => {
    const err = await refusal(server.client.delete(namespaces, { name }))
    expect(err.message).toBe(`namespaces "${name}" is forbidden: this namespace may not be deleted`)
  })

  it('keep their finalizers through updates of the object itself', async () => {
    await server.createNamespace('finalized')
    const old = await server.client.get(namespaces, { name: 'finalized' })
    const updated = await server.client.update(namespaces, { ...old, spec: { finalizers: [] } } as never)
    expect((updated as Record<string, any>).spec.finalizers).toEqual(['kubernetes'])
  })
})
