/** Validating and mutating admission policies, over a real API server in this process. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject, Resource } from '#api/kind.ts'
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  customResourceDefinitions,
  deployments,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  namespaces,
  serviceAccounts,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '#api/resources.ts'
import { StatusError } from '#machinery/status-error.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'

type Any = KubeObject & Record<string, any>

let api: InProcessApi

beforeEach(async () => {
  api = await startInProcessApi()
  await create(namespaces, { metadata: { name: 'default', labels: { team: 'a' } } })
  await create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
  return () => api.close()
})

const create = (resource: Resource<any>, draft: unknown, options: object = {}): Promise<Any> =>
  api.client.create(resource, draft as never, options)

/** A client of somebody who may do only what has been granted. */
const as = (name: string) => api.clientFor({ name, groups: ['system:authenticated'] })

async function grant(name: string, allowed: { apiGroups: string[]; resources: string[]; verbs: string[] }) {
  const { metadata } = await create(clusterRoles, { metadata: { generateName: name }, rules: [allowed] })
  await create(clusterRoleBindings, {
    metadata: { generateName: name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  })
}

const rule = (resource: string, ...operations: string[]) => ({
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations: operations.length > 0 ? operations : ['CREATE', 'UPDATE'],
  resources: [resource],
})

/** A policy with a binding of the same name. */
async function validating(name: string, spec: object, binding: object = {}): Promise<void> {
  const matchConstraints = { resourceRules: [rule('configmaps')] }
  await create(validatingAdmissionPolicies, { metadata: { name }, spec: { matchConstraints, ...spec } })
  const bound = { policyName: name, validationActions: ['Deny'], ...binding }
  await create(validatingAdmissionPolicyBindings, { metadata: { name }, spec: bound })
}

async function mutating(name: string, spec: object, binding: object = {}): Promise<void> {
  const matchConstraints = { resourceRules: [rule('configmaps')] }
  const whole = { matchConstraints, reinvocationPolicy: 'Never', ...spec }
  await create(mutatingAdmissionPolicies, { metadata: { name }, spec: whole })
  await create(mutatingAdmissionPolicyBindings, { metadata: { name }, spec: { policyName: name, ...binding } })
}

const configMap = (name: string, data: Record<string, string> = { a: 'b' }, metadata: object = {}) => ({
  metadata: { namespace: 'default', name, ...metadata },
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

async function warningsOf(draft: unknown): Promise<string[]> {
  const caller = { user: { name: 'u', groups: ['system:masters'] }, warnings: [] as string[] }
  await api.api.perform(caller, { verb: 'create', resource: configMaps, namespace: 'default', body: draft })
  return caller.warnings
}

const denied = (what: string, why: string) =>
  `configmaps "${what}" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: ${why}`

describe('a validating policy', () => {
  it('refuses before anybody says that an object is there, or may not have a version', async () => {
    await create(configMaps, configMap('there', { a: 'no' }))
    await validating('p', { validations: [{ expression: "object.data.a != 'no'", message: 'a must not be no' }] })
    expect((await refusal(create(configMaps, configMap('there', { a: 'no' })))).code).toBe(422)
    const versioned = { resourceVersion: '7' }
    expect((await refusal(create(configMaps, configMap('new', { a: 'no' }, versioned)))).code).toBe(422)
    // A version is refused first, as what is there need not be known for that.
    expect((await refusal(create(configMaps, configMap('there', { a: 'yes' }, versioned)))).code).toBe(400)
    expect((await refusal(create(configMaps, configMap('there', { a: 'yes' })))).code).toBe(409)
  })

  it('refuses what its validations do not allow, with a message and a reason', async () => {
    await validating('p', {
      validations: [
        { expression: "object.data.a != 'no'", message: 'a must not be no' },
        { expression: "object.data.a != 'never'", reason: 'Forbidden' },
        { expression: "object.data.a != 'why'", messageExpression: "'a is ' + object.data.a" },
      ],
    })
    await create(configMaps, configMap('yes'))
    expect(await refusal(create(configMaps, configMap('c', { a: 'no' })))).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: denied('c', 'a must not be no'),
      details: { name: 'c', kind: 'configmaps', causes: [{ message: expect.stringContaining('a must not be no') }] },
    })
    expect(await refusal(create(configMaps, configMap('c', { a: 'never' })))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: denied('c', "failed expression: object.data.a != 'never'"),
    })
    expect((await refusal(create(configMaps, configMap('c', { a: 'why' })))).message).toBe(denied('c', 'a is why'))
  })

  it('sees the old object, the request and the namespace, and shares variables', async () => {
    await validating('p', {
      variables: [
        { name: 'team', expression: 'namespaceObject.metadata.labels.team' },
        { name: 'allowed', expression: "variables.team == 'a' || request.operation == 'CREATE'" },
      ],
      validations: [
        { expression: 'variables.allowed' },
        { expression: 'oldObject == null || object.data.a == oldObject.data.a', message: 'a stays' },
      ],
    })
    const { metadata } = await create(configMaps, configMap('c'))
    const write = (data: object) => api.client.patch(configMaps, metadata as never, { data }, { type: 'merge' })
    await write({ b: 'c' })
    expect((await refusal(write({ a: 'other' }))).message).toBe(denied('c', 'a stays'))
    await api.client.patch(namespaces, { name: 'default' }, { metadata: { labels: { team: 'b' } } }, { type: 'merge' })
    expect((await refusal(write({ b: 'd' }))).message).toBe(denied('c', 'failed expression: variables.allowed'))
  })

  it('warns where its binding says so', async () => {
    await validating('p', { validations: [{ expression: 'false', message: 'never' }] }, { validationActions: ['Warn'] })
    expect(await warningsOf(configMap('c'))).toEqual([
      "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': never",
    ])
    await api.client.delete(validatingAdmissionPolicyBindings, { name: 'p' })
    expect(await warningsOf(configMap('d'))).toEqual([])
  })

  it('asks who may do what', async () => {
    await grant('bob', { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] })
    await grant('eve', { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] })
    await grant('bob', { apiGroups: [''], resources: ['secrets'], verbs: ['get'] })
    await validating('p', {
      validations: [
        { expression: "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()" },
        { expression: "authorizer.requestResource.check('create').allowed()" },
        { expression: "!authorizer.requestResource.check('delete').allowed()" },
      ],
    })
    await as('bob').create(configMaps, configMap('c'))
    expect((await refusal(as('eve').create(configMaps, configMap('d')))).message).toContain('denied request: failed')
  })

  it('fails as its policy says where an expression fails', async () => {
    const validations = [{ expression: "object.data.missing == 'x'" }]
    await validating('p', { validations })
    expect((await refusal(create(configMaps, configMap('c')))).message).toBe(
      denied('c', `expression 'object.data.missing == 'x'' resulted in error: no such key: missing`),
    )
    await api.client.patch(
      validatingAdmissionPolicies,
      { name: 'p' },
      { spec: { failurePolicy: 'Ignore' } },
      { type: 'merge' },
    )
    await create(configMaps, configMap('c'))
  })

  it('is asked only about what it and its binding match', async () => {
    await validating(
      'p',
      {
        matchConstraints: {
          resourceRules: [rule('configmaps', 'CREATE')],
          excludeResourceRules: [{ ...rule('configmaps', '*'), resourceNames: ['spared'] }],
          namespaceSelector: { matchLabels: { team: 'a' } },
        },
        matchConditions: [{ name: 'not-skipped', expression: "!object.metadata.name.startsWith('skip')" }],
        validations: [{ expression: 'false', message: 'no' }],
      },
      { matchResources: { objectSelector: { matchLabels: { checked: 'yes' } } } },
    )
    const labels = { checked: 'yes' }
    await create(configMaps, configMap('unlabelled'))
    await create(configMaps, configMap('spared', {}, { labels }))
    await create(configMaps, configMap('skip-me', {}, { labels }))
    expect((await refusal(create(configMaps, configMap('c', {}, { labels })))).message).toBe(denied('c', 'no'))
    await api.client.patch(namespaces, { name: 'default' }, { metadata: { labels: { team: 'b' } } }, { type: 'merge' })
    await create(configMaps, configMap('c', {}, { labels }))
  })

  it('has a say about deletions', async () => {
    await validating('p', {
      matchConstraints: { resourceRules: [rule('configmaps', 'DELETE')] },
      validations: [{ expression: "object == null && oldObject.data.a != 'kept'", message: 'kept' }],
    })
    const key = { namespace: 'default', name: 'c' }
    await create(configMaps, configMap('c', { a: 'kept' }))
    expect((await refusal(api.client.delete(configMaps, key))).message).toBe(denied('c', 'kept'))
    // Of many at once no name is told.
    const all = await refusal(api.client.deleteCollection(configMaps, { namespace: 'default' }))
    expect(all.message).toBe(denied('Unknown', 'kept'))
    await api.client.patch(configMaps, key, { data: { a: 'b' } }, { type: 'merge' })
    await api.client.delete(configMaps, key)
  })
})

