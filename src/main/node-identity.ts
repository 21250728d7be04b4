/**
 * How an agent becomes a node of its cluster, and stays one: it learns whom to trust, gets a client certificate with a
 * bootstrap token (or begins with one that was made for it), and renews that for as long as it runs. What it has is kept
 * in a directory of its own, so that after a restart it needs no token; where everything has expired, the token is asked
 * for again.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCertificate } from '#base/certificate.ts'
import type { Clock } from '#base/clock.ts'
import { systemCode, TerminalError } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { CliError } from '#cli/cli-error.ts'
import { Client } from '#client/client.ts'
import { createHttpsTransport, type HttpsTransport } from '#client/https-transport.ts'
import { certificateFile, type CertificateStore, pairIn, signedBy } from '#kubelet/certificates/certificate-store.ts'
import { discoverAuthority, keyHash } from '#kubelet/certificates/cluster-discovery.ts'
import { clientCertificateOf } from '#kubelet/certificates/node-certificates.ts'
import { RotatingCertificate } from '#kubelet/certificates/rotating-certificate.ts'

export interface NodeIdentityOptions {
  /** `https://host:port` */
  server: string
  nodeName: string
  /** Where certificates are kept. */
  dir: string
  /** Directory with `ca.crt`, `client.crt` and `client.key` to begin with. */
  credentials?: string | undefined
  /** A bootstrap token, or a file that holds one, read anew whenever it is needed. */
  token?: string | undefined
  tokenFile?: string | undefined
  /** Whom to trust: a PEM file, or the digest of its key, with which it is looked up in the cluster itself. */
  caFile?: string | undefined
  caHash?: string | undefined
  clock: Clock
  random: Random
  log: Log
  signal: AbortSignal
}

export interface NodeIdentity {
  /** Talks to the API as the node. */
  readonly transport: HttpsTransport
  /** PEM. */
  readonly ca: string
  /** Resolves when the signal has aborted and nothing is renewed any more. */
  readonly stopped: Promise<void>
}

/** Resolves when the node has a valid client certificate. Throws CliError where it can't get one, or the signal's reason. */
export async function establishIdentity(options: NodeIdentityOptions): Promise<NodeIdentity> {
  const { nodeName, dir, server, clock, random, log, signal } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const given = readGiven(options.credentials)
  const ca = given.ca ?? (await authorityOf(options))
  const store = clientStore({ dir, nodeName, ca }, clock)
  if (given.pair && !store.read()) store.write(given.pair)
  const transport = createHttpsTransport({ connection: { server, ca }, clock })
  let joining: HttpsTransport | undefined
  const rotation = new RotatingCertificate({
    ...clientCertificateOf(nodeName),
    store,
    client(current) {
      if (current) return new Client(transport)
      if (!hasToken(options)) throw new Error('there is no valid certificate, and no bootstrap token to get one with')
      joining ??= createHttpsTransport({ connection: { server, ca, token: async () => tokenOf(options) }, clock })
      return new Client(joining)
    },
    onCertificate(pair) {
      transport.useCertificate(pair)
      joining?.close()
      joining = undefined
    },
    clock,
    random,
    log,
    signal,
  })
  const { current } = rotation
  if (current) transport.useCertificate(current)
  else if (!hasToken(options)) throw withoutIdentity(dir)
  await rotation.obtain()
  return { transport, ca, stopped: rotation.run() }
}

export interface KeptIdentity {
  dir: string
  nodeName: string
  /** PEM. */
  ca: string
}

/** Whether the node needs no token to join. */
export const hasIdentity = (kept: KeptIdentity, clock: Clock) => clientStore(kept, clock).read() !== undefined

/** What was kept for another node or cluster, or has expired, is as good as nothing. */
function clientStore({ dir, nodeName, ca }: KeptIdentity, clock: Clock): CertificateStore {
  const file = signedBy(certificateFile(join(dir, 'kubelet-client-current.pem')), ca)
  return {
    read() {
      const pair = file.read()
      if (!pair) return undefined
      const { subject, notAfterMs } = parseCertificate(pair.cert)
      return subject.commonName === `system:node:${nodeName}` && clock.now() <= notAfterMs ? pair : undefined
    },
    write: (pair) => file.write(pair),
  }
}

const withoutIdentity = (dir: string) =>
  new CliError('failed', `the node has no valid certificate in ${dir}, and no bootstrap token to get one with`, {
    hint: 'where the server runs: rostrum token create --print-join-command',
  })

const hasToken = ({ token, tokenFile }: NodeIdentityOptions) =>
  token !== undefined || (tokenFile !== undefined && existsSync(tokenFile))

const tokenOf = ({ token, tokenFile }: NodeIdentityOptions) => token ?? readFileSync(tokenFile!, 'utf8').trim()

/** Given as a file, known from before, or found out. Throws CliError. */
async function authorityOf(options: NodeIdentityOptions): Promise<string> {
  const { caFile, caHash, dir, server, clock, log, signal } = options
  if (caFile !== undefined) return readRequired(caFile)
  const path = join(dir, 'ca.crt')
  const known = readIfThere(path)
  if (known !== undefined && (caHash === undefined || keyHash(known) === caHash.toLowerCase())) return known
  if (!hasToken(options)) throw withoutIdentity(dir)
  if (caHash === undefined) {
    throw new CliError('usage', 'whom to trust has to be known before the cluster is talked to', {
      hint: 'add --ca-hash or --ca-file; rostrum token create --print-join-command prints the whole command',
    })
  }
  let authority: string
  try {
    authority = await discoverAuthority({ server, token: tokenOf(options), caHash, clock, log, signal })
  } catch (cause) {
    if (!(cause instanceof TerminalError)) throw cause
    throw new CliError('failed', `cannot join ${server}: ${cause.message}`, {
      hint: 'where the server runs: rostrum token create --print-join-command',
      cause,
    })
  }
  writeFileSync(`${path}.partial`, authority, { mode: 0o600 })
  renameSync(`${path}.partial`, path)
  return authority
}

/** What `rostrum node-credentials` has made. Throws CliError. */
function readGiven(dir: string | undefined) {
  if (dir === undefined) return {}
  const ca = readRequired(join(dir, 'ca.crt'))
  const pair = pairIn(readRequired(join(dir, 'client.crt')) + readRequired(join(dir, 'client.key')))
  if (!pair) {
    throw new CliError(
      'failed',
      `${join(dir, 'client.crt')} is no certificate for the key in ${join(dir, 'client.key')}`,
      {
        hint: 'make them anew with: rostrum node-credentials',
      },
    )
  }
  return { ca, pair }
}

function readRequired(path: string): string {
  const text = readIfThere(path)
  if (text === undefined) throw new CliError('failed', `${path} is not there`)
  return text
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    if (systemCode(err) === 'ENOENT') return undefined
    throw err
  }
}
