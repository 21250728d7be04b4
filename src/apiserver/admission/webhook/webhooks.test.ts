/** Webhooks, asked over HTTPS by a real API server in this process. */
import { describe, expect, it } from 'vitest'
import {
  configMaps,
  deployments,
  mutatingWebhookConfigurations,
  namespaces,
  pods,
  selfSubjectAccessReviews,
  serviceAccounts,
  validatingWebhookConfigurations,
} from '#api/resources.ts'
import { configMap, on, patch, refusal, setData, webhookRoom } from '#testing/webhook-room.ts'
import { startHttpsServer } from '#testing/https-server.ts'

const room = webhookRoom()

describe('a validating webhook', () => {
  it('is told all about the request', async () => {
    room.answers['/check'] = () => ({ allowed: true })
    await room.validating('v', room.hook('check', { rules: [on('configmaps')] }))
    const made = await room.create(configMaps, configMap('c'), { fieldManager: 'me' })
    await room.api.client.patch(
      configMaps,
      { namespace: 'default', name: 'c' },
      { data: { a: 'c' } },
      { type: 'merge' },
    )
    await room.api.client.delete(configMaps, { namespace: 'default', name: 'c' }, { gracePeriodSeconds: 3 })
    const [first, second, third] = room.asked.map(({ review }) => review.request)
    const resource = { group: '', version: 'v1', resource: 'configmaps' }
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' }
    expect(room.asked[0]!.review.apiVersion).toBe('admission.k8s.io/v1')
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
    await room.validating('v', room.hook('no', { rules: [on('configmaps')] }))
    room.answers['/no'] = () => ({
      allowed: false,
      status: { message: 'I do not like it', code: 403, reason: 'Forbidden' },
    })
    expect(await refusal(room.create(configMaps, configMap('c')))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'admission webhook "no.example.com" denied the request: I do not like it',
    })
    room.answers['/no'] = () => ({ allowed: false, status: { reason: 'Odd' } })
    expect(await refusal(room.create(configMaps, configMap('c')))).toMatchObject({
      code: 400,
      message: 'admission webhook "no.example.com" denied the request: Odd',
    })
    room.answers['/no'] = () => ({ allowed: false })
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toBe(
      'admission webhook "no.example.com" denied the request without explanation',
    )
  })

  it('may warn the client', async () => {
    room.answers['/warn'] = () => ({ allowed: true, warnings: ['careful'] })
    await room.validating('v', room.hook('warn', { rules: [on('configmaps')] }))
    const caller = { user: { name: 'u', groups: ['system:masters'] }, warnings: [] as string[] }
    const request = { verb: 'create' as const, resource: configMaps, namespace: 'default', body: configMap('c') }
    await room.api.api.perform(caller, request)
    expect(caller.warnings).toEqual(['careful'])
  })

  it('may not change anything', async () => {
    room.answers['/change'] = () => setData('x')
    await room.validating('v', room.hook('change', { rules: [on('configmaps')] }))
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toBe(
      'Internal error occurred: failed calling webhook "change.example.com": received invalid webhook response: validating webhook may not return response.patch',
    )
  })

  it('is room.asked about what it asks for only', async () => {
    room.answers['/check'] = () => ({ allowed: true })
    await room.validating(
      'v',
      room.hook('check', {
        rules: [on('configmaps', 'UPDATE'), { ...on('deployments', 'CREATE'), apiGroups: ['extensions'] }],
        objectSelector: { matchLabels: { checked: 'yes' } },
        namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] },
      }),
    )
    const { metadata } = await room.create(configMaps, configMap('c'))
    const write = (labels: object) =>
      room.api.client.patch(configMaps, metadata as never, { metadata: { labels } }, { type: 'merge' })
    await write({ x: 'y' })
    expect(room.asked).toHaveLength(0)
    await write({ checked: 'yes' })
    await write({ checked: null })
    expect(room.asked).toHaveLength(2)
    await room.api.client.patch(
      namespaces,
      { name: 'default' },
      { metadata: { labels: { team: 'b' } } },
      { type: 'merge' },
    )
    await write({ checked: 'yes' })
    expect(room.asked).toHaveLength(2)
  })

  it('follows changes of its configuration at once', async () => {
    room.answers['/no'] = () => ({ allowed: false })
    await room.create(configMaps, configMap('before'))
    const { metadata } = await room.validating('v', room.hook('no', { rules: [on('configmaps', 'CREATE')] }))
    await refusal(room.create(configMaps, configMap('c')))
    await room.api.client.patch(
      validatingWebhookConfigurations,
      { name: metadata.name },
      [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['UPDATE'] }],
      { type: 'json' },
    )
    await room.create(configMaps, configMap('c'))
    await room.api.client.delete(validatingWebhookConfigurations, { name: 'v' })
    await room.create(configMaps, configMap('d'))
    expect(room.asked).toHaveLength(1)
  })

  it('sees reviews and requests for tokens, which are stored nowhere', async () => {
    room.answers['/check'] = () => ({ allowed: true })
    await room.validating('v', room.hook('check'))
    const review = { metadata: {}, spec: { nonResourceAttributes: { verb: 'get', path: '/version' } } }
    await room.create(selfSubjectAccessReviews, review)
    const account = { namespace: 'default', name: 'default' }
    await room.api.client.createSubresource(serviceAccounts, account, 'token', { spec: {} })
    expect(room.asked.map(({ review }) => review.request)).toMatchObject([
      { kind: { kind: 'SelfSubjectAccessReview' }, object: { spec: { nonResourceAttributes: { path: '/version' } } } },
      { kind: { kind: 'TokenRequest' }, subResource: 'token', object: { metadata: account } },
    ])
    room.answers['/check'] = () => ({ allowed: false })
    expect((await refusal(room.create(selfSubjectAccessReviews, review))).message).toContain('denied the request')
  })

  it('sees scales, evictions and bindings as what they are', async () => {
    room.answers['/check'] = () => ({ allowed: true })
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template }
    await room.create(deployments, { metadata: { namespace: 'default', name: 'd' }, spec })
    await room.validating('v', room.hook('check', { rules: [on('*/scale')] }))
    const scale = { metadata: { namespace: 'default', name: 'd' }, spec: { replicas: 4 } }
    await room.api.client.update(deployments, scale as never, { subresource: 'scale' })
    expect(room.asked[0]!.review.request).toMatchObject({
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
    room.answers = { '/v': () => ({ allowed: false }) }
    await room.validating(
      'v',
      room.hook('v', {
        rules: [on('configmaps')],
        ...conditions("request.operation != 'DELETE'", "object.metadata.name.startsWith('asked')"),
      }),
    )
    await room.create(configMaps, configMap('other'))
    expect(room.asked).toEqual([])
    await refusal(room.create(configMaps, configMap('asked')))
    await room.api.client.delete(configMaps, { namespace: 'default', name: 'other' })
    expect(room.asked.map(({ review }) => review.request.name)).toEqual(['asked'])
  })

  it('that fail count as the webhook failing, unless another is false', async () => {
    room.answers = { '/v': () => ({ allowed: true }) }
    const failing = 'object.data.missing == "x"'
    await room.validating('v', room.hook('v', { rules: [on('configmaps')], ...conditions(failing) }))
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toContain('no such key: missing')
    const replace = async (path: string, value: unknown) =>
      room.api.client.patch(validatingWebhookConfigurations, { name: 'v' }, [{ op: 'add', path, value }], {
        type: 'json',
      })
    await replace('/webhooks/0/matchConditions', conditions(failing, 'false').matchConditions)
    await room.create(configMaps, configMap('c'))
    await replace('/webhooks/0/matchConditions', conditions(failing).matchConditions)
    await replace('/webhooks/0/failurePolicy', 'Ignore')
    await room.create(configMaps, configMap('d'))
    expect(room.asked).toEqual([])
  })

  it('must be valid', async () => {
    const { details } = await refusal(
      room.validating('v', room.hook('v', conditions('nonsense +', '1 + 1', 'params.x'))),
    )
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
  const failing = (extra: object) => room.validating('v', room.hook('fail', { rules: [on('configmaps')], ...extra }))
  const attempt = (name = 'c') => refusal(room.create(configMaps, configMap(name)))
  const prefix = 'Internal error occurred: failed calling webhook "fail.example.com": '
  const asUrl = () => `https://127.0.0.1:${room.server.port}/fail`

  it('fails the request', async () => {
    await failing({})
    room.answers['/fail'] = () => ({ httpCode: 500, raw: 'broken' })
    expect(await attempt()).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: `${prefix}failed to call webhook: an error on the server ("broken") has prevented the request from succeeding`,
    })
    room.answers['/fail'] = () => ({ httpCode: 404, raw: 'nothing here' })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: the server could not find the requested resource`,
    )
    room.answers['/fail'] = () => ({ raw: 'no json' })
    expect((await attempt()).message).toContain(`${prefix}failed to call webhook: couldn't get version/kind`)
    room.answers['/fail'] = () => ({ allowed: 'yes' })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool`,
    )
    room.answers['/fail'] = () => ({ patch: '!', allowed: true })
    expect((await attempt()).message).toBe(`${prefix}failed to call webhook: illegal base64 data at input byte 0`)
    room.answers['/fail'] = () => ({ raw: '{"apiVersion":"v1","kind":"Status"}' })
    expect((await attempt()).message).toContain(
      `${prefix}failed to call webhook: no kind "Status" is registered for version "v1" in scheme`,
    )
    room.answers['/fail'] = () => ({ uid: 'other', allowed: true })
    const uid = () => room.asked.at(-1)!.review.request.uid as string
    expect((await attempt()).message).toBe(
      `${prefix}received invalid webhook response: expected response.uid="${uid()}", got "other"`,
    )
  })

  it('is let through where its policy says so', async () => {
    await failing({ failurePolicy: 'Ignore' })
    room.answers['/fail'] = () => ({ httpCode: 500, raw: 'broken' })
    await room.create(configMaps, configMap('c'))
    room.answers['/fail'] = () => ({ allowed: false })
    expect((await attempt('d')).message).toContain('denied the request')
  })

  it('is waited for as long as it says', async () => {
    let release: (() => void) | undefined
    room.answers['/fail'] = () => new Promise((resolve) => (release = () => resolve({ allowed: true })))
    await failing({ timeoutSeconds: 1 })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "${asUrl()}?timeout=1s": context deadline exceeded`,
    )
    release!()
  })

  it('is not room.asked where its certificate is not in order', async () => {
    const { url } = room.hook('fail').clientConfig
    const other = await startHttpsServer({ handle: () => {} })
    await failing({ clientConfig: { url, caBundle: other.caBundle } })
    await other.close()
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "${asUrl()}?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    )
    expect(room.asked).toHaveLength(0)
  })

  it('tells why it cannot be reached', async () => {
    const gone = await startHttpsServer({ handle: () => {} })
    await gone.close()
    await failing({ clientConfig: { url: `https://127.0.0.1:${gone.port}/fail` } })
    expect((await attempt()).message).toBe(
      `${prefix}failed to call webhook: Post "https://127.0.0.1:${gone.port}/fail?timeout=10s": dial tcp 127.0.0.1:${gone.port}: connect: connection refused`,
    )
  })

  it('is not room.asked at all about what must have no effects, unless it promises to have none', async () => {
    // Versions before v1 could say so, and it may still be stored.
    room.answers['/fail'] = () => ({ allowed: true })
    await failing({ sideEffects: 'NoneOnDryRun' })
    await room.create(configMaps, configMap('c'), { dryRun: 'All' })
    expect(room.asked[0]!.review.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } })
  })
})

