/**
 * The keys of a cluster: its certificate authorities, what they sign for the parts of the control plane, and the key that
 * signs service-account tokens. Kept in a directory that only its owner may read, or in memory for tests. Upstream:
 * the certificates that kubeadm makes.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCertificate } from '#base/certificate.ts'
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import {
  createAuthority,
  createKeys,
  isCurrent,
  isIssuedBy,
  issueCertificate,
  keyId,
  type KeyPair,
  privatePem,
} from '#base/x509.ts'
import type { FrontProxyOptions } from '#apiserver/authn/front-proxy.ts'
import type { SigningKey } from '#apiserver/authn/service-account-tokens.ts'

export interface Pki {
  authority: KeyPair
  /** The API server's serving certificate. */
  serving: KeyPair
  /** The API server towards kubelets. */
  kubeletClient: KeyPair
  /** The user's own, a member of system:masters. */
  admin: KeyPair
  /** Who speaks for others: the API server towards aggregated ones, which trust this authority with nothing else. */
  frontProxy: { authority: KeyPair; client: KeyPair }
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

const FRONT_PROXY = 'front-proxy-client'
const AUTHORITY_DAYS = 3650
const CERTIFICATE_DAYS = 365
/** A certificate with less than this left is made anew. */
const RENEWAL_DAYS = 30

interface Leaf {
  commonName: string
  organizations?: readonly string[]
  hosts?: readonly string[]
  usage: 'client' | 'server'
}

/** Reads what is there and makes what is missing, about to expire, or not what it should be. */
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
  const authorityNamed = (name: string, commonName: string) =>
    pair(
      name,
      (cert) => isCurrent(cert, nowMs, RENEWAL_DAYS),
      () => createAuthority(commonName, { days: AUTHORITY_DAYS, nowMs, random }),
    )
  const leaf = (name: string, by: KeyPair, { commonName, organizations = [], hosts: names = [], usage }: Leaf) =>
    pair(
      name,
      (cert) =>
        isCurrent(cert, nowMs, RENEWAL_DAYS, names) &&
        isIssuedBy(cert, by.cert) &&
        parseCertificate(cert).subject.organizations.join() === organizations.join(),
      () =>
        issueCertificate(by, {
          commonName,
          organizations,
          hosts: names,
          usages: [usage],
          days: CERTIFICATE_DAYS,
          nowMs,
          random,
        }),
    )
  const authority = authorityNamed('ca', 'rostrum')
  const frontProxyAuthority = authorityNamed('front-proxy-ca', 'front-proxy-ca')
  return {
    authority,
    serving: leaf('apiserver', authority, { commonName: 'kube-apiserver', hosts, usage: 'server' }),
    kubeletClient: leaf('apiserver-kubelet-client', authority, {
      commonName: 'kube-apiserver-kubelet-client',
      usage: 'client',
    }),
    admin: leaf('admin', authority, {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usage: 'client',
    }),
    frontProxy: {
      authority: frontProxyAuthority,
      client: leaf(FRONT_PROXY, frontProxyAuthority, { commonName: FRONT_PROXY, usage: 'client' }),
    },
    signingKey: ensureSigningKey(files),
  }
}

/** Who may speak for others to the API server. */
export const frontProxyOf = ({ frontProxy }: Pki): FrontProxyOptions => ({
  ca: frontProxy.authority.cert,
  allowedNames: [FRONT_PROXY],
})

function ensureSigningKey(files: PkiFiles): SigningKey {
  let pem = files.read('service-account.key')
  if (!pem) {
    pem = privatePem(createKeys().privateKey)
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
  const common = {
    commonName: `system:node:${nodeName}`,
    organizations: ['system:nodes'],
    days: CERTIFICATE_DAYS,
    nowMs: clock.now(),
    random,
  }
  const client = issueCertificate(authority, { ...common, usages: ['client'] })
  const serving = issueCertificate(authority, { ...common, usages: ['server'], hosts: [nodeName, ...addresses] })
  return { client, serving }
}
