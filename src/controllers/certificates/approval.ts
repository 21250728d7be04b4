/** Approving certificate requests: whether one has been decided upon, and the decision as it is written. */
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { certificateSigningRequests } from '#api/resources.ts'
import type { Client } from '#client/client.ts'

/** Somebody has decided, or a certificate is there already. */
export const isDecided = ({ status }: CertificateSigningRequest): boolean =>
  Boolean(status.certificate) ||
  status.conditions?.some(({ type }) => type === 'Approved' || type === 'Denied') === true

export async function approve(
  client: Client,
  request: CertificateSigningRequest,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const approval = { type: 'Approved', status: 'True', reason: 'AutoApproved', message }
  const status = { ...request.status, conditions: [...(request.status.conditions ?? []), approval] }
  await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'approval', signal })
}
