import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  configMaps,
  deployments,
  nodes,
  podDisruptionBudgets,
  pods,
  replicationControllers,
  secrets,
  serviceAccounts,
  tokenReviews,
} from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { ask } from '#testing/custom-definition.ts'
import { refusal } from '#testing/refusal.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

type Any = KubeObject & Record<string, any>
const namespace = 'default'
const fresh = (base: string) => ({ namespace, name: `${base}-${++count}` })
const podSpec = { containers: [{ name: 'c', image: 'i' }] }
const create = (resource: Resource<any>, draft: unknown): Promise<Any> => server.client.create(resource, draft as never)
const post = (
  resource: Resource<any>,
  key: object,
  subresource: string,
  body: unknown,
  options: object = {},
): Promise<any> => server.client.createSubresource(resource, key as never, subresource, body, options)

describe('scale', () => {
  const workload = (metadata: object, replicas: number) => ({
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'a' } }, spec: podSpec },
    },
  })

  it('shows and sets the replicas of a workload', async () => {
    const key = fresh('scale')
    const made = await create(deployments, workload(key, 3))
    const scale = (await server.client.get(deployments, key, { subresource: 'scale' })) as Any
    expect(scale).toEqual({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: {
        ...key,
        uid: made.metadata.uid,
        resourceVersion: made.metadata.resourceVersion,
        creationTimestamp: made.metadata.creationTimestamp,
      },
      spec: { replicas: 3 },
      status: { replicas: 0, selector: 'app=a' },
    })
    const set = (await server.client.update(deployments, { ...scale, spec: { replicas: 5 } } as never, {
      subresource: 'scale',
    })) as Any
    expect(set.spec).toEqual({ replicas: 5 })
    const after = (await server.client.get(deployments, key)) as Any
    expect(after.spec.replicas).toBe(5)
    expect(after.metadata.generation).toBe(2)
    expect({ ...after.spec, replicas: 3 }).toEqual(made.spec)
    for (const [type, patch] of [
      ['merge', { spec: { replicas: 7 } }],
      ['strategic', { spec: { replicas: 8 } }],
      ['json', [{ op: 'replace', path: '/spec/replicas', value: 9 }]],
    ] as const)
      await server.client.patch(deployments, key, patch, { type, subresource: 'scale' })
    expect(((await server.client.get(deployments, key)) as Any).spec.replicas).toBe(9)
  })

  it('warns of what is wrong with the workload', async () => {
    const { namespace, name } = fresh('scale')
    const old = {
      metadata: { labels: { app: 'a' } },
      spec: { ...podSpec, nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
    }
    const made = workload({ namespace, name }, 1)
    await create(deployments, { ...made, spec: { ...made.spec, template: old } })
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`
    const warned = async (subresource: string, body: object) =>
      (await ask(server, 'PATCH', path + subresource, body)).warnings
    const text =
      'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
    expect(await warned('/scale', { spec: { replicas: 2 } })).toEqual([text])
    expect(await warned('/scale', { spec: { replicas: 2 } })).toEqual([])
    expect(await warned('/status', { status: { replicas: 2 } })).toEqual([])
  })

  it('of a ReplicationController selects by a map', async () => {
    const key = fresh('scale-rc')
    await create(replicationControllers, {
      metadata: key,
      spec: { selector: { a: 'b' }, template: { metadata: { labels: { a: 'b' } }, spec: podSpec } },
    })
    const scale = (await server.client.get(replicationControllers, key, { subresource: 'scale' })) as Any
    expect(scale).toMatchObject({ spec: { replicas: 1 }, status: { selector: 'a=b' } })
  })

  it('refuses what makes no sense', async () => {
    const key = fresh('scale')
    const { metadata } = await create(deployments, workload(key, 1))
    const set = (body: object) =>
      server.client.update(deployments, { metadata: key, ...body } as never, { subresource: 'scale' })
    expect((await refusal(set({ spec: { replicas: -1 } }))).message).toBe(
      `Scale.autoscaling "${key.name}" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`,
    )
    expect((await refusal(set({ spec: { replicas: 'two' } }))).reason).toBe('BadRequest')
    const stale = { metadata: { ...key, resourceVersion: '1' }, spec: { replicas: 2 } }
    expect((await refusal(set(stale))).reason).toBe('Conflict')
    const current = { metadata: { ...key, resourceVersion: metadata.resourceVersion }, spec: { replicas: 2 } }
    await set(current)
    expect((await refusal(post(deployments, key, 'scale', {}))).reason).toBe('MethodNotAllowed')
    expect((await refusal(server.client.get(configMaps, key, { subresource: 'scale' }))).reason).toBe('NotFound')
  })
})

describe('binding', () => {
  const binding = (key: object, extra: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: key,
    target: { kind: 'Node', name: 'n' },
    ...extra,
  })

  it('puts a pod on a node, once', async () => {
    const key = fresh('bound')
    await create(pods, { metadata: key, spec: podSpec })
    const answer = await post(pods, key, 'binding', binding({ ...key, annotations: { a: '1' }, labels: { zone: 'z' } }))
    expect(answer).toMatchObject({ kind: 'Status', status: 'Success', code: 201 })
    const pod = (await server.client.get(pods, key)) as Any
    expect(pod.spec.nodeName).toBe('n')
    expect(pod.metadata).toMatchObject({ annotations: { a: '1' }, labels: { zone: 'z' }, generation: 1 })
    expect(pod.status.conditions).toEqual([expect.objectContaining({ type: 'PodScheduled', status: 'True' })])
    const again = await refusal(post(pods, key, 'binding', binding(key)))
    expect(again).toMatchObject({
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on pods/binding "${key.name}": pod ${key.name} is already assigned to node "n"`,
    })
  })

  it('of many at the same time succeeds once', async () => {
    const key = fresh('raced')
    await create(pods, { metadata: key, spec: podSpec })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => post(pods, key, 'binding', binding(key))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is refused for gates, other UIDs, other targets and pods that are going', async () => {
    const key = fresh('unbound')
    await create(pods, {
      metadata: { ...key, finalizers: ['x/y'] },
      spec: { ...podSpec, schedulingGates: [{ name: 'a/g' }] },
    })
    const asked = (extra: object = {}, metadata: object = key) =>
      refusal(post(pods, key, 'binding', binding(metadata, extra)))
    expect((await asked()).message).toContain('has non-empty .spec.schedulingGates')
    expect((await asked({}, { ...key, uid: 'other' })).reason).toBe('Conflict')
    expect((await asked({ target: {} })).message).toContain('target.name: Required value')
    expect((await asked({ target: { kind: 'Pod', name: 'p' } })).message).toContain(
      'target.kind: Unsupported value: "Pod"',
    )
    expect((await asked({ target: [] })).reason).toBe('BadRequest')
    expect((await asked({}, { ...key, name: 'other' })).message).toBe(
      'name in URL does not match name in Binding object',
    )
    await server.client.delete(pods, key)
    expect((await asked()).message).toContain('is being deleted, cannot be assigned to a host')
    expect((await refusal(post(pods, { namespace, name: 'none' }, 'binding', binding({})))).reason).toBe('NotFound')
  })

  it('may be posted the old way', async () => {
    const key = fresh('legacy')
    await create(pods, { metadata: key, spec: podSpec })
    const init = { method: 'POST', body: binding({ name: key.name }) }
    expect((await server.fetch('/api/v1/namespaces/default/bindings', init)).status).toBe(201)
    expect(((await server.client.get(pods, key)) as Any).spec.nodeName).toBe('n')
  })
})

