import { type ClientHttp2Session, connect } from 'node:http2'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let session: ClientHttp2Session
beforeAll(async () => {
  server = await startTestServer()
  session = connect(server.url, { ca: server.pki.authority.cert, ...server.pki.admin })
})
afterAll(async () => {
  session.destroy()
  await server.close()
})

const send = (method: string, path: string) =>
  new Promise<number>((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path })
    stream.on('response', ({ ':status': code }) => resolve(code!))
    stream.on('error', reject)
    stream.resume().end()
  })

it('counts requests under names that there are, whatever clients say', async () => {
  expect(await send('INVENTED', '/version')).toBe(405)
  expect(await send('constructor', '/version')).toBe(405)
  expect(await send('constructor', '/api/v1/namespaces/default/pods/a/status')).toBe(405)
  expect(await send('POST', '/api/v1/namespaces/default/pods/a/invented')).toBe(404)
  const metrics = await (await server.fetch('/metrics')).text()
  expect(metrics.toLowerCase()).not.toContain('invented')
  expect(metrics).toContain('apiserver_request_total{verb="other",resource="",subresource="",code="405"} 2')
  expect(metrics).toContain('apiserver_request_total{verb="POST",resource="pods",subresource="",code="404"} 1')
})

it('tells of health checks what they said last, and how often', async () => {
  const name = 'poststarthook/rbac/bootstrap-roles'
  expect(await (await server.fetch('/metrics/slis')).text()).toMatch(/^process_start_time_seconds \d+/m)
  for (const path of ['/readyz', `/readyz/${name}`, '/livez']) expect((await server.fetch(path)).status).toBe(200)
  const text = await (await server.fetch('/metrics/slis')).text()
  expect(text).toContain(`kubernetes_healthcheck{name="${name}",type="readyz"} 1`)
  expect(text).toContain(`kubernetes_healthchecks_total{name="${name}",type="readyz",status="success"} 2`)
  expect(text).toContain('kubernetes_healthchecks_total{name="etcd",type="livez",status="success"} 1')
})
