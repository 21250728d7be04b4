/**
 * A cluster as an object: the whole control plane in this process, with simulated nodes where they are wanted. Any number
 * of them live side by side; nothing is shared.
 *
 *     await using cluster = await Cluster.start({ store: 'memory', simulatedNodes: 2 })
 *     await cluster.client.create(deployments, { ... })
 */
import { systemClock } from '#base/clock.ts'
import { type Log, silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { kubeconfigFor } from '#cli/kubeconfig-file.ts'
import type { Client } from '#client/client.ts'
import { startCompaction } from '#storage/compaction.ts'
import { createMemoryStore } from '#storage/memory-store.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { ensurePki, pkiDirectory, pkiInMemory } from './pki.ts'

export interface ClusterOptions {
  /** `memory`, or a directory in which the cluster's objects and keys are kept. Default `memory`. */
  store?: 'memory' | { path: string }
  /** Port of the API on 127.0.0.1; default: any free one. */
  port?: number
  /** Nodes whose pods only pretend to run. Default 0. */
  simulatedNodes?: number
  /** Name of the context in the kubeconfig. Default `rostrum`. */
  name?: string
  /** Default: nothing is logged. */
  log?: Log
}

export class Cluster implements AsyncDisposable {
  /** For kubectl and other programs: YAML with the administrator's certificate in it. */
  readonly kubeconfig: string
  /** `https://127.0.0.1:port` */
  readonly url: string
  /** A client within this process, with all rights. Its objects are shared with the server: don't write to them. */
  readonly client: Client
  readonly #plane: ControlPlane
  readonly #stop: () => void

  private constructor(plane: ControlPlane, kubeconfig: string, url: string, stop: () => void) {
    this.#plane = plane
    this.kubeconfig = kubeconfig
    this.url = url
    this.client = plane.client
    this.#stop = stop
  }

  /** Resolves when the API answers and every simulated node is registered. Throws where the port or the directory can't be used. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { store: where = 'memory', log = silentLog, simulatedNodes = 0, name = 'rostrum' } = options
    const inMemory = where === 'memory'
    const store = inMemory
      ? createMemoryStore()
      : await (
          await import('#storage/lmdb-store.ts')
        ).openLmdbStore({ path: `${where.path}/store`, clock: systemClock })
    const compaction = startCompaction(store, systemClock, undefined, log)
    const pki = ensurePki(
      inMemory ? pkiInMemory() : pkiDirectory(`${where.path}/pki`),
      ['127.0.0.1', 'localhost'],
      systemClock,
      systemRandom,
    )
    const plane = await startControlPlane({
      store,
      pki,
      serviceCidr: '10.96.0.0/16',
      clusterCidr: '10.244.0.0/16',
      clusterDomain: 'cluster.local',
      addresses: ['127.0.0.1'],
      port: options.port ?? 0,
      simulatedNodes,
      clock: systemClock,
      random: systemRandom,
      log,
    }).catch(async (err: unknown) => {
      compaction.cancel()
      await store.close()
      throw err
    })
    const url = `https://127.0.0.1:${plane.port}`
    const kubeconfig = kubeconfigFor({
      name,
      server: url,
      ca: pki.authority.cert,
      clientCert: pki.admin.cert,
      clientKey: pki.admin.key,
    })
    return new Cluster(plane, kubeconfig, url, () => compaction.cancel())
  }

  /** Ends all watches and connections. Data in a directory stays. */
  async close(): Promise<void> {
    this.#stop()
    await this.#plane.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
