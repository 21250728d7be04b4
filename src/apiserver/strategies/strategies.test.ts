import { describe, expect, it } from 'vitest'
import { decode } from '#api/decode.ts'
import { allResources } from '#api/resources.ts'
import type { Draft, Stored, StrategyContext } from '../registry/strategy.ts'
import { strategies } from './all.ts'

const NOW = Date.UTC(2026, 0, 31, 12)

const context = (subresource = ''): StrategyContext => ({
  now: NOW,
  subresource,
  dryRun: false,
  user: { name: 'alice', uid: 'u1', groups: ['dev'], extra: {} },
})

const resourceOf = (kind: string) => allResources.find((resource) => resource.kind === kind)!

function strategyOf(kind: string) {
  const { group, plural } = resourceOf(kind)
  return strategies.get(`${group}/${plural}`)!
}

function objectOf(kind: string, object: Record<string, any>): Draft {
  const draft = decode(resourceOf(kind).type, object).object as Draft
  draft.metadata.name ||= 'x'
  draft.metadata.uid ||= 'uid'
  return draft
}

function created(kind: string, object: Record<string, any>): Stored {
  const draft = objectOf(kind, object)
  strategyOf(kind).prepareForCreate?.(draft, context())
  return draft
}

function updated(kind: string, object: Record<string, any>, old: Stored, subresource = ''): Stored {
  const draft = objectOf(kind, object)
  strategyOf(kind).prepareForUpdate?.(draft, old, context(subresource))
  return draft
}

const containers = [{ name: 'a', image: 'a' }]

describe('pods', () => {
  it('are pending, with the class of service that their resources give them', () => {
    expect(created('Pod', { spec: { containers } }).status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
    const limits = { cpu: '1', memory: '1Gi' }
    const guaranteed = created('Pod', { spec: { containers: [{ ...containers[0], resources: { limits } }] } })
    expect(guaranteed.status).toMatchObject({ qosClass: 'Guaranteed' })
  })

  it('that are gated say so', () => {
    const { status } = created('Pod', { spec: { containers, schedulingGates: [{ name: 'example.com/wait' }] } })
    expect(status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }])
  })

  it('have their own labels merged into selectors that ask for them', () => {
    const term = { topologyKey: 'zone', labelSelector: {}, matchLabelKeys: ['v', 'none'], mismatchLabelKeys: ['t'] }
    const pod = created('Pod', {
      metadata: { labels: { v: '1', t: 'a' } },
      spec: { containers, affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    })
    const [merged] = pod.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution
    expect(merged.labelSelector.matchExpressions).toEqual([
      { key: 'v', operator: 'In', values: ['1'] },
      { key: 't', operator: 'NotIn', values: ['a'] },
    ])
  })

  it('change only in what a subresource is about', () => {
    const old = created('Pod', { metadata: { labels: { a: '1' } }, spec: { containers } })
    const ephemeralContainers = [{ name: 'debug', image: 'busybox' }]
    const changed = { metadata: { labels: { b: '2' } }, spec: { containers: [], nodeName: 'n', ephemeralContainers } }
    const pod = updated('Pod', changed, old, 'ephemeralcontainers')
    expect(pod.metadata.labels).toEqual({ a: '1' })
    expect(pod.spec).toMatchObject({ containers: old.spec.containers, ephemeralContainers })
    expect(pod.spec.nodeName).toBeUndefined()
  })

  it.each([
    ['of a node wait as long as they ask', { nodeName: 'n' }, {}, undefined, 30],
    ['of a node wait as long as is asked', { nodeName: 'n' }, {}, 5, 5],
    ['without a node go at once', {}, {}, 5, 0],
    ['that are over go at once', { nodeName: 'n' }, { phase: 'Succeeded' }, 5, 0],
    ['cannot wait for less than nothing', { nodeName: 'n', terminationGracePeriodSeconds: -5 }, {}, undefined, 1],
  ])('%s', (_name, spec, status, asked, seconds) => {
    const pod = { ...created('Pod', { spec: { containers, ...spec } }), status }
    expect(strategyOf('Pod').gracePeriod!(pod, asked)).toBe(seconds)
  })
})

describe('services', () => {
  const old = {
    ...objectOf('Service', {
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.5',
        clusterIPs: ['10.96.0.5'],
        ports: [{ name: 'a', port: 80, nodePort: 30_080 }],
      },
    }),
  } as Stored

  it('keep what they were given, though a client does not send it', () => {
    const { spec } = updated('Service', { spec: { type: 'NodePort', ports: [{ name: 'a', port: 80 }] } }, old)
    expect(spec).toMatchObject({ clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ nodePort: 30_080 }] })
  })

  it('give back what their new type does not have', () => {
    const { spec } = updated('Service', { spec: { ...old.spec, type: 'ExternalName', externalName: 'a.b' } }, old)
    expect(spec).not.toHaveProperty('clusterIP')
    expect(spec).not.toHaveProperty('clusterIPs')
    expect(spec.ports[0]).not.toHaveProperty('nodePort')
  })
})

