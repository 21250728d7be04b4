/**
 * An HTTPS server of a test's own, as webhooks and extension API servers are: with a certificate for the names by which
 * it is called, signed by an authority that is made for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { systemClock } from '#base/clock.ts'
import { seededRandom } from '#base/random.ts'
import { createAuthority, issueCertificate, type KeyPair } from '#base/x509.ts'

export interface HttpsTestServer extends AsyncDisposable {
  readonly port: number
  readonly authority: KeyPair
  /** As API objects carry it: PEM in base64. */
  readonly caBundle: string
  close(): Promise<void>
}

export interface HttpsTestServerOptions {
  /** Names and addresses in the certificate. Default: `127.0.0.1`, `localhost`. */
  hosts?: readonly string[]
  /** Clients must show a certificate signed by this authority, PEM. */
  clientCa?: string
  handle(request: IncomingMessage, body: string, response: ServerResponse): void | Promise<void>
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export async function startHttpsServer(options: HttpsTestServerOptions): Promise<HttpsTestServer> {
  const { hosts = ['127.0.0.1', 'localhost'], clientCa, handle, upgrade } = options
  const validity = { days: 1, nowMs: systemClock.now(), random: seededRandom(7) }
  const authority = createAuthority('test-server-ca', validity)
  const { cert, key } = issueCertificate(authority, { ...validity, commonName: 'test', hosts, usages: ['server'] })
  const server = createServer(
    { cert, key, ...(clientCa && { ca: clientCa, requestCert: true }) },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => void handle(request, Buffer.concat(chunks).toString(), response))
    },
  )
  if (upgrade) server.on('upgrade', upgrade)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    port: (server.address() as { port: number }).port,
    authority,
    caBundle: Buffer.from(authority.cert).toString('base64'),
    close,
    [Symbol.asyncDispose]: close,
  }
}
