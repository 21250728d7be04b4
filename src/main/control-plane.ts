/**
 * The control plane of one cluster in this process: the API server with everything that works through it. The parts meet
 * only in the API; this file is where they are put together.
 */
import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { parseCertificate } from '#base/certificate.ts'
import type { Clock } from '#base/clock.ts'
import { parseCidr } from '#base/ip.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { type ApiServer, createApiServer, systemUser } from '#apiserver/server.ts'
import type { StaticToken } from '#apiserver/authn/authenticator.ts'
import { legacyToken } from '#apiserver/authn/service-account-tokens.ts'
import { componentUser, serviceAccountUser, type User } from '#apiserver/user.ts'
import { Client } from '#client/client.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import type { Informers } from '#client/informer.ts'
import { createInformers } from '#client/informers.ts'
import { controllers } from '#controllers/all.ts'
import { CONTROLLER_NAMESPACE, serviceAccountOf } from '#controllers/identities.ts'
import { ensureDnsService } from '#dns/dns-service.ts'
import type { KeptToken } from '#controllers/token-secrets/token-secret-controller.ts'
import { createResourceSource } from '#controllers/resource-source.ts'
import { startDns } from '#dns/start-dns.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import type { Store } from '#storage/store.ts'
import { ensureClusterInfo } from './cluster-info.ts'
import { ensureJoinPolicy } from './join-policy.ts'
import { kubernetesVersion } from './version.ts'
import { frontProxyOf, type Pki } from './pki.ts'

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
  /** Certificates that the cluster signs live no longer. Default: a year. */
  certificateLifetimeMs?: number | undefined
  /** Nodes whose pods only pretend to run. */
  simulatedNodes?: number
  /** Networks of the nodes' pods are cut from this one, e.g. `10.244.0.0/16`. */
  clusterCidr: string
  clusterDomain: string
  /** Where the cluster's DNS is reached as a Service, and where it really listens; absent: no DNS. */
  dns?: { ip: string; address: string; port: number }
  clock: Clock
  random: Random
  log: Log
}

export interface ControlPlane {
  readonly server: ApiServer
  readonly port: number
  /** A client for this process, with all rights. */
  readonly client: Client
  /** What the components of this process share. */
  readonly informers: Informers
  close(): Promise<void>
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, pki, clock, random, log } = options
  const server = await createApiServer({
    store,
    serviceCidr: options.serviceCidr,
    tokens: options.tokens ?? [],
    signingKey: pki.signingKey,
    frontProxy: frontProxyOf(pki),
    tls: { ...pki.serving, clientCa: pki.authority.cert },
    kubeletTls: { ca: pki.authority.cert, ...pki.kubeletClient },
    proxyClient: pki.frontProxy.client,
    version: kubernetesVersion,
    clock,
    random,
    log,
  })
  let port = options.port
  for (const address of options.addresses) port = await server.listen(address, port)
  const advertise = options.advertiseAddress ?? options.addresses[0]!
  await server.bootstrap({ address: advertise, port })

  const stop = new AbortController()
  const { signal } = stop
  setMaxListeners(10_000, signal)
  const clientOf = (user: User) => new Client(server.transport(user))
  const setUp = clientOf(systemUser('system:apiserver'))
  await Promise.all([
    ensureJoinPolicy(setUp),
    ensureClusterInfo(setUp, { server: urlOf(advertise, port), ca: pki.authority.cert }),
  ])
  /** Each component gets what it would be given in a process of its own; only the informers are shared. */
  const contextOf = (component: string, informers: Informers, user = componentUser(component)) => {
    const client = clientOf(user)
    const componentLog = log.child({ component })
    return {
      client,
      informers,
      recorder: createEventRecorder({ client, clock, random, log: componentLog, component, signal }),
      clock,
      random,
      log: componentLog,
      signal,
    }
  }
  const informers = createInformers({
    client: clientOf(componentUser('kube-controller-manager')),
    clock,
    random,
    log,
    signal,
  })
  const controllerContext = contextOf('kube-controller-manager', informers)
  const settings = {
    caBundle: pki.authority.cert,
    tokenSecrets: { sign: (token: KeptToken) => legacyToken(pki.signingKey, token) },
    certificateSigning: { authority: pki.authority, maxLifetimeMs: options.certificateLifetimeMs },
    kubeletServing: {
      reservedNames: [...parseCertificate(pki.serving.cert).names.dnsNames],
      reservedDomains: ['svc', options.clusterDomain],
      reservedNetworks: [options.serviceCidr, options.clusterCidr].map(parseCidr),
    },
    garbageCollector: { resources: createResourceSource(informers, { extensions: server.extensions }) },
    nodeIpam: { clusterCidrs: [options.clusterCidr], reservedCidrs: [options.serviceCidr] },
  }
  for (const { name, create } of controllers) {
    const client = clientOf(serviceAccountUser(CONTROLLER_NAMESPACE, serviceAccountOf(name)))
    await create(settings)?.start({ ...controllerContext, client })
  }
  startScheduler(contextOf('kube-scheduler', informers))
  if (options.dns) {
    const client = clientOf(serviceAccountUser('kube-system', 'kube-dns'))
    await startDnsService(options, options.dns, client, informers, signal)
  }

  if (options.simulatedNodes) {
    const { startSimulatedNodes } = await import('#kubelet/simulated.ts')
    const names = Array.from({ length: options.simulatedNodes }, (_, i) => `sim-${i}`)
    const context = contextOf('kubelet', informers, componentUser('simulated-nodes'))
    await startSimulatedNodes({ ...context, names, version: kubernetesVersion.gitVersion }).ready
  }

  return {
    server,
    port,
    client: clientOf(systemUser('system:admin')),
    informers,
    async close() {
      stop.abort(new Error('the control plane is stopping'))
      await server.close()
      await store.close()
    },
  }
}

const urlOf = (address: string, port: number) => `https://${isIP(address) === 6 ? `[${address}]` : address}:${port}`

async function startDnsService(
  { clusterDomain, clusterCidr, serviceCidr, clock, random, log }: ControlPlaneOptions,
  { ip, address, port }: { ip: string; address: string; port: number },
  client: Client,
  informers: Informers,
  signal: AbortSignal,
): Promise<void> {
  await startDns({
    informers,
    clusterDomain,
    listen: [{ address, port }],
    upstream: { resolvConf: '/etc/resolv.conf' },
    clusterCidrs: [clusterCidr, serviceCidr],
    serverIps: [ip],
    clock,
    random,
    log,
    signal,
  })
  await ensureDnsService(client, { clusterIp: ip, address, port }, signal)
}
