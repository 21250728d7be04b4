import { describe, expect, it } from 'vitest'
import type { ConfigMap, Secret } from '#api/core/v1/config.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Service } from '#api/core/v1/service.ts'
import { metadataValue, resourceValue } from './downward-api.ts'
import { containerEnvironment, EnvironmentError } from './environment.ts'
import { makeContainer, makePod } from './fixtures.ts'

const meta = (name: string, namespace = 'default') => ({
  name,
  namespace,
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '',
})
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('map'), data: { A: 'from-map', B: 'b' } } as ConfigMap
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: meta('secret'),
  data: { S: Buffer.from([0x68, 0xff]).toString('base64') },
} as Secret
const service = (name: string, namespace: string, clusterIP: string) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(name, namespace),
    spec: {
      clusterIP,
      ports: [
        { name: 'web-ui', port: 80 },
        { port: 53, protocol: 'UDP' },
      ],
    },
    status: {},
  }) as unknown as Service

async function environment(container: Partial<Container>, spec = {}, services: Service[] = []) {
  const made = makeContainer('main', container)
  const pod = makePod({ containers: [made], ...spec }, { labels: { app: 'x' } })
  const variables = await containerEnvironment({
    pod,
    container: made,
    facts: { hostIps: ['1.2.3.4'], podIps: ['10.0.0.1', 'fd00::1'], allocatable: { cpu: '4', memory: '8Gi' } },
    services,
    config: {
      configMap: async (_, name) => (name === 'map' ? map : undefined),
      secret: async (_, name) => (name === 'secret' ? secret : undefined),
    },
  })
  return Object.fromEntries([...variables].map(([name, value]) => [name, value.toString('latin1')]))
}

describe('the environment of a container', () => {
  it('lets later sources win, and refers to earlier ones', async () => {
    const found = await environment({
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'map' } }, { configMapRef: { name: 'map' } }],
      env: [
        { name: 'B', value: '$(A)/$(B)' },
        { name: 'C', value: '$(B)+$(LATER)' },
        { name: 'LATER', value: '1' },
        { name: 'EMPTY' },
      ],
    })
    expect(found).toEqual({
      P_A: 'from-map',
      P_B: 'b',
      A: 'from-map',
      B: 'from-map/b',
      C: 'from-map/b+$(LATER)',
      LATER: '1',
      EMPTY: '',
    })
  })

  it('carries secrets byte by byte', async () => {
    expect(
      await environment({ env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 'secret', key: 'S' } } }] }),
    ).toEqual({ S: '\x68\xff' })
  })

  it('names services of the namespace, and the API everywhere', async () => {
    const services = [
      service('kubernetes', 'default', '10.96.0.1'),
      service('my-db', 'team', '10.96.0.2'),
      service('other', 'else', '10.96.0.3'),
      service('headless', 'team', 'None'),
    ]
    const pod = makePod({}, { namespace: 'team' })
    const variables = await containerEnvironment({
      pod,
      container: pod.spec.containers[0]!,
      facts: { hostIps: [], podIps: [], allocatable: {} },
      services,
      config: { configMap: async () => undefined, secret: async () => undefined },
    })
    const names = [...variables.keys()]
    expect(names).toContain('KUBERNETES_SERVICE_HOST')
    expect(names.some((n) => n.startsWith('OTHER') || n.startsWith('HEADLESS'))).toBe(false)
    const text = (name: string) => variables.get(name)?.toString()
    expect(text('MY_DB_SERVICE_PORT_WEB_UI')).toBe('80')
    expect(text('MY_DB_PORT')).toBe('tcp://10.96.0.2:80')
    expect(text('MY_DB_PORT_53_UDP_PROTO')).toBe('udp')
    const without = await environment({}, { enableServiceLinks: false }, [
      service('kubernetes', 'default', '10.96.0.1'),
      service('db', 'default', '10.96.0.2'),
    ])
    expect(Object.keys(without).some((n) => n.startsWith('DB_'))).toBe(false)
    expect(without.KUBERNETES_SERVICE_PORT).toBe('80')
  })

  it.each([
    [{ envFrom: [{ secretRef: { name: 'no' } }] }, 'secret "no" not found'],
    [{ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'no', key: 'k' } } }] }, 'configmap "no" not found'],
    [
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'map', key: 'k' } } }] },
      "couldn't find key k in ConfigMap default/map",
    ],
  ])('says what is missing: %j', async (container, message) => {
    await expect(environment(container)).rejects.toThrow(new EnvironmentError(message))
  })
})

describe('the downward API', () => {
  const pod = makePod(
    { containers: [makeContainer('main', { resources: { limits: { cpu: '1500m' }, requests: { memory: '100Mi' } } })] },
    { labels: { b: 'x"y', a: '1' }, annotations: {} },
  )

  it.each([
    ['metadata.name', 'web'],
    ['metadata.labels', 'a="1"\nb="x\\"y"'],
    ["metadata.labels['b']", 'x"y'],
    ["metadata.annotations['none']", ''],
  ])('%s', (path, expected) => expect(metadataValue(pod, path)).toBe(expected))

  it('refuses what it does not know', () => {
    expect(() => metadataValue(pod, 'spec.x')).toThrow('unsupported fieldPath: spec.x')
    expect(() => metadataValue(pod, "spec.x['y']")).toThrow('does not support subscript')
  })

  it.each([
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['requests.memory', '1Mi', '100'],
    ['limits.memory', '1Gi', '8'],
  ])('%s in units of %s', (resource, divisor, expected) => {
    const selector = { resource, containerName: 'main', ...(divisor && { divisor }) }
    expect(resourceValue(pod, undefined, selector, { cpu: '4', memory: '8Gi' })).toBe(expected)
  })
})
