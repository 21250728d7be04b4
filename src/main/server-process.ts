/** `rostrum server`: the control plane of one cluster, in the foreground. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { systemClock } from '#base/clock.ts'
import { createLog, type LogLevel } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { kubeconfigFor } from '#cli/kubeconfig-file.ts'
import { parseTokenFile } from '#apiserver/authn/authenticator.ts'
import { startCompaction } from '#storage/compaction.ts'
import { createMemoryStore } from '#storage/memory-store.ts'
import { accessOf } from './access.ts'
import { startCertificateRenewal } from './certificate-renewal.ts'
import type { ClusterDescription, ClusterDirectory } from './cluster-directory.ts'
import { startControlPlane } from './control-plane.ts'
import { untilAborted } from './cri-process.ts'
import { ensurePki, pkiDirectory } from './pki.ts'

export interface ServerProcessOptions {
  directory: ClusterDirectory
  description: ClusterDescription
  tokenFile?: string
  /** Certificates that the cluster signs live no longer. */
  certificateLifetimeMs?: number | undefined
  logLevel: LogLevel
}

export async function runServer(
  { directory, description, tokenFile, certificateLifetimeMs, logLevel }: ServerProcessOptions,
  stop: AbortSignal,
): Promise<void> {
  const log = createLog(logLevel).child({ component: 'rostrum-server' })
  const store =
    description.store === 'memory'
      ? createMemoryStore()
      : await (
          await import('#storage/lmdb-store.ts')
        ).openLmdbStore({ path: directory.in('server', 'store'), clock: systemClock })
  const compaction = startCompaction(store, systemClock, undefined, log)
  const addresses = ['127.0.0.1', ...(description.hostAddress ? [description.hostAddress] : [])]
  const files = pkiDirectory(directory.in('server', 'pki'))
  const hosts = servingHosts(description, addresses)
  const pki = ensurePki(files, hosts, systemClock, systemRandom)
  const plane = await startControlPlane({
    store,
    pki,
    serviceCidr: description.serviceCidr,
    clusterCidr: description.clusterCidr,
    clusterDomain: description.clusterDomain,
    ...(description.dnsPort && {
      dns: { ip: description.dnsIp, address: description.hostAddress, port: description.dnsPort },
    }),
    addresses,
    port: description.port,
    advertiseAddress: description.hostAddress || '127.0.0.1',
    tokens: tokenFile ? parseTokenFile(readFileSync(tokenFile, 'utf8')) : [],
    certificateLifetimeMs,
    simulatedNodes: description.simulatedNodes,
    clock: systemClock,
    random: systemRandom,
    log,
  })
  writeAdminKubeconfig(directory, accessOf(directory, description))
  const renewal = startCertificateRenewal({
    files,
    hosts,
    pki,
    onRenewal(fresh) {
      plane.server.useCertificates(fresh)
      writeAdminKubeconfig(directory, accessOf(directory, description))
    },
    clock: systemClock,
    random: systemRandom,
    log,
  })
  log.info({ port: plane.port }, 'the API is ready')
  await untilAborted(stop)
  renewal.cancel()
  compaction.cancel()
  await plane.close()
}

/** Every name and address under which the API server is reached. */
export function servingHosts(
  { serviceCidr, clusterDomain }: ClusterDescription,
  addresses: readonly string[],
): string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ]
  return [...addresses, 'localhost', firstAddress(serviceCidr), ...service]
}

const firstAddress = (cidr: string) => cidr.replace(/\.\d+\/\d+$/, '.1')

function writeAdminKubeconfig(directory: ClusterDirectory, access: Parameters<typeof kubeconfigFor>[0]) {
  const path = directory.in('admin.kubeconfig')
  writeFileSync(`${path}.partial`, kubeconfigFor(access), { mode: 0o600 })
  renameSync(`${path}.partial`, path)
}
