/**
 * An extension API server behind the Service of an APIService: the connections to it, and requests that this server makes
 * on its own behalf. Upstream: the transports of `kube-aggregator/pkg/apiserver`.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { type AgentOptions, request as httpsRequest } from 'node:https'
import type { APIService } from '#api/apiregistration/v1.ts'
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { KeyPair } from '#base/x509.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import { checkServerName } from '../outbound/certificate-names.ts'
import { failureText } from '../outbound/network-failure.ts'
import { type Address, serviceAddress, type ServiceKey } from '../outbound/service-address.ts'
import { ServiceAgent } from '../outbound/service-agent.ts'
import { SUPERUSERS, type User } from '../user.ts'
import { identityHeaders } from './remote-identity.ts'

export interface RemoteServerOptions {
  api: Api
  /** By which extension servers know that the identities that are passed on are true. */
  proxyClient?: KeyPair | undefined
  clock: Clock
  random: Random
}

/** Answers to requests made on behalf of this server. */
export interface Fetched {
  readonly code: number
  readonly contentType: string
  readonly etag: string
  readonly body: Buffer
}

export interface FetchOptions {
  accept?: string
  etag?: string
  timeoutMs: number
  /** Where to, in place of any address of the Service. */
  address?: Address
  maxBytes: number
}

/** How this server calls itself where it asks for itself. */
const AGGREGATOR: User = { name: 'system:kube-aggregator', groups: [SUPERUSERS] }
/** Requests to one extension server that may be under way, watches included. */
export const MAX_REQUESTS = 1_000
const MAX_IDLE_CONNECTIONS = 16
const IDLE_MS = 90_000

export class RemoteServer {
  /** `v1beta1.metrics.k8s.io`. */
  readonly name: string
  readonly group: string
  readonly version: string
  readonly service: ServiceKey
  readonly isAvailable: boolean
  readonly groupPriority: number
  readonly versionPriority: number
  /** What of the APIService the connections depend on. */
  readonly connectionKey: string
  readonly tls: AgentOptions
  readonly #options: RemoteServerOptions
  /** Makes the connections to the server. */
  readonly agent: ServiceAgent
  /** Shared with the servers that have taken over the connections. */
  readonly #active: { count: number }

  /** `before` is the same APIService's server until now, whose connections are kept where they are still right. */
  constructor(apiService: APIService, options: RemoteServerOptions, before?: RemoteServer) {
    const { metadata, spec, status } = apiService
    const { namespace = '', name = '', port = 443 } = spec.service!
    this.#options = options
    this.name = metadata.name
    this.group = spec.group ?? ''
    this.version = spec.version ?? ''
    this.service = { namespace, name, port }
    this.groupPriority = spec.groupPriorityMinimum ?? 0
    this.versionPriority = spec.versionPriority ?? 0
    this.isAvailable = status.conditions?.some((c) => c.type === 'Available' && c.status === 'True') === true
    const { proxyClient } = options
    this.connectionKey = JSON.stringify([this.service, spec.caBundle, spec.insecureSkipTLSVerify, proxyClient?.cert])
    this.tls = {
      servername: `${name}.${namespace}.svc`,
      allowPartialTrustChain: true,
      checkServerIdentity: checkServerName,
      ...(proxyClient && { cert: proxyClient.cert, key: proxyClient.key }),
      ...(spec.caBundle && { ca: Buffer.from(spec.caBundle, 'base64').toString() }),
      ...(spec.insecureSkipTLSVerify && { rejectUnauthorized: false }),
    }
    const isSame = before?.connectionKey === this.connectionKey
    this.#active = isSame ? before!.#active : { count: 0 }
    this.agent = isSame ? before!.agent : this.#connections()
    if (before && !isSame) before.close()
  }

  #connections(): ServiceAgent {
    const options: AgentOptions = {
      ...this.tls,
      keepAlive: true,
      maxSockets: MAX_REQUESTS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      scheduling: 'lifo',
      timeout: IDLE_MS,
    }
    return new ServiceAgent(options, () => this.address())
  }

  get host(): string {
    return this.tls.servername!
  }

  /** One of the Service's addresses. Throws NotFound, ServiceUnavailable. */
  address(): Address {
    return serviceAddress(this.#options.api, this.service, this.#options.random)
  }

  close() {
    this.agent.destroy()
  }

  /**
   * A request that is passed on; its body is up to the caller, and so are `response` and `error`. Throws TooManyRequests
   * where too many are under way.
   */
  open(method: string, path: string, headers: readonly string[]): ClientRequest {
    if (this.#active.count >= MAX_REQUESTS) {
      const message = 'Too many requests, please try again later.'
      throw new StatusError('TooManyRequests', message, { details: { retryAfterSeconds: 1 } })
    }
    const { hostname, port } = { hostname: this.host, port: this.service.port }
    const outgoing = httpsRequest({
      agent: this.agent,
      host: hostname,
      port,
      method,
      path,
      // Given as a list, several of the same name stay several; Node takes them so, though its types do not say it.
      headers: ['Host', `${hostname}:${port}`, ...headers] as never,
      setHost: false,
    })
    this.#active.count++
    outgoing.once('close', () => this.#active.count--)
    return outgoing
  }

  /** Asks as this server itself. Rejects with an Error in the words of Go's client. */
  fetch(path: string, { accept, etag, timeoutMs, address, maxBytes }: FetchOptions): Promise<Fetched> {
    const { clock } = this.#options
    const headers = [
      'Host',
      `${this.host}:${this.service.port}`,
      'User-Agent',
      'kube-aggregator',
      ...(accept ? ['Accept', accept] : []),
      ...(etag ? ['If-None-Match', etag] : []),
      ...identityHeaders(AGGREGATOR),
    ]
    return new Promise((resolve, reject) => {
      const shown = `https://${address ? shownAddress(address) : `${this.host}:${this.service.port}`}${path}`
      const fail = (cause: Error) => {
        timer.cancel()
        reject(new Error(`Get ${JSON.stringify(shown)}: ${failureText(cause, address)}`, { cause }))
      }
      const outgoing = httpsRequest({
        ...(address ? { ...this.tls, ...address, agent: false } : { agent: this.agent, host: this.host }),
        method: 'GET',
        path,
        headers: headers as never,
        setHost: false,
      })
      const timer = clock.after(timeoutMs, () => outgoing.destroy(new Error('context deadline exceeded')))
      outgoing.on('error', fail)
      outgoing.on('response', (answer) => {
        readAll(answer, maxBytes).then((body) => {
          timer.cancel()
          const { 'content-type': contentType = '', etag: answered = '' } = answer.headers
          resolve({ code: answer.statusCode ?? 0, contentType, etag: answered, body })
        }, fail)
      })
      outgoing.end()
    })
  }
}

const shownAddress = ({ host, port }: Address) => `${host.includes(':') ? `[${host}]` : host}:${port}`

async function readAll(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      answer.destroy()
      throw new Error(`the answer is larger than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
