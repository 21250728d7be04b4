import { describe, expect, it } from 'vitest'
import { decode } from '#api/decode.ts'
import { type KubeObject, resourceKey } from '#api/kind.ts'
import { allResources, deployments, events, pods, services } from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { printers } from './all.ts'
import { humanDuration } from './human-duration.ts'
import type { Transform } from '../http/negotiate.ts'
import { createRenderer, type Table } from './renderer.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const metadata = { name: 'x', creationTimestamp: '2026-01-31T11:30:00Z', resourceVersion: '7' }
const cells = (key: string, object: object) => {
  const resource = allResources.findLast((r) => resourceKey(r) === key)!
  const complete = decode(resource.type, { metadata, ...object }).object
  return printers.get(key)!.cells(complete as never, NOW)
}

describe('humanDuration', () => {
  it.each([
    [-3, '<invalid>'],
    [-1, '0s'],
    [119, '119s'],
    [120, '2m'],
    [599, '9m59s'],
    [600, '10m'],
    [3 * 3600 - 1, '179m'],
    [3 * 3600, '3h'],
    [8 * 3600 - 60, '7h59m'],
    [8 * 3600, '8h'],
    [47 * 3600, '47h'],
    [48 * 3600, '2d'],
    [7 * 86400 + 3600, '7d1h'],
    [8 * 86400, '8d'],
    [2 * 365 * 86400, '2y'],
    [3 * 365 * 86400 + 5 * 86400, '3y5d'],
    [9 * 365 * 86400 + 5 * 86400, '9y'],
  ])('shows %i seconds as %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text)
  })
})

describe('the row of a pod', () => {
  const row = (spec: object, status: object, meta: object = {}) =>
    cells('/pods', { metadata: { ...metadata, ...meta }, spec: { containers: [{ name: 'c' }], ...spec }, status })
  const container = (state: object, more: object = {}) => ({ name: 'c', state, ...more })

  it('is plain for a running pod', () => {
    const running = container({ running: {} }, { ready: true })
    const status = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [running] }
    expect(row({ nodeName: 'n1' }, status)).toEqual([
      'x',
      '1/1',
      'Running',
      '0',
      '30m',
      '10.0.0.1',
      'n1',
      '<none>',
      '<none>',
    ])
  })

  it.each([
    ['what a container waits for', { waiting: { reason: 'CrashLoopBackOff' } }, 'CrashLoopBackOff'],
    ['why a container ended', { terminated: { exitCode: 1, reason: 'OOMKilled' } }, 'OOMKilled'],
    ['its exit code', { terminated: { exitCode: 3 } }, 'ExitCode:3'],
    ['its signal', { terminated: { exitCode: 137, signal: 9 } }, 'Signal:9'],
    ['its completion', { terminated: { exitCode: 0, reason: 'Completed' } }, 'Completed'],
  ])('shows %s', (_what, state, status) => {
    expect(row({}, { phase: 'Running', containerStatuses: [container(state)] })[2]).toBe(status)
  })

  it('counts restarts and says when the last one was', () => {
    const last = { terminated: { exitCode: 1, finishedAt: '2026-01-31T11:55:00Z' } }
    const status = container({ running: {} }, { ready: true, restartCount: 3, lastState: last })
    expect(row({}, { phase: 'Running', containerStatuses: [status] })[3]).toBe('3 (5m ago)')
  })

  it('follows init containers and sidecars', () => {
    const initContainers = [{ name: 'a' }, { name: 'b', restartPolicy: 'Always' }, { name: 'd' }]
    const init = (...initContainerStatuses: object[]) =>
      row({ initContainers }, { phase: 'Pending', initContainerStatuses })
    const done = { name: 'a', state: { terminated: { exitCode: 0 } } }
    const sidecar = { name: 'b', started: true, ready: true, state: { running: {} } }
    expect(init({ name: 'a', state: { running: {} } }).slice(1, 3)).toEqual(['0/2', 'Init:0/3'])
    expect(init({ name: 'a', state: { waiting: { reason: 'ErrImagePull' } } })[2]).toBe('Init:ErrImagePull')
    expect(init({ name: 'a', state: { terminated: { exitCode: 2, reason: 'Error' } } })[2]).toBe('Init:Error')
    expect(init(done, sidecar, { name: 'd', state: {} }).slice(1, 3)).toEqual(['1/2', 'Init:2/3'])
  })

  it('shows gates, deletion and lost nodes before all else', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }]
    expect(row({}, { phase: 'Pending', conditions })[2]).toBe('SchedulingGated')
    const deleted = { deletionTimestamp: '2026-01-31T12:00:10Z' }
    expect(row({}, { phase: 'Running' }, deleted)[2]).toBe('Terminating')
    expect(row({}, { phase: 'Running', reason: 'NodeLost' }, deleted)[2]).toBe('Unknown')
    expect(row({}, { phase: 'Succeeded', reason: '' }, deleted)[2]).toBe('Succeeded')
    expect(row({}, { phase: 'Failed', reason: 'Evicted' })[2]).toBe('Evicted')
  })
})

