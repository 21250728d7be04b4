/** Webhooks, asked over HTTPS by a real API server in this process. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  configMaps,
  customResourceDefinitions,
  deployments,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  mutatingWebhookConfigurations,
  namespaces,
  pods,
  selfSubjectAccessReviews,
  serviceAccounts,
  services,
  validatingWebhookConfigurations,
} from '#api/resources.ts'
import { StatusError } from '#machinery/status-error.ts'
import { type HttpsTestServer, startHttpsServer } from '#testing/https-server.ts'
import { createLoopbackEndpoint } from '#testing/loopback-service.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'

type Any = KubeObject & Record<string, any>
type Review = { apiVersion: string; request: Record<string, any> }
type Response = Record<string, unknown>

let api: InProcessApi
let server: HttpsTestServer
/** What each path of the server answers. */
let answers: Record<string, (review: Review) => Response | Promise<Response>>
/** What the server was asked, with the path. */
let asked: { path: string; review: Review }[]

beforeAll(async () => {
  server = await startHttpsServer({
    hosts: ['127.0.0.1', 'hooks.default.svc'],
    async handle(request, body, response) {
      const review = JSON.parse(body) as Review
      const path = request.url!.split('?')[0]!
      asked.push({ path, review })
      const answer = await answers[path]!(review)
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
})
afterAll(() => server.close())

beforeEach(async () => {
  answers = {}
  asked = []
  api = await startInProcessApi()
  await create(namespaces, { metadata: { name: 'default', labels: { team: 'a' } } })
  await create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
  return () => api.close()
})

const create = (resource: Resource<any>, draft: unknown, options: object = {}): Promise<Any> =>
  api.client.create(resource, draft as never, options)

const all = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'], scope: '*' }
const on = (resource: string, ...operations: string[]) => ({
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations: operations.length > 0 ? operations : ['*'],
  resources: [resource],
})

function hook(path: string, extra: object = {}) {
  return {
    name: `${path}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${server.port}/${path}`, caBundle: server.caBundle },
    rules: [all],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...extra,
  }
}

const validating = (name: string, ...webhooks: object[]) =>
  create(validatingWebhookConfigurations, { metadata: { name }, webhooks })
const mutating = (name: string, ...webhooks: object[]) =>
  create(mutatingWebhookConfigurations, { metadata: { name }, webhooks })

const patch = (...operations: object[]): Response => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})
const setData = (key: string, value = 'yes') => patch({ op: 'add', path: `/data/${key}`, value })

const configMap = (name: string, data: Record<string, string> = { a: 'b' }) => ({
  metadata: { namespace: 'default', name },
  data,
})

async function refusal(promise: Promise<unknown>): Promise<StatusError> {
  const err = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(err).toBeInstanceOf(StatusError)
  return err as StatusError
}

