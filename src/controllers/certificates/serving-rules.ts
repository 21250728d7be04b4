/**
 * Which serving certificates of kubelets may be approved without asking anybody. Pure. Upstream approves none by itself,
 * because what a node writes into its own status proves nothing; here that is only the first half, and the second is that
 * the requester answers at every address (key-proof.ts).
 */
import { isIP } from 'node:net'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { CertificateRequest } from '#base/certificate-request.ts'
import { type Cidr, contains, formatIp, parseIp } from '#base/ip.ts'
import { KUBELET_SERVING, kubeletServingProblem, NODE_USER_PREFIX, NODES_GROUP } from './signers.ts'

export interface ServingLimits {
  /** Names by which something else is known, above all the API server. */
  reservedNames: readonly string[]
  /** Below these, names are given to Services: `svc`, `cluster.local`. */
  reservedDomains: readonly string[]
  /** Where addresses belong to Services and pods. */
  reservedNetworks: readonly Cidr[]
}

/** More than a node of any kind has; each address costs a connection. */
const MAX_NAMES = 16

/** Where the requester must answer for the request to be approved. */
export interface AddressesToProve {
  addresses: readonly string[]
  port: number
}

/** What is left to be proven, or why the request is not approved. */
export function judgeServingRequest(
  { spec }: CertificateSigningRequest,
  request: CertificateRequest,
  nodes: readonly Node[],
  limits: ServingLimits,
): AddressesToProve | string {
  if (spec.signerName !== KUBELET_SERVING) return 'it is for another signer'
  const problem = request.signatureProblem ?? kubeletServingProblem(request, spec.usages ?? [])
  if (problem !== undefined) return problem
  if (spec.username !== request.subject.commonName || !spec.groups?.includes(NODES_GROUP))
    return 'the requester is not the node that it is for'
  const nodeName = request.subject.commonName.slice(NODE_USER_PREFIX.length)
  const node = nodes.find(({ metadata }) => metadata.name === nodeName)
  const port = node?.status.daemonEndpoints?.kubeletEndpoint?.Port
  if (!node || !port) return `node "${nodeName}" has not said where its kubelet listens`
  const { dnsNames, ipAddresses } = request.names
  if (ipAddresses.length === 0) return 'it has no address'
  if (dnsNames.length + ipAddresses.length > MAX_NAMES) return 'it has too many names'
  const own = addressesOf(node)
  const others = new Set(nodes.filter((one) => one !== node).flatMap(addressesOf))
  const whys = [
    ...dnsNames.map((name) => nameProblem(name, nodeName, limits)),
    ...ipAddresses.map((address) => addressProblem(address, own, others, limits)),
  ]
  return whys.find((why) => why !== undefined) ?? { addresses: ipAddresses, port }
}

/** A node is known by its own name, and by no other. */
function nameProblem(name: string, nodeName: string, { reservedNames, reservedDomains }: ServingLimits) {
  if (name !== nodeName) return `"${name}" is not the name of the node`
  const isReserved =
    reservedNames.includes(name) || reservedDomains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  return isReserved ? `"${name}" is the name of something else` : undefined
}

function addressProblem(
  address: string,
  own: readonly string[],
  others: ReadonlySet<string>,
  { reservedNetworks }: ServingLimits,
) {
  if (!own.includes(address)) return `${address} is not an address of the node`
  if (others.has(address)) return `another node has the address ${address} too`
  const isReserved = reservedNetworks.some((network) => contains(network, address))
  return isReserved ? `${address} is an address of Services or pods` : undefined
}

/** In canonical text. */
function addressesOf({ status }: Node): string[] {
  return (status.addresses ?? []).flatMap(({ address }) => {
    if (isIP(address) === 0) return []
    const { family, value } = parseIp(address)
    return [formatIp(family, value)]
  })
}
