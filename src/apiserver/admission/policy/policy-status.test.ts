/** What a validating policy's status says of its expressions. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ValidatingAdmissionPolicy } from '#api/admissionregistration/v1.ts'
import { customResourceDefinitions, validatingAdmissionPolicies } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createBaseEnvironment } from '../../cel/base-environment.ts'
import { startPolicyStatus } from './policy-status.ts'

let api: InProcessApi

beforeEach(async () => {
  api = await startInProcessApi()
  const { client, clock, log, signal } = api
  const environment = createBaseEnvironment()
  startPolicyStatus({ api: api.api, client, environment: () => environment, clock, log, signal })
  return () => api.close()
})

const spec = (rule: object, ...validations: object[]) => ({
  matchConstraints: {
    resourceRules: [
      { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'], ...rule },
    ],
  },
  validations,
})
const create = (name: string, draft: object) =>
  api.client.create(validatingAdmissionPolicies, { metadata: { name }, spec: draft } as never)

/** Once the newest generation has been looked at. */
const statusOf = (name: string): Promise<ValidatingAdmissionPolicy['status']> =>
  api.until(() => {
    const found = api.informers.for(validatingAdmissionPolicies).get(undefined, name)
    return found && found.status.observedGeneration === found.metadata.generation && found.status
  }, [validatingAdmissionPolicies])

describe('the status of a policy', () => {
  it('is clean where its expressions fit', async () => {
    await create('p', spec({}, { expression: 'object.spec.replicas > 1' }))
    expect(await statusOf('p')).toEqual({ observedGeneration: 1, typeChecking: {} })
  })

  it('warns of what can only go wrong, and follows changes', async () => {
    const suspicious = { expression: "object.spec.replicas > '1'", messageExpression: "'wants ' + object.nonsense" }
    await create('p', spec({}, suspicious, { expression: 'object.spec.replicas > 1' }))
    const { typeChecking } = await statusOf('p')
    expect(typeChecking!.expressionWarnings).toEqual([
      {
        fieldRef: 'spec.validations[0].expression',
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n" +
          " | object.spec.replicas > '1'\n | .....................^\n",
      },
      {
        fieldRef: 'spec.validations[0].messageExpression',
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:18: undefined field 'nonsense'\n" +
          " | 'wants ' + object.nonsense\n | .................^\n",
      },
    ])
    const mended = [{ op: 'replace', path: '/spec/validations', value: [{ expression: 'object.spec.replicas > 1' }] }]
    await api.client.patch(validatingAdmissionPolicies, { name: 'p' }, mended, { type: 'json' })
    await api.until(() => {
      const found = api.informers.for(validatingAdmissionPolicies).get(undefined, 'p')
      return found?.status.observedGeneration === 2 && found
    }, [validatingAdmissionPolicies])
    expect(await statusOf('p')).toEqual({ observedGeneration: 2, typeChecking: {} })
  })

  it('knows custom resources', async () => {
    const properties = { size: { type: 'integer' } }
    await api.client.create(customResourceDefinitions, {
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
        ],
      },
    })
    while (!api.api.catalog.at('example.com', 'v1', 'things')) await new Promise((resolve) => setImmediate(resolve))
    const custom = { apiGroups: ['example.com'], resources: ['things'] }
    await create('p', spec(custom, { expression: 'object.size > 1' }, { expression: 'object.sise > 1' }))
    const { typeChecking } = await statusOf('p')
    expect(typeChecking!.expressionWarnings).toMatchObject([
      {
        fieldRef: 'spec.validations[1].expression',
        warning: expect.stringContaining("example.com/v1, Kind=Thing: ERROR: <input>:1:7: undefined field 'sise'"),
      },
    ])
  })
})
