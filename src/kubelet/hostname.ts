/** The host name of a pod and the domain behind it. Pure. Upstream: `GeneratePodHostNameAndDomain`. */
import type { Pod } from '#api/core/v1/pod.ts'

const MAX_HOSTNAME = 63
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export interface PodHostname {
  hostname: string
  /** `sub.ns.svc.cluster.local`; empty without a subdomain. */
  domain: string
}

/** Throws Error for a host name or subdomain that is not a DNS label. */
export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { hostname, subdomain, hostnameOverride } = pod.spec
  if (hostnameOverride) return { hostname: truncate(hostnameOverride), domain: '' }
  if (hostname && !LABEL.test(hostname)) throw new Error(`pod Hostname "${hostname}" is not a valid DNS label`)
  if (subdomain && !LABEL.test(subdomain)) throw new Error(`pod Subdomain "${subdomain}" is not a valid DNS label`)
  return {
    hostname: truncate(hostname || pod.metadata.name),
    domain: subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : '',
  }
}

/** What the kernel is told: the short name, or with `setHostnameAsFQDN` all of it, which must fit. Throws Error. */
export function kernelHostname(pod: Pod, { hostname, domain }: PodHostname): string {
  if (!pod.spec.setHostnameAsFQDN || domain === '') return hostname
  const fqdn = `${hostname}.${domain}`
  if (fqdn.length > 64) {
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (64 characters is the max, ${fqdn.length} characters requested)`,
    )
  }
  return fqdn
}

function truncate(name: string): string {
  return name.length <= MAX_HOSTNAME ? name : name.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '')
}
