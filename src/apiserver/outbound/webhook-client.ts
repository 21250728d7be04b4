/**
 * Calls webhooks: JSON posted over HTTPS to a URL or to a Service, over connections that are kept. What comes back is
 * bounded in size and in time, and so is how much may wait for one webhook. Upstream: `apiserver/pkg/util/webhook.ClientManager`.
 *
 * A Service's webhook is asked under the name `<service>.<namespace>.svc`, wherever it is reached.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Random } from '#base/random.ts'
import type { Api } from '../api.ts'
import { genericServerResponse } from './answer-status.ts'
import { checkServerName } from './certificate-names.ts'
import { parseBounded } from './bounded-json.ts'
import { DeadlineExceeded, failureText } from './network-failure.ts'
import { type Address, serviceAddress } from './service-address.ts'
import { ServiceAgent } from './service-agent.ts'

/** `clientConfig` of admissionregistration.k8s.io/v1 and apiextensions.k8s.io/v1. */
export interface WebhookTarget {
  url?: string
  service?: { namespace: string; name: string; path?: string; port?: number }
  /** PEM in base64; the system's authorities are trusted where it is absent. */
  caBundle?: string
}

export interface WebhookClientOptions {
  api: () => Api
  clock: Clock
  random: Random
}

/** A call that led to nothing; `message` says it as users of webhooks know it. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure'
}

/** Webhooks for which connections are kept; the one that was not asked for longest goes first. */
const MAX_TARGETS = 200
const MAX_CONNECTIONS = 64
const MAX_IDLE_CONNECTIONS = 8
const IDLE_MS = 90_000
/** Calls of one webhook that may be under way or wait for a connection. */
const MAX_CALLS = 1_000
/** An answer holds a patch of an object of 3 MiB at most, in base64. */
const MAX_ANSWER_BYTES = 8 << 20

/** What Node adds to errors of connections. */
interface SystemError extends Error {
  address: string
  port: number
}

interface Backend {
  readonly agent: Agent
  readonly url: URL
  calls: number
}

export class WebhookClient {
  readonly #options: WebhookClientOptions
  /** In the order of use. */
  readonly #backends = new Map<string, Backend>()

  constructor(options: WebhookClientOptions) {
    this.#options = options
  }

  /** Resolves to the answer's JSON. Rejects with WebhookFailure, or StatusError for an answer that is a refusal. */
  async post(target: WebhookTarget, body: string | Buffer, timeoutMs: number): Promise<unknown> {
    const backend = this.#backend(target)
    if (backend.calls >= MAX_CALLS) throw new WebhookFailure(`${MAX_CALLS} calls of this webhook are under way already`)
    const url = new URL(backend.url)
    url.searchParams.set('timeout', `${Math.ceil(timeoutMs / 1000)}s`)
    backend.calls++
    try {
      return await this.#exchange(backend.agent, url, body, timeoutMs)
    } finally {
      backend.calls--
    }
  }

  close() {
    for (const { agent } of this.#backends.values()) agent.destroy()
    this.#backends.clear()
  }

  #backend(target: WebhookTarget): Backend {
    const key = JSON.stringify([target.url, target.service, target.caBundle])
    const known = this.#backends.get(key)
    const backend = known ?? this.#connect(target)
    this.#backends.delete(key)
    this.#backends.set(key, backend)
    if (this.#backends.size > MAX_TARGETS) {
      const [oldest, { agent }] = this.#backends.entries().next().value!
      this.#backends.delete(oldest)
      agent.destroy()
    }
    return backend
  }

  #connect({ url, service, caBundle }: WebhookTarget): Backend {
    const tls: AgentOptions = {
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString() }),
      allowPartialTrustChain: true,
      checkServerIdentity: checkServerName,
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      scheduling: 'lifo',
      timeout: IDLE_MS,
    }
    if (service) {
      const { api, random } = this.#options
      const { namespace, name, path = '/', port = 443 } = service
      const servername = `${name}.${namespace}.svc`
      const resolve = () => serviceAddress(api(), { namespace, name, port }, random)
      const parsed = new URL(`https://${servername}:${port}`)
      parsed.pathname = path
      return { agent: new ServiceAgent({ ...tls, servername }, resolve), url: parsed, calls: 0 }
    }
    if (!url) throw new WebhookFailure('webhook configuration must have either service or URL')
    return { agent: new Agent(tls), url: new URL(url), calls: 0 }
  }

  #exchange(agent: Agent, url: URL, body: string | Buffer, timeoutMs: number, isRetry = false): Promise<unknown> {
    const { clock } = this.#options
    const startMs = clock.monotonic()
    return new Promise((resolve, reject) => {
      let isLate = false
      let isAnswered = false
      const fail = (cause: Error) => {
        timer.cancel()
        if (cause instanceof AnswerProblem) return reject(cause.problem)
        // A connection that was kept may have been closed as the call went out; the webhook has not seen it then.
        const isStale = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(systemCode(cause) ?? '')
        if (isStale && !isRetry && !isAnswered && !isLate) {
          const leftMs = timeoutMs - (clock.monotonic() - startMs)
          return resolve(this.#exchange(agent, url, body, leftMs, true))
        }
        const { address = addressOf(url).host, port = addressOf(url).port } = cause as Partial<SystemError>
        const why = isLate ? new DeadlineExceeded().message : failureText(cause, { host: address, port })
        reject(new WebhookFailure(`Post ${JSON.stringify(shownUrl(url))}: ${why}`, { cause }))
      }
      const outgoing: ClientRequest = httpsRequest(url, {
        agent,
        method: 'POST',
        headers: {
          accept: 'application/json, */*',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'kube-apiserver-admission',
        },
      })
      const timer = clock.after(timeoutMs, () => {
        isLate = true
        outgoing.destroy(new DeadlineExceeded())
      })
      outgoing.on('error', fail)
      outgoing.on('response', (answer) => {
        isAnswered = true
        readAnswer(answer).then((value) => {
          timer.cancel()
          resolve(value)
        }, fail)
      })
      outgoing.end(body)
    })
  }
}

/** The connection is in order, and what came over it is not. */
class AnswerProblem extends Error {
  readonly problem: Error
  constructor(problem: Error) {
    super(problem.message)
    this.problem = problem
  }
}

async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) {
      answer.destroy()
      throw new AnswerProblem(new WebhookFailure(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`))
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  const code = answer.statusCode ?? 0
  const contentType = answer.headers['content-type'] ?? ''
  if (code < 200 || code > 206) throw new AnswerProblem(genericServerResponse(code, 'POST', contentType, text))
  if (text === '') {
    const about = `0-length response with status code: ${code} and content type: ${contentType}`
    throw new AnswerProblem(new WebhookFailure(about))
  }
  try {
    return parseBounded(text)
  } catch (cause) {
    throw new AnswerProblem(new WebhookFailure(messageOf(cause), { cause }))
  }
}

const addressOf = (url: URL): Address => ({
  host: url.hostname.replace(/^\[|\]$/g, ''),
  port: Number(url.port || 443),
})

/** A Service's URL is shown with its port, be it the usual one or not. */
const shownUrl = (url: URL): string =>
  url.hostname.endsWith('.svc') && url.port === '' ? url.href.replace(url.host, `${url.host}:443`) : url.href
