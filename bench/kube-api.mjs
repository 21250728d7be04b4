/** A small client for any Kubernetes API, by address and token or client certificate; HTTP/1.1 with kept connections. */
import { Agent, request } from 'node:https'

const CONNECTIONS = 64

export class KubeApi {
  /** `https://host:port` */
  url
  token
  #agent
  #watchAgent

  /** The server's certificate is not verified: what is measured was started or named by the caller. */
  constructor({ url, token, cert, key }) {
    this.url = url
    this.token = token
    const tls = { rejectUnauthorized: false, cert, key }
    this.#agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...tls })
    this.#watchAgent = new Agent(tls)
  }

  #send(agent, method, path, headers = {}) {
    const { hostname, port } = new URL(this.url)
    const authorization = this.token && { authorization: `Bearer ${this.token}` }
    return request({
      host: hostname,
      port,
      path,
      method,
      agent,
      headers: { accept: 'application/json', ...authorization, ...headers },
    })
  }

  /** Resolves with the parsed answer. Throws for a status of 300 and more, with the answer's text. */
  call(method, path, body, contentType = 'application/json') {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      const req = this.#send(
        this.#agent,
        method,
        path,
        text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) },
      )
      req.on('error', reject)
      req.on('response', (res) => {
        const chunks = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const answer = Buffer.concat(chunks).toString()
          if (res.statusCode >= 300)
            return reject(new Error(`${method} ${path}: ${res.statusCode} ${answer.slice(0, 300)}`))
          resolve(answer.startsWith('{') ? JSON.parse(answer) : answer)
        })
      })
      req.end(text)
    })
  }

  /** Calls `onEvent` with each event of a watch, parsed, until the returned function is called. Resolves when it is open. */
  watch(path, onEvent) {
    return new Promise((resolve, reject) => {
      const req = this.#send(this.#watchAgent, 'GET', `${path}${path.includes('?') ? '&' : '?'}watch=1`)
      req.on('error', reject)
      req.on('response', (res) => {
        if (res.statusCode !== 200) return reject(new Error(`watch of ${path}: ${res.statusCode}`))
        let rest = ''
        res.setEncoding('utf8')
        res.on('error', () => {})
        res.on('data', (text) => {
          const lines = (rest + text).split('\n')
          rest = lines.pop()
          for (const line of lines) onEvent(JSON.parse(line))
        })
        resolve(() => req.destroy())
      })
      req.end()
    })
  }

  close() {
    this.#agent.destroy()
    this.#watchAgent.destroy()
  }
}

/** Runs `work(i)` for 0 to `count`, as many at once as there are connections. */
export async function inParallel(count, work) {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

/** Calls `attempt` until it neither throws nor answers undefined. Throws its last error when time is up. */
export async function until(what, attempt, { timeoutMs = 30_000, everyMs = 5 } = {}) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let problem
    try {
      const answer = await attempt()
      if (answer !== undefined) return answer
    } catch (err) {
      problem = err
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs / 1000} s for ${what}${problem ? `: ${problem.message}` : ''}`)
    await pause(everyMs)
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export const seconds = (startMs) => (performance.now() - startMs) / 1000

/** A namespace of its own that pods can be created in; `remove` deletes it and waits for nothing. */
export async function benchNamespace(api) {
  const name = `bench-${Math.random().toString(36).slice(2, 8)}`
  await api.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const pods = `/api/v1/namespaces/${name}/pods`
  const probe = { metadata: { name: 'probe' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  // Pods are refused until a controller has made the namespace's service account.
  await until('the service account', () => api.call('POST', `${pods}?dryRun=All`, probe), { everyMs: 50 })
  return { name, pods, remove: () => api.call('DELETE', `/api/v1/namespaces/${name}`) }
}