describe('jobs', () => {
  it('select their own pods', () => {
    const { spec } = created('Job', { metadata: { name: 'once' }, spec: { template: { spec: { containers } } } })
    expect(spec.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': 'uid' } })
    expect(spec.template.metadata.labels).toEqual({
      'controller-uid': 'uid',
      'job-name': 'once',
      'batch.kubernetes.io/controller-uid': 'uid',
      'batch.kubernetes.io/job-name': 'once',
    })
  })
})

describe('daemon sets', () => {
  it('count the changes of their template', () => {
    const key = 'deprecated.daemonset.template.generation'
    const template = { spec: { containers } }
    const old = created('DaemonSet', { spec: { template } })
    expect(old.metadata.annotations).toEqual({ [key]: '1' })
    expect(updated('DaemonSet', { spec: { template, minReadySeconds: 1 } }, old).metadata.annotations![key]).toBe('1')
    expect(updated('DaemonSet', { spec: { template: {} } }, old).metadata.annotations![key]).toBe('2')
  })
})

describe('namespaces', () => {
  it('stay until they are empty, and are labelled with their name', () => {
    const namespace = created('Namespace', { metadata: { name: 'a' } })
    expect(namespace.spec.finalizers).toEqual(['kubernetes'])
    expect(namespace.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'a' })
    const { blocksDeletion } = strategyOf('Namespace')
    expect(blocksDeletion!(namespace)).toBe(true)
    expect(blocksDeletion!(updated('Namespace', { metadata: { name: 'a' } }, namespace))).toBe(true)
    expect(blocksDeletion!(updated('Namespace', { metadata: { name: 'a' } }, namespace, 'finalize'))).toBe(false)
  })
})

describe('secrets', () => {
  it('take plain text and keep data', () => {
    const secret = created('Secret', { data: { a: 'eA==', b: 'eA==' }, stringData: { b: 'y' } })
    expect(secret.data).toEqual({ a: 'eA==', b: 'eQ==' })
    expect(secret).not.toHaveProperty('stringData')
  })
})

describe('certificate requests', () => {
  const request = { spec: { signerName: 'example.com/a', username: 'somebody else', groups: ['system:masters'] } }

  it('record who asks, whatever the client says', () => {
    expect(created('CertificateSigningRequest', request).spec).toMatchObject({
      username: 'alice',
      uid: 'u1',
      groups: ['dev'],
    })
  })

  it('are approved through the subresource only, with the time of it', () => {
    const old = created('CertificateSigningRequest', request)
    const approved = { ...request, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Mine' }] } }
    expect(updated('CertificateSigningRequest', approved, old, 'approval').status.conditions).toMatchObject([
      { type: 'Approved', lastUpdateTime: '2026-01-31T12:00:00Z', lastTransitionTime: '2026-01-31T12:00:00Z' },
    ])
    const elsewhere = updated('CertificateSigningRequest', approved, old, 'status')
    expect(strategyOf('CertificateSigningRequest').validateUpdate!(elsewhere, old, context('status'))).toMatchObject([
      { message: 'Forbidden: updates may not add a condition of type "Approved"' },
    ])
  })
})

describe('persistent volumes and claims', () => {
  it('say when their phase changed', () => {
    const old = created('PersistentVolume', {})
    expect(old.status).toEqual({ phase: 'Pending', lastPhaseTransitionTime: '2026-01-31T12:00:00Z' })
    const earlier = { ...old, status: { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' } }
    const statusAfter = (phase: string) => updated('PersistentVolume', { status: { phase } }, earlier, 'status').status
    expect(statusAfter('Bound').lastPhaseTransitionTime).toBe('2026-01-31T12:00:00Z')
    expect(statusAfter('Pending').lastPhaseTransitionTime).toBe('2026-01-01T00:00:00Z')
  })

  it('name the source of their data in both of the fields for it', () => {
    const source = { kind: 'PersistentVolumeClaim', name: 'a' }
    expect(created('PersistentVolumeClaim', { spec: { dataSource: source } }).spec.dataSourceRef).toEqual(source)
    expect(created('PersistentVolumeClaim', { spec: { dataSourceRef: source } }).spec.dataSource).toEqual(source)
    const unknown = { spec: { dataSource: { kind: 'Tape', name: 'a' } } }
    expect(created('PersistentVolumeClaim', unknown).spec.dataSource).toBeUndefined()
  })
})

describe('every kind', () => {
  it('has a strategy', () => {
    for (const { group, plural } of allResources) expect(strategies.get(`${group}/${plural}`)).toBeDefined()
  })
})
