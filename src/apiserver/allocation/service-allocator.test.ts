import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '#api/kind.ts'
import { services } from '#api/resources.ts'
import { StatusError } from '#machinery/status-error.ts'
import { refusal } from '#testing/refusal.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

type Service = KubeObject & { spec: Record<string, any>; status: Record<string, any> }
const namespace = 'default'
const fresh = () => ({ namespace, name: `s${++count}` })
const port = (number: number, extra: object = {}) => ({ name: `p${number}`, port: number, ...extra })

async function create(spec: object = {}, options: object = {}, on = server): Promise<Service> {
  const draft = { metadata: fresh(), spec: { selector: { a: 'b' }, ports: [port(80)], ...spec } }
  return (await on.client.create(services, draft as never, options)) as never
}
const update = async (service: Service, spec: object, options: object = {}): Promise<Service> =>
  (await server.client.update(services, { ...service, spec: { ...service.spec, ...spec } } as never, options)) as never
const remove = (service: Service, on = server) => on.client.delete(services, service.metadata as never)

describe('cluster IPs', () => {
  it('are drawn from the range, each once', async () => {
    const made = await Promise.all(Array.from({ length: 30 }, () => create()))
    const ips = made.map(({ spec }) => spec.clusterIP)
    expect(new Set(ips).size).toBe(30)
    for (const [i, ip] of ips.entries()) {
      expect(ip).toMatch(/^10\.96\.\d+\.\d+$/)
      expect(made[i]!.spec).toMatchObject({ clusterIPs: [ip], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
    }
  })

  it('may be asked for, and are given once', async () => {
    const made = await create({ clusterIP: '10.96.0.77' })
    expect(made.spec.clusterIP).toBe('10.96.0.77')
    expect((await refusal(create({ clusterIP: '10.96.0.77' }))).message).toContain(
      'spec.clusterIPs: Invalid value: ["10.96.0.77"]: failed to allocate IP 10.96.0.77: provided IP is already allocated',
    )
    await remove(made)
    expect((await create({ clusterIP: '10.96.0.77' })).spec.clusterIP).toBe('10.96.0.77')
  })

  it.each(['10.97.0.1', '192.168.0.1', '10.96.0.0', '10.96.255.255', '10.96.0.1'])(
    '%s is not to be had',
    async (clusterIP) => {
      const err = await refusal(create({ clusterIP }))
      expect(err).toMatchObject({ reason: 'Invalid', code: 422 })
      expect(err.message).toContain(`failed to allocate IP ${clusterIP}: `)
    },
  )

  it('are not given to headless services, nor to names elsewhere', async () => {
    expect((await create({ clusterIP: 'None' })).spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] })
    const external = await create({ type: 'ExternalName', externalName: 'example.com', ports: undefined })
    expect(external.spec.clusterIP).toBeUndefined()
    expect(external.spec.clusterIPs).toBeUndefined()
  })

  it('stay through updates that leave them out, and can’t be changed', async () => {
    const made = await create()
    const { clusterIP } = made.spec
    const kept = await update(made, { clusterIP: undefined, clusterIPs: undefined, ports: [port(81)] })
    expect(kept.spec).toMatchObject({ clusterIP, clusterIPs: [clusterIP] })
    const err = await refusal(update(kept, { clusterIP: '10.96.0.99', clusterIPs: ['10.96.0.99'] }))
    expect(err.message).toContain('spec.clusterIPs[0]: Invalid value: ["10.96.0.99"]: may not change once set')
    expect((await create({ clusterIP: '10.96.0.99' })).spec.clusterIP, 'the refused one is free').toBe('10.96.0.99')
  })

  it('go with the type, and come with it', async () => {
    const made = await create({ clusterIP: '10.96.0.88' })
    const external = await update(made, { type: 'ExternalName', externalName: 'example.com' })
    expect(external.spec.clusterIP).toBeUndefined()
    const taker = await create({ clusterIP: '10.96.0.88' })
    const back = await update(external, { type: 'ClusterIP', externalName: undefined })
    expect(back.spec.clusterIP).toMatch(/^10\.96\./)
    expect(back.spec.clusterIP).not.toBe(taker.spec.clusterIP)
  })

  it('are free again after a dry run, and after a creation that fails', async () => {
    const dry = await create({ clusterIP: '10.96.0.66' }, { dryRun: 'All' })
    expect(dry.spec.clusterIP).toBe('10.96.0.66')
    const made = await create({ clusterIP: '10.96.0.66' })
    const again = { metadata: made.metadata, spec: { ...made.spec, clusterIP: '10.96.0.67', clusterIPs: undefined } }
    delete (again.metadata as any).resourceVersion
    expect((await refusal(server.client.create(services, again as never))).reason).toBe('AlreadyExists')
    expect((await create({ clusterIP: '10.96.0.67' })).spec.clusterIP).toBe('10.96.0.67')
  })
})