describe('rows', () => {
  it.each([
    [
      '/services',
      {
        spec: {
          type: 'LoadBalancer',
          clusterIPs: ['10.0.0.1'],
          ports: [{ port: 80, nodePort: 30000 }],
          selector: { b: '2', a: '1' },
        },
      },
      ['x', 'LoadBalancer', '10.0.0.1', '<pending>', '80:30000/TCP', '30m', 'a=1,b=2'],
    ],
    [
      '/services',
      { spec: { type: 'ExternalName', externalName: 'example.com' } },
      ['x', 'ExternalName', '<none>', 'example.com', '<none>', '30m', '<none>'],
    ],
    [
      'apps/deployments',
      {
        spec: {
          replicas: 3,
          selector: { matchLabels: { a: 'b' } },
          template: {
            spec: {
              containers: [
                { name: 'c', image: 'i' },
                { name: 'd', image: 'j' },
              ],
            },
          },
        },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      ['x', '2/3', 3, 1, '30m', 'c,d', 'i,j', 'a=b'],
    ],
    [
      'batch/jobs',
      { spec: { parallelism: 2 }, status: { startTime: '2026-01-31T11:58:00Z', succeeded: 1 } },
      ['x', 'Running', '1/1 of 2', '2m', '30m', '', '', '<none>'],
    ],
    [
      'batch/cronjobs',
      { spec: { schedule: '* * * * *' } },
      ['x', '* * * * *', '<none>', 'False', 0, '<none>', '30m', '', '', '<none>'],
    ],
    [
      '/nodes',
      {
        metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'a' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { kubeletVersion: 'v1.36.0', kernelVersion: '6', architecture: 'amd64' },
        },
      },
      [
        'x',
        'Ready,SchedulingDisabled',
        'a,control-plane',
        '30m',
        'v1.36.0',
        '<none>',
        '<none>',
        '<unknown>',
        '6 (amd64)',
        '<unknown>',
      ],
    ],
    [
      '/endpoints',
      {
        subsets: [
          {
            addresses: [{ ip: '1.1.1.1' }, { ip: '1.1.1.2' }, { ip: '1.1.1.3' }, { ip: '1.1.1.4' }],
            ports: [{ port: 80 }],
          },
        ],
      },
      ['x', '1.1.1.1:80,1.1.1.2:80,1.1.1.3:80 + 1 more...', '30m'],
    ],
    [
      '/persistentvolumeclaims',
      {
        spec: { volumeName: 'v', storageClassName: 's', accessModes: ['ReadWriteOnce'] },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
      },
      ['x', 'Bound', 'v', '1Gi', 'RWO,RWX', 's', '<unset>', '30m', 'Filesystem'],
    ],
    [
      'networking.k8s.io/ingresses',
      { spec: { rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }], tls: [{}] } },
      ['x', '<none>', 'a,b,c + 1 more...', '', '80, 443', '30m'],
    ],
    [
      'autoscaling/horizontalpodautoscalers',
      { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd' } } },
      ['x', 'Deployment/d', 'cpu: <unknown>/80%', '1', 3, 0, '30m'],
    ],
    ['rbac.authorization.k8s.io/roles', {}, ['x', '2026-01-31T11:30:00Z']],
    [
      '/resourcequotas',
      { status: { hard: { 'limits.cpu': '2', pods: '3' }, used: { pods: '1' } } },
      ['x', 'pods: 1/3', 'limits.cpu: 0/2', '30m'],
    ],
  ] as const)('of %s', (key, object, expected) => {
    expect(cells(key, object)).toEqual(expected)
  })

  it('have as many cells as columns, for every kind, however little is set', () => {
    for (const [key, printer] of printers) {
      expect(cells(key, { spec: {} }).length, key).toBe(printer.columns.length)
    }
  })

  it('describe each column in words', () => {
    for (const [key, { columns }] of printers) {
      for (const { name, description } of columns) expect(description, `${key} ${name}`).toMatch(/ .+\.$/)
    }
  })
})

