import { expect, it } from 'vitest'
import { customResourceDefinitions } from '#api/resources.ts'
import { startTestServer } from '#testing/test-server.ts'

it('tells watchers of every version what was deleted, in their version', async () => {
  await using server = await startTestServer()
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await server.client.create(customResourceDefinitions, {
    metadata: { name: 'boxes.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'boxes', singular: 'box', kind: 'Box', listKind: 'BoxList' },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v1beta1', served: true, storage: false, schema },
      ],
    },
  } as never)
  const path = (version: string) => `/apis/example.com/${version}/namespaces/default/boxes`
  const box = { apiVersion: 'example.com/v1', kind: 'Box', metadata: { name: 'a' } }
  const created = await server.fetch(path('v1'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(box),
  })
  const { metadata } = (await created.json()) as { metadata: { resourceVersion: string } }
  await server.fetch(`${path('v1')}/a`, { method: 'DELETE' })
  for (const version of ['v1', 'v1beta1']) {
    const query = `watch=1&timeoutSeconds=1&resourceVersion=${metadata.resourceVersion}`
    const text = await (await server.fetch(`${path(version)}?${query}`)).text()
    expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({
      type: 'DELETED',
      object: { apiVersion: `example.com/${version}`, kind: 'Box', metadata: { name: 'a' } },
    })
  }
})