describe('node ports', () => {
  it('are drawn for the types that need them', async () => {
    const made = await create({ type: 'NodePort', ports: [port(80), port(81)] })
    const ports = made.spec.ports.map(({ nodePort }: any) => nodePort)
    expect(new Set(ports).size).toBe(2)
    for (const nodePort of ports) expect(nodePort >= 30_000 && nodePort <= 32_767).toBe(true)
    expect((await create()).spec.ports[0].nodePort).toBeUndefined()
    const balanced = await create({ type: 'LoadBalancer' })
    expect(balanced.spec.ports[0].nodePort).toBeGreaterThan(29_999)
    const without = await create({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })
    expect(without.spec.ports[0].nodePort).toBeUndefined()
  })

  // Ports of the lower band are drawn for nobody as long as there are others, so that asking for them finds them free.
  it('may be asked for within the range, and are given once', async () => {
    const ports = [port(80, { nodePort: 30_050 })]
    const made = await create({ type: 'NodePort', ports })
    expect((await refusal(create({ type: 'NodePort', ports }))).message).toContain(
      'spec.ports[0].nodePort: Invalid value: 30050: provided port is already allocated',
    )
    expect((await refusal(create({ type: 'NodePort', ports: [port(80, { nodePort: 80 })] }))).message).toContain(
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
    await remove(made)
    await create({ type: 'NodePort', ports })
  })

  it('are shared by the protocols of one port', async () => {
    const both = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ]
    const drawn = await create({ type: 'NodePort', ports: both })
    expect(drawn.spec.ports[0].nodePort).toBe(drawn.spec.ports[1].nodePort)
    const asked = await create({ type: 'NodePort', ports: both.map((p) => ({ ...p, nodePort: 30_070 })) })
    expect(asked.spec.ports.map(({ nodePort }: any) => nodePort)).toEqual([30_070, 30_070])
  })

  it('stay through updates that leave them out', async () => {
    const made = await create({ type: 'NodePort', ports: [port(80), port(81)] })
    const kept = await update(made, { ports: [port(81), port(82), port(80)] })
    const byPort = new Map<number, number>(kept.spec.ports.map((p: any) => [p.port, p.nodePort]))
    expect(byPort.get(80)).toBe(made.spec.ports[0].nodePort)
    expect(byPort.get(81)).toBe(made.spec.ports[1].nodePort)
    expect(new Set(byPort.values()).size).toBe(3)
  })

  it('go with the port, and with the type', async () => {
    const [a, b] = [30_081, 30_082]
    const made = await create({ type: 'NodePort', ports: [port(80, { nodePort: a }), port(81, { nodePort: b })] })
    const fewer = await update(made, { ports: [made.spec.ports[0]] })
    await create({ type: 'NodePort', ports: [port(80, { nodePort: b })] })
    const plain = await update(fewer, { type: 'ClusterIP' })
    expect(plain.spec.ports[0].nodePort).toBeUndefined()
    await create({ type: 'NodePort', ports: [port(80, { nodePort: a })] })
  })

  it('for health checks come with local traffic, and stay', async () => {
    const made = await create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
    const { healthCheckNodePort } = made.spec
    expect(healthCheckNodePort).toBeGreaterThan(29_999)
    expect((await update(made, { healthCheckNodePort: undefined })).spec.healthCheckNodePort).toBe(healthCheckNodePort)
    const ports = [port(80, { nodePort: healthCheckNodePort })]
    expect((await refusal(create({ type: 'NodePort', ports }))).message).toContain('already allocated')
    await remove(made)
    await create({ type: 'NodePort', ports })
  })

  it('show in a dry run of an update, which takes none', async () => {
    const made = await create()
    const ports = [port(80, { nodePort: 31_111 })]
    const dry = await update(made, { type: 'NodePort', ports }, { dryRun: 'All' })
    expect(dry.spec.ports[0].nodePort).toBe(31_111)
    await create({ type: 'NodePort', ports })
    expect((await refusal(update(made, { type: 'NodePort', ports }, { dryRun: 'All' }))).reason).toBe('Invalid')
  })
})

