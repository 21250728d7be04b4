/**
 * Connections to a Service that the API server calls: each new one leads to where the Service is reached at that moment,
 * while the certificate is held against the Service's own name.
 */
import { Agent, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Address } from './service-address.ts'

/** Not in the type of Agent, though documented. */
const connect = (Agent.prototype as unknown as { createConnection(...args: unknown[]): Duplex }).createConnection

/** `resolve` may throw, which fails the request that asked for a connection. */
export class ServiceAgent extends Agent {
  readonly #resolve: () => Address

  constructor(options: AgentOptions, resolve: () => Address) {
    super(options)
    this.#resolve = resolve
  }

  createConnection(options: object, callback: (error: Error | null) => void): Duplex | undefined {
    try {
      return connect.call(this, { ...options, ...this.#resolve() }, callback)
    } catch (err) {
      queueMicrotask(() => callback(err as Error))
      return undefined
    }
  }
}