describe('parameters', () => {
  const policy = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    matchConstraints: { resourceRules: [rule('deployments')] },
    validations: [{ expression: 'object.spec.replicas <= int(params.data.max)', message: 'too many' }],
  }
  const deployment = (replicas: number) => ({
    metadata: { namespace: 'default', generateName: 'd-' },
    spec: {
      replicas,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  const attempt = (replicas: number) => create(deployments, deployment(replicas))

  it('are taken by name, or by labels', async () => {
    await create(configMaps, configMap('limits', { max: '2' }, { labels: { limits: 'yes' } }))
    await validating('p', policy, { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } })
    await attempt(2)
    expect((await refusal(attempt(3))).message).toContain('denied request: too many')
    const selector = { matchLabels: { limits: 'yes' } }
    const patch = [{ op: 'replace', path: '/spec/paramRef', value: { selector, parameterNotFoundAction: 'Allow' } }]
    await api.client.patch(validatingAdmissionPolicyBindings, { name: 'p' }, patch, { type: 'json' })
    await create(configMaps, configMap('stricter', { max: '1' }, { labels: { limits: 'yes' } }))
    expect((await refusal(attempt(2))).message).toContain('denied request: too many')
    await attempt(1)
  })

  it('that are missing lead to what the binding says', async () => {
    await validating('p', policy, { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } })
    expect((await refusal(attempt(1))).message).toContain(
      "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    )
    const patch = [{ op: 'replace', path: '/spec/paramRef/parameterNotFoundAction', value: 'Allow' }]
    await api.client.patch(validatingAdmissionPolicyBindings, { name: 'p' }, patch, { type: 'json' })
    await attempt(9)
  })

  it('may be custom resources', async () => {
    const binding = { paramRef: { name: 'l', parameterNotFoundAction: 'Deny' } }
    const custom = {
      ...policy,
      paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' },
      validations: [{ expression: 'object.spec.replicas <= params.max' }],
    }
    await validating('p', custom, binding)
    expect((await refusal(attempt(1))).message).toContain(
      "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'",
    )
    const schema = { openAPIV3Schema: { type: 'object', properties: { max: { type: 'integer' } } } }
    await create(customResourceDefinitions, {
      metadata: { name: 'limits.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'limits', kind: 'Limit' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    })
    let limits: Resource | undefined
    while (!(limits = api.api.catalog.at('example.com', 'v1', 'limits')?.resource))
      await new Promise((resolve) => setImmediate(resolve))
    await create(limits, { metadata: { name: 'l' }, max: 2 })
    await attempt(2)
    expect((await refusal(attempt(3))).message).toContain('failed expression: object.spec.replicas <= params.max')
  })

  it('can be named only by who may read them', async () => {
    await grant('bob', { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] })
    const attempt = () =>
      as('bob').create(validatingAdmissionPolicies, { metadata: { name: 'q' }, spec: policy } as never)
    expect(await refusal(attempt())).toMatchObject({
      reason: 'Invalid',
      message:
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "q" is invalid: spec.paramKind: Forbidden: user &{bob  [system:authenticated] map[]} ' +
        'must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)',
    })
    await grant('bob', { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] })
    await attempt()
  })
})

describe('a mutating policy', () => {
  it('applies a configuration', async () => {
    await mutating('m', {
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression: `Object{metadata: Object.metadata{labels: {"mutated": "yes"}}}`,
          },
        },
      ],
    })
    const made = await create(configMaps, configMap('c', { a: 'b' }, { labels: { own: 'l' } }))
    expect(made.metadata.labels).toEqual({ own: 'l', mutated: 'yes' })
    expect(made.data).toEqual({ a: 'b' })
  })

  it('applies a JSON patch', async () => {
    await mutating('m', {
      variables: [{ name: 'value', expression: "object.data.a + '!'" }],
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: {
            expression: `[JSONPatch{op: "test", path: "/data/a", value: "b"}, JSONPatch{op: "add", path: "/data/c", value: variables.value}]`,
          },
        },
      ],
    })
    expect((await create(configMaps, configMap('c'))).data).toEqual({ a: 'b', c: 'b!' })
    // A test that fails means another object.
    expect((await create(configMaps, configMap('d', { a: 'x' }))).data).toEqual({ a: 'x' })
  })

  it('completes what it adds with defaults', async () => {
    await mutating('m', {
      matchConstraints: { resourceRules: [rule('deployments')] },
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression: `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
              initContainers: [Object.spec.template.spec.initContainers{name: "first", image: "busybox"}]}}}}`,
          },
        },
      ],
    })
    const made = await create(deployments, {
      metadata: { namespace: 'default', name: 'd' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    })
    const [first] = made.spec.template.spec.initContainers
    expect(first).toMatchObject({ name: 'first', image: 'busybox', terminationMessagePolicy: 'File' })
    expect(made.spec.template.spec.containers).toHaveLength(1)
  })

  it('fails the request where it cannot be carried out', async () => {
    const mutation = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
    await mutating('m', { mutations: [mutation('Object{nonsense: Object.nonsense{a: 1}}')] })
    const error = await refusal(create(configMaps, configMap('c')))
    expect(error.message).toContain("policy 'm' with binding 'm' denied request: error applying patch")
    expect(error).toMatchObject({ code: 403, reason: 'Invalid' })
  })

  it('runs once more where something changes after it, if it wishes so', async () => {
    const add = (condition: string, name: string) => ({
      patchType: 'JSONPatch',
      jsonPatch: { expression: `${condition} ? [JSONPatch{op: "add", path: "/data/${name}", value: "yes"}] : []` },
    })
    await mutating('a', { reinvocationPolicy: 'IfNeeded', mutations: [add("'second' in object.data", 'late')] })
    await mutating('b', { mutations: [add('true', 'second')] })
    expect((await create(configMaps, configMap('c'))).data).toEqual({ a: 'b', second: 'yes', late: 'yes' })
  })
})

describe('policies that make no sense', () => {
  const validation = (expression: string, extra: object = {}) => ({
    metadata: { name: 'p' },
    spec: { matchConstraints: { resourceRules: [rule('configmaps')] }, validations: [{ expression, ...extra }] },
  })

  it('are refused with what the compiler says', async () => {
    const attempt = async (draft: unknown) => (await refusal(create(validatingAdmissionPolicies, draft))).details!
    expect((await attempt(validation('object.x +'))).causes).toMatchObject([
      {
        field: 'spec.validations[0].expression',
        message: expect.stringContaining('compilation failed: ERROR: <input>'),
      },
    ])
    expect((await attempt(validation('1 + 1'))).causes).toMatchObject([
      { message: 'Invalid value: "1 + 1": must evaluate to bool but got int' },
    ])
    expect((await attempt(validation('true', { messageExpression: 'authorizer' }))).causes).toMatchObject([
      { field: 'spec.validations[0].messageExpression' },
    ])
    const variables = [{ name: 'v', expression: 'nonsense' }]
    const withVariables = { ...validation('variables.v'), spec: { ...validation('true').spec, variables } }
    expect((await attempt(withVariables)).causes).toMatchObject([{ field: 'spec.variables[0].expression' }])
  })
})
