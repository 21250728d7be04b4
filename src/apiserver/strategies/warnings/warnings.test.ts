import { describe, expect, it } from 'vitest'
import { decode } from '#api/decode.ts'
import { allResources } from '#api/resources.ts'
import type { Stored } from '../../registry/strategy.ts'
import { strategies } from '../all.ts'

function warningsOf(kind: string, object: Record<string, any>, old?: Record<string, any>): string[] {
  const resource = allResources.find((one) => one.kind === kind)!
  const stored = (one: Record<string, any>) => {
    const decoded = decode(resource.type, one).object as Stored
    decoded.metadata.name ??= 'x'
    return decoded
  }
  const { warnings } = strategies.get(`${resource.group}/${resource.plural}`)!
  return warnings!(stored(object), old && stored(old))
}

const container = { name: 'a', image: 'a' }

describe('warnings', () => {
  it('are none about an ordinary pod', () => {
    expect(warningsOf('Pod', { spec: { containers: [container] } })).toEqual([])
  })

  it('tell of what is in a pod in vain', () => {
    const spec = {
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      imagePullSecrets: [{ name: 'a' }, { name: 'a' }],
      terminationGracePeriodSeconds: -1,
      volumes: [
        { name: 'git', gitRepo: { repository: 'r' } },
        {
          name: 'conf',
          configMap: {
            name: 'c',
            items: [
              { key: 'a', path: 'dir' },
              { key: 'b', path: 'dir/file' },
            ],
          },
        },
      ],
      hostAliases: [{ ip: '10.0.0.01' }],
      containers: [
        {
          ...container,
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
            { name: 'B', value: '1' },
            { name: 'B', value: '$(B)2' },
          ],
          ports: [
            { containerPort: 80, name: 'web' },
            { containerPort: 80, name: 'web' },
          ],
          resources: { limits: { memory: '500m' } },
        },
      ],
    }
    expect(warningsOf('Pod', { metadata: { name: 'a.b' }, spec })).toEqual([
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'volume "conf" (ConfigMap "c"): overlapping paths: "dir/file" with "dir"',
      'spec.imagePullSecrets[1].name: duplicate name "a"',
      'spec.containers[0].resources.limits[memory]: fractional byte value "500m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "500m" is invalid, must be an integer',
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
      'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[1]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
      'spec.hostAliases[0].ip: non-standard IP address "10.0.0.01" is invalid: use "10.0.0.1"',
    ])
  })

  it('are not repeated by changes of pods and of what is not the template of a workload', () => {
    const pod = { spec: { containers: [container], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } }
    expect(warningsOf('Pod', pod, pod)).toEqual([])
    const deployment = { metadata: { generation: 1 }, spec: { template: pod } }
    expect(warningsOf('Deployment', deployment)).toHaveLength(1)
    expect(warningsOf('Deployment', deployment, deployment)).toEqual([])
    expect(warningsOf('Deployment', { ...deployment, metadata: { generation: 2 } }, deployment)).toEqual([
      'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    ])
  })

  it.each([
    [
      'Service',
      { spec: { clusterIP: 'None', clusterIPs: ['None'], externalIPs: ['192.0.2.1'], externalName: 'x' } },
      [
        'spec.externalIPs is ignored for headless services',
        'spec.externalName is ignored when spec.type is not "ExternalName"',
      ],
    ],
    [
      'Ingress',
      { metadata: { annotations: { 'kubernetes.io/ingress.class': 'nginx' } } },
      ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
    ],
    [
      'PersistentVolumeClaim',
      { spec: { resources: { requests: { storage: '1500m' } } } },
      ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
    ],
    [
      'NetworkPolicy',
      { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/24' } }] }] } },
      [
        'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
      ],
    ],
  ])('tell about a %s', (kind, object, expected) => {
    expect(warningsOf(kind, object)).toEqual(expected)
  })
})