it('a range that is used up says so, and serves again after a deletion', async () => {
  await using small = await startTestServer({ serviceCidr: '10.9.0.0/29' })
  // Of eight addresses the first and the last are nobody's, and one is the API server's.
  const made: Service[] = []
  for (let i = 0; i < 5; i++) made.push(await create({}, {}, small))
  expect(await refusal(create({}, {}, small))).toMatchObject({
    code: 500,
    message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
  })
  await remove(made[2]!, small)
  expect((await create({}, {}, small)).spec.clusterIP).toBe(made[2]!.spec.clusterIP)
})

it('a restarted server knows what is taken', async () => {
  await using first = await startTestServer()
  const made = await create(
    { type: 'NodePort', clusterIP: '10.96.0.55', ports: [port(80, { nodePort: 30_055 })] },
    {},
    first,
  )
  await using second = await startTestServer({ store: first.store })
  expect((await refusal(create({ clusterIP: '10.96.0.55' }, {}, second))).reason).toBe('Invalid')
  expect((await refusal(create({ type: 'NodePort', ports: made.spec.ports }, {}, second))).reason).toBe('Invalid')
})

describe('whatever happens to services', () => {
  const type = fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName', 'Headless')
  const nodePort = fc.constantFrom(undefined, undefined, 30_001, 30_002, 30_003)
  const address = fc.constantFrom(undefined, undefined, undefined, '10.9.0.2', '10.9.0.3')
  const local = fc.boolean()
  const dry = fc.constantFrom(false, false, false, true)
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const), which: fc.nat(4), type, nodePort, address, local, dry }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat(4), dry }),
  )
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

  const draftOf = (at: Extract<Step, { do: 'put' }>) => ({
    metadata: { namespace, name: `w${at.which}` },
    spec: {
      ...(at.type === 'Headless' ? { clusterIP: 'None' } : { type: at.type }),
      ...(at.type === 'ExternalName' && { externalName: 'example.com' }),
      ...(at.address && at.type !== 'Headless' && at.type !== 'ExternalName' && { clusterIP: at.address }),
      ...(at.type === 'LoadBalancer' && at.local && { externalTrafficPolicy: 'Local' }),
      ports: [
        port(80, at.type === 'NodePort' || at.type === 'LoadBalancer' ? { nodePort: at.nodePort } : {}),
        port(81),
      ],
    },
  })

  it('no address and no port is given twice, nor lost', async () => {
    await using small = await startTestServer({ serviceCidr: '10.9.0.0/28' })
    const all = async () =>
      (await small.client.list(services)).items.filter(
        ({ metadata }) => metadata.name !== 'kubernetes',
      ) as never as Service[]
    const refused = (err: unknown) => {
      if (!(err instanceof StatusError) || err.code === 500) throw err
    }
    const run = async (steps: readonly Step[]) => {
      // Some at once, so that they race.
      for (let i = 0; i < steps.length; i += 3) {
        await Promise.all(
          steps.slice(i, i + 3).map((at) => {
            const dryRun = at.dry ? { dryRun: 'All' as const } : {}
            if (at.do === 'remove')
              return small.client.delete(services, { namespace, name: `w${at.which}` }, {}, dryRun).catch(refused)
            return small.client.update(services, draftOf(at) as never, dryRun).catch(refused)
          }),
        )
      }
      const now = await all()
      const ips = now.flatMap(({ spec }) => (spec.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : []))
      expect(new Set(ips).size).toBe(ips.length)
      const ports = now
        .flatMap(({ spec }) => [...spec.ports.map(({ nodePort: n }: any) => n), spec.healthCheckNodePort])
        .filter(Boolean)
      expect(new Set(ports).size).toBe(ports.length)
      for (const { metadata } of now) await small.client.delete(services, metadata as never)
      // 16 addresses, of which two are nobody's and one is the API server's.
      const filled = await Promise.all(Array.from({ length: 13 }, () => create({}, {}, small)))
      await Promise.all(filled.map((service) => remove(service, small)))
      const asked = [30_001, 30_002, 30_003].map((n) => ({ type: 'NodePort', ports: [port(80, { nodePort: n })] }))
      const given = await Promise.all(asked.map((spec) => create(spec, {}, small)))
      await Promise.all(given.map((service) => remove(service, small)))
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), run), { numRuns: 40 })
  })
})