describe('a validating webhook', () => {
  it('is told all about the request', async () => {
    answers['/check'] = () => ({ allowed: true })
    await validating('v', hook('check', { rules: [on('configmaps')] }))
    const made = await create(configMaps, configMap('c'), { fieldManager: 'me' })
    await api.client.patch(configMaps, { namespace: 'default', name: 'c' }, { data: { a: 'c' } }, { type: 'merge' })
    await api.client.delete(configMaps, { namespace: 'default', name: 'c' }, { gracePeriodSeconds: 3 })
    const [first, second, third] = asked.map(({ review }) => review.request)
    const resource = { group: '', version: 'v1', resource: 'configmaps' }
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' }
    expect(asked[0]!.review.apiVersion).toBe('admission.k8s.io/v1')
    expect(first).toMatchObject({
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: 'c',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'test', groups: ['system:masters'] },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
    })
    expect(first!.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'b' } })
    expect(first!.object.metadata.uid).toBe(made.metadata.uid)
    expect(first).not.toHaveProperty('subResource')
    expect(second).toMatchObject({ operation: 'UPDATE', options: { kind: 'UpdateOptions' } })
    expect([second!.oldObject.data, second!.object.data]).toEqual([{ a: 'b' }, { a: 'c' }])
    expect(third).toMatchObject({
      operation: 'DELETE',
      object: null,
      options: { kind: 'DeleteOptions', gracePeriodSeconds: 3 },
    })
    expect(third!.oldObject.data).toEqual({ a: 'c' })
  })

  it('refuses with its own words, code and reason', async () => {
    await validating('v', hook('no', { rules: [on('configmaps')] }))
    answers['/no'] = () => ({ allowed: false, status: { message: 'I do not like it', code: 403, reason: 'Forbidden' } })
    expect(await refusal(create(configMaps, configMap('c')))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'admission webhook "no.example.com" denied the request: I do not like it',
    })
    answers['/no'] = () => ({ allowed: false, status: { reason: 'Odd' } })
    expect(await refusal(create(configMaps, configMap('c')))).toMatchObject({
      code: 400,
      message: 'admission webhook "no.example.com" denied the request: Odd',
    })
    answers['/no'] = () => ({ allowed: false })
    expect((await refusal(create(configMaps, configMap('c')))).message).toBe(
      'admission webhook "no.example.com" denied the request without explanation',
    )
  })

  it('may warn the client', async () => {
    answers['/warn'] = () => ({ allowed: true, warnings: ['careful'] })
    await validating('v', hook('warn', { rules: [on('configmaps')] }))
    const caller = { user: { name: 'u', groups: ['system:masters'] }, warnings: [] as string[] }
    const request = { verb: 'create' as const, resource: configMaps, namespace: 'default', body: configMap('c') }
    await api.api.perform(caller, request)
    expect(caller.warnings).toEqual(['careful'])
  })

  it('may not change anything', async () => {
    answers['/change'] = () => setData('x')
    await validating('v', hook('change', { rules: [on('configmaps')] }))
    expect((await refusal(create(configMaps, configMap('c')))).message).toBe(
      'Internal error occurred: failed calling webhook "change.example.com": received invalid webhook response: validating webhook may not return response.patch',
    )
  })

  it('is asked about what it asks for only', async () => {
    answers['/check'] = () => ({ allowed: true })
    await validating(
      'v',
      hook('check', {
        rules: [on('configmaps', 'UPDATE'), { ...on('deployments', 'CREATE'), apiGroups: ['extensions'] }],
        objectSelector: { matchLabels: { checked: 'yes' } },
        namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] },
      }),
    )
    const { metadata } = await create(configMaps, configMap('c'))
    const write = (labels: object) =>
      api.client.patch(configMaps, metadata as never, { metadata: { labels } }, { type: 'merge' })
    await write({ x: 'y' })
    expect(asked).toHaveLength(0)
    await write({ checked: 'yes' })
    await write({ checked: null })
    expect(asked).toHaveLength(2)
    await api.client.patch(namespaces, { name: 'default' }, { metadata: { labels: { team: 'b' } } }, { type: 'merge' })
    await write({ checked: 'yes' })
    expect(asked).toHaveLength(2)
  })

  it('follows changes of its configuration at once', async () => {
    answers['/no'] = () => ({ allowed: false })
    await create(configMaps, configMap('before'))
    const { metadata } = await validating('v', hook('no', { rules: [on('configmaps', 'CREATE')] }))
    await refusal(create(configMaps, configMap('c')))
    await api.client.patch(
      validatingWebhookConfigurations,
      { name: metadata.name },
      [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['UPDATE'] }],
      { type: 'json' },
    )
    await create(configMaps, configMap('c'))
    await api.client.delete(validatingWebhookConfigurations, { name: 'v' })
    await create(configMaps, configMap('d'))
    expect(asked).toHaveLength(1)
  })

  it('sees reviews and requests for tokens, which are stored nowhere', async () => {
    answers['/check'] = () => ({ allowed: true })
    await validating('v', hook('check'))
    const review = { metadata: {}, spec: { nonResourceAttributes: { verb: 'get', path: '/version' } } }
    await create(selfSubjectAccessReviews, review)
    const account = { namespace: 'default', name: 'default' }
    await api.client.createSubresource(serviceAccounts, account, 'token', { spec: {} })
    expect(asked.map(({ review }) => review.request)).toMatchObject([
      { kind: { kind: 'SelfSubjectAccessReview' }, object: { spec: { nonResourceAttributes: { path: '/version' } } } },
      { kind: { kind: 'TokenRequest' }, subResource: 'token', object: { metadata: account } },
    ])
    answers['/check'] = () => ({ allowed: false })
    expect((await refusal(create(selfSubjectAccessReviews, review))).message).toContain('denied the request')
  })

  it('sees scales, evictions and bindings as what they are', async () => {
    answers['/check'] = () => ({ allowed: true })
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template }
    await create(deployments, { metadata: { namespace: 'default', name: 'd' }, spec })
    await validating('v', hook('check', { rules: [on('*/scale')] }))
    const scale = { metadata: { namespace: 'default', name: 'd' }, spec: { replicas: 4 } }
    await api.client.update(deployments, scale as never, { subresource: 'scale' })
    expect(asked[0]!.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      subResource: 'scale',
      object: { kind: 'Scale', spec: { replicas: 4 } },
      oldObject: { kind: 'Scale', spec: { replicas: 1 } },
    })
  })
})

