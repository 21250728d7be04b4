/**
 * Where an agent keeps a certificate with its key: one PEM file, so that the two are replaced in one step, readable by
 * its owner only. Upstream: `certificate.FileStore`.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseCertificate } from '#base/certificate.ts'
import { systemCode } from '#base/errors.ts'
import { pemBlocks } from '#base/pem.ts'
import { isIssuedBy, type KeyPair } from '#base/x509.ts'

export interface CertificateStore {
  /** Undefined where there is none that can be used. */
  read(): KeyPair | undefined
  write(pair: KeyPair): void
}

export function certificateFile(path: string): CertificateStore {
  return {
    read: () => pairIn(readIfThere(path)),
    write({ cert, key }) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      const partial = `${path}.partial`
      writeFileSync(partial, cert + key, { mode: 0o600 })
      renameSync(partial, path)
    },
  }
}

/** The same, where only what `authority` has signed counts: the cluster may have been made anew since. */
export const signedBy = (store: CertificateStore, authority: string): CertificateStore => ({
  read() {
    const pair = store.read()
    return pair && isIssuedBy(pair.cert, authority) ? pair : undefined
  },
  write: (pair) => store.write(pair),
})

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    if (systemCode(err) === 'ENOENT') return ''
    throw err
  }
}

/** A certificate and the key that belongs to it; a file that was damaged or mixed up is as good as none. */
export function pairIn(text: string): KeyPair | undefined {
  const blocks = pemBlocks(text)
  const cert = blocks.filter(({ type }) => type === 'CERTIFICATE').map((block) => `${block.text}\n`)
  const key = blocks.find(({ type }) => type.endsWith('PRIVATE KEY'))
  if (cert.length === 0 || !key) return undefined
  const pair = { cert: cert.join(''), key: `${key.text}\n` }
  try {
    const { publicKey } = parseCertificate(pair.cert)
    return publicKey.equals(createPublicKey(createPrivateKey(pair.key))) ? pair : undefined
  } catch {
    return undefined
  }
}
