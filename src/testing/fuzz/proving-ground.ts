/**
 * A server for strange requests to be sent to: with objects of many kinds that there are to change and to delete, and put
 * back to what it was from time to time, so that neither what was deleted is missed nor what was made piles up.
 */
import type { Resource } from '#api/kind.ts'
import {
  configMaps,
  customResourceDefinitions,
  deployments,
  deviceClasses,
  events,
  horizontalPodAutoscalersV1,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  namespaces,
  pods,
  resourceClaims,
  serviceAccounts,
  services,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '#api/resources.ts'
import type { Log } from '#base/log.ts'
import { CompareFailed, type Store, type StoreEntry } from '#storage/store.ts'
import { createMemoryStore } from '#storage/memory-store.ts'
import { ask, untilDefinition } from '../custom-definition.ts'
import { startTestServer, type TestServer } from '../test-server.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import { FUZZED_GROUP, GADGET_GROUP, gadgetDefinition } from './extension-objects.ts'

const template = { containers: [{ name: 'c', image: 'i' }] }
const matchConstraints = {
  resourceRules: [
    { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['configmaps', 'gadgets', 'services'] },
  ],
}
const policy = {
  spec: {
    failurePolicy: 'Ignore',
    matchConstraints,
    variables: [{ name: 'a', expression: 'object == null ? oldObject : object' }],
    validations: [
      { expression: "variables.a.metadata.name.size() < 5 || has(object.spec) && object.metadata.name != 'x'" },
    ],
  },
}
const expression = 'Object{metadata: Object.metadata{annotations: {"seen": object.metadata.name}}}'
const mutation = {
  mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
  reinvocationPolicy: 'IfNeeded',
}

/** In the namespace `default` where they are in one. */
const drafts: readonly (readonly [Resource, object])[] = [
  [pods, { spec: template }],
  [services, { spec: { ports: [{ port: 80 }] } }],
  [
    deployments,
    { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: template } } },
  ],
  [namespaces, {}],
  [configMaps, { data: { a: 'b' } }],
  [events, { involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' } }],
  [
    horizontalPodAutoscalersV1,
    { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' }, maxReplicas: 3 } },
  ],
  [validatingAdmissionPolicies, policy],
  [mutatingAdmissionPolicies, { spec: { ...mutation, matchConstraints, failurePolicy: 'Ignore' } }],
  [mutatingAdmissionPolicyBindings, { spec: { policyName: 'a' } }],
  [deviceClasses, { spec: { selectors: [{ cel: { expression: "device.driver == 'a'" } }] } }],
  [resourceClaims, { spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'a' } }] } } }],
  [validatingAdmissionPolicyBindings, { spec: { policyName: 'a', validationActions: ['Warn'] } }],
]

const defined = [
  [GADGET_GROUP, 'gadgets', 'Gadget'],
  [FUZZED_GROUP, 'as', 'A'],
  [FUZZED_GROUP, 'bs', 'B'],
] as const

export class ProvingGround {
  readonly server: TestServer
  readonly #store: Store
  readonly #original: ReadonlyMap<string, StoreEntry>

  private constructor(server: TestServer, store: Store, original: ReadonlyMap<string, StoreEntry>) {
    this.server = server
    this.#store = store
    this.#original = original
  }

  static async start(log: Log): Promise<ProvingGround> {
    const store = createMemoryStore()
    const server = await startTestServer({ store, log })
    const { client } = server
    for (const [group, plural, kind] of defined) {
      await client.create(customResourceDefinitions, gadgetDefinition(group, plural, kind) as never)
      await untilDefinition(server, `${plural}.${group}`, ({ status }) =>
        isConditionTrue(status.conditions, 'Established'),
      )
    }
    for (const name of ['a', 'b']) {
      for (const [resource, body] of drafts) {
        const namespace = resource.namespaced ? 'default' : undefined
        await client.create(resource, { ...body, metadata: { namespace, name } } as never)
      }
      for (const [group, plural, kind] of defined) {
        const object = { apiVersion: `${group}/v1`, kind, metadata: { name }, spec: { replicas: 1 } }
        const { code } = await ask(server, 'POST', `/apis/${group}/v1/namespaces/default/${plural}`, object)
        if (code !== 201) throw new Error(`cannot create a ${kind}: ${code}`)
      }
    }
    const { entries } = await store.list('/')
    return new ProvingGround(server, store, new Map(entries.map((entry) => [entry.key, entry])))
  }

  /** Without it every pod would be waited for, in case its account is about to be made. */
  async ensureAccount(): Promise<void> {
    const { client } = this.server
    const account = { name: 'default', namespace: 'default' }
    if (!(await client.find(serviceAccounts, account)))
      await client.create(serviceAccounts, { metadata: account }).catch(() => undefined)
  }

  /** Puts back what was there at first, and nothing else, without asking the API; forgets history. */
  async reset(): Promise<void> {
    const missing = new Map(this.#original)
    const writes: Promise<unknown>[] = []
    const write = (key: string, expected: number, value: Buffer | null) =>
      // Who works in the background may be faster; then it is for the next time.
      writes.push(this.#store.write({ key, expected, value }).catch(ignoreCollision))
    const { entries } = await this.#store.list('/')
    for (const { key, revision, value } of entries) {
      const original = missing.get(key)
      missing.delete(key)
      if (!original) write(key, revision, null)
      else if (!original.value.equals(value)) write(key, revision, original.value)
    }
    for (const { key, value } of missing.values()) write(key, 0, value)
    await Promise.all(writes)
    await this.#store.compact(this.#store.revision)
  }
}

function ignoreCollision(err: unknown) {
  if (!(err instanceof CompareFailed)) throw err
}
