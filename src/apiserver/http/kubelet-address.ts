/** Where the API server reaches a node's kubelet: what the node's status says. */
import type { Node } from '#api/core/v1/node.ts'
import { StatusError } from '#machinery/status-error.ts'

/** Where a node's kubelet listens. Throws ServiceUnavailable for a node without one. */
export function kubeletBase(node: Node): string {
  const address =
    node.status.addresses?.find((a) => a.type === 'InternalIP') ??
    node.status.addresses?.find((a) => a.type === 'Hostname')
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port
  if (!address || !port)
    throw new StatusError(
      'ServiceUnavailable',
      `node ${JSON.stringify(node.metadata.name)} has no kubelet to connect to`,
    )
  return `https://${address.address.includes(':') ? `[${address.address}]` : address.address}:${port}`
}