describe('the renderer', () => {
  const renderer = createRenderer(new FakeClock(NOW), (resource) => printers.get(resourceKey(resource)))
  const pod = decode(pods.type, { metadata, spec: { containers: [{ name: 'c' }] } }).object as unknown as KubeObject
  const query = (text = '') => new URLSearchParams(text)
  const as = (kind: Transform['kind'], apiVersion: Transform['apiVersion'] = 'meta.k8s.io/v1') => ({ kind, apiVersion })

  it('makes a table of a list, with the metadata of each object', () => {
    const table = renderer.list(as('Table'), pods, [pod, pod], { resourceVersion: '9' }, query()) as Table
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '9' } })
    expect(table.columnDefinitions![0]).toMatchObject({ name: 'Name', type: 'string', format: 'name', priority: 0 })
    expect(table.rows).toHaveLength(2)
    expect(table.rows[0]!.object).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: pod.metadata,
    })
  })

  it('includes what the client asks for', () => {
    const object = (text: string) => (renderer.object(as('Table'), pods, pod, query(text)) as Table).rows[0]!.object
    expect(object('includeObject=Object')).toBe(pod)
    expect(object('includeObject=None')).toBeNull()
    expect(() => object('includeObject=All')).toThrow('includeObject: Invalid value: "All"')
  })

  it('makes the older version of a table for who asks for it', () => {
    const table = renderer.object(as('Table', 'meta.k8s.io/v1beta1'), pods, pod, query()) as Table
    expect(table).toMatchObject({
      apiVersion: 'meta.k8s.io/v1beta1',
      rows: [{ object: { apiVersion: table.apiVersion } }],
    })
  })

  it('shows how many replicas a scale has', () => {
    const scale = {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata,
      spec: { replicas: 3 },
      status: { replicas: 2 },
    }
    const table = renderer.object(as('Table'), deployments, scale as unknown as KubeObject, query()) as Table
    expect(table.columnDefinitions!.map(({ name }) => name)).toEqual(['Name', 'Desired', 'Available', 'Age'])
    expect(table.rows[0]!.cells.slice(0, 3)).toEqual(['x', 3, 2])
  })

  it('sends the columns of a watch once', () => {
    expect((renderer.event(as('Table'), pods, pod, true, query()) as Table).columnDefinitions).not.toBeNull()
    expect((renderer.event(as('Table'), pods, pod, false, query()) as Table).columnDefinitions).toBeNull()
  })

  it('renders bookmarks, which have nothing but a version', () => {
    const bookmark = { apiVersion: 'v1', kind: 'Pod', metadata: { resourceVersion: '8' } } as KubeObject
    expect(renderer.event(as('Table'), pods, bookmark, false, query())).toMatchObject({
      metadata: { resourceVersion: '8' },
    })
  })

  it('refuses a list where an object was asked for, and the reverse', () => {
    expect(() => renderer.list(as('PartialObjectMetadata'), services, [], {}, query())).toThrow(
      'is a list (ServiceList)',
    )
    expect(() => renderer.object(as('PartialObjectMetadataList'), services, pod, query())).toThrow('not a list')
    expect(
      renderer.list(as('PartialObjectMetadataList'), events, [pod], { resourceVersion: '1' }, query()),
    ).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata' }],
    })
    expect(renderer.object(as('PartialObjectMetadata'), deployments, pod, query())).toMatchObject({
      metadata: { name: 'x' },
    })
  })
})
