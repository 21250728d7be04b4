/**
 * Where the API server lets itself be sent on behalf of others: nowhere that is reached only from its own machine. What
 * stands in statuses and endpoints was written by somebody. Upstream: `pkg/proxy/util.IsProxyableIP` and the checks of
 * `pkg/registry/core/service/storage`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { contains, familyOf, parseCidr } from '#base/ip.ts'

/** Unspecified and "this network", loopback, link-local (metadata services among them), multicast, broadcast. */
const NOT_GLOBAL = [
  '0.0.0.0/32',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  '::1/128',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
]

/** Whether it is the address of one machine, and not of this one alone. Anything but an address is not. */
export function isProxyable(ip: string): boolean {
  try {
    const family = familyOf(ip)
    return NOT_GLOBAL.map(parseCidr).every((range) => range.family !== family || !contains(range, ip))
  } catch {
    return false
  }
}

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number]

/** Whether an endpoint of a Service is really the pod of its namespace that it says it is. */
export function isOfPod(
  { targetRef }: Endpoint,
  address: string,
  namespace: string,
  find: (name: string) => Pod | undefined,
): boolean {
  if (!targetRef?.name || targetRef.namespace !== namespace) return false
  return find(targetRef.name)?.status.podIPs?.some(({ ip }) => ip === address) ?? false
}
