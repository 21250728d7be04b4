/** Lease, which leader election and node heartbeats are built on. */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const LeaseSpec = message('coordination.v1.LeaseSpec', 'Who holds a lease and for how long.', {
  holderIdentity: f.string(1, 'Identity of the present holder; empty if nobody holds it.').pointer(),
  leaseDurationSeconds: f.int32(2, 'Seconds after renewTime that others must wait before taking the lease.').pointer(),
  acquireTime: f.microTime(3, 'When the present holder got the lease.'),
  renewTime: f.microTime(4, 'When the present holder last renewed the lease.'),
  leaseTransitions: f.int32(5, 'How often the lease has changed hands.').pointer(),
  strategy: f.string(6, 'How the leader is chosen in coordinated election, such as OldestEmulationVersion.').pointer(),
  preferredHolder: f.string(7, 'Identity that should take over next; needs strategy to be set.').pointer(),
})
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export const Lease = kind(
  'coordination.k8s.io',
  'v1',
  'Lease',
  'A claim held for a limited time, used for leader election and heartbeats.',
  {
    spec: f.message(LeaseSpec, 2, 'Who holds the lease and for how long.').present(),
  },
)
export interface Lease extends Infer<typeof Lease> {}
