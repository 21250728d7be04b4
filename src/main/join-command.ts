/** The command with which another machine joins a cluster. Pure. */
import { CliError } from '#cli/cli-error.ts'
import { keyHash } from '#kubelet/certificates/cluster-discovery.ts'
import type { ClusterDescription } from './cluster-directory.ts'

/** What `rostrum agent` takes for granted. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'service-cidr': '10.96.0.0/16',
  'cluster-cidr': '10.244.0.0/16',
  'cluster-dns': '10.96.0.10',
  'cluster-domain': 'cluster.local',
}

/** `ca`: PEM of the authority. Throws CliError for a cluster that other machines don't reach. */
export function joinCommand(description: ClusterDescription, token: string, ca: string): string {
  if (!description.hostAddress) {
    throw new CliError('failed', 'the server listens on this machine only, so that no other can join', {
      hint: 'start it with: rostrum server --listen <address>',
    })
  }
  const networks = {
    'service-cidr': description.serviceCidr,
    'cluster-cidr': description.clusterCidr,
    'cluster-dns': description.dnsIp,
    'cluster-domain': description.clusterDomain,
  }
  const flags = [
    `--server https://${description.hostAddress}:${description.port}`,
    `--token ${token}`,
    `--ca-hash ${keyHash(ca)}`,
    ...Object.entries(networks).flatMap(([name, value]) => (value === DEFAULTS[name] ? [] : [`--${name} ${value}`])),
  ]
  return ['rostrum agent', ...flags, '--node-name <name> --node-ip <address> --cri-endpoint <socket>'].join(' ')
}
