/**
 * Which labels a node may give itself: none that say where pods of others belong. Pure. Upstream: `getForbiddenLabels`, and
 * the well-known labels of `k8s.io/kubelet`.
 */

/** What a kubelet finds out about its machine. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])
/** Free for kubelets to use, as far as the API has reserved anything. */
const KUBELET_NAMESPACES = ['kubelet.kubernetes.io', 'node.kubernetes.io']
/** For administrators alone, so that pods can rely on them. */
const RESTRICTED = 'node-restriction.kubernetes.io'

type Labels = Readonly<Record<string, string>> | undefined

/** Of the labels that differ those that a node must not touch, in order. */
export function forbiddenLabels(now: Labels = {}, was: Labels = {}): string[] {
  const keys = new Set([...Object.keys(now), ...Object.keys(was)])
  return [...keys].filter((key) => now[key] !== was[key] && isForbidden(key)).sort()
}

function isForbidden(label: string): boolean {
  const namespace = label.includes('/') ? label.slice(0, label.indexOf('/')) : ''
  if (isWithin(namespace, RESTRICTED)) return true
  const isReserved = isWithin(namespace, 'kubernetes.io') || isWithin(namespace, 'k8s.io')
  return isReserved && !KUBELET_LABELS.has(label) && !KUBELET_NAMESPACES.some((one) => isWithin(namespace, one))
}

const isWithin = (namespace: string, domain: string) => namespace === domain || namespace.endsWith(`.${domain}`)