describe('conditions of a webhook', () => {
  const conditions = (...expressions: string[]) => ({
    matchConditions: expressions.map((expression, i) => ({ name: `c${i}`, expression })),
  })

  it('decide whether it is asked', async () => {
    answers = { '/v': () => ({ allowed: false }) }
    await validating(
      'v',
      hook('v', {
        rules: [on('configmaps')],
        ...conditions("request.operation != 'DELETE'", "object.metadata.name.startsWith('asked')"),
      }),
    )
    await create(configMaps, configMap('other'))
    expect(asked).toEqual([])
    await refusal(create(configMaps, configMap('asked')))
    await api.client.delete(configMaps, { namespace: 'default', name: 'other' })
    expect(asked.map(({ review }) => review.request.name)).toEqual(['asked'])
  })

  it('that fail count as the webhook failing, unless another is false', async () => {
    answers = { '/v': () => ({ allowed: true }) }
    const failing = 'object.data.missing == "x"'
    await validating('v', hook('v', { rules: [on('configmaps')], ...conditions(failing) }))
    expect((await refusal(create(configMaps, configMap('c')))).message).toContain('no such key: missing')
    const replace = async (path: string, value: unknown) =>
      api.client.patch(validatingWebhookConfigurations, { name: 'v' }, [{ op: 'add', path, value }], { type: 'json' })
    await replace('/webhooks/0/matchConditions', conditions(failing, 'false').matchConditions)
    await create(configMaps, configMap('c'))
    await replace('/webhooks/0/matchConditions', conditions(failing).matchConditions)
    await replace('/webhooks/0/failurePolicy', 'Ignore')
    await create(configMaps, configMap('d'))
    expect(asked).toEqual([])
  })

  it('must be valid', async () => {
    const { details } = await refusal(validating('v', hook('v', conditions('nonsense +', '1 + 1', 'params.x'))))
    expect(details!.causes).toMatchObject([
      {
        field: 'webhooks[0].matchConditions[0].expression',
        message: expect.stringContaining('compilation failed: ERROR: <input>:1:'),
      },
      {
        field: 'webhooks[0].matchConditions[1].expression',
        message: 'Invalid value: "1 + 1": must evaluate to bool but got int',
      },
      { field: 'webhooks[0].matchConditions[2].expression', message: expect.stringContaining('undeclared reference') },
    ])
  })
})

