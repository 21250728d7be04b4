/** What the plug-ins that look at pods complete, refuse and leave alone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decode } from '#api/decode.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import {
  limitRanges,
  namespaces,
  nodes,
  pods,
  priorityClasses,
  runtimeClasses,
  serviceAccounts,
} from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'
import type { Draft } from '../registry/strategy.ts'

let cluster: InProcessApi
beforeEach(async () => {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
})
afterEach(() => cluster.close())

const containers = [{ name: 'c', image: 'i' }]
const create = (name: string, spec: object = {}, metadata: object = {}): Promise<Pod> =>
  cluster.client.create(pods, {
    metadata: { name, namespace: 'ns', ...metadata },
    spec: { containers, ...spec } as Pod['spec'],
  })
const messageOf = async (request: Promise<unknown>) => (await refusal(request)).message

describe('NamespaceLifecycle', () => {
  it('lets nothing be made where there is no namespace, or none for long', async () => {
    const elsewhere = cluster.client.create(serviceAccounts, { metadata: { name: 'a', namespace: 'none' } })
    expect(await messageOf(elsewhere)).toBe('namespaces "none" not found')
    await cluster.client.delete(namespaces, { name: 'ns' })
    expect(await refusal(create('p'))).toMatchObject({
      reason: 'Forbidden',
      message: 'pods "p" is forbidden: unable to create new content in namespace ns because it is being terminated',
      details: {
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace ns is being terminated',
            field: 'metadata.namespace',
          },
        ],
      },
    })
  })

  it('keeps the namespaces that every cluster has', async () => {
    await cluster.client.create(namespaces, { metadata: { name: 'kube-public' } })
    const deletion = cluster.client.delete(namespaces, { name: 'kube-public' })
    expect(await messageOf(deletion)).toBe('namespaces "kube-public" is forbidden: this namespace may not be deleted')
  })
})

describe('ServiceAccount', () => {
  it('gives a pod the default account, with its token in every container', async () => {
    const { spec } = await create('p', { initContainers: [{ name: 'i', image: 'i' }] })
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' })
    const [volume] = spec.volumes!
    expect(volume!.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(volume!.projected!.defaultMode).toBe(420)
    const mount = { name: volume!.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
    expect(spec.containers[0]!.volumeMounts).toMatchObject([mount])
    expect(spec.initContainers![0]!.volumeMounts).toMatchObject([mount])
  })

  it('mounts no token where the pod or else the account says so, or where something is mounted already', async () => {
    const silent = { automountServiceAccountToken: false }
    await cluster.client.create(serviceAccounts, { metadata: { name: 'silent', namespace: 'ns' }, ...silent })
    const byPod = await create('a', silent)
    const byAccount = await create('b', { serviceAccountName: 'silent' })
    const anyway = await create('c', { serviceAccountName: 'silent', automountServiceAccountToken: true })
    expect([byPod, byAccount, anyway].map(({ spec }) => spec.volumes?.length ?? 0)).toEqual([0, 0, 1])
    const own = { name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
    const taken = await create('d', {
      volumes: [{ name: 'own', emptyDir: {} }],
      containers: [{ name: 'c', image: 'i', volumeMounts: [own] }],
    })
    expect(taken.spec.volumes!.map(({ name }) => name)).toEqual(['own'])
  })

  it('hands on the pull secrets of the account, unless the pod has its own', async () => {
    const imagePullSecrets = [{ name: 'hub' }]
    await cluster.client.create(serviceAccounts, { metadata: { name: 'puller', namespace: 'ns' }, imagePullSecrets })
    const plain = await create('a', { serviceAccountName: 'puller' })
    expect(plain.spec.imagePullSecrets).toEqual(imagePullSecrets)
    const own = await create('b', { serviceAccountName: 'puller', imagePullSecrets: [{ name: 'mine' }] })
    expect(own.spec.imagePullSecrets).toEqual([{ name: 'mine' }])
  })

  it('knows no account that does not exist', async () => {
    expect(await messageOf(create('p', { serviceAccountName: 'nobody' }))).toBe(
      'pods "p" is forbidden: error looking up service account ns/nobody: serviceaccount "nobody" not found',
    )
  })

  it('waits for the default account of a new namespace', async () => {
    await cluster.client.create(namespaces, { metadata: { name: 'new' } })
    const made = create('p', {}, { namespace: 'new' })
    await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'new' } })
    expect((await made).spec.serviceAccountName).toBe('default')
  })

  it('leaves mirror pods alone, which may not use what is in the API', async () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x' }
    const plain = await create('a', { nodeName: 'n' }, { annotations })
    expect(plain.spec.serviceAccountName).toBeUndefined()
    const refused = (spec: object) => messageOf(create('b', { nodeName: 'n', ...spec }, { annotations }))
    expect(await refused({ serviceAccountName: 'default' })).toMatch(/a mirror pod may not reference service accounts$/)
    const secret = { name: 'v', secret: { secretName: 's' } }
    expect(await refused({ volumes: [secret] })).toMatch(/a mirror pod may not reference secrets$/)
    const token = { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }
    expect(await refused({ volumes: [token] })).toMatch(/may not use ServiceAccountToken volume projections$/)
  })

  it('holds pods to the secrets of an account that asks for it', async () => {
    await cluster.client.create(serviceAccounts, {
      metadata: {
        name: 'strict',
        namespace: 'ns',
        annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' },
      },
      secrets: [{ name: 'known' }],
    })
    const spec = (extra: object) => ({ serviceAccountName: 'strict', ...extra })
    const volume = (secretName: string) => ({ volumes: [{ name: 'v', secret: { secretName } }] })
    await create('fine', spec(volume('known')))
    expect(await messageOf(create('a', spec(volume('other'))))).toBe(
      'pods "a" is forbidden: volume with secret.secretName="other" is not allowed because service account strict does not reference that secret',
    )
    const env = [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }]
    expect(await messageOf(create('b', spec({ containers: [{ name: 'c', image: 'i', env }] })))).toBe(
      'pods "b" is forbidden: container c with envVar E referencing secret.secretName="other" is not allowed because service account strict does not reference that secret',
    )
    expect(await messageOf(create('c', spec({ imagePullSecrets: [{ name: 'hub' }] })))).toBe(
      'pods "c" is forbidden: imagePullSecrets[0].name="hub" is not allowed because service account strict does not reference that imagePullSecret',
    )
  })
})

describe('Priority', () => {
  const priorityClass = (name: string, value: number, extra: object = {}) =>
    cluster.client.create(priorityClasses, { metadata: { name }, value, ...extra })

  it('resolves classes, the default one too', async () => {
    expect((await create('none')).spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' })
    await priorityClass('high', 1000, { preemptionPolicy: 'Never' })
    await priorityClass('usual', 10, { globalDefault: true })
    const high = await create('high', { priorityClassName: 'high' })
    expect(high.spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never' })
    expect((await create('usual')).spec).toMatchObject({ priority: 10, priorityClassName: 'usual' })
  })

  it('lets nobody choose a number', async () => {
    expect(await messageOf(create('p', { priority: 5 }))).toBe(
      'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    )
    expect(await messageOf(create('p', { preemptionPolicy: 'Never' }))).toBe(
      'pods "p" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    )
    expect(await messageOf(create('p', { priorityClassName: 'x' }))).toBe(
      'pods "p" is forbidden: no PriorityClass with name x was found',
    )
  })

  it('allows one default', async () => {
    await priorityClass('a', 1, { globalDefault: true })
    expect(await messageOf(priorityClass('b', 2, { globalDefault: true }))).toBe(
      'priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass a is already marked as default. Only one default can exist',
    )
    await cluster.client.patch(priorityClasses, { name: 'a' }, { description: 'still the one' })
  })

  it('keeps what a pod has when it is written without it', async () => {
    const { metadata, spec, ...rest } = await create('p')
    const { priority: _p, preemptionPolicy: _q, ...less } = spec
    const updated = await cluster.client.update(pods, {
      ...rest,
      metadata: { ...metadata, labels: { a: 'b' } },
      spec: less as Pod['spec'],
    })
    expect(updated.spec.priority).toBe(0)
  })
})

describe('RuntimeClass', () => {
  const add = (extra: object) =>
    cluster.client.create(runtimeClasses, { metadata: { name: 'sandboxed' }, handler: 'kata', ...extra })
  const runtimeClassName = 'sandboxed'

  it('says what running a pod costs', async () => {
    await add({ overhead: { podFixed: { cpu: '100m' } } })
    expect((await create('a', { runtimeClassName })).spec.overhead).toEqual({ cpu: '100m' })
    expect((await create('b', { runtimeClassName, overhead: { cpu: '0.1' } })).spec.overhead).toEqual({ cpu: '100m' })
    expect(await messageOf(create('c', { runtimeClassName, overhead: { cpu: '1' } }))).toBe(
      "pods \"c\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    )
    expect(await messageOf(create('d', { overhead: { cpu: '1' } }))).toBe(
      'pods "d" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    )
    expect(await messageOf(create('e', { runtimeClassName: 'x' }))).toBe(
      'pods "e" is forbidden: pod rejected: RuntimeClass "x" not found',
    )
  })

  it('says where pods can run', async () => {
    const toleration = { key: 'kata', operator: 'Exists', effect: 'NoSchedule' }
    await add({ scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [toleration] } })
    const { spec } = await create('a', { runtimeClassName, nodeSelector: { disk: 'ssd' } })
    expect(spec.nodeSelector).toEqual({ disk: 'ssd', kata: 'yes' })
    expect(spec.tolerations).toContainEqual(toleration)
    expect(await messageOf(create('b', { runtimeClassName, nodeSelector: { kata: 'no' } }))).toBe(
      'pods "b" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
    )
    // A wider toleration of the pod makes the narrower one needless.
    const wide = await create('c', { runtimeClassName, tolerations: [{ operator: 'Exists' }] })
    expect(wide.spec.tolerations).toEqual([{ operator: 'Exists' }])
  })
})

describe('a pod that was stored before there were rules for it', () => {
  beforeEach(async () => {
    const draft = decode(pods.type, { metadata: { name: 'old' }, spec: { containers } }).object as Draft
    await cluster.api.registry(pods).create(draft, { namespace: 'ns', dryRun: false })
  })
  const key = { name: 'old', namespace: 'ns' }
  const label = (subresource?: string) =>
    cluster.client.patch(pods, key, { metadata: { labels: { a: 'b' } } }, { ...(subresource && { subresource }) })

  it('gets its tolerations with a patch of something else', async () => {
    const { spec } = await label()
    expect(spec.tolerations!.map(({ key }) => key)).toEqual([
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
    ])
  })

  it('is refused, and not written to, where a resize completes what may not change', async () => {
    const limit = { type: 'Container', defaultRequest: { cpu: '10m' } }
    await cluster.client.create(limitRanges, { metadata: { name: 'l', namespace: 'ns' }, spec: { limits: [limit] } })
    const before = structuredClone(await cluster.client.get(pods, key))
    expect(await refusal(label('resize'))).toMatchObject({ reason: 'Invalid' })
    expect(await cluster.client.get(pods, key)).toEqual(before)
  })
})

describe('TaintNodesByCondition', () => {
  it('takes new nodes for not ready, once', async () => {
    const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
    expect((await cluster.client.create(nodes, { metadata: { name: 'a' } })).spec.taints).toEqual([taint])
    const tainted = await cluster.client.create(nodes, { metadata: { name: 'b' }, spec: { taints: [taint] } })
    expect(tainted.spec.taints).toEqual([taint])
  })
})

describe('PodTopologyLabels', () => {
  it('tells pods where they are', async () => {
    const labels = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'o' }
    await cluster.client.create(nodes, { metadata: { name: 'n', labels } })
    await create('bound')
    const binding = { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } }
    await cluster.client.createSubresource(pods, { namespace: 'ns', name: 'bound' }, 'binding', binding)
    const bound = await cluster.client.get(pods, { namespace: 'ns', name: 'bound' })
    expect(bound.metadata.labels).toEqual({
      'topology.kubernetes.io/zone': 'z',
      'topology.kubernetes.io/region': 'r',
    })
    const placed = await create('placed', { nodeName: 'n' })
    expect(placed.metadata.labels).toEqual(bound.metadata.labels)
    expect((await create('elsewhere', { nodeName: 'm' })).metadata.labels).toBeUndefined()
  })
})
