/** `rostrum agent`: the node agent (kubelet, service proxy, routes to other nodes), in the foreground. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { createLog, type LogLevel } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { CliError } from '#cli/cli-error.ts'
import type { AgentOptions } from '#cli/program.ts'
import { Client } from '#client/client.ts'
import { createHttpsTransport } from '#client/https-transport.ts'
import { createInformers } from '#client/informers.ts'
import { CriClient } from '#contracts/cri/client.ts'
import { startKubelet } from '#kubelet/kubelet.ts'
import { createSystemHost } from '#network/host.ts'
import { startNodeRoutes } from '#network/node-routes.ts'
import { startServiceProxy } from '#network/proxy/service-proxy.ts'
import { untilAborted } from './cri-process.ts'
import { kubernetesVersion } from './version.ts'

export interface AgentProcessOptions extends Omit<AgentOptions, 'logLevel'> {
  logLevel: LogLevel
}

const KUBELET_PORT = 10250

export async function runAgent(options: AgentProcessOptions, stop: AbortSignal): Promise<void> {
  const log = createLog(options.logLevel).child({ component: 'rostrum-agent' })
  const credential = (name: string) => {
    try {
      return readFileSync(join(options.credentials, name), 'utf8')
    } catch (cause) {
      throw new CliError('failed', `cannot read ${join(options.credentials, name)}`, {
        hint: 'make the keys with: rostrum node-credentials',
        cause,
      })
    }
  }
  const ca = credential('ca.crt')
  const transport = createHttpsTransport({
    connection: { server: options.server, ca, cert: credential('client.crt'), key: credential('client.key') },
    clock: systemClock,
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
    serverTls: { cert: credential('serving.crt'), key: credential('serving.key'), clientCa: ca },
    listen: { address: options.nodeIp, port: KUBELET_PORT },
    maxPods: options.maxPods,
    version: kubernetesVersion.gitVersion,
    ...common,
  })
  log.info({ node: options.nodeName, proxy: proxy.backend, port: kubelet.port }, 'the agent is ready')
  await untilAborted(stop)
  await kubelet.close()
  await Promise.all([routes.stopped, proxy.stopped])
}
