/**
 * The network side of probes and lifecycle hooks: HTTP and TCP connections to a pod. Certificates are not verified, as the
 * API promises: probes ask whether something answers, not who. Upstream: `pkg/probe/http`, `pkg/probe/tcp`.
 */
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Clock } from '#base/clock.ts'
import type { Container, HTTPGetAction } from '#api/core/v1/container.ts'

export interface HttpAnswer {
  status: number
  body: string
  /** Where it would have gone on, to another host. */
  isForeignRedirect: boolean
}

const MAX_BODY_BYTES = 10 << 10
const MAX_REDIRECTS = 10

/** A number, or the name of one of the container's ports. Throws Error for a name that it does not have. */
export function resolvePort(port: number | string, container: Container): number {
  const text = String(port)
  const found = /^\d+$/.test(text) ? Number(text) : container.ports?.find((p) => p.name === text)?.containerPort
  if (found === undefined) throw new Error(`couldn't find port: "${text}" in container "${container.name}"`)
  if (found < 1 || found > 65535) throw new Error(`invalid port number: ${found}`)
  return found
}

export interface HttpGetOptions {
  action: HTTPGetAction
  container: Container
  podIp: string
  userAgent: string
  timeoutMs: number
  clock: Clock
  signal?: AbortSignal
}

/** Follows redirects within the same host. Throws Error where there is no answer in time. */
export async function httpGet(options: HttpGetOptions): Promise<HttpAnswer> {
  const { action, container, podIp, clock, timeoutMs } = options
  const port = resolvePort(action.port, container)
  const host = action.host || podIp
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const authority = host.includes(':') ? `[${host}]` : host
  let url = actionUrl(`${scheme}://${authority}:${port}`, action.path ?? '')
  const original = url
  const deadline = new AbortController()
  const timer = clock.after(timeoutMs, () =>
    deadline.abort(
      new Error(`Get "${original.href}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`),
    ),
  )
  const signal = options.signal ? AbortSignal.any([options.signal, deadline.signal]) : deadline.signal
  try {
    for (let hops = 0; ; hops++) {
      const answer = await get(url, headersOf(options), signal)
      const location = answer.headers.location
      if (answer.status < 300 || answer.status >= 400 || !location) return { ...answer, isForeignRedirect: false }
      const next = new URL(location, url)
      if (next.hostname !== original.hostname) return { ...answer, isForeignRedirect: true }
      if (hops >= MAX_REDIRECTS) throw new Error(`Get "${next.href}": stopped after 10 redirects`)
      url = next
    }
  } finally {
    timer.cancel()
  }
}

function actionUrl(base: string, path: string): URL {
  const url = new URL(base)
  const [pathname = '', search = ''] = path.split(/\?(.*)/s)
  url.pathname = pathname
  url.search = search
  return url
}

/** Header names keep their case, and may come several times. */
function headersOf({ action, userAgent }: HttpGetOptions): Record<string, string | string[]> {
  const headers = new Map<string, string[]>()
  for (const { name, value } of action.httpHeaders ?? []) headers.set(name, [...(headers.get(name) ?? []), value])
  const has = (wanted: string) => [...headers.keys()].some((name) => name.toLowerCase() === wanted)
  if (!has('user-agent')) headers.set('User-Agent', [userAgent])
  if (!has('accept')) headers.set('Accept', ['*/*'])
  return Object.fromEntries([...headers].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]))
}

type Raw = { status: number; body: string; headers: IncomingMessage['headers'] }

function get(url: URL, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<Raw> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const fail = (cause: Error) => {
      const why =
        'code' in cause && cause.code === 'ECONNREFUSED'
          ? `dial tcp ${url.host}: connect: connection refused`
          : cause.message
      reject(signal.aborted ? signal.reason : new Error(`Get "${url.href}": ${why}`, { cause }))
    }
    const req = send(url, { agent: false, headers, signal, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const done = () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, MAX_BODY_BYTES - bytes))
        bytes += chunk.length
        if (bytes < MAX_BODY_BYTES) return
        // Enough to decide; the rest could be endless.
        done()
        response.destroy()
      })
      response.on('end', done)
      response.on('error', fail)
    })
    req.on('error', fail)
    req.end()
  })
}

/** Resolves once a connection is there. Throws Error. */
export function tcpConnect(host: string, port: number, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const socket = connect({ host, port })
    const settle = (error?: Error) => {
      timer.cancel()
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    const timer = clock.after(timeoutMs, () => settle(new Error(`dial tcp ${address}: i/o timeout`)))
    socket.on('connect', () => settle())
    socket.on('error', (cause) => {
      const refused = 'code' in cause && cause.code === 'ECONNREFUSED'
      settle(new Error(`dial tcp ${address}: ${refused ? 'connect: connection refused' : cause.message}`, { cause }))
    })
  })
}
