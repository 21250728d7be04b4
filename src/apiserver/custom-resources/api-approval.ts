/**
 * Groups of the Kubernetes community need its approval, which an annotation tells of. Upstream:
 * `apiextensions-apiserver/pkg/apihelpers.GetAPIApprovalState`.
 */
export const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io'

export interface Approval {
  state: 'Missing' | 'Bypassed' | 'Approved' | 'Invalid'
  message: string
}

const PROTECTED = ['k8s.io', 'kubernetes.io']
const MORE = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** Undefined for groups that anybody may use. */
export function approvalOf(group: string, annotations: Readonly<Record<string, string>> = {}): Approval | undefined {
  if (!PROTECTED.some((domain) => group === domain || group.endsWith(`.${domain}`))) return undefined
  const value = annotations[APPROVAL_ANNOTATION] ?? ''
  const need = `protected groups must have approval annotation "${APPROVAL_ANNOTATION}"`
  if (value === '') return { state: 'Missing', message: `${need}, ${MORE}` }
  if (value.startsWith('unapproved')) return { state: 'Bypassed', message: `not approved: ${JSON.stringify(value)}` }
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/\s?#]+/.test(value))
    return { state: 'Approved', message: `approved in ${value}` }
  return { state: 'Invalid', message: `${need} with either a URL or a reason starting with "unapproved", ${MORE}` }
}
