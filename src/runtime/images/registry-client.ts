/**
 * The OCI distribution API of one registry endpoint: manifests and blobs, with the token and basic authentication that
 * registries ask for. Redirects are followed without the credentials. Every response is bounded in size or streamed.
 */
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { DistributionErrors, DistributionToken } from '#contracts/oci/image.ts'
import type { Credentials, RegistryEndpoint } from './registry-config.ts'

/** The registry answered with something other than success. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** The registry was not reached. */
export class RegistryUnreachableError extends Error {
  override readonly name = 'RegistryUnreachableError'
}

const JSON_BYTES = 4 << 20
const CONNECT_TIMEOUT_MS = 30_000
const REDIRECTS = 5

export class RegistryClient {
  readonly #endpoint: RegistryEndpoint
  readonly #repository: string
  readonly #credentials: Credentials | undefined
  #authorization: string | undefined

  /** `credentials` of the request come before those of the endpoint's configuration. */
  constructor(endpoint: RegistryEndpoint, repository: string, credentials?: Credentials) {
    this.#endpoint = endpoint
    this.#repository = repository
    this.#credentials = credentials ?? endpoint.credentials
    if (this.#credentials?.registryToken) this.#authorization = `Bearer ${this.#credentials.registryToken}`
  }

  async manifest(
    reference: string,
    accept: readonly string[],
    signal: AbortSignal,
  ): Promise<{ mediaType: string; bytes: Buffer }> {
    const response = await this.#get(`manifests/${reference}`, { accept: accept.join(', ') }, signal)
    return {
      mediaType: (response.headers['content-type'] ?? '').split(';')[0]!.trim(),
      bytes: await readAll(response, JSON_BYTES),
    }
  }

  /** The blob from byte `offset`; `resumed` tells whether the registry skipped what was asked for. */
  async blob(
    digest: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ body: IncomingMessage; resumed: boolean }> {
    const body = await this.#get(`blobs/${digest}`, offset > 0 ? { range: `bytes=${offset}-` } : {}, signal)
    return { body, resumed: body.statusCode === 206 }
  }

  async #get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const url = `${this.#endpoint.url}/v2/${this.#repository}/${path}`
    for (let attempt = 0; ; attempt++) {
      const response = await this.#follow(url, headers, signal)
      if (response.statusCode === 200 || response.statusCode === 206) return response
      const body = await readAll(response, JSON_BYTES).catch(() => Buffer.alloc(0))
      if (
        response.statusCode === 401 &&
        attempt === 0 &&
        (await this.#authenticate(response.headers['www-authenticate'] ?? '', signal))
      )
        continue
      throw new RegistryError(response.statusCode ?? 0, errorText(url, response, body))
    }
  }

  async #follow(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    let target = new URL(url)
    const origin = target.origin
    for (let hops = 0; hops <= REDIRECTS; hops++) {
      // Blobs are often redirected to a storage service, which must not see the registry's token.
      const authorized = this.#authorization && target.origin === origin
      const response = await this.#send(
        target,
        { ...headers, ...(authorized && { authorization: this.#authorization! }) },
        signal,
      )
      if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || !response.headers.location) return response
      response.resume()
      target = new URL(response.headers.location, target)
    }
    throw new RegistryError(310, `GET ${url}: more than ${REDIRECTS} redirects`)
  }

  #send(url: URL, headers: Record<string, string>, signal: AbortSignal, post?: string): Promise<IncomingMessage> {
    const { ca, insecureSkipVerify } = this.#endpoint
    const secure = url.protocol === 'https:'
    if (!secure && url.protocol !== 'http:') throw new RegistryError(0, `unsupported protocol in "${url.origin}"`)
    const method = post === undefined ? 'GET' : 'POST'
    const options = {
      method,
      signal,
      // A connection kept from an earlier pull may be dead by now; a few handshakes are cheaper than finding out.
      agent: false as const,
      timeout: CONNECT_TIMEOUT_MS,
      headers: {
        'user-agent': 'rostrum-cri',
        ...headers,
        ...(post !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(secure && { rejectUnauthorized: !insecureSkipVerify, ...(ca && { ca }) }),
    }
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, options, resolve)
      request.on('timeout', () => request.destroy(new Error(`no data for ${CONNECT_TIMEOUT_MS} ms`)))
      request.on('error', (cause) => {
        const text =
          'code' in cause && cause.code === 'ECONNREFUSED'
            ? `dial tcp ${url.host}: connect: connection refused`
            : cause.message
        reject(
          new RegistryUnreachableError(`failed to do request: ${method} "${url.origin}${url.pathname}": ${text}`, {
            cause,
          }),
        )
      })
      request.end(post)
    })
  }

  /** Answers a challenge. False when there is nothing to answer it with, or it was answered before. */
  async #authenticate(challenge: string, signal: AbortSignal): Promise<boolean> {
    const [scheme] = challenge.split(' ', 1)
    const c = this.#credentials
    const basic =
      c?.username !== undefined && c.password !== undefined
        ? `Basic ${Buffer.from(`${c.username}:${c.password}`).toString('base64')}`
        : undefined
    if (scheme?.toLowerCase() === 'basic') {
      if (!basic) return false
      this.#authorization = basic
      return true
    }
    if (scheme?.toLowerCase() !== 'bearer') return false
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    )
    if (!parameters.realm) return false
    const realm = new URL(parameters.realm)
    const scope = parameters.scope || `repository:${this.#repository}:pull`
    let response: IncomingMessage
    if (c?.identityToken) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        service: parameters.service ?? '',
        scope,
        client_id: 'rostrum-cri',
        refresh_token: c.identityToken,
      })
      response = await this.#send(realm, {}, signal, form.toString())
    } else {
      if (parameters.service) realm.searchParams.set('service', parameters.service)
      realm.searchParams.set('scope', scope)
      response = await this.#send(realm, basic ? { authorization: basic } : {}, signal)
    }
    const body = await readAll(response, JSON_BYTES)
    if (response.statusCode !== 200)
      throw new RegistryError(
        response.statusCode === 400 ? 401 : (response.statusCode ?? 0),
        `failed to authorize: failed to fetch ${basic ? 'oauth' : 'anonymous'} token: unexpected status: ${response.statusCode} ${response.statusMessage}`,
      )
    const token = JSON.parse(body.toString()) as DistributionToken
    const value = token.token || token.access_token
    if (!value) return false
    this.#authorization = `Bearer ${value}`
    return true
  }
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > maxBytes)
      throw new RegistryError(response.statusCode ?? 0, `the registry sent more than ${maxBytes} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function errorText(url: string, response: IncomingMessage, body: Buffer): string {
  let detail = ''
  try {
    const { errors } = JSON.parse(body.toString()) as DistributionErrors
    detail = (errors ?? []).map(({ code, message }) => `${code.toLowerCase()}: ${message ?? ''}`).join('; ')
  } catch {
    // Proxies answer with pages of their own.
  }
  return `unexpected status from GET request to ${url}: ${response.statusCode} ${response.statusMessage}${detail && `: ${detail}`}`
}