describe('mutating webhooks', () => {
  const maps = (extra: object = {}) => ({ rules: [on('configmaps', 'CREATE', 'UPDATE')], ...extra })

  it('change the object one after the other, in the order of names', async () => {
    room.answers['/one'] = () => setData('one')
    room.answers['/two'] = ({ request }) => setData('two', Object.keys(request.object.data).join())
    await room.mutating('b', room.hook('two', maps()))
    await room.mutating('a', room.hook('one', maps()))
    const { data } = await room.create(configMaps, configMap('c'))
    expect(data).toEqual({ a: 'b', one: 'yes', two: 'a,one' })
  })

  it('leave an object that is complete and decoded', async () => {
    room.answers['/pod'] = () =>
      patch(
        { op: 'add', path: '/spec/initContainers', value: [{ name: 'init', image: 'busybox' }] },
        { op: 'add', path: '/spec/nonsense', value: true },
      )
    await room.mutating('m', room.hook('pod', { rules: [on('pods', 'CREATE')] }))
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    const pod = await room.create(pods, { metadata: { namespace: 'default', name: 'p' }, spec })
    expect(pod.spec.initContainers[0]).toMatchObject({
      name: 'init',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'Always',
    })
    expect(pod.spec).not.toHaveProperty('nonsense')
  })

  it('are room.asked again about what changed after them, if they wish so', async () => {
    const seen: string[][] = []
    room.answers['/first'] = ({ request }) => {
      seen.push(Object.keys(request.object.data))
      return seen.length === 1 ? setData('first') : { allowed: true }
    }
    room.answers['/second'] = () => setData('second')
    await room.mutating('m', room.hook('first', maps({ reinvocationPolicy: 'IfNeeded' })), room.hook('second', maps()))
    await room.create(configMaps, configMap('c'))
    expect(seen).toEqual([['a'], ['a', 'first', 'second']])
    expect(room.asked.map(({ path }) => path)).toEqual(['/first', '/second', '/first'])
    room.asked = []
    room.answers['/second'] = () => ({ allowed: true })
    await room.create(configMaps, configMap('d'))
    expect(room.asked.map(({ path }) => path)).toEqual(['/first', '/second'])
  })

  it('are refused a patch that does not fit', async () => {
    await room.mutating('m', room.hook('bad', maps()))
    room.answers['/bad'] = () => patch({ op: 'remove', path: '/data/missing' })
    expect(await refusal(room.create(configMaps, configMap('c')))).toMatchObject({ code: 500, reason: 'InternalError' })
    room.answers['/bad'] = () => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') })
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toContain(
      'failed calling webhook "bad.example.com": received undecodable patch in webhook response',
    )
    room.answers['/bad'] = () => ({ ...setData('x'), patchType: undefined })
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toContain(
      'webhook returned response.patch but not response.patchType',
    )
    room.answers['/bad'] = () => patch({ op: 'add', path: '/data', value: 7 })
    expect(await refusal(room.create(configMaps, configMap('c')))).toMatchObject({ code: 500, reason: 'InternalError' })
  })

  it('cannot change a deletion, but refuse it', async () => {
    await room.create(configMaps, configMap('c'))
    await room.mutating('m', room.hook('del', { rules: [on('configmaps', 'DELETE')] }))
    const key = { namespace: 'default', name: 'c' }
    room.answers['/del'] = () => setData('x')
    expect((await refusal(room.api.client.delete(configMaps, key))).message).toBe(
      'Internal error occurred: admission webhook "del.example.com" attempted to modify the object, which is not supported for this operation',
    )
    room.answers['/del'] = () => ({ allowed: false, status: { message: 'stay' } })
    expect((await refusal(room.api.client.delete(configMaps, key))).message).toContain('denied the request: stay')
    room.answers['/del'] = () => ({ allowed: true })
    await room.api.client.delete(configMaps, key)
  })

  it('speak the old version of reviews as well', async () => {
    room.answers['/old'] = () => ({ ...setData('old'), patchType: undefined, uid: undefined })
    await room.mutating('m', room.hook('old', maps({ admissionReviewVersions: ['v9', 'v1beta1', 'v1'] })))
    const { data } = await room.create(configMaps, configMap('c'))
    expect(data.old).toBe('yes')
    expect(room.asked[0]!.review.apiVersion).toBe('admission.k8s.io/v1beta1')
  })
})

describe('what configures admission', () => {
  it('is beyond the reach of webhooks', async () => {
    room.answers['/no'] = () => ({ allowed: false })
    await room.validating('v', room.hook('no'))
    await room.mutating('m', room.hook('no'))
    await room.api.client.patch(
      validatingWebhookConfigurations,
      { name: 'v' },
      { metadata: { labels: { a: 'b' } } },
      { type: 'merge' },
    )
    await refusal(room.create(configMaps, configMap('c')))
    await room.api.client.delete(mutatingWebhookConfigurations, { name: 'm' })
    await room.api.client.delete(validatingWebhookConfigurations, { name: 'v' })
    expect(room.asked.map(({ review }) => review.request.resource.resource)).toEqual(['configmaps'])
  })
})