describe('a webhook that fails', () => {
  const failing = (extra: object) => validating('v', hook('fail', { rules: [on('configmaps')], ...extra }))
  const attempt = (name = 'c') => refusal(create(configMaps, configMap(name)))
  const prefix = 'Internal error occurred: failed calling webhook "fail.example.com": '
  const asUrl = () => `https://127.0.0.1:${server.port}/fail`

  it('fails the request', async () => {
    await failing({})
    answers['/fail'] = () => ({ httpCode: 500, raw: 'broken' })
    expect(await attempt()).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: `${prefix}failed to call webhook: an error on the server ("broken") has prevented the request from succeeding`,
    })
    answers['/fail'] = () => ({ httpCode: 404, raw: 'nothing here' })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: the server could not find the requested resource`,
    )
    answers['/fail'] = () => ({ raw: 'no json' })
    expect((await attempt()).message).toContain(`${prefix}failed to call webhook: couldn't get version/kind`)
    answers['/fail'] = () => ({ allowed: 'yes' })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool`,
    )
    answers['/fail'] = () => ({ patch: '!', allowed: true })
    expect((await attempt()).message).toBe(`${prefix}failed to call webhook: illegal base64 data at input byte 0`)
    answers['/fail'] = () => ({ raw: '{"apiVersion":"v1","kind":"Status"}' })
    expect((await attempt()).message).toContain(
      `${prefix}failed to call webhook: no kind "Status" is registered for version "v1" in scheme`,
    )
    answers['/fail'] = () => ({ uid: 'other', allowed: true })
    const uid = () => asked.at(-1)!.review.request.uid as string
    expect((await attempt()).message).toBe(
      `${prefix}received invalid webhook response: expected response.uid="${uid()}", got "other"`,
    )
  })

  it('is let through where its policy says so', async () => {
    await failing({ failurePolicy: 'Ignore' })
    answers['/fail'] = () => ({ httpCode: 500, raw: 'broken' })
    await create(configMaps, configMap('c'))
    answers['/fail'] = () => ({ allowed: false })
    expect((await attempt('d')).message).toContain('denied the request')
  })

  it('is waited for as long as it says', async () => {
    let release: (() => void) | undefined
    answers['/fail'] = () => new Promise((resolve) => (release = () => resolve({ allowed: true })))
    await failing({ timeoutSeconds: 1 })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "${asUrl()}?timeout=1s": context deadline exceeded`,
    )
    release!()
  })

  it('is not asked where its certificate is not in order', async () => {
    const { url } = hook('fail').clientConfig
    const other = await startHttpsServer({ handle: () => {} })
    await failing({ clientConfig: { url, caBundle: other.caBundle } })
    await other.close()
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "${asUrl()}?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    )
    expect(asked).toHaveLength(0)
  })

  it('tells why it cannot be reached', async () => {
    const gone = await startHttpsServer({ handle: () => {} })
    await gone.close()
    await failing({ clientConfig: { url: `https://127.0.0.1:${gone.port}/fail` } })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "https://127.0.0.1:${gone.port}/fail?timeout=10s": dial tcp 127.0.0.1:${gone.port}: connect: connection refused`,
    )
  })

  it('is not asked at all about what must have no effects, unless it promises to have none', async () => {
    // Versions before v1 could say so, and it may still be stored.
    answers['/fail'] = () => ({ allowed: true })
    await failing({ sideEffects: 'NoneOnDryRun' })
    await create(configMaps, configMap('c'), { dryRun: 'All' })
    expect(asked[0]!.review.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } })
  })
})

describe('a webhook behind a Service', () => {
  const clientConfig = (extra: object = {}) => ({
    service: { namespace: 'default', name: 'hooks', path: '/check', ...extra },
    caBundle: server.caBundle,
  })
  const key = { namespace: 'default', name: 'hooks' }

  it('is asked at a ready endpoint, under the name of the Service', async () => {
    answers['/check'] = () => ({ allowed: true })
    await create(services, { metadata: key, spec: { ports: [{ port: 443, targetPort: 'https' }] } })
    await validating('v', hook('check', { rules: [on('configmaps')], clientConfig: clientConfig() }))
    const url = 'https://hooks.default.svc:443/check?timeout=10s'
    expect((await refusal(create(configMaps, configMap('c')))).message).toBe(
      `Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "${url}": no endpoints available for service "hooks"`,
    )
    await createLoopbackEndpoint(api.api, { ...key, port: server.port })
    await create(configMaps, configMap('c'))
    expect(asked).toHaveLength(1)
  })

  it('needs the Service to be there, with that port', async () => {
    await validating('v', hook('check', { rules: [on('configmaps')], clientConfig: clientConfig({ port: 8443 }) }))
    const attempt = async () => (await refusal(create(configMaps, configMap('c')))).message
    expect(await attempt()).toContain(
      'Post "https://hooks.default.svc:8443/check?timeout=10s": service "hooks" not found',
    )
    await create(services, { metadata: key, spec: { ports: [{ port: 443 }] } })
    expect(await attempt()).toContain('no service port 8443 found for service "hooks"')
  })
})

describe('mutating webhooks', () => {
  const maps = (extra: object = {}) => ({ rules: [on('configmaps', 'CREATE', 'UPDATE')], ...extra })

  it('change the object one after the other, in the order of names', async () => {
    answers['/one'] = () => setData('one')
    answers['/two'] = ({ request }) => setData('two', Object.keys(request.object.data).join())
    await mutating('b', hook('two', maps()))
    await mutating('a', hook('one', maps()))
    const { data } = await create(configMaps, configMap('c'))
    expect(data).toEqual({ a: 'b', one: 'yes', two: 'a,one' })
  })

  it('leave an object that is complete and decoded', async () => {
    answers['/pod'] = () =>
      patch(
        { op: 'add', path: '/spec/initContainers', value: [{ name: 'init', image: 'busybox' }] },
        { op: 'add', path: '/spec/nonsense', value: true },
      )
    await mutating('m', hook('pod', { rules: [on('pods', 'CREATE')] }))
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    const pod = await create(pods, { metadata: { namespace: 'default', name: 'p' }, spec })
    expect(pod.spec.initContainers[0]).toMatchObject({
      name: 'init',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'Always',
    })
    expect(pod.spec).not.toHaveProperty('nonsense')
  })

  it('are asked again about what changed after them, if they wish so', async () => {
    const seen: string[][] = []
    answers['/first'] = ({ request }) => {
      seen.push(Object.keys(request.object.data))
      return seen.length === 1 ? setData('first') : { allowed: true }
    }
    answers['/second'] = () => setData('second')
    await mutating('m', hook('first', maps({ reinvocationPolicy: 'IfNeeded' })), hook('second', maps()))
    await create(configMaps, configMap('c'))
    expect(seen).toEqual([['a'], ['a', 'first', 'second']])
    expect(asked.map(({ path }) => path)).toEqual(['/first', '/second', '/first'])
    asked = []
    answers['/second'] = () => ({ allowed: true })
    await create(configMaps, configMap('d'))
    expect(asked.map(({ path }) => path)).toEqual(['/first', '/second'])
  })

  it('are refused a patch that does not fit', async () => {
    await mutating('m', hook('bad', maps()))
    answers['/bad'] = () => patch({ op: 'remove', path: '/data/missing' })
    expect(await refusal(create(configMaps, configMap('c')))).toMatchObject({ code: 500, reason: 'InternalError' })
    answers['/bad'] = () => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') })
    expect((await refusal(create(configMaps, configMap('c')))).message).toContain(
      'failed calling webhook "bad.example.com": received undecodable patch in webhook response',
    )
    answers['/bad'] = () => ({ ...setData('x'), patchType: undefined })
    expect((await refusal(create(configMaps, configMap('c')))).message).toContain(
      'webhook returned response.patch but not response.patchType',
    )
    answers['/bad'] = () => patch({ op: 'add', path: '/data', value: 7 })
    expect(await refusal(create(configMaps, configMap('c')))).toMatchObject({ code: 500, reason: 'InternalError' })
  })

  it('cannot change a deletion, but refuse it', async () => {
    await create(configMaps, configMap('c'))
    await mutating('m', hook('del', { rules: [on('configmaps', 'DELETE')] }))
    const key = { namespace: 'default', name: 'c' }
    answers['/del'] = () => setData('x')
    expect((await refusal(api.client.delete(configMaps, key))).message).toBe(
      'Internal error occurred: admission webhook "del.example.com" attempted to modify the object, which is not supported for this operation',
    )
    answers['/del'] = () => ({ allowed: false, status: { message: 'stay' } })
    expect((await refusal(api.client.delete(configMaps, key))).message).toContain('denied the request: stay')
    answers['/del'] = () => ({ allowed: true })
    await api.client.delete(configMaps, key)
  })

  it('speak the old version of reviews as well', async () => {
    answers['/old'] = () => ({ ...setData('old'), patchType: undefined, uid: undefined })
    await mutating('m', hook('old', maps({ admissionReviewVersions: ['v9', 'v1beta1', 'v1'] })))
    const { data } = await create(configMaps, configMap('c'))
    expect(data.old).toBe('yes')
    expect(asked[0]!.review.apiVersion).toBe('admission.k8s.io/v1beta1')
  })
})

describe('the form of what a webhook sees', () => {
  const autoscaler = (apiVersion: string, spec: object) => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace: 'default', name: 'h' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, maxReplicas: 3, ...spec },
  })
  const rule = { ...on('horizontalpodautoscalers'), apiGroups: ['autoscaling'], apiVersions: ['v1'] }

  it('is the one that it asks for, whichever the client uses', async () => {
    answers['/v1'] = ({ request }) =>
      patch({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: request.object.spec.maxReplicas })
    await mutating('m', hook('v1', { rules: [rule] }))
    const made = await create(horizontalPodAutoscalers, autoscaler('autoscaling/v2', {}))
    expect(asked[0]!.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1' },
      resource: { version: 'v1' },
      requestKind: { version: 'v2' },
      requestResource: { version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80 } },
    })
    expect(made.apiVersion).toBe('autoscaling/v2')
    expect(made.spec.metrics[0].resource.target.averageUtilization).toBe(3)
    const key = { namespace: 'default', name: 'h' }
    await api.client.patch(horizontalPodAutoscalersV1, key, { spec: { maxReplicas: 5 } }, { type: 'merge' })
    expect(asked[1]!.review.request).toMatchObject({
      kind: { version: 'v1' },
      requestKind: { version: 'v1' },
      object: { apiVersion: 'autoscaling/v1', spec: { maxReplicas: 5 } },
      oldObject: { apiVersion: 'autoscaling/v1', spec: { maxReplicas: 3 } },
    })
  })

  it('is none where it insists on one that was not used', async () => {
    answers['/v1'] = () => ({ allowed: false })
    await validating('v', hook('v1', { rules: [rule], matchPolicy: 'Exact' }))
    await create(horizontalPodAutoscalers, autoscaler('autoscaling/v2', {}))
    expect(asked).toHaveLength(0)
  })
})

describe('custom resources', () => {
  const data = { type: 'object', properties: { mutated: { type: 'string' }, given: { type: 'string', default: 'x' } } }
  const schema = { openAPIV3Schema: { type: 'object', properties: { data } } }
  const definition = {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  }

  it('are shown in the version that a webhook knows, and pruned and completed after it', async () => {
    await create(customResourceDefinitions, definition)
    const resource = await served('example.com', 'v1', 'things')
    answers['/v2'] = () =>
      patch({ op: 'add', path: '/data', value: { mutated: 'yes' } }, { op: 'add', path: '/unknown', value: 1 })
    await mutating('m', hook('v2', { rules: [{ ...on('things'), apiVersions: ['v2'] }] }))
    const made = await create(resource, { metadata: { namespace: 'default', name: 't' } })
    expect(made).toMatchObject({ apiVersion: 'example.com/v1', data: { mutated: 'yes', given: 'x' } })
    expect(made).not.toHaveProperty('unknown')
    expect(asked[0]!.review.request).toMatchObject({
      kind: { group: 'example.com', version: 'v2', kind: 'Thing' },
      requestKind: { version: 'v1' },
      resource: { version: 'v2' },
      object: { apiVersion: 'example.com/v2' },
    })
  })

  async function served(...[group, version, plural]: [string, string, string]): Promise<Resource> {
    for (;;) {
      const entry = api.api.catalog.at(group, version, plural)
      if (entry) return entry.resource
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
})

describe('what configures admission', () => {
  it('is beyond the reach of webhooks', async () => {
    answers['/no'] = () => ({ allowed: false })
    await validating('v', hook('no'))
    await mutating('m', hook('no'))
    await api.client.patch(
      validatingWebhookConfigurations,
      { name: 'v' },
      { metadata: { labels: { a: 'b' } } },
      { type: 'merge' },
    )
    await refusal(create(configMaps, configMap('c')))
    await api.client.delete(mutatingWebhookConfigurations, { name: 'm' })
    await api.client.delete(validatingWebhookConfigurations, { name: 'v' })
    expect(asked.map(({ review }) => review.request.resource.resource)).toEqual(['configmaps'])
  })
})
