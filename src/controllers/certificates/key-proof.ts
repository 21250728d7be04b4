/**
 * Finds out whether whoever asks for a serving certificate answers at an address: the kubelet there must show the
 * request's own key. Nothing is sent but a TLS handshake.
 */
import type { KeyObject } from 'node:crypto'
import { connect } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { SERVING_KEY_PROOF } from '#contracts/kubelet/serving-key-proof.ts'

const TIMEOUT_MS = 5_000

/** Why there is no such proof; undefined where there is. Never rejects. */
export function keyProblem(
  { address, port, key }: { address: string; port: number; key: KeyObject },
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    // The certificate is self-signed; the handshake shows that its key is there, and that is all that is asked.
    const socket = connect({ host: address, port, servername: SERVING_KEY_PROOF, rejectUnauthorized: false })
    const settle = (problem: string | undefined) => {
      timer.cancel()
      signal.removeEventListener('abort', stop)
      socket.destroy()
      resolve(problem)
    }
    const stop = () => settle('the controller is stopping')
    const timer = clock.after(TIMEOUT_MS, () => settle(`${address}:${port} does not answer`))
    signal.addEventListener('abort', stop, { once: true })
    socket.on('error', (error) => settle(`cannot reach ${address}:${port}: ${messageOf(error)}`))
    socket.on('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.publicKey
      settle(shown?.equals(key) ? undefined : `who answers at ${address}:${port} does not have the key`)
    })
    socket.on('close', () => settle(`${address}:${port} ended the connection`))
    if (signal.aborted) stop()
  })
}