describe('eviction', () => {
  /** A running pod `app=<name>` and, unless undefined, a budget over it with this status. */
  async function guarded(status?: object, { ready = true, policy }: { ready?: boolean; policy?: string } = {}) {
    const key = fresh('evicted')
    const made = await create(pods, {
      metadata: { ...key, labels: { app: key.name } },
      spec: { ...podSpec, nodeName: 'n' },
    })
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }]
    await server.client.updateStatus(pods, {
      ...made,
      status: { ...made.status, phase: 'Running', conditions },
    } as never)
    if (status) {
      const budget = await create(podDisruptionBudgets, {
        metadata: key,
        spec: {
          minAvailable: 1,
          selector: { matchLabels: { app: key.name } },
          ...(policy && { unhealthyPodEvictionPolicy: policy }),
        },
      })
      await server.client.updateStatus(podDisruptionBudgets, {
        ...budget,
        status: {
          observedGeneration: 1,
          disruptionsAllowed: 0,
          currentHealthy: 1,
          desiredHealthy: 1,
          expectedPods: 1,
          ...status,
        },
      } as never)
    }
    return key
  }
  const evict = (key: { name: string }, extra: object = {}, options: object = {}) =>
    post(pods, key, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: key, ...extra }, options)
  const state = (key: { name: string }) => server.client.get(pods, key as never) as Promise<Any>

  it('without a budget deletes gracefully, and says why', async () => {
    const key = await guarded()
    expect(await evict(key)).toMatchObject({ kind: 'Status', status: 'Success', code: 201 })
    const pod = await state(key)
    expect(pod.metadata.deletionGracePeriodSeconds).toBe(30)
    expect(pod.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
      }),
    )
    await evict(key, { deleteOptions: { gracePeriodSeconds: 0 } })
    expect(await server.client.find(pods, key)).toBeUndefined()
  })

  it('takes from the budget until nothing is left', async () => {
    const key = await guarded({ disruptionsAllowed: 1, currentHealthy: 2 })
    await evict(key)
    const budget = (await server.client.get(podDisruptionBudgets, key)) as Any
    expect(budget.status.disruptionsAllowed).toBe(0)
    expect(Object.keys(budget.status.disruptedPods)).toEqual([key.name])
  })

  it('is refused where the budget allows none', async () => {
    const key = await guarded({})
    const err = await refusal(evict(key))
    expect(err).toMatchObject({
      reason: 'TooManyRequests',
      code: 429,
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: `The disruption budget ${key.name} needs 1 healthy pods and has 1 currently`,
          },
        ],
      },
    })
    expect((await state(key)).metadata.deletionTimestamp).toBeUndefined()
  })

  it('waits for the budget’s controller, and says for how long', async () => {
    const key = await guarded({ observedGeneration: 0, disruptionsAllowed: 5 })
    const path = `/api/v1/namespaces/default/pods/${key.name}/eviction`
    const answer = await server.fetch(path, { method: 'POST', body: { metadata: key } })
    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toBe('10')
    expect(await answer.text()).toContain(`The disruption budget ${key.name} is still being processed by the server.`)
  })

  it('of a pod that is not ready counts only where too few are healthy', async () => {
    await evict(await guarded({ currentHealthy: 2, desiredHealthy: 2 }, { ready: false }))
    expect((await refusal(evict(await guarded({ currentHealthy: 0 }, { ready: false })))).reason).toBe(
      'TooManyRequests',
    )
    await evict(await guarded({ currentHealthy: 0 }, { ready: false, policy: 'AlwaysAllow' }))
  })

  it('refuses two budgets, and names that do not match', async () => {
    const key = await guarded({ disruptionsAllowed: 1 })
    await create(podDisruptionBudgets, {
      metadata: fresh('second'),
      spec: { minAvailable: 1, selector: { matchLabels: { app: key.name } } },
    })
    expect(await refusal(evict(key))).toMatchObject({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    })
    expect((await refusal(evict(key, { metadata: { name: 'other' } }))).message).toBe(
      'name in URL does not match name in Eviction object',
    )
    expect((await refusal(evict({ name: 'none', namespace } as never))).reason).toBe('NotFound')
    expect((await refusal(evict(key, { deleteOptions: { gracePeriodSeconds: 'x' } }))).reason).toBe('BadRequest')
  })

  it('of many pods under one budget succeeds as often as it allows', async () => {
    const app = fresh('many').name
    const keys = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const key = fresh('many')
        const made = await create(pods, { metadata: { ...key, labels: { app } }, spec: { ...podSpec, nodeName: 'n' } })
        const conditions = [{ type: 'Ready', status: 'True' }]
        await server.client.updateStatus(pods, { ...made, status: { phase: 'Running', conditions } } as never)
        return key
      }),
    )
    const budget = await create(podDisruptionBudgets, {
      metadata: { namespace, name: app },
      spec: { minAvailable: 5, selector: { matchLabels: { app } } },
    })
    const status = {
      observedGeneration: 1,
      disruptionsAllowed: 3,
      currentHealthy: 8,
      desiredHealthy: 5,
      expectedPods: 8,
    }
    await server.client.updateStatus(podDisruptionBudgets, { ...budget, status } as never)
    const outcomes = await Promise.allSettled(keys.map((key) => evict(key)))
    expect(outcomes.filter(({ status: outcome }) => outcome === 'fulfilled')).toHaveLength(3)
  })
})

