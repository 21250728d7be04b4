/**
 * The OpenAPI documents of extension API servers, fetched once a minute and put beside those of this server. Upstream:
 * `kube-aggregator/pkg/controllers/{openapi,openapiv3}`.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { runWorkers, WorkQueue } from '#client/work-queue.ts'
import { StatusError } from '#machinery/status-error.ts'
import { groupPath } from '../group-path.ts'
import type { ServedDocuments } from '../http/openapi-paths.ts'
import { parseBounded } from '../outbound/bounded-json.ts'
import { openApiV3Of } from './openapi-conversion.ts'
import { filterPaths, type Json, mergeDocuments, type OpenApiV2 } from './openapi-merge.ts'
import type { RemoteServer } from './remote-server.ts'

/** What this server says of itself. */
export interface OpenApiSource {
  v2(): Buffer
  v3Index(): Buffer
  v3(path: string): Buffer | undefined
}

export interface RemoteOpenApiOptions {
  clock: Clock
  log: Log
  signal: AbortSignal
}

const REFRESH_MS = 60_000
const MAX_RETRY_MS = 3_600_000
const TIMEOUT_MS = 60_000
const MAX_BYTES = 16 << 20
const WORKERS = 1

interface Remote {
  etag: string
  v2: OpenApiV2 | undefined
  /** Where the document is at the extension server, or the document itself where it was made from v2. */
  v3: { url: string } | { document: Buffer; hash: string } | undefined
}

export class RemoteOpenApi {
  readonly #log: Log
  readonly #signal: AbortSignal
  readonly #queue: WorkQueue
  #servers: ReadonlyMap<string, RemoteServer> = new Map()
  /** By the name of the APIService. */
  readonly #remotes = new Map<string, Remote>()
  /** Of what the merged document was made, and the document. */
  #merged: { base: Buffer; generation: number; document: Buffer } | undefined
  #generation = 0

  constructor({ clock, log, signal }: RemoteOpenApiOptions) {
    this.#log = log
    this.#signal = signal
    this.#queue = new WorkQueue({ clock, baseDelayMs: REFRESH_MS, maxDelayMs: MAX_RETRY_MS })
  }

  /** Resolves when `signal` aborts. */
  async run(): Promise<void> {
    await runWorkers(this.#queue, WORKERS, (name) => this.#refresh(name), { log: this.#log, signal: this.#signal })
  }

  /** All extension servers there are, by the names of their APIServices; `changed` are to be asked. */
  follow(servers: ReadonlyMap<string, RemoteServer>, changed: readonly string[]) {
    this.#servers = servers
    for (const name of this.#remotes.keys()) {
      if (servers.has(name)) continue
      this.#remotes.delete(name)
      this.#generation++
    }
    for (const name of changed) if (servers.get(name)?.isAvailable) this.#queue.add(name)
  }

  /** The documents of everybody, given this server's own. */
  with(own: OpenApiSource): ServedDocuments {
    return { v2: () => this.#v2(own), v3Index: () => this.#v3Index(own), v3: (path) => this.#v3(own, path) }
  }

  #v2(own: OpenApiSource): Buffer {
    const base = own.v2()
    const parts = [...this.#remotes.values()].flatMap(({ v2 }) => (v2 ? [v2] : []))
    if (parts.length === 0) return base
    const known = this.#merged
    if (known?.base === base && known.generation === this.#generation) return known.document
    const merged = mergeDocuments(JSON.parse(base.toString()) as OpenApiV2, parts)
    const document = Buffer.from(JSON.stringify(merged))
    this.#merged = { base, generation: this.#generation, document }
    return document
  }

  #v3Index(own: OpenApiSource): Buffer {
    const base = own.v3Index()
    const found = [...this.#remotes].flatMap(([name, { v3 }]) => (v3 ? [[name, v3] as const] : []))
    if (found.length === 0) return base
    const { paths } = JSON.parse(base.toString()) as { paths: Json }
    for (const [name, v3] of found) {
      const path = groupPath(this.#servers.get(name)!)
      const serverRelativeURL = 'url' in v3 ? v3.url : `/openapi/v3/${path}?hash=${v3.hash}`
      paths[path] = { serverRelativeURL }
    }
    return Buffer.from(JSON.stringify({ paths }))
  }

  /** From whoever serves that group version. Rejects with ServiceUnavailable where it does not answer. */
  #v3(own: OpenApiSource, path: string): Buffer | undefined | Promise<Buffer | undefined> {
    for (const [name, { v3 }] of this.#remotes) {
      const server = this.#servers.get(name)
      if (!v3 || !server || groupPath(server) !== path) continue
      if ('document' in v3) return v3.document
      return server.fetch(v3.url, { accept: 'application/json', timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }).then(
        ({ code, body }) => (code === 200 ? body : undefined),
        (cause: unknown) => {
          const message = `error trying to reach service: ${messageOf(cause)}`
          throw new StatusError('ServiceUnavailable', message, { cause })
        },
      )
    }
    return own.v3(path)
  }

  async #refresh(name: string): Promise<{ requeueAfterMs: number } | void> {
    const server = this.#servers.get(name)
    if (!server?.isAvailable) return
    const before = this.#remotes.get(name)
    const after = await fetchDocuments(server, before)
    if (this.#servers.get(name) !== server) return
    if (after !== before) this.#generation++
    this.#remotes.set(name, after)
    return { requeueAfterMs: REFRESH_MS }
  }
}

/** What is known already where nothing has changed. Rejects with an Error where the server does not answer. */
async function fetchDocuments(server: RemoteServer, before: Remote | undefined): Promise<Remote> {
  const limits = { accept: 'application/json', timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }
  const path = groupPath(server)
  const index = await server.fetch('/openapi/v3', limits)
  const paths = index.code === 200 ? (parseBounded(index.body.toString()) as Json)?.paths : undefined
  const url = paths?.[path]?.serverRelativeURL
  const etag = before?.etag ? { etag: before.etag } : {}
  const old = await server.fetch('/openapi/v2', { ...limits, ...etag })
  const hasUrl = typeof url === 'string' && url.startsWith('/openapi/v3/')
  if (old.code === 304 && before) return hasUrl ? { ...before, v3: { url } } : before
  if (old.code !== 200) {
    if (old.code !== 404) throw new Error(`failed to retrieve openAPI spec, http error: ${old.code}`)
    return { etag: '', v2: undefined, v3: hasUrl ? { url } : undefined }
  }
  const v2 = filterPaths(parseBounded(old.body.toString()) as OpenApiV2, `/${path}/`)
  if (hasUrl) return { etag: old.etag, v2, v3: { url } }
  const document = Buffer.from(JSON.stringify(openApiV3Of(v2)))
  const hash = createHash('sha512').update(document).digest('hex').toUpperCase()
  return { etag: old.etag, v2, v3: { document, hash } }
}
