/**
 * The signers that the cluster itself is, and which requests each of them signs. Pure. Upstream: `pkg/apis/certificates`
 * (helpers.go) and the verification functions of `pkg/controller/certificates/signer`.
 */
import type { CertificateRequest } from '#base/certificate-request.ts'

export const API_SERVER_CLIENT = 'kubernetes.io/kube-apiserver-client'
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet'
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving'
const LEGACY_UNKNOWN = 'kubernetes.io/legacy-unknown'

export const NODE_USER_PREFIX = 'system:node:'
export const NODES_GROUP = 'system:nodes'

type Rule = (request: CertificateRequest, usages: readonly string[]) => string | undefined

/** By signer: why it does not sign a request; undefined where it does. */
export const signerRules: Readonly<Record<string, Rule>> = {
  [API_SERVER_CLIENT]: (_request, usages) => clientUsageProblem(usages),
  [KUBELET_CLIENT]: kubeletClientProblem,
  [KUBELET_SERVING]: kubeletServingProblem,
  // Has signed anything that was approved since before there were signers.
  [LEGACY_UNKNOWN]: () => undefined,
}

function clientUsageProblem(usages: readonly string[]): string | undefined {
  const odd = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

export function kubeletClientProblem({ subject, names }: CertificateRequest, usages: readonly string[]) {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (names.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (names.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (names.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return commonNameProblem(subject) ?? usagesProblem(usages, 'client auth')
}

export function kubeletServingProblem({ subject, names }: CertificateRequest, usages: readonly string[]) {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (names.dnsNames.length === 0 && names.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (names.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return usagesProblem(usages, 'server auth') ?? commonNameProblem(subject)
}

type Subject = CertificateRequest['subject']

const isOfNodes = ({ organizations }: Subject) => organizations.length === 1 && organizations[0] === NODES_GROUP

const commonNameProblem = ({ commonName }: Subject) =>
  commonName.startsWith(NODE_USER_PREFIX) ? undefined : 'subject common name does not begin with system:node:'

/** Exactly these; only keys that encrypt (RSA) need the second. */
function usagesProblem(usages: readonly string[], purpose: string): string | undefined {
  const wanted = ['digital signature', 'key encipherment', purpose]
  const given = new Set(usages)
  const isWanted = [...given].every((usage) => wanted.includes(usage)) && given.has(wanted[0]!) && given.has(purpose)
  return isWanted ? undefined : `usages did not match [${wanted.toSorted().join(' ')}]`
}
