/** Custom resources over HTTPS: what is special about them beside what all objects can do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '#api/kind.ts'
import { ask, establish, redefine, specSchema, widgetDefinition, widgetsOf } from '#testing/custom-definition.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { recordWatch } from '#testing/watched.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server.close())

const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets'
const widget = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
})
const get = (path: string, headers: Record<string, string> = {}) => ask(server, 'GET', path, undefined, headers)
const create = (object: object | string, query = '') => ask(server, 'POST', WIDGETS + query, object)
const patch = (path: string, body: object, headers: Record<string, string> = {}) =>
  ask(server, 'PATCH', WIDGETS + path, body, headers)

const sized = specSchema({ size: { type: 'integer', maximum: 9 }, color: { type: 'string', default: 'red' } })

describe('fields that nobody knows', () => {
  beforeEach(() => establish(server, widgetDefinition([{ schema: sized }])))
  const text =
    '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","nick":"x"},"spec":{"size":1,"size":2,"weight":3}}'
  const problems = ['duplicate field "spec.size"', 'unknown field "metadata.nick"', 'unknown field "spec.weight"']

  it('are dropped with a warning', async () => {
    const { code, warnings, body } = await ask(server, 'POST', WIDGETS, text, { 'content-type': 'application/json' })
    expect([code, warnings, body.spec]).toEqual([201, problems, { size: 2, color: 'red' }])
  })

  it('are dropped without a word, or refused, where that is asked for', async () => {
    const headers = { 'content-type': 'application/json' }
    const ignored = await ask(server, 'POST', `${WIDGETS}?fieldValidation=Ignore&dryRun=All`, text, headers)
    expect([ignored.code, ignored.warnings]).toEqual([201, []])
    const strict = await ask(server, 'POST', `${WIDGETS}?fieldValidation=Strict`, text, headers)
    expect([strict.code, strict.body.message]).toEqual([
      400,
      `Widget in version "v1" cannot be handled as a Widget: strict decoding error: ${problems.join(', ')}`,
    ])
  })

  it('are refused in patches too', async () => {
    await create(widget('a'))
    const { code, body } = await patch('/a?fieldValidation=Strict', { spec: { weight: 1 } })
    expect([code, body.message]).toEqual([
      422,
      expect.stringContaining('strict decoding error: unknown field "spec.weight"'),
    ])
    expect((await patch('/a', { spec: { weight: 1 } })).warnings).toEqual(['unknown field "spec.weight"'])
  })
})

describe('requests', () => {
  beforeEach(() => establish(server, widgetDefinition([{ schema: sized }])))

  it('have to say what the object is', async () => {
    const { kind: _kind, ...nameless } = widget('a')
    expect((await create(nameless)).body.message).toMatch(
      /^the object provided is unrecognized \(must be of type Widget\): Object 'Kind' is missing in '/,
    )
    const { body } = await create({ ...widget('a'), apiVersion: 'example.com/v7' })
    const why = 'does not match the expected API version (example.com/v1)'
    expect([body.code, body.message]).toEqual([400, `the API version in the data (example.com/v7) ${why}`])
    const other = await create({ ...widget('a'), kind: 'Gadget' })
    const message = 'Gadget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget'
    expect([other.code, other.body.message]).toEqual([422, message])
  })

  it('say which object they have seen before they replace it', async () => {
    const { body } = await create(widget('a'))
    const update = (metadata: object) => ask(server, 'PUT', `${WIDGETS}/a`, { ...widget('a', { size: 2 }), metadata })
    expect((await update({ name: 'a' })).body.message).toMatch(
      /resourceVersion: Invalid value: .*must be specified for an update$/,
    )
    expect((await update({ name: 'a', resourceVersion: body.metadata.resourceVersion })).code).toBe(200)
  })

  it('may not take the version away that they have seen', async () => {
    await create(widget('a'))
    const { code, body } = await patch('/a', { metadata: { resourceVersion: null } })
    expect([code, body.message]).toEqual([
      422,
      'widgets.example.com "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ])
  })

  it('may patch in every way but one', async () => {
    await create(widget('a', { size: 1 }))
    const { code, body } = await patch('/a', { spec: {} }, { 'content-type': 'application/strategic-merge-patch+json' })
    const accepted = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    expect([code, body.message]).toEqual([
      415,
      `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    ])
    const operations = [{ op: 'replace', path: '/spec/size', value: 5 }]
    const patched = await patch('/a', operations, { 'content-type': 'application/json-patch+json' })
    expect(patched.body).toMatchObject({ spec: { size: 5, color: 'red' }, metadata: { generation: 2 } })
    expect((await patch('/a', { spec: { size: 50 } })).body.message).toBe(
      'Widget.example.com "a" is invalid: spec.size: Invalid value: 50: spec.size in body should be less than or equal to 9',
    )
  })

  it('get no protobuf', async () => {
    const protobuf = 'application/vnd.kubernetes.protobuf'
    expect((await server.fetch(WIDGETS, { headers: { accept: protobuf } })).status).toBe(406)
    expect((await get(WIDGETS, { accept: `${protobuf},application/json` })).body.kind).toBe('WidgetList')
  })
})

describe('the status', () => {
  beforeEach(() => establish(server, widgetDefinition([{ subresources: { status: {} } as never }])))

  it('is written by itself, and is no part of what generations count', async () => {
    const made = await create(widget('a', { size: 1 }, { status: { ready: true } }))
    expect(made.body.status).toBeUndefined()
    const written = await patch('/a/status', {
      metadata: { labels: { x: 'y' } },
      spec: { size: 2 },
      status: { ready: true },
    })
    expect(written.body).toMatchObject({ spec: { size: 1 }, status: { ready: true }, metadata: { generation: 1 } })
    expect(written.body.metadata.labels).toBeUndefined()
    const { body } = await patch('/a', { spec: { size: 3 }, status: { ready: false } })
    expect(body).toMatchObject({ spec: { size: 3 }, status: { ready: true }, metadata: { generation: 2 } })
    expect((await patch('/a', { metadata: { labels: { x: 'y' } } })).body.metadata.generation).toBe(2)
  })
})

it('without a status of its own, counts generations of everything but metadata', async () => {
  await establish(server, widgetDefinition())
  await create(widget('a', {}, { status: { ready: true } }))
  expect((await patch('/a', { status: { ready: false } })).body).toMatchObject({
    status: { ready: false },
    metadata: { generation: 2 },
  })
  expect((await ask(server, 'GET', `${WIDGETS}/a/status`)).code).toBe(404)
})

describe('the scale', () => {
  beforeEach(() =>
    establish(
      server,
      widgetDefinition([
        {
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.size',
              statusReplicasPath: '.status.size',
              labelSelectorPath: '.status.selector',
            },
          } as never,
        },
      ]),
    ),
  )

  it('is made of fields of the object', async () => {
    await create(widget('a', { size: 3 }))
    await patch('/a/status', { status: { size: 2, selector: 'app=a' } })
    const { body } = await get(`${WIDGETS}/a/scale`)
    expect(body).toMatchObject({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'a', namespace: 'default', uid: expect.any(String) },
      spec: { replicas: 3 },
      status: { replicas: 2, selector: 'app=a' },
    })
    expect((await patch('/a/scale', { spec: { replicas: 5 } })).body.spec).toEqual({ replicas: 5 })
    expect((await get(`${WIDGETS}/a`)).body).toMatchObject({ spec: { size: 5 }, metadata: { generation: 2 } })
    expect((await patch('/a/scale', { spec: { replicas: -1 } })).code).toBe(422)
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' } }
    expect((await ask(server, 'PUT', `${WIDGETS}/a/scale`, { ...scale, spec: { replicas: 1 } })).code).toBe(200)
  })

  it('may be written whatever version is there, but not version 0', async () => {
    await create(widget('a', { size: 3 }))
    const written = async (resourceVersion: unknown) =>
      (await patch('/a/scale', { metadata: { resourceVersion }, spec: { replicas: 4 } })).code
    expect([await written(null), await written(''), await written('0')]).toEqual([200, 200, 422])
  })

  it('has the owners of the field that it is made of', async () => {
    const created = await ask(server, 'POST', `${WIDGETS}?fieldManager=maker`, widget('a', { size: 3, color: 'red' }))
    expect(created.code).toBe(201)
    await patch('/a/scale?fieldManager=scaler', { spec: { replicas: 5 } })
    const { managedFields } = (await get(`${WIDGETS}/a`)).body.metadata
    const owned = managedFields.map(({ manager, subresource, fieldsV1 }: any) => [manager, subresource, fieldsV1])
    expect(owned).toEqual([
      ['scaler', 'scale', { 'f:spec': { 'f:size': {} } }],
      ['maker', undefined, { 'f:spec': { '.': {}, 'f:color': {} } }],
    ])
  })

  it('needs the number that is wanted', async () => {
    await create(widget('a'))
    const { code, body } = await get(`${WIDGETS}/a/scale`)
    expect([code, body.message]).toEqual([
      500,
      'Internal error occurred: the spec replicas field ".spec.size" does not exist',
    ])
    expect((await create(widget('b', { size: 'many' }))).body.message).toMatch(
      /\.spec\.size accessor error: many is of the type string, expected int64$/,
    )
    expect((await create(widget('b', { size: [{ b: null, a: ['x', 1] }] }))).body.details.causes).toContainEqual({
      reason: 'FieldValueInvalid',
      field: '.spec.size',
      message:
        'Invalid value: 0: .spec.size accessor error: [map[a:[x 1] b:<nil>]] is of the type []interface {}, expected int64',
    })
  })
})

describe('lists', () => {
  beforeEach(async () => {
    const columns = [
      { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
      { name: 'Colour', type: 'string', jsonPath: '.spec.color', priority: 1 },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ]
    await establish(
      server,
      widgetDefinition([
        {
          schema: sized,
          additionalPrinterColumns: columns,
          selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.size' }],
        } as never,
      ]),
    )
    await create(widget('a', { size: 1 }))
    await create(widget('b', { size: 2, color: 'blue' }))
  })
  const names = ({ body }: { body: any }) => body.items.map(({ metadata }: any) => metadata.name)

  it('are selected by the fields that the definition names', async () => {
    expect(names(await get(`${WIDGETS}?fieldSelector=spec.color%3Dblue`))).toEqual(['b'])
    expect(names(await get(`${WIDGETS}?fieldSelector=spec.size!%3D2,metadata.namespace%3Ddefault`))).toEqual(['a'])
    const { code, body } = await get(`${WIDGETS}?fieldSelector=spec.weight%3D2`)
    expect([code, body.message]).toEqual([400, 'field label not supported: spec.weight'])
    using watched = recordWatch(server.httpsClient, widgetsOf(), {
      namespace: 'default',
      fieldSelector: 'spec.color=blue',
    })
    await watched.until(({ events }) => events.length > 0)
    await patch('/a', { spec: { color: 'blue' } })
    await patch('/b', { spec: { color: 'red' } })
    await watched.until(({ events }) => events.length > 2)
    expect(watched.events.map(({ type, object }) => `${type} ${(object as KubeObject).metadata.name}`)).toEqual([
      'ADDED b',
      'ADDED a',
      'DELETED b',
    ])
  })

  it('are tables with the columns of the definition', async () => {
    const { body } = await get(WIDGETS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
    expect(body.columnDefinitions.map(({ name, priority }: any) => `${name} ${priority}`)).toEqual([
      'Name 0',
      'Size 0',
      'Colour 1',
      'Age 0',
    ])
    expect(body.rows.map(({ cells }: any) => cells.slice(0, 3))).toEqual([
      ['a', 1, 'red'],
      ['b', 2, 'blue'],
    ])
  })

  it('are metadata only where that is enough', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    const { body } = await get(WIDGETS, { accept })
    expect(body.kind).toBe('PartialObjectMetadataList')
    expect(names({ body })).toEqual(['a', 'b'])
    expect(body.items[0].spec).toBeUndefined()
  })
})

it('has its fields owned, and its lists merged as the schema says', async () => {
  const ports = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, port: { type: 'integer' } } },
  }
  await establish(server, widgetDefinition([{ schema: specSchema({ ports, color: { type: 'string' } }) }]))
  const apply = (manager: string, spec: object) =>
    patch(`/a?fieldManager=${manager}`, widget('a', spec), { 'content-type': 'application/apply-patch+yaml' })
  expect((await apply('one', { color: 'red', ports: [{ name: 'http', port: 80 }] })).code).toBe(201)
  const both = await apply('two', { ports: [{ name: 'https', port: 443 }] })
  expect(both.body.spec.ports.map(({ name }: { name: string }) => name)).toEqual(['http', 'https'])
  const { code, body } = await apply('two', { color: 'blue' })
  expect([code, body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "one": .spec.color'])
})

it('keeps what was wrong before, and what the rules of a schema say of the rest', async () => {
  await establish(server, widgetDefinition([{ schema: specSchema({ a: { type: 'string' }, b: { type: 'string' } }) }]))
  await create(widget('x', { a: 'bad', b: 'bad' }))
  await redefine(server, 'widgets.example.com', ({ versions: [version] }) => {
    const rules = [{ rule: "self == 'good'", message: 'must be good' }]
    const a = { type: 'string', enum: ['good'] }
    const b = { type: 'string', 'x-kubernetes-validations': rules }
    version!.schema!.openAPIV3Schema = specSchema({ a, b, c: { type: 'string' } }) as never
  })
  const kept = await patch('/x', { spec: { c: 'new' } })
  expect([kept.code, kept.warnings]).toEqual([200, ['spec.b: Invalid value: "bad": must be good']])
  const { body } = await patch('/x', { spec: { a: 'worse', b: 'worse' } })
  const fields = ({ details }: typeof body) => details.causes.map(({ field }: { field: string }) => field)
  expect(fields(body)).toEqual(['spec.a', '<nil>'])
  // Rules may ask for the name, so nothing without one is shown to them.
  expect(fields((await create(widget('', { b: 'bad' }))).body)).toEqual(['metadata.name', '<nil>'])
  expect((await patch('/x', { spec: { b: 'worse' } })).body.message).toBe(
    'Widget.example.com "x" is invalid: spec.b: Invalid value: "worse": must be good',
  )
})
