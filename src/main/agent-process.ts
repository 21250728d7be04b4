/** `rostrum agent`: the node agent (kubelet, service proxy, routes to other nodes), in the foreground. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { createLog, type LogLevel } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import type { KeyPair } from '#base/x509.ts'
import type { AgentOptions } from '#cli/program.ts'
import { Client } from '#client/client.ts'
import { createInformers } from '#client/informers.ts'
import { CriClient } from '#contracts/cri/client.ts'
import { certificateFile, signedBy } from '#kubelet/certificates/certificate-store.ts'
import { startKubelet } from '#kubelet/kubelet.ts'
import { createSystemHost } from '#network/host.ts'
import { startNodeRoutes } from '#network/node-routes.ts'
import { startServiceProxy } from '#network/proxy/service-proxy.ts'
import { untilAborted } from './cri-process.ts'
import { establishIdentity } from './node-identity.ts'
import { kubernetesVersion } from './version.ts'

export interface AgentProcessOptions extends Omit<AgentOptions, 'logLevel'> {
  logLevel: LogLevel
}

const KUBELET_PORT = 10250

export async function runAgent(options: AgentProcessOptions, stop: AbortSignal): Promise<void> {
  const log = createLog(options.logLevel).child({ component: 'rostrum-agent' })
  const pkiDir = options.pkiDir ?? join(options.rootDir, 'pki')
  const { server, nodeName, credentials, token, tokenFile, caFile, caHash } = options
  const { transport, ca, stopped } = await establishIdentity({
    server,
    nodeName,
    credentials,
    token,
    tokenFile,
    caFile,
    caHash,
    dir: pkiDir,
    clock: systemClock,
    random: systemRandom,
    log,
    signal: stop,
  })
  const client = new Client(transport)
  const common = { clock: systemClock, random: systemRandom, log, signal: stop }
  const informers = createInformers({ client, ...common })
  const host = createSystemHost()
  const routes = startNodeRoutes({
    informers,
    host,
    nodeName: options.nodeName,
    mode: 'auto',
    masquerade: true,
    keepOnStop: true,
    ...common,
  })
  const proxy = await startServiceProxy({
    informers,
    host,
    nodeName: options.nodeName,
    nodeIps: [options.nodeIp],
    serviceCidrs: options.serviceCidr,
    backend: options.proxy,
    keepOnStop: true,
    ...common,
  })
  for (const dir of ['kubelet', 'pod-logs']) mkdirSync(join(options.rootDir, dir), { recursive: true, mode: 0o700 })
  const kubelet = await startKubelet({
    nodeName: options.nodeName,
    client,
    informers,
    cri: new CriClient({ endpoint: options.criEndpoint, clock: systemClock }),
    rootDir: join(options.rootDir, 'kubelet'),
    podLogsDir: join(options.rootDir, 'pod-logs'),
    cgroupRoot: options.cgroupRoot,
    nodeIps: [options.nodeIp],
    clusterDns: [options.clusterDns],
    clusterDomain: options.clusterDomain,
    serverTls: {
      clientCa: ca,
      ...(givenServing(credentials) ?? {
        store: signedBy(certificateFile(join(pkiDir, 'kubelet-server-current.pem')), ca),
      }),
    },
    listen: { address: options.nodeIp, port: KUBELET_PORT },
    maxPods: options.maxPods,
    version: kubernetesVersion.gitVersion,
    ...common,
  })
  log.info({ node: options.nodeName, proxy: proxy.backend, port: kubelet.port }, 'the agent is ready')
  await untilAborted(stop)
  await kubelet.close()
  await Promise.all([routes.stopped, proxy.stopped, stopped])
}

/** A serving certificate that was made for the node; it stays as it is. */
function givenServing(credentials: string | undefined): KeyPair | undefined {
  if (credentials === undefined || !existsSync(join(credentials, 'serving.crt'))) return undefined
  const read = (name: string) => readFileSync(join(credentials, name), 'utf8')
  return { cert: read('serving.crt'), key: read('serving.key') }
}
