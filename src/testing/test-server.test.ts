import { describe, expect, it } from 'vitest'
import { configMaps, pods } from '#api/resources.ts'
import { startTestServer } from './test-server.ts'

describe('the test server', () => {
  it('serves one object in process, over HTTPS and to plain requests alike', async () => {
    await using server = await startTestServer()
    const created = await server.client.create(configMaps, {
      metadata: { namespace: 'default', name: 'a' },
      data: { k: 'v' },
    })
    expect(await server.httpsClient.get(configMaps, created.metadata)).toEqual(created)
    const answer = await server.fetch('/api/v1/namespaces/default/configmaps/a')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual(created)
  })

  it('tells who asks by certificate', async () => {
    await using server = await startTestServer()
    expect((await server.fetch('/api', { as: 'nobody' })).status).toBe(403)
    expect((await server.fetch('/metrics', { as: server.issueClient('eve') })).status).toBe(403)
    expect((await server.fetch('/api')).status).toBe(200)
  })

  it('takes pods at once, in new namespaces too', async () => {
    await using server = await startTestServer()
    await server.createNamespace('other')
    for (const namespace of ['default', 'other']) {
      const pod = await server.client.create(pods, {
        metadata: { namespace, name: 'p' },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      } as never)
      expect(pod.spec.serviceAccountName).toBe('default')
    }
  })

  it('leaves nothing of an lmdb store behind', async () => {
    const server = await startTestServer({ store: 'lmdb' })
    await server.client.create(configMaps, { metadata: { namespace: 'default', name: 'a' } })
    await server.close()
    await server.close()
    await expect(server.client.create(configMaps, { metadata: { namespace: 'default', name: 'b' } })).rejects.toThrow()
  })
})
