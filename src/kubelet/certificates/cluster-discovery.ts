/**
 * Finds out whom to trust, knowing only where the API is, a bootstrap token and a digest of the authority's key: what
 * `kube-public/cluster-info` says is taken if it is signed with the token, and if the authority in it has that key. The
 * token alone would not do: whoever has it, any node that has joined, could pass for the API server.
 * Upstream: the token discovery of kubeadm.
 */
import { createHash } from 'node:crypto'
import { parseCertificate } from '#base/certificate.ts'
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf, TerminalError } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { parseBootstrapToken } from '#api/core/v1/bootstrap-token.ts'
import type { ConfigMap } from '#api/core/v1/config.ts'
import { configMaps } from '#api/resources.ts'
import { Client } from '#client/client.ts'
import { createHttpsTransport } from '#client/https-transport.ts'
import { parseKubeconfig } from '#client/kubeconfig.ts'
import { isSignedBy } from '#machinery/detached-jws.ts'

export interface DiscoveryOptions {
  /** `https://host:port` */
  server: string
  token: string
  /** `sha256:` and the digest of the authority's public key in hexadecimal. */
  caHash: string
  clock: Clock
  log: Log
  signal: AbortSignal
}

const PERIOD_MS = 500
const MAX_PERIOD_MS = 10_000

/** `sha256:...` of the public key of a certificate, as kubeadm writes it. Throws DerError. */
export function keyHash(certificate: string): string {
  const info = parseCertificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(info).digest('hex')}`
}

/**
 * PEM of the cluster's authority. Waits until the API answers and has signed. Throws TerminalError where token or digest
 * are wrong; rejects with the signal's reason.
 */
export async function discoverAuthority(options: DiscoveryOptions): Promise<string> {
  const { server, clock, log, signal } = options
  // Nothing secret is sent, and nothing that is heard is believed without its signature.
  const transport = createHttpsTransport({ connection: { server, insecureSkipTlsVerify: true }, clock })
  const client = new Client(transport)
  try {
    for (let pauseMs = PERIOD_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PERIOD_MS)) {
      try {
        const info = await client.get(configMaps, { namespace: 'kube-public', name: 'cluster-info' }, { signal })
        const authority = authorityIn(info, options)
        if (authority !== undefined) return authority
        log.info({ server }, 'the cluster has not signed with this token yet; trying again')
      } catch (thrown) {
        signal.throwIfAborted()
        if (thrown instanceof TerminalError) throw thrown
        log.warn({ server, reason: messageOf(thrown) }, 'cannot read about the cluster; trying again')
      }
      await sleep(clock, pauseMs, signal)
    }
  } finally {
    transport.close()
  }
}

/** Undefined where there is no signature by the token (yet). Throws TerminalError. */
export function authorityIn({ data = {} }: ConfigMap, { token, caHash }: Pick<DiscoveryOptions, 'token' | 'caHash'>) {
  const parts = parseBootstrapToken(token)
  if (!parts) throw new TerminalError('the bootstrap token is not of the form abcdef.0123456789abcdef')
  const { kubeconfig = '', [`jws-kubeconfig-${parts.id}`]: signature } = data
  if (signature === undefined) return undefined
  if (!isSignedBy(kubeconfig, signature, parts.id, parts.secret))
    throw new TerminalError('what the cluster says of itself is not signed with this bootstrap token')
  const [cluster] = [...parseKubeconfig(kubeconfig).clusters.values()]
  const authority = Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64').toString()
  if (keyHash(authority) !== caHash.toLowerCase())
    throw new TerminalError('the authority of the cluster does not have the key with this digest')
  return authority
}
