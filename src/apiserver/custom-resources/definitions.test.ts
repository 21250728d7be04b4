/** CustomResourceDefinitions as they come, change and go, over HTTPS. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import { customResourceDefinitions } from '#api/resources.ts'
import {
  ask,
  establish,
  redefine,
  specSchema,
  untilDefinition,
  untilGone,
  widgetDefinition,
  widgetsOf,
} from '#testing/custom-definition.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server.close())

const NAME = 'widgets.example.com'
const DEFINITION = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${NAME}`
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets'
const widget = (name: string, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  ...more,
})
const conditionsOf = ({ status }: CustomResourceDefinition) =>
  Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]))

const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }

describe('a new definition', () => {
  it('is served and found by discovery as soon as it says that it is established', async () => {
    expect((await ask(server, 'GET', WIDGETS)).code).toBe(404)
    await establish(server, widgetDefinition([{ subresources: { status: {} } as never }]))
    expect((await ask(server, 'POST', WIDGETS, widget('a'))).code).toBe(201)
    const { body: group } = await ask(server, 'GET', '/apis/example.com/v1')
    expect(group.resources).toMatchObject([
      {
        name: 'widgets',
        singularName: 'widget',
        kind: 'Widget',
        namespaced: true,
        storageVersionHash: expect.any(String),
      },
      { name: 'widgets/status', kind: 'Widget' },
    ])
    const { body: all } = await ask(server, 'GET', '/apis', undefined, aggregated)
    const found = all.items.find(({ metadata }: any) => metadata.name === 'example.com')
    expect(found.versions[0].resources[0]).toMatchObject({
      resource: 'widgets',
      subresources: [{ subresource: 'status' }],
    })
    const { body: groups } = await ask(server, 'GET', '/apis')
    expect(groups.groups.map(({ name }: { name: string }) => name)).toContain('example.com')
  })

  it('says which names it has and that they are accepted', async () => {
    const names = { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all'] }
    await establish(server, widgetDefinition([{}], { names }))
    const { status } = await server.client.get(customResourceDefinitions, { name: NAME })
    expect(status).toMatchObject({
      acceptedNames: { ...names, singular: 'widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
    })
    expect(status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
    ])
  })

  it('that wants the names of another one waits until they are free', async () => {
    await establish(server, widgetDefinition())
    const second = widgetDefinition([{}], { names: { plural: 'gadgets', kind: 'Widget', shortNames: ['widgets'] } })
    await server.client.create(customResourceDefinitions, second as never)
    const refused = await untilDefinition(server, 'gadgets.example.com', ({ status }) =>
      Boolean(status.conditions?.length),
    )
    expect(conditionsOf(refused)).toEqual({ NamesAccepted: 'False ListKindConflict', Established: 'False NotAccepted' })
    expect((await ask(server, 'GET', '/apis/example.com/v1/gadgets')).code).toBe(404)
    await server.client.delete(customResourceDefinitions, { name: NAME })
    await untilDefinition(
      server,
      'gadgets.example.com',
      (one) => conditionsOf(one).Established?.startsWith('True') ?? false,
    )
    expect((await ask(server, 'GET', '/apis/example.com/v1/gadgets')).code).toBe(200)
  })

  it('in a group of the community tells of its approval', async () => {
    const definition = widgetDefinition([{}], { group: 'acme.k8s.io' })
    definition.metadata.annotations = { 'api-approved.kubernetes.io': 'unapproved, for a test' }
    await establish(server, definition)
    const found = await untilDefinition(
      server,
      'widgets.acme.k8s.io',
      (one) => conditionsOf(one).Established !== undefined,
    )
    expect(conditionsOf(found)).toMatchObject({
      KubernetesAPIApprovalPolicyConformant: 'False UnapprovedAnnotation',
      Established: 'True InitialNamesAccepted',
    })
  })
})

describe('a changed definition', () => {
  it('is served as it is now', async () => {
    await establish(server, widgetDefinition([{ schema: specSchema({ size: { type: 'integer' } }) }]))
    const create = (spec: object) => ask(server, 'POST', `${WIDGETS}?dryRun=All`, widget('a', { spec }))
    expect((await create({ size: 1, color: 'red' })).body.spec).toEqual({ size: 1 })
    await redefine(server, NAME, ({ versions: [version] }) => {
      version!.schema!.openAPIV3Schema = specSchema({ size: { type: 'string' }, color: { type: 'string' } }) as never
    })
    expect((await create({ size: '1', color: 'red' })).body.spec).toEqual({ size: '1', color: 'red' })
    expect((await create({ size: 1 })).code).toBe(422)
  })

  it('ends the watches of what it does not serve any more', async () => {
    await establish(server, widgetDefinition([{}, { name: 'v2' }]))
    using watched = recordWatch(server.httpsClient, widgetsOf('v2'), { namespace: 'default' })
    await ask(server, 'POST', WIDGETS, widget('a'))
    await watched.until(({ events }) => events.some(({ type }) => type === 'ADDED'))
    await redefine(server, NAME, ({ versions }) => {
      versions[1]!.served = false
    })
    await watched.ended()
    expect((await ask(server, 'GET', WIDGETS.replace('v1', 'v2'))).code).toBe(404)
    expect((await ask(server, 'GET', WIDGETS)).body.items).toHaveLength(1)
  })

  it('warns of a version that is deprecated', async () => {
    await establish(
      server,
      widgetDefinition([
        { deprecated: true },
        { name: 'v2' },
        { name: 'v1beta1', deprecated: true, deprecationWarning: 'no!' },
      ]),
    )
    const warnings = async (version: string) => (await ask(server, 'GET', WIDGETS.replace('v1', version))).warnings
    expect(await warnings('v1')).toEqual(['example.com/v1 Widget is deprecated; use example.com/v2 Widget'])
    expect(await warnings('v2')).toEqual([])
    expect(await warnings('v1beta1')).toEqual(['no!'])
  })
})

describe('a deleted definition', () => {
  it('takes its objects with it, and ends their watches', async () => {
    await establish(server, widgetDefinition())
    await ask(server, 'POST', WIDGETS, widget('a'))
    using watched = recordWatch(server.httpsClient, widgetsOf(), { namespace: 'default' })
    await watched.until(({ events }) => events.length > 0)
    const { body } = await ask(server, 'DELETE', DEFINITION)
    expect(body.metadata).toMatchObject({
      deletionTimestamp: expect.any(String),
      finalizers: ['customresourcecleanup.apiextensions.k8s.io'],
    })
    expect(body.status.conditions.at(-1)).toMatchObject({ type: 'Terminating', status: 'True' })
    await untilGone(server, NAME)
    await watched.ended()
    expect(watched.events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED'])
    expect((await ask(server, 'GET', WIDGETS)).code).toBe(404)
    // What comes after it begins without objects.
    await establish(server, widgetDefinition())
    expect((await ask(server, 'GET', WIDGETS)).body.items).toEqual([])
  })

  it('waits for objects that others still need, and takes no new ones', async () => {
    await establish(server, widgetDefinition())
    await ask(server, 'POST', WIDGETS, widget('held', { metadata: { name: 'held', finalizers: ['example.com/hold'] } }))
    await ask(server, 'DELETE', DEFINITION)
    await untilDefinition(server, NAME, (one) => conditionsOf(one).Terminating === 'True InstanceDeletionInProgress')
    const { code, body } = await ask(server, 'POST', WIDGETS, widget('new'))
    expect([code, body.message]).toEqual([
      403,
      'widgets.example.com "new" is forbidden: create not allowed while custom resource definition is terminating',
    ])
    const { body: discovered } = await ask(server, 'GET', '/apis/example.com/v1')
    expect(discovered.resources[0].verbs).toEqual(['delete', 'deletecollection', 'get', 'list', 'watch'])
    expect((await ask(server, 'PATCH', `${WIDGETS}/held`, { metadata: { finalizers: null } })).code).toBe(200)
    await untilGone(server, NAME)
  })
})
