/**
 * The keys of a cluster: one certificate authority, what it signs for the parts of the control plane, and the key that
 * signs service-account tokens. Kept in a directory that only its owner may read, or in memory for tests.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import { createAuthority, createKeys, isCurrent, issueCertificate, keyId, type KeyPair } from '#base/x509.ts'
import type { SigningKey } from '#apiserver/authn/service-account-tokens.ts'

export interface Pki {
  authority: KeyPair
  /** The API server's serving certificate. */
  serving: KeyPair
  /** The API server towards kubelets. */
  kubeletClient: KeyPair
  /** The user's own, a member of system:masters. */
  admin: KeyPair
  signingKey: SigningKey
}

/** Where the pieces are kept; undefined for one that is not there yet. */
export interface PkiFiles {
  read(name: string): string | undefined
  write(name: string, text: string): void
}

export function pkiDirectory(path: string): PkiFiles {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return {
    read: (name) => (existsSync(join(path, name)) ? readFileSync(join(path, name), 'utf8') : undefined),
    write(name, text) {
      const partial = join(path, `.${name}.partial`)
      writeFileSync(partial, text, { mode: 0o600 })
      renameSync(partial, join(path, name))
    },
  }
}

export function pkiInMemory(): PkiFiles {
  const files = new Map<string, string>()
  return { read: (name) => files.get(name), write: (name, text) => void files.set(name, text) }
}

const AUTHORITY_DAYS = 3650
const CERTIFICATE_DAYS = 365
/** A certificate with less than this left is made anew at start. */
const RENEWAL_DAYS = 30

/** Reads what is there and makes what is missing, about to expire, or not good for `hosts`. */
export function ensurePki(files: PkiFiles, hosts: readonly string[], clock: Clock, random: Random): Pki {
  const nowMs = clock.now()
  const pair = (name: string, isGood: (cert: string) => boolean, make: () => KeyPair): KeyPair => {
    const [cert, key] = [files.read(`${name}.crt`), files.read(`${name}.key`)]
    if (cert && key && isGood(cert)) return { cert, key }
    const made = make()
    files.write(`${name}.key`, made.key)
    files.write(`${name}.crt`, made.cert)
    return made
  }
  const current = (cert: string) => isCurrent(cert, nowMs, RENEWAL_DAYS)
  const authority = pair('ca', current, () => createAuthority('rostrum', { days: AUTHORITY_DAYS, nowMs, random }))
  const issue = (
    commonName: string,
    usages: ('client' | 'server')[],
    extra: { organizations?: string[]; hosts?: readonly string[] },
  ) => issueCertificate(authority, { commonName, usages, days: CERTIFICATE_DAYS, nowMs, random, ...extra })
  const isServing = (cert: string) => isCurrent(cert, nowMs, RENEWAL_DAYS, hosts)
  const organizations = ['system:masters']
  const serving = pair('apiserver', isServing, () => issue('kube-apiserver', ['server'], { hosts }))
  const kubeletClient = pair('apiserver-kubelet-client', current, () =>
    issue('kube-apiserver-kubelet-client', ['client'], { organizations }),
  )
  const admin = pair('admin', current, () => issue('kubernetes-admin', ['client'], { organizations }))
  return { authority, serving, kubeletClient, admin, signingKey: ensureSigningKey(files) }
}

function ensureSigningKey(files: PkiFiles): SigningKey {
  let pem = files.read('service-account.key')
  if (!pem) {
    pem = createKeys().privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    files.write('service-account.key', pem)
  }
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  return { privateKey, publicKey, keyId: keyId(publicKey) }
}

/** The identity of a node's agent: its client certificate and its kubelet's serving certificate. */
export function issueNodeCertificates(
  authority: KeyPair,
  nodeName: string,
  addresses: readonly string[],
  clock: Clock,
  random: Random,
) {
  const common = { days: CERTIFICATE_DAYS, nowMs: clock.now(), random, commonName: `system:node:${nodeName}` }
  // Nodes have no rights of their own before role-based access is there.
  const client = issueCertificate(authority, {
    ...common,
    organizations: ['system:nodes', 'system:masters'],
    usages: ['client'],
  })
  const serving = issueCertificate(authority, {
    ...common,
    organizations: ['system:nodes'],
    usages: ['server'],
    hosts: [nodeName, ...addresses],
  })
  return { client, serving }
}