describe('service account tokens', () => {
  const review = async (token: string, audiences?: string[], on = server) =>
    (await on.client.create(tokenReviews, {
      metadata: {},
      spec: { token, ...(audiences && { audiences }) },
    } as never)) as Any
  const issue = async (key: object, spec: object = {}, on = server) =>
    (await on.client.createSubresource(serviceAccounts as never, key as never, 'token', { spec })) as Any
  const whoami = async (token: string, on = server) => {
    const answer = await on.fetch('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      as: 'nobody',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    })
    return { code: answer.status, body: (await answer.json()) as Any }
  }

  it('are issued for an account, and are good until it is gone', async () => {
    const key = fresh('account')
    const { metadata } = await create(serviceAccounts, { metadata: key })
    const { status, spec } = await issue(key)
    expect(spec).toMatchObject({ expirationSeconds: 3600 })
    const reviewed = await review(status.token)
    expect(reviewed.status).toMatchObject({
      authenticated: true,
      user: {
        username: `system:serviceaccount:default:${key.name}`,
        uid: metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      },
    })
    expect((await whoami(status.token)).body.status.userInfo).toEqual(reviewed.status.user)
    await server.client.delete(serviceAccounts, key)
    expect((await whoami(status.token)).code).toBe(401)
    expect((await review(status.token)).status).toMatchObject({ error: 'invalid bearer token' })
    await create(serviceAccounts, { metadata: key })
    expect((await whoami(status.token)).code, 'the account of the same name is another').toBe(401)
  })

  it('are bound to a pod, and die with it', async () => {
    const account = fresh('bound')
    const pod = fresh('bound-pod')
    await create(serviceAccounts, { metadata: account })
    await create(nodes, { metadata: { name: 'bound-node' } })
    const made = await create(pods, {
      metadata: pod,
      spec: { ...podSpec, serviceAccountName: account.name, nodeName: 'bound-node' },
    })
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: pod.name, uid: made.metadata.uid }
    const { token } = (await issue(account, { boundObjectRef })).status
    expect((await review(token)).status.user.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': [pod.name],
      'authentication.kubernetes.io/pod-uid': [made.metadata.uid],
      'authentication.kubernetes.io/node-name': ['bound-node'],
    })
    await server.client.delete(nodes, { name: 'bound-node' })
    expect((await review(token)).status.authenticated, 'the node is only told').toBe(true)
    await server.client.delete(pods, pod, { gracePeriodSeconds: 0 })
    expect((await review(token)).status.authenticated).toBeUndefined()
  })

  it('are bound to a secret, and die with it', async () => {
    const account = fresh('bound')
    const secret = fresh('bound-secret')
    await create(serviceAccounts, { metadata: account })
    await create(secrets, { metadata: secret })
    const { token } = (
      await issue(account, { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: secret.name } })
    ).status
    expect((await review(token)).status.authenticated).toBe(true)
    await server.client.delete(secrets, secret)
    expect((await review(token)).status.authenticated).toBeUndefined()
  })

  it('are good for their audiences only', async () => {
    const account = fresh('audience')
    await create(serviceAccounts, { metadata: account })
    const { token } = (await issue(account, { audiences: ['vault', 'shop'] })).status
    expect((await whoami(token)).code).toBe(401)
    expect((await review(token)).status.authenticated).toBeUndefined()
    expect((await review(token, ['bank'])).status.authenticated).toBeUndefined()
    expect((await review(token, ['bank', 'vault'])).status).toMatchObject({ authenticated: true, audiences: ['vault'] })
    const plain = (await issue(account)).status.token
    expect((await review(plain, ['vault'])).status.authenticated).toBeUndefined()
  })

  it('expire', async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1))
    await using own = await startTestServer({ clock })
    const { token, expirationTimestamp } = (
      await issue({ namespace, name: 'default' }, { expirationSeconds: 600 }, own)
    ).status
    expect(expirationTimestamp).toBe('2026-01-01T00:10:00Z')
    await clock.advance(599_000)
    expect((await review(token, undefined, own)).status.authenticated).toBe(true)
    await clock.advance(1_000)
    expect((await review(token, undefined, own)).status.authenticated).toBeUndefined()
  })

  it('of another cluster are nobody’s', async () => {
    await using other = await startTestServer()
    const { token } = (await issue({ namespace, name: 'default' }, {}, other)).status
    expect((await whoami(token)).code).toBe(401)
  })

  it('are refused for what can’t be bound', async () => {
    const account = fresh('refused')
    const pod = fresh('refused-pod')
    await create(serviceAccounts, { metadata: account })
    await create(pods, { metadata: pod, spec: podSpec })
    const asked = (spec: object) => refusal(issue(account, spec))
    expect((await asked({ expirationSeconds: 599 })).message).toContain(
      'may not specify a duration less than 10 minutes',
    )
    expect((await asked({ expirationSeconds: 2 ** 33 })).reason).toBe('Invalid')
    expect((await asked({ boundObjectRef: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'x' } })).message).toBe(
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    )
    expect((await asked({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod.name } })).message).toContain(
      'to pod running with different serviceaccount name.',
    )
    expect((await asked({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'none' } })).reason).toBe(
      'NotFound',
    )
    expect((await asked('text' as never)).reason).toBe('BadRequest')
    expect((await refusal(issue({ namespace, name: 'none' }))).reason).toBe('NotFound')
  })

  it('are those of one key, whatever else two servers share', async () => {
    await using own = await startTestServer()
    const { token } = (await issue({ namespace, name: 'default' }, {}, own)).status
    await using restarted = await startTestServer({ store: own.store })
    expect((await whoami(token, restarted)).code, 'it has another key').toBe(401)
    expect((await review(token, undefined, own)).status.authenticated).toBe(true)
  })
})

