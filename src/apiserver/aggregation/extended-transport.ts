/**
 * The Transport of components in the server's own process, to everything that the cluster serves: what extension API
 * servers serve is asked of them, in the name of the component, as is done for clients from outside.
 */
import type { ApiRequest, Transport, WatchSink } from '#client/transport.ts'
import { createHttpsTransport } from '#client/https-transport.ts'
import type { Clock } from '#base/clock.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { User } from '../user.ts'
import type { Aggregator } from './aggregator.ts'
import { identityHeaders } from './remote-identity.ts'
import type { RemoteServer } from './remote-server.ts'

export interface ExtendedTransportOptions {
  api: Api
  aggregator: Aggregator
  user: User
  clock: Clock
}

/** `own` reaches what this server serves itself. */
export function extendedTransport(own: Transport, options: ExtendedTransportOptions): Transport {
  const { api, aggregator, user, clock } = options
  const transports = new WeakMap<RemoteServer, Transport>()
  /** Throws Forbidden, ServiceUnavailable. */
  const allowedTo = (server: RemoteServer, request: ApiRequest): Transport => {
    // A name that is to be created is in the body, and not asked about.
    const isCreation = request.verb === 'create' && !request.subresource
    api.authorize(user, isCreation ? { ...request, name: undefined } : request, request.verb)
    if (!server.isAvailable) {
      throw new StatusError('ServiceUnavailable', 'the server is currently unable to handle the request')
    }
    let transport = transports.get(server)
    if (!transport) transports.set(server, (transport = transportTo(server, user, clock)))
    return transport
  }
  return {
    async call(request, signal) {
      const server = aggregator.serverOf(request.resource)
      return server ? allowedTo(server, request).call(request, signal) : own.call(request, signal)
    },
    watch(request: ApiRequest, sink: WatchSink): () => void {
      const server = aggregator.serverOf(request.resource)
      if (!server) return own.watch(request, sink)
      try {
        return allowedTo(server, request).watch(request, sink)
      } catch (err) {
        sink.onEnd(err as Error)
        return () => {}
      }
    },
  }
}

function transportTo(server: RemoteServer, user: User, clock: Clock): Transport {
  const headers: Record<string, string[]> = {}
  const list = identityHeaders(user)
  for (let i = 0; i + 1 < list.length; i += 2) (headers[list[i]!] ??= []).push(list[i + 1]!)
  const connection = { server: `https://${server.host}:${server.service.port}`, headers }
  return createHttpsTransport({ connection, agent: server.agent, clock, userAgent: user.name })
}
