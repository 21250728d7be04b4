/**
 * Objects of a custom kind beside objects of a built-in one, 10,000 of each: the same requests in turn, so that what is
 * measured is their ratio. The custom kind has a schema with defaults, lists and a rule. Objects of both have as many
 * bytes when they are read.
 */
import { benchNamespace, inParallel, until } from './kube-api.mjs'
import { cpuSeconds } from './processes.mjs'
import { luaText, wrk } from './wrk.mjs'

const OBJECTS = 10_000
const GROUP = 'bench.example.com'
const NOTE = 'x'.repeat(1600)

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 1_000_000 },
        color: { type: 'string', enum: ['red', 'green'], default: 'green' },
        tags: {
          type: 'array',
          maxItems: 16,
          items: { type: 'string', maxLength: 64 },
          'x-kubernetes-list-type': 'set',
        },
        parts: {
          type: 'array',
          maxItems: 16,
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string', maxLength: 64 }, count: { type: 'integer', default: 1 } },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      },
      'x-kubernetes-validations': [{ rule: 'self.size > 0 || !has(self.parts)', message: 'parts need a size' }],
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gadgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
    ],
  },
}

const objectOf = (name, rest, note = NOTE) => ({
  metadata: { name, labels: { tier: 'front' }, annotations: { note } },
  ...rest,
})
const gadget = (name) =>
  objectOf(name, {
    apiVersion: `${GROUP}/v1`,
    kind: 'Gadget',
    spec: { size: 3, tags: ['a', 'b'], parts: Array.from({ length: 6 }, (_, i) => ({ name: `part-${i}`, count: i })) },
  })
const configMap = (name, note) =>
  objectOf(
    name,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`part-${i}`, `count: ${i}`])),
    },
    note,
  )

/** By id: how many times as many requests a second the custom kind takes as the built-in one; and details. */
export async function measureCustom(api, wants, { seconds: duration, say, pid }) {
  const { name: namespace, remove } = await benchNamespace(api)
  const values = {}
  const details = {}
  const kinds = {
    custom: { path: `/apis/${GROUP}/v1/namespaces/${namespace}/gadgets`, objectOf: gadget },
    builtIn: { path: `/api/v1/namespaces/${namespace}/configmaps`, objectOf: configMap },
  }
  try {
    await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    await until('the custom kind', () => api.call('GET', kinds.custom.path))
    const [custom, builtIn] = await Promise.all(Object.values(kinds).map((kind) => sizeOfOne(api, kind)))
    kinds.builtIn.objectOf = (name) => configMap(name, NOTE + 'x'.repeat(custom - builtIn))
    for (const kind of Object.values(kinds))
      await inParallel(OBJECTS, (i) => api.call('POST', kind.path, kind.objectOf(`f-${i}`)))
    for (const [id, requestOf] of Object.entries(requests)) {
      if (!wants(id)) continue
      details[id] = {}
      for (const [name, kind] of Object.entries(kinds)) {
        const cpuBefore = pid && cpuSeconds(pid)
        const result = await wrk(api, { ...requestOf(kind), duration })
        details[id][name] = {
          ...result,
          ...(pid && { cpuUs: ((cpuSeconds(pid) - cpuBefore) / result.requests) * 1e6 }),
        }
      }
      const { custom, builtIn } = details[id]
      values[id] = custom.perSecond / builtIn.perSecond
      say(id, values[id])
    }
  } finally {
    await remove()
    await api.call('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`)
  }
  return { values, details }
}

/** Characters of an object as it is read. */
async function sizeOfOne(api, { path, objectOf }) {
  const size = JSON.stringify(await api.call('POST', path, objectOf('probe'))).length
  await api.call('DELETE', `${path}/probe`)
  return size
}

const requests = {
  'custom-get': ({ path }) => ({
    lua: `request("GET", "${path}/f-"..((n*7919+id*31)%${OBJECTS}).."", "application/json")`,
  }),
  'custom-list': ({ path }) => ({ lua: `request("GET", "${path}?limit=500", "application/json")`, connections: 4 }),
  'custom-patch': ({ path }) => ({
    lua: `request("PATCH", "${path}/f-"..((n*2+id)%${OBJECTS}), "application/merge-patch+json", '{"metadata":{"labels":{"v":"'..id..'-'..n..'"}}}')`,
  }),
  'custom-create': ({ path, objectOf }) => ({
    lua: `request("POST", "${path}", "application/json", ${luaText(JSON.stringify(objectOf('NAME'))).replace('NAME', `"..("p-"..id.."-"..n).."`)})`,
  }),
}
