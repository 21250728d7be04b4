/**
 * The control plane of one cluster in this process: the API server with everything that works through it. The parts meet
 * only in the API; this file is where they are put together.
 */
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { type ApiServer, createApiServer, systemUser } from '#apiserver/server.ts'
import type { StaticToken } from '#apiserver/authn/authenticator.ts'
import { Client } from '#client/client.ts'
import type { Store } from '#storage/store.ts'
import { kubernetesVersion } from './version.ts'
import type { Pki } from './pki.ts'

export interface ControlPlaneOptions {
  store: Store
  pki: Pki
  /** Network of the cluster IPs, e.g. `10.96.0.0/16`. */
  serviceCidr: string
  /** Where to listen; port 0 picks a free one for the first address, and the same for the others. */
  addresses: readonly string[]
  port: number
  /** Where nodes and pods reach this server; default: the first address. */
  advertiseAddress?: string
  tokens?: readonly StaticToken[]
  clock: Clock
  random: Random
  log: Log
}

export interface ControlPlane {
  readonly server: ApiServer
  readonly port: number
  /** A client for this process, with all rights. */
  readonly client: Client
  close(): Promise<void>
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, pki, clock, random, log } = options
  const server = await createApiServer({
    store,
    serviceCidr: options.serviceCidr,
    tokens: options.tokens ?? [],
    signingKey: pki.signingKey,
    tls: { ...pki.serving, clientCa: pki.authority.cert },
    kubeletTls: { ca: pki.authority.cert, ...pki.kubeletClient },
    version: kubernetesVersion,
    renderer: undefined as never,
    paths: [],
    clock,
    random,
    log,
  })
  let port = options.port
  for (const address of options.addresses) port = await server.listen(address, port)
  await server.bootstrap({ address: options.advertiseAddress ?? options.addresses[0]!, port })
  return {
    server,
    port,
    client: new Client(server.transport(systemUser('rostrum'))),
    async close() {
      await server.close()
      await store.close()
    },
  }
}
