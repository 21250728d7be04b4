/** What serving port-forward is, whichever protocol carries it. */
import type { Duplex } from 'node:stream'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'

/**
 * Serves one forwarded connection: usually connects to the port (with `allowHalfOpen`) and splices. Resolves when it is over, both streams are
 * closed then; a rejection's message is shown to the user. `signal` aborts when the client is gone.
 */
export type PortForwardHandler = (port: number, data: Duplex, signal: AbortSignal) => Promise<void>

export interface PortForwardSession {
  readonly signal: AbortSignal
  /** Resolves when the client's connection is over, for whatever reason. */
  readonly closed: Promise<void>
  close(): void
}

export interface PortForwardOptions {
  clock: Clock
  handler: PortForwardHandler
  /** Names the pod in errors: `error forwarding port 80 to pod <pod>, uid <uid>: ...`. */
  pod: string
  uid?: string
  /** Ports for WebSocket channels; default: those of the request's `port` parameters. SPDY names its ports itself. */
  ports?: readonly number[]
  /** Default 4 hours. */
  idleTimeoutMs?: number
  /** How long the second stream of a pair may take. Default 30 s. */
  streamCreationTimeoutMs?: number
}

/** What the user reads when the handler of a connection fails. */
export function forwardErrorMessage(options: PortForwardOptions, port: number, error: unknown): string {
  return `error forwarding port ${port} to pod ${options.pod}, uid ${options.uid ?? ''}: ${messageOf(error)}`
}

/** Throws when `text` is no port. */
export function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') throw new Error('"port" header is required')
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port >= 1 && port <= 65_535)) throw new Error(`unable to parse ${JSON.stringify(text)} as a port`)
  return port
}
