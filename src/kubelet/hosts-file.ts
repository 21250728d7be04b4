/** The contents of a pod's `/etc/hosts`. Pure; the layout is upstream's (`managedHostsFileContent`). */
import type { Pod } from '#api/core/v1/pod.ts'
import type { PodHostname } from './hostname.ts'

export function managedHostsFile(pod: Pod, podIps: readonly string[], { hostname, domain }: PodHostname): string {
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => `${ip}\t${names}`),
    ...aliasLines(pod),
    '',
  ].join('\n')
}

/** For pods on the host's network: the node's own file, and the pod's aliases. */
export function hostNetworkHostsFile(pod: Pod, nodeHosts: string): string {
  const aliases = aliasLines(pod)
  return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${aliases.length > 0 ? `${aliases.join('\n')}\n` : ''}`
}

function aliasLines(pod: Pod): string[] {
  const aliases = pod.spec.hostAliases ?? []
  if (aliases.length === 0) return []
  return ['', '# Entries added by HostAliases.', ...aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join('\t')}`)]
}
