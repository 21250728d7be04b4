import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { cronJobs, deployments, namespaces, pods, serviceAccounts } from '#api/resources.ts'
import type { Api } from '#apiserver/api.ts'
import { SUPERUSERS } from '#apiserver/user.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { refusal } from '#testing/refusal.ts'
import type { AdmissionRequest } from '../admission.ts'
import { podSecurity } from './pod-security.ts'
import { PRIVILEGED } from './policy.ts'

let cluster: InProcessApi
beforeEach(async () => {
  cluster = await startInProcessApi()
})
afterEach(() => cluster.close())

async function addNamespace(name: string, labels: Record<string, string>) {
  await cluster.client.create(namespaces, { metadata: { name, labels } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: name } })
}
const label = (mode: string, value: string) => ({ [`pod-security.kubernetes.io/${mode}`]: value })

/** What the request was warned of. */
async function warningsOf(
  verb: 'create' | 'patch',
  resource: Resource,
  at: { namespace?: string; name?: string },
  body: object,
): Promise<string[]> {
  const warnings: string[] = []
  const caller = { user: { name: 'test', groups: [SUPERUSERS] }, warnings }
  const patchType = verb === 'patch' ? ('strategic' as const) : undefined
  await cluster.api.perform(caller, { verb, resource, ...at, body, ...(patchType && { patchType }) })
  return warnings
}

const containers = [{ name: 'c', image: 'i' }]
const podDraft = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, namespace: 'ns', ...metadata },
  spec: { containers, ...spec } as Pod['spec'],
})

describe('a namespace that enforces', () => {
  it('refuses pods that its policy forbids', async () => {
    await addNamespace('ns', label('enforce', 'baseline'))
    expect(await refusal(cluster.client.create(pods, podDraft('p', { hostPID: true })))).toMatchObject({
      reason: 'Forbidden',
      message: 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)',
      details: { name: 'p', kind: 'pods' },
    })
    await cluster.client.create(pods, podDraft('q'))
  })

  it('holds to the version that it names', async () => {
    const spec = { containers: [{ ...containers[0], startupProbe: { tcpSocket: { host: 'h', port: 1 } } }] }
    await addNamespace('ns', { ...label('enforce', 'baseline'), ...label('enforce-version', 'v1.33') })
    await cluster.client.create(pods, podDraft('p', spec))
    await cluster.client.patch(namespaces, { name: 'ns' }, { metadata: { labels: label('enforce-version', 'v1.34') } })
    const { message } = await refusal(cluster.client.create(pods, podDraft('q', spec)))
    expect(message).toMatch('violates PodSecurity "baseline:v1.34": probe or lifecycle host')
  })

  it('looks at updates that matter only', async () => {
    await addNamespace('ns', {})
    const made = await cluster.client.create(pods, podDraft('p', { hostPID: true }))
    await cluster.client.patch(namespaces, { name: 'ns' }, { metadata: { labels: label('enforce', 'baseline') } })
    await cluster.client.patch(pods, made.metadata, { metadata: { labels: { a: 'b' } } })
    const status = { conditions: [{ type: 'x', status: 'True' }] }
    await cluster.client.patch(pods, made.metadata, { status }, { subresource: 'status' })
    const image = { spec: { containers: [{ name: 'c', image: 'other' }] } }
    expect((await refusal(cluster.client.patch(pods, made.metadata, image))).message).toMatch(/hostPID=true/)
    const debug = { spec: { ephemeralContainers: [{ name: 'd', image: 'i' }] } }
    const added = cluster.client.patch(pods, made.metadata, debug, { subresource: 'ephemeralcontainers' })
    expect((await refusal(added)).message).toMatch(/hostPID=true/)
  })

  it('warns of what makes such pods, and lets it in', async () => {
    await addNamespace('ns', label('enforce', 'restricted'))
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ ...containers[0], securityContext: { runAsUser: 0 } }] },
    }
    const why =
      'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), runAsUser=0 (container "c" must not set runAsUser=0), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    const metadata = { name: 'x', namespace: 'ns' }
    const deployment = { metadata, spec: { selector: { matchLabels: { a: 'b' } }, template } }
    expect(await warningsOf('create', deployments, { namespace: 'ns' }, deployment)).toEqual([why])
    const jobTemplate = { spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } }
    const cronJob = { metadata, spec: { schedule: '* * * * *', jobTemplate } }
    expect(await warningsOf('create', cronJobs, { namespace: 'ns' }, cronJob)).toEqual([why])
  })
})

