/**
 * Renews the cluster's own certificates while it runs, a month before they expire: what the server shows changes without
 * a restart, and the administrator's kubeconfig beside it is written anew. A copy that a user has made elsewhere is not
 * found; `rostrum up` and `rostrum kubeconfig` give a fresh one.
 */
import { type Clock, every, type Timer } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { ensurePki, type Pki, type PkiFiles } from './pki.ts'

export interface CertificateRenewalOptions {
  files: PkiFiles
  hosts: readonly string[]
  /** What is in use. */
  pki: Pki
  /** Called with everything when anything was renewed. */
  onRenewal(pki: Pki): void
  clock: Clock
  random: Random
  log: Log
}

const PERIOD_MS = 12 * 3_600_000

/** Looks twice a day until the returned timer is cancelled. */
export function startCertificateRenewal(options: CertificateRenewalOptions): Timer {
  const { files, hosts, onRenewal, clock, random, log } = options
  let { pki } = options
  return every(clock, PERIOD_MS, () => {
    try {
      const fresh = ensurePki(files, hosts, clock, random)
      const renewed = certificatesOf(fresh).filter((cert, i) => cert !== certificatesOf(pki)[i]).length
      if (renewed === 0) return
      pki = fresh
      log.info({ renewed }, 'the certificates of the cluster are renewed')
      onRenewal(fresh)
    } catch (thrown) {
      log.error({ reason: messageOf(thrown) }, 'cannot renew the certificates of the cluster; trying again later')
    }
  })
}

const certificatesOf = ({ serving, kubeletClient, admin, frontProxy }: Pki) =>
  [serving, kubeletClient, admin, frontProxy.client].map(({ cert }) => cert)
