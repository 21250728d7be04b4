/**
 * CertificateSigningRequest with its spec, conditions and status. A request is approved or denied through
 * conditions and then signed by the signer it names.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const CertificateSigningRequestSpec = message(
  'certificates.v1.CertificateSigningRequestSpec',
  'The request and who made it; cannot be changed once created.',
  {
    request: f.bytes(1, 'PEM encoded PKCS#10 certificate request, in base64.').required(),
    username: f.string(2, 'User who made the request; set by the server.'),
    uid: f.string(3, 'UID of the user who made the request; set by the server.'),
    groups: f.list('string', 4, 'Groups of the user who made the request; set by the server.').atomic(),
    usages: f
      .list('string', 5, 'Key usages wanted for the certificate, such as digital signature or client auth.')
      .atomic()
      .oneOf(
        'any',
        'cert sign',
        'client auth',
        'code signing',
        'content commitment',
        'crl sign',
        'data encipherment',
        'decipher only',
        'digital signature',
        'email protection',
        'encipher only',
        'ipsec end system',
        'ipsec tunnel',
        'ipsec user',
        'key agreement',
        'key encipherment',
        'microsoft sgc',
        'netscape sgc',
        'ocsp signing',
        's/mime',
        'server auth',
        'signing',
        'timestamping',
      ),
    extra: f.mapOfLists('string', 6, 'Further details about the user who made the request; set by the server.'),
    signerName: f
      .string(7, 'Who should sign, such as kubernetes.io/kube-apiserver-client or example.com/name.')
      .required(),
    expirationSeconds: f
      .int32(8, 'Wanted validity in seconds, at least 600; the signer may choose otherwise.')
      .pointer(),
  },
)
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = message(
  'certificates.v1.CertificateSigningRequestCondition',
  'One decision or observation about a request.',
  {
    type: f.string(1, 'Approved, Denied, Failed, or a name of your own.').required(),
    reason: f.string(2, 'Short machine-readable cause of the decision.'),
    message: f.string(3, 'Details of the decision, meant for people.'),
    lastUpdateTime: f.time(4, 'When this condition was last refreshed.'),
    lastTransitionTime: f.time(5, 'When status last changed its value; filled in by the server if missing.'),
    status: f.string(6, 'True, False or Unknown; Approved, Denied and Failed can only be True.').required(),
  },
)
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = message(
  'certificates.v1.CertificateSigningRequestStatus',
  'Decision on a request and the certificate, once it is issued.',
  {
    conditions: f
      .list(
        CertificateSigningRequestCondition,
        1,
        'Decisions and observations, one per type; Approved and Denied exclude each other.',
      )
      .map('type'),
    certificate: f.bytes(2, 'Issued certificate chain as PEM, in base64; set by the signer.'),
  },
)
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const CertificateSigningRequest = kind(
  'certificates.k8s.io',
  'v1',
  'CertificateSigningRequest',
  'Asks a signer for an X.509 certificate.',
  {
    spec: f.message(CertificateSigningRequestSpec, 2, 'The request and who made it.').required().present(),
    status: f.message(CertificateSigningRequestStatus, 3, 'Whether it was approved, and the certificate.').present(),
  },
)
export interface CertificateSigningRequest extends Infer<typeof CertificateSigningRequest> {}
