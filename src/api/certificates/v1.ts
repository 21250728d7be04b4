/** @@HEAD certificates/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const CertificateSigningRequestSpec = message('certificates.v1.CertificateSigningRequestSpec', '', {
  request: f.bytes(1, '').required(),
  username: f.string(2, ''),
  uid: f.string(3, ''),
  groups: f.list('string', 4, '').atomic(),
  usages: f.list('string', 5, '').atomic(),
  extra: f.mapOfLists('string', 6, ''),
  signerName: f.string(7, '').required(),
  expirationSeconds: f.int32(8, ''),
})
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = message('certificates.v1.CertificateSigningRequestCondition', '', {
  type: f.string(1, '').required(),
  reason: f.string(2, ''),
  message: f.string(3, ''),
  lastUpdateTime: f.time(4, ''),
  lastTransitionTime: f.time(5, ''),
  status: f.string(6, '').required(),
})
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = message('certificates.v1.CertificateSigningRequestStatus', '', {
  conditions: f.list(CertificateSigningRequestCondition, 1, '').map('type'),
  certificate: f.bytes(2, ''),
})
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const CertificateSigningRequest = kind('certificates.k8s.io', 'v1', 'CertificateSigningRequest', '', {
  spec: f.message(CertificateSigningRequestSpec, 2, '').present(),
  status: f.message(CertificateSigningRequestStatus, 3, '').present(),
})
export interface CertificateSigningRequest extends Infer<typeof CertificateSigningRequest> {}
