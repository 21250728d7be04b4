/**
 * Who may approve and sign requests for certificates is decided for each signer, and nobody gets a certificate from them
 * that may do everything. Upstream: `plugin/pkg/admission/certificates`.
 */
import { requestOf } from '#api/certificates/request.ts'
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { messageOf } from '#base/errors.ts'
import type { Api } from '../api.ts'
import { SUPERUSERS, type User } from '../user.ts'
import type { AdmissionPlugin } from './admission.ts'
import { refused } from './refusal.ts'

export const certificateApproval = (api: () => Api): AdmissionPlugin => ({
  name: 'CertificateApproval',
  validate(request, object) {
    const { resource, subresource, operation, old, user } = request
    if (resource !== certificateSigningRequests || subresource !== 'approval' || operation !== 'UPDATE') return
    // A new name in the body has no effect and gives no rights.
    const signer = signerOf(old as unknown as CertificateSigningRequest)
    if (mayUseSigner(api(), user, 'approve', signer)) return
    throw refused(request, object, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`)
  },
})

export const certificateSigning = (api: () => Api): AdmissionPlugin => ({
  name: 'CertificateSigning',
  validate(request, object) {
    const { resource, subresource, operation, old, user } = request
    if (resource !== certificateSigningRequests || subresource !== 'status' || operation !== 'UPDATE') return
    const [{ status = {} }, was] = [object, old] as unknown as [CertificateSigningRequest, CertificateSigningRequest]
    const before = was.status ?? {}
    const isSame = (status.certificate ?? '') === (before.certificate ?? '')
    if (isSame && jsonEqual(status.conditions ?? [], before.conditions ?? [])) return
    const signer = signerOf(was)
    if (mayUseSigner(api(), user, 'sign', signer)) return
    throw refused(request, object, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`)
  },
})

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(request, object) {
    const { resource, subresource, operation } = request
    if (resource !== certificateSigningRequests || subresource !== '' || operation !== 'CREATE') return
    const { spec } = object as unknown as CertificateSigningRequest
    if (spec.signerName !== CLIENT_SIGNER) return
    let organizations: readonly string[]
    try {
      organizations = requestOf(spec.request ?? '').subject.organizations
    } catch (err) {
      throw refused(request, object, `failed to parse CSR: ${messageOf(err)}`)
    }
    if (!organizations.includes(SUPERUSERS)) return
    throw refused(request, object, `use of ${CLIENT_SIGNER} signer with ${SUPERUSERS} group is not allowed`)
  },
}

const signerOf = ({ spec }: CertificateSigningRequest) => spec.signerName ?? ''

/** Rights are given for one signer, or for all of a domain as `example.com/*`. Upstream: `pkg/certauthorization`. */
function mayUseSigner(api: Api, user: User, verb: 'approve' | 'sign', signer: string): boolean {
  const [domain] = signer.split('/', 1)
  return [signer, `${domain}/*`].some(
    (name) =>
      api.authorizer.authorize({
        user,
        verb,
        group: 'certificates.k8s.io',
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).allowed,
  )
}
