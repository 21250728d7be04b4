/**
 * Name resolution of a pod: its dnsPolicy and dnsConfig over what the node uses. Pure. Limits that resolvers have are
 * enforced by leaving out what is too much, with a warning. Upstream: `kubelet/network/dns`.
 */
import type { Pod } from '#api/core/v1/pod.ts'

export interface DnsConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

export interface NodeDns {
  /** Of the node's resolv.conf. */
  host: DnsConfig
  /** Addresses of the cluster's DNS service; may be empty. */
  clusterDns: readonly string[]
  clusterDomain: string
}

const MAX_SERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048
const MAX_DOMAIN = 253

/** `resolv.conf`: the last `search` counts, servers and options add up. Unknown lines are skipped. */
export function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...fields] = line.trim().split(/\s+/)
    if (keyword === 'nameserver' && fields[0]) config.servers.push(fields[0])
    else if (keyword === 'search') config.searches = fields.filter((s) => s !== '.').map((s) => s.replace(/\.$/, ''))
    else if (keyword === 'options') config.options = mergeOptions(config.options, fields)
  }
  return config
}

export interface PodDns {
  config: DnsConfig
  /** Messages of DNSConfigForming events. */
  warnings: string[]
  /** The pod wanted the cluster's DNS and there is none: a MissingClusterDNS event is due. */
  isClusterDnsMissing: boolean
}

export function podDns(pod: Pod, node: NodeDns): PodDns {
  const { dnsPolicy = 'ClusterFirst', hostNetwork, dnsConfig } = pod.spec
  const wantsCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  const usesCluster = wantsCluster && node.clusterDns.length > 0
  let config: DnsConfig
  if (dnsPolicy === 'None') config = { servers: [], searches: [], options: [] }
  else if (usesCluster) {
    const domain = node.clusterDomain
    const cluster = domain ? [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain] : []
    config = {
      servers: [...node.clusterDns],
      searches: unique([...cluster, ...node.host.searches]),
      options: ['ndots:5'],
    }
  } else config = { ...node.host }
  if (dnsConfig) {
    config = {
      servers: unique([...config.servers, ...(dnsConfig.nameservers ?? [])]),
      searches: unique([...config.searches, ...(dnsConfig.searches ?? [])]),
      options: mergeOptions(
        config.options,
        (dnsConfig.options ?? []).map((o) => (o.value ? `${o.name}:${o.value}` : (o.name ?? ''))),
      ),
    }
  }
  return { ...limit(config), isClusterDnsMissing: wantsCluster && !usesCluster }
}

function limit(config: DnsConfig): { config: DnsConfig; warnings: string[] } {
  const warnings: string[] = []
  const servers = config.servers.slice(0, MAX_SERVERS)
  if (servers.length < config.servers.length) {
    warnings.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`,
    )
  }
  const searches = config.searches.slice(0, MAX_SEARCHES).filter((s) => s.length <= MAX_DOMAIN)
  while (searches.join(' ').length > MAX_SEARCH_CHARACTERS) searches.pop()
  if (searches.length < config.searches.length) {
    warnings.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    )
  }
  return { config: { servers, searches, options: config.options }, warnings }
}

/** A later option replaces an earlier one of the same name. */
function mergeOptions(first: readonly string[], second: readonly string[]): string[] {
  const byName = new Map<string, string>()
  for (const option of [...first, ...second]) byName.set(option.split(':')[0]!, option)
  return [...byName.values()]
}

const unique = (items: readonly string[]) => [...new Set(items)]
