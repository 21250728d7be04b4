/** @@HEAD coordination/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const LeaseSpec = message('coordination.v1.LeaseSpec', '', {
  holderIdentity: f.string(1, ''),
  leaseDurationSeconds: f.int32(2, ''),
  acquireTime: f.microTime(3, ''),
  renewTime: f.microTime(4, ''),
  leaseTransitions: f.int32(5, ''),
  strategy: f.string(6, ''),
  preferredHolder: f.string(7, ''),
})
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export const Lease = kind('coordination.k8s.io', 'v1', 'Lease', '', {
  spec: f.message(LeaseSpec, 2, '').present(),
})
export interface Lease extends Infer<typeof Lease> {}