describe('access reviews', () => {
  const ask = async (kind: string, spec: object, { as, path = '' }: { as?: any; path?: string } = {}) => {
    const answer = await server.fetch(`/apis/authorization.k8s.io/v1/${path}${kind.toLowerCase()}s`, {
      method: 'POST',
      body: { apiVersion: 'authorization.k8s.io/v1', kind, spec },
      ...(as && { as }),
    })
    return { code: answer.status, body: (await answer.json()) as Any }
  }
  const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'default' }

  it('tell what users may do', async () => {
    const allowed = await ask('SubjectAccessReview', { user: 'u', groups: ['system:masters'], resourceAttributes })
    expect(allowed).toMatchObject({ code: 201, body: { status: { allowed: true } } })
    const denied = await ask('SubjectAccessReview', { user: 'u', resourceAttributes })
    expect(denied.body.status).toEqual({ allowed: false })
    const self = await ask('SelfSubjectAccessReview', { nonResourceAttributes: { path: '/x', verb: 'get' } })
    expect(self.body.status.allowed).toBe(true)
    const local = await ask(
      'LocalSubjectAccessReview',
      { user: 'u', resourceAttributes },
      { path: 'namespaces/default/' },
    )
    expect(local.body.status).toEqual({ allowed: false })
    const rules = await ask('SelfSubjectRulesReview', { namespace: 'default' })
    expect(rules.body.status.resourceRules).toContainEqual({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })
  })

  it('refuse what is no question', async () => {
    expect((await ask('SubjectAccessReview', { resourceAttributes })).body.message).toContain(
      'at least one of user or group must be specified',
    )
    expect((await ask('SelfSubjectAccessReview', {})).body.message).toContain(
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    )
    expect((await ask('SubjectAccessReview', { user: 5 })).code).toBe(400)
    expect((await ask('SelfSubjectAccessReview', [] as never)).code).toBe(400)
    const elsewhere = { user: 'u', resourceAttributes: { ...resourceAttributes, namespace: 'other' } }
    expect((await ask('LocalSubjectAccessReview', elsewhere, { path: 'namespaces/default/' })).code).toBe(422)
  })
})

describe('a subresource that is not there yet', () => {
  it('says so', async () => {
    const key = fresh('resized')
    await create(pods, { metadata: key, spec: podSpec })
    const err = await refusal(server.client.patch(pods, key, {}, { subresource: 'nothing' }))
    expect(err.reason).toBe('NotFound')
  })
})
