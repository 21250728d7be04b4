/**
 * An acknowledged write survives `kill -9`: the server is killed at random moments under load, again and again over the
 * same data, and every object that a client was told of must be there. A full disk refuses writes, and nothing else, and
 * large objects break no connection. Needs no root. The seed of the moments is printed with a failure.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import { systemClock } from '#base/clock.ts'
import { configMaps, services } from '#api/resources.ts'
import { Client } from '#client/client.ts'
import { createHttpsTransport } from '#client/https-transport.ts'
import { isStatus } from '#machinery/status-error.ts'
import { accessOf } from '#main/access.ts'
import { ClusterDirectory } from '#main/cluster-directory.ts'
import { eventually, freePort, program } from './whole-cluster.ts'

const ROUNDS = 6
const WRITERS = 16
const seed = Number(process.env.ROSTRUM_SEED ?? Math.floor(Math.random() * 1e9))

class KillableServer {
  readonly root = mkdtempSync(join(tmpdir(), 'rostrum-crash-'))
  readonly directory = new ClusterDirectory(this.root, 'crash')
  #child: ChildProcess | undefined

  /** Resolves when the API answers. `limit` bounds the size of files, in units of 512 bytes. */
  async start(port: number, limit?: number): Promise<Client> {
    const args = ['server', '--name', 'crash', '--data-dir', this.root, '--port', String(port), '--log-level', 'error']
    this.#child = limit
      ? spawn('sh', ['-c', 'ulimit -f "$0"; exec "$@"', String(limit), process.execPath, program, ...args], {
          stdio: 'ignore',
        })
      : spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
    return eventually(
      'the server to answer',
      async () => {
        const { server, ca, clientCert: cert, clientKey: key } = accessOf(this.directory, this.directory.load())
        const client = new Client(
          createHttpsTransport({ connection: { server, ca, cert, key }, clock: systemClock, callTimeoutMs: 3000 }),
        )
        await client.get(services, { namespace: 'default', name: 'kubernetes' })
        return client
      },
      () => true,
      30_000,
    )
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve()
      this.#child.once('exit', () => resolve())
      this.#child.kill('SIGKILL')
    })
  }
}

describe('rostrum server', () => {
  let server: KillableServer | undefined
  afterEach(async () => {
    await server?.kill()
    if (server) rmSync(server.root, { recursive: true, force: true })
  })

  it(`keeps every acknowledged object when it is killed (seed ${seed})`, async () => {
    server = new KillableServer()
    const random = seededRandom(seed)
    const port = await freePort()
    /** By name: the newest resourceVersion that a client was told of. */
    const acknowledged = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const client = await server.start(port)
      for (const [name, version] of acknowledged) {
        const found = await client.find(configMaps, { namespace: 'default', name })
        expect(found, `round ${round}: ${name}`).toBeDefined()
        expect(Number(found!.metadata.resourceVersion)).toBeGreaterThanOrEqual(version)
      }
      let stopped = false
      const write = async (writer: number) => {
        for (let i = 0; !stopped; i++) {
          const name = `c-${round}-${writer}-${i}`
          try {
            const made = await client.create(configMaps, {
              metadata: { name, namespace: 'default' },
              data: { i: String(i) },
            })
            acknowledged.set(name, Number(made.metadata.resourceVersion))
            const changed = await client.patch(configMaps, made.metadata, {
              data: { more: 'x'.repeat(random.int(2000)) },
            })
            acknowledged.set(name, Number(changed.metadata.resourceVersion))
          } catch {
            // The server died under this request: whether it was carried out is open, and nothing was promised.
            return
          }
        }
      }
      const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
      const before = acknowledged.size
      await eventually(
        'some writes',
        async () => acknowledged.size - before,
        (count) => count > 20 + random.int(100),
      )
      await server.kill()
      stopped = true
      await writers
    }
    expect(acknowledged.size).toBeGreaterThan(ROUNDS * 20)
  })

  it('takes large objects one after the other on connections that are kept', async () => {
    server = new KillableServer()
    const client = await server.start(await freePort())
    const write = async (writer: number) => {
      for (let i = 0; i < 60; i++) {
        const metadata = { name: `large-${writer}-${i}`, namespace: 'default' }
        await client.create(configMaps, { metadata, data: { x: 'y'.repeat(100_000) } })
      }
    }
    await Promise.all(Array.from({ length: 4 }, (_, writer) => write(writer)))
    const { items } = await client.list(configMaps, { namespace: 'default', limit: 1 })
    expect(items).toHaveLength(1)
  })

  it('refuses writes when its disk is full, and goes on reading', async () => {
    server = new KillableServer()
    const client = await server.start(await freePort(), 6_000)
    let refused: unknown
    let written = 0
    for (let i = 0; i < 200 && !refused; i++) {
      try {
        await client.create(configMaps, {
          metadata: { name: `big-${i}`, namespace: 'default' },
          data: { x: 'y'.repeat(200_000) },
        })
        written++
      } catch (err) {
        refused = err
      }
    }
    expect(String(refused)).toMatch(/cannot take writes/)
    expect(isStatus(refused, 'ServiceUnavailable')).toBe(true)
    expect(written).toBeGreaterThan(1)
    const list = await client.list(configMaps, {
      namespace: 'default',
      fieldSelector: 'metadata.name!=kube-root-ca.crt',
    })
    expect(list.items.map((object) => object.metadata.name).toSorted()).toEqual(
      Array.from({ length: written }, (_, i) => `big-${i}`).toSorted(),
    )
  })
})
