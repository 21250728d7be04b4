/** What tests of webhooks share: a server that answers reviews over HTTPS, and an API server in this process that asks it. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  mutatingWebhookConfigurations,
  namespaces,
  serviceAccounts,
  validatingWebhookConfigurations,
} from '#api/resources.ts'
import { StatusError } from '#machinery/status-error.ts'
import { type HttpsTestServer, startHttpsServer } from './https-server.ts'
import { type InProcessApi, startInProcessApi } from './in-process-api.ts'

export type Any = KubeObject & Record<string, ReturnType<typeof JSON.parse>>
export type Review = { apiVersion: string; request: Record<string, ReturnType<typeof JSON.parse>> }
export type Response = Record<string, unknown>

class WebhookRoom {
  api!: InProcessApi
  server!: HttpsTestServer
  /** What each path of the server answers. */
  answers: Record<string, (review: Review) => Response | Promise<Response>> = {}
  /** What the server was asked, with the path. */
  asked: { path: string; review: Review }[] = []

  create(resource: Resource, draft: unknown, options: object = {}): Promise<Any> {
    return this.api.client.create(resource, draft as never, options)
  }

  /** A webhook at a path of the server, named after it; of everything, if nothing else is said. */
  hook(path: string, extra: object = {}) {
    return {
      name: `${path}.example.com`,
      clientConfig: { url: `https://127.0.0.1:${this.server.port}/${path}`, caBundle: this.server.caBundle },
      rules: [all],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...extra,
    }
  }

  validating(name: string, ...webhooks: object[]): Promise<Any> {
    return this.create(validatingWebhookConfigurations, { metadata: { name }, webhooks })
  }

  mutating(name: string, ...webhooks: object[]): Promise<Any> {
    return this.create(mutatingWebhookConfigurations, { metadata: { name }, webhooks })
  }

  async startServer() {
    this.server = await startHttpsServer({
      hosts: ['127.0.0.1', 'hooks.default.svc'],
      handle: async (request, body, response) => {
        const review = JSON.parse(body) as Review
        const path = request.url!.split('?')[0]!
        this.asked.push({ path, review })
        const answer = await this.answers[path]!(review)
        const { httpCode = 200, raw, ...said } = answer as { httpCode?: number; raw?: string }
        const whole = {
          kind: 'AdmissionReview',
          apiVersion: review.apiVersion,
          response: { uid: review.request.uid, ...said },
        }
        response.writeHead(httpCode, { 'content-type': raw ? 'text/plain' : 'application/json' })
        response.end(raw ?? JSON.stringify(whole))
      },
    })
  }

  async startApi() {
    this.answers = {}
    this.asked = []
    this.api = await startInProcessApi()
    await this.create(namespaces, { metadata: { name: 'default', labels: { team: 'a' } } })
    await this.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
  }
}

/** Registers the hooks of the test file: one server for all tests of it, an API server for each. */
export function webhookRoom(): WebhookRoom {
  const room = new WebhookRoom()
  beforeAll(() => room.startServer())
  afterAll(() => room.server.close())
  beforeEach(async () => {
    await room.startApi()
    return () => room.api.close()
  })
  return room
}

const all = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'], scope: '*' }
export const on = (resource: string, ...operations: string[]) => ({
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations: operations.length > 0 ? operations : ['*'],
  resources: [resource],
})

export const patch = (...operations: object[]): Response => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})
export const setData = (key: string, value = 'yes') => patch({ op: 'add', path: `/data/${key}`, value })

export const configMap = (name: string, data: Record<string, string> = { a: 'b' }) => ({
  metadata: { namespace: 'default', name },
  data,
})

export async function refusal(promise: Promise<unknown>): Promise<StatusError> {
  const err = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(err).toBeInstanceOf(StatusError)
  return err as StatusError
}
