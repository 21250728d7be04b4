import { describe, expect, it } from 'vitest'
import type { ApiRequest, Transport } from '#client/transport.ts'
import { Client } from '#client/client.ts'
import { notFound } from '#machinery/status-error.ts'
import { ensureDnsService, planDnsService } from './dns-service.ts'

const options = { clusterIp: '10.96.0.10', address: '172.30.0.1', port: 5353 }

/** Stores what is created and patched, as far as these objects need it. */
class Recorder implements Transport {
  readonly objects = new Map<string, any>()
  readonly writes: string[] = []
  async call({ verb, resource, body }: ApiRequest) {
    const key = resource.plural
    if (verb === 'get') {
      if (!this.objects.has(key)) throw notFound(resource, 'kube-dns')
    } else {
      this.writes.push(`${verb} ${key}`)
      this.objects.set(key, { ...this.objects.get(key), ...(body as object), serverAdded: true })
    }
    return this.objects.get(key)
  }
  watch(): () => void {
    throw new Error('not watched')
  }
}

describe('the service of the name server', () => {
  it('leads from the well-known address to where the server listens', () => {
    const { service, slice, endpoints } = planDnsService(options)
    expect(service.spec).toMatchObject({
      clusterIP: '10.96.0.10',
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
      ],
    })
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['172.30.0.1'] }],
      ports: [{ port: 5353 }, { port: 5353 }],
    })
    expect(slice.ports!.map((p) => p.name)).toEqual(service.spec!.ports!.map((p) => p.name))
    expect(endpoints.subsets![0]!.addresses).toEqual([{ ip: '172.30.0.1' }])
  })

  it('is created once, and changed only when something else is wanted', async () => {
    const recorder = new Recorder()
    const client = new Client(recorder)
    await ensureDnsService(client, options)
    expect(recorder.writes).toEqual(['create services', 'create endpoints', 'create endpointslices'])
    await ensureDnsService(client, options)
    expect(recorder.writes).toHaveLength(3)
    await ensureDnsService(client, { ...options, port: 53 })
    expect(recorder.writes.slice(3)).toEqual(['patch services', 'patch endpoints', 'patch endpointslices'])
  })
})
