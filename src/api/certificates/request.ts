/** What is inside `spec.request` of a CertificateSigningRequest. Upstream: `ParseCSR` of `pkg/apis/certificates`. */
import { type CertificateRequest, parseCertificateRequest } from '#base/certificate-request.ts'
import { DerError } from '#base/der-reader.ts'
import { pemBlocks } from '#base/pem.ts'

/** Reads the field as it stands in the object: PEM in base64. Throws DerError, in upstream's words where it has some. */
export function requestOf(base64: string): CertificateRequest {
  const [block] = pemBlocks(Buffer.from(base64, 'base64').toString('latin1'))
  if (block?.type !== 'CERTIFICATE REQUEST') throw new DerError('PEM block type must be CERTIFICATE REQUEST')
  return parseCertificateRequest(block.bytes)
}

/** Why the field holds no request that is signed with its own key; undefined where it does. */
export function requestProblem(base64: string): string | undefined {
  try {
    return requestOf(base64).signatureProblem
  } catch (err) {
    if (err instanceof DerError) return err.message
    throw err
  }
}