describe('a namespace that warns', () => {
  it('tells of pods and lets them in', async () => {
    await addNamespace('ns', { ...label('warn', 'baseline'), ...label('warn-version', 'v1.30') })
    expect(await warningsOf('create', pods, { namespace: 'ns' }, podDraft('p', { hostIPC: true }))).toEqual([
      'would violate PodSecurity "baseline:v1.30": host namespaces (hostIPC=true)',
    ])
  })
})

describe('labels', () => {
  it('must be what they can be', async () => {
    const labels = { ...label('enforce', 'strict'), ...label('warn-version', '1.30') }
    expect(await refusal(cluster.client.create(namespaces, { metadata: { name: 'ns', labels } }))).toMatchObject({
      reason: 'Invalid',
      message:
        'Namespace "ns" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
    })
  })

  it('that become stricter tell of the pods that are there', async () => {
    await addNamespace('ns', {})
    const ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true }]
    for (const name of ['c', 'b', 'a']) await cluster.client.create(pods, podDraft(name, { hostPID: true }))
    await cluster.client.create(
      pods,
      podDraft('d', { hostIPC: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    )
    await cluster.client.create(pods, podDraft('e', {}, { ownerReferences }))
    const stricter = { metadata: { labels: label('enforce', 'baseline') } }
    expect(await warningsOf('patch', namespaces, { name: 'ns' }, stricter)).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): host namespaces',
      'd: host namespaces, hostPath volumes',
    ])
    const looser = { metadata: { labels: label('enforce', 'privileged') } }
    expect(await warningsOf('patch', namespaces, { name: 'ns' }, looser)).toEqual([])
  })
})

describe('exemptions', () => {
  const plugin = podSecurity(() => cluster.api as Api, {
    defaults: { ...PRIVILEGED, enforce: { level: 'baseline', version: 'latest' } },
    exemptions: { usernames: ['admin'], namespaces: ['kube-system'], runtimeClasses: ['vm'] },
  })
  const request = (resource: Resource, extra: Partial<AdmissionRequest> = {}): AdmissionRequest =>
    ({
      user: { name: 'alice', groups: [] },
      operation: 'CREATE',
      resource,
      subresource: '',
      namespace: 'ns',
      name: '',
      dryRun: false,
      old: undefined,
      warnings: [],
      ...extra,
    }) as unknown as AdmissionRequest
  const validate = (asked: AdmissionRequest, object: object) => plugin.validate!(asked, object as KubeObject)

  it('are made for users, namespaces and runtime classes; others have the default', async () => {
    await addNamespace('ns', {})
    await addNamespace('kube-system', {})
    const bad = podDraft('p', { hostPID: true })
    expect(() => validate(request(pods), bad)).toThrow(/violates PodSecurity "baseline:latest"/)
    expect(validate(request(pods, { user: { name: 'admin', groups: [] } }), bad)).toBeUndefined()
    expect(validate(request(pods, { namespace: 'kube-system' }), bad)).toBeUndefined()
    const inVm = podDraft('p', { hostPID: true, runtimeClassName: 'vm' })
    expect(validate(request(pods), inVm)).toBeUndefined()
  })

  it('are told to those who label an exempt namespace', () => {
    const asked = request(namespaces, { namespace: '' })
    const labels = {
      ...label('enforce', 'restricted'),
      ...label('audit', 'baseline'),
      ...label('audit-version', 'v1.20'),
    }
    validate(asked, { metadata: { name: 'kube-system', labels } })
    expect(asked.warnings).toEqual([
      'namespace "kube-system" is exempt from Pod Security, and the policy (enforce=restricted:latest, audit=baseline:v1.20) will be ignored',
    ])
  })
})
