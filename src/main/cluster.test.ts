import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Client } from '#client/client.ts'
import { configMaps, deployments, nodes, pods } from '#api/resources.ts'
import { Cluster } from './cluster.ts'

const TIMEOUT_MS = 20_000

/** Asks until the answer is good. */
async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS)
  for (;;) {
    const answer = await ask()
    if (isGood(answer)) return answer
    if (deadline.aborted) throw new Error(`waited in vain; last: ${JSON.stringify(answer)}`)
    await new Promise(setImmediate)
  }
}

const deployment = (name: string, replicas: number) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'any' }] } },
  },
})

const available = (client: Client, name: string) =>
  until(
    () => client.get(deployments, { namespace: 'default', name }),
    ({ status, spec }) => (status.availableReplicas ?? 0) === spec.replicas,
  )

describe('a cluster as an object', () => {
  it('lives beside nine others in one process, and shares nothing with them', async () => {
    const clusters = await Promise.all(
      Array.from({ length: 10 }, (_, i) => Cluster.start({ simulatedNodes: 1, name: `c${i}` })),
    )
    expect(new Set(clusters.map((cluster) => cluster.url)).size).toBe(10)
    await Promise.all(
      clusters.map(async ({ client }, i) => {
        await client.create(configMaps, { metadata: { name: `mine-${i}`, namespace: 'default' } })
        await client.create(deployments, deployment('web', i % 3) as never)
      }),
    )
    await Promise.all(
      clusters.map(async ({ client, kubeconfig, url }, i) => {
        await available(client, 'web')
        const maps = await client.list(configMaps, { namespace: 'default' })
        expect(maps.items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('mine'))).toEqual([
          `mine-${i}`,
        ])
        expect((await client.list(pods, { namespace: 'default' })).items).toHaveLength(i % 3)
        expect((await client.list(nodes)).items.map(({ metadata }) => metadata.name)).toEqual(['sim-0'])
        expect(kubeconfig).toContain(url)
        expect(kubeconfig).toContain(`current-context: c${i}`)
      }),
    )
    // The end of one is nothing to another.
    await clusters[0]!.close()
    expect((await clusters[1]!.client.list(nodes)).items).toHaveLength(1)
    await Promise.all(clusters.slice(1).map((cluster) => cluster.close()))
    await expect(fetch(clusters[1]!.url)).rejects.toThrow('fetch failed')
  })

  it('keeps its objects in a directory, and its keys', async () => {
    const path = mkdtempSync(join(tmpdir(), 'rostrum-cluster-'))
    try {
      const first = await Cluster.start({ store: { path } })
      await first.client.create(configMaps, { metadata: { name: 'kept', namespace: 'default' }, data: { a: 'b' } })
      const authority = /certificate-authority-data: (\S+)/.exec(first.kubeconfig)![1]
      await first.close()
      await using second = await Cluster.start({ store: { path } })
      expect((await second.client.get(configMaps, { namespace: 'default', name: 'kept' })).data).toEqual({ a: 'b' })
      expect(second.kubeconfig).toContain(authority)
    } finally {
      rmSync(path, { recursive: true })
    }
  })

  it('says that its port is in use', async () => {
    const taken = createServer()
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
    const { port } = taken.address() as { port: number }
    await expect(Cluster.start({ port })).rejects.toThrow(`${port}`)
    taken.close()
  })
})
