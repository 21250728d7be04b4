/**
 * The HTTPS front of the API: HTTP/1.1 and HTTP/2 on one port. Everything is authenticated here, before anything is
 * looked at; what a request may do is decided in `Api`.
 */
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { KubeObject, Resource, Verb } from '#api/kind.ts'
import { TokenRequest } from '#api/authentication/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { Binding } from '#api/core/v1/pod.ts'
import { DeleteOptions } from '#api/meta/v1.ts'
import { Eviction } from '#api/policy/v1.ts'
import type { Message } from '#api/schema.ts'
import type { Clock } from '#base/clock.ts'
import { systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { type ApiRequest, type PatchType, patchContentTypes } from '#client/transport.ts'
import { badRequest, isStatus, methodNotAllowed, StatusError } from '#machinery/status-error.ts'
import type { Answer, Api, Caller } from '../api.ts'
import type { Authenticator, Credentials } from '../authn/authenticator.ts'
import { withoutToken } from '../authn/bearer-token.ts'
import { asksForAnother, impersonated, wantedUser } from '../authz/impersonation.ts'
import { requireAllowed } from '../authz/refusal.ts'
import type { Authorizer, User } from '../user.ts'
import { mediaType, parseBody, readBody } from './body.ts'
import type { ConnectHandler } from './connect.ts'
import { type Accepted, negotiate, notAcceptable } from './negotiate.ts'
import { deleteOptionsOf, isTrue, optionsOf } from './query.ts'
import { requestAttributes } from './request-info.ts'
import type { RequestMetrics, RequestNote } from './request-metrics.ts'
import {
  asResponse,
  type Request,
  type Response,
  sendBytes,
  sendError,
  sendList,
  sendValue,
  setWarnings,
} from './respond.ts'
import { type ResourceRoute, routeOf } from './route.ts'
import { streamWatch } from './watch-stream.ts'

/** Renders objects for clients that ask for another form than the object itself. */
export interface Renderer {
  object(as: NonNullable<Accepted['as']>, resource: Resource, object: KubeObject, query: URLSearchParams): unknown
  list(
    as: NonNullable<Accepted['as']>,
    resource: Resource,
    objects: readonly KubeObject[],
    metadata: object,
    query: URLSearchParams,
  ): unknown
  /** One object of a watch; only the first carries a Table's column definitions. */
  event(
    as: NonNullable<Accepted['as']>,
    resource: Resource,
    object: KubeObject,
    isFirst: boolean,
    query: URLSearchParams,
  ): unknown
}

/** Answers a path that is not a resource; undefined where it has nothing at that path. */
export interface PathHandler {
  handle(
    path: string,
    req: Request,
    query: URLSearchParams,
  ):
    | { code: number; body: Buffer | string; contentType: string; headers?: Record<string, string> }
    | undefined
    | Promise<
        { code: number; body: Buffer | string; contentType: string; headers?: Record<string, string> } | undefined
      >
}

export interface HttpServerOptions {
  api: Api
  authenticator: Authenticator
  authorizer: Authorizer
  /** PEM; connections are verified against any of `clientCas`. */
  tls: { cert: string; key: string; clientCas: string[] }
  renderer: Renderer
  paths: PathHandler
  connect: ConnectHandler
  /** Default: 32 MiB. */
  maxWatchBacklogBytes?: number | undefined
  metrics: RequestMetrics
  clock: Clock
  random: Random
  log: Log
}

const NO_QUERY = new URLSearchParams()
const HANDSHAKE_TIMEOUT_MS = 10_000
const HEADER_BYTES = 64 << 10
const MAX_WATCH_BACKLOG_BYTES = 32 << 20
/** How long a server that closes waits for answers under way. */
const CLOSE_TIMEOUT_MS = 2_000

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #servers: Http2SecureServer[] = []
  #serving: { cert: string; key: string }
  /** Connections by HTTP/1.1, and those by HTTP/2. */
  readonly #sockets = new Set<TLSSocket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  /** Answers that are not complete, with the means to hear that none is left. */
  #open = 0
  #onIdle: (() => void) | undefined
  #closing = false

  constructor(options: HttpServerOptions) {
    this.#options = options
    const { cert, key } = options.tls
    this.#serving = { cert, key }
  }

  /** New connections are shown this certificate from now on; the others stay. */
  useCertificate({ cert, key }: { cert: string; key: string }): void {
    this.#serving = { cert, key }
    for (const server of this.#servers) server.setSecureContext(this.#secureContext())
  }

  #secureContext() {
    return { ...this.#serving, ca: this.#options.tls.clientCas, minVersion: 'TLSv1.2' as const }
  }

  /** Listens on one more address; port 0 picks a free one. Returns the port. Throws a plain Error for an occupied port. */
  listen(address: string, port: number): Promise<number> {
    const server = createSecureServer({
      ...this.#secureContext(),
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      // HTTP/2 sets it by itself; without it the last segment of an HTTP/1.1 answer waits for the client's delayed ACK.
      noDelay: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES,
      maxSessionMemory: 64,
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 1 << 20 },
    } as Parameters<typeof createSecureServer>[0])
    server.on('session', (session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
    })
    server.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === 'h2') return
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (req, res) =>
      this.#onRequest(req as unknown as Request, asResponse(res as unknown as ServerResponse | Http2ServerResponse)),
    )
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => this.#onUpgrade(req, socket, head))
    server.on('sessionError', () => {})
    this.#servers.push(server)
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        const why = systemCode(cause) === 'EADDRINUSE' ? 'the port is in use' : cause.message
        reject(new Error(`cannot listen on ${address}:${port}: ${why}`, { cause }))
      })
      server.listen(port, address, () => resolve((server.address() as { port: number }).port))
    })
  }

  /** Waits a little for answers to be complete, then ends all connections. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, resolve)
        this.#onIdle = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    const closed = Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
    // What has been written is still sent; who does not take it is cut off.
    for (const socket of this.#sockets) socket.destroySoon()
    for (const session of this.#sessions) session.close()
    const timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => {
      for (const connection of [...this.#sockets, ...this.#sessions]) connection.destroy()
    })
    await closed
    timer.cancel()
  }

  #onRequest(req: Request, res: Response) {
    const { authenticator, log, metrics, clock } = this.#options
    const startMs = clock.monotonic()
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const path = question < 0 ? url : url.slice(0, question)
    const about: RequestNote = { verb: req.method ?? '', resource: '', subresource: '' }
    this.#open++
    res.on('close', () => {
      metrics.observe(about, res.statusCode, clock.monotonic() - startMs)
      if (--this.#open === 0) this.#onIdle?.()
    })
    const fail = (err: unknown) => sendError(res, err, log, { method: req.method, path })
    try {
      if (this.#closing) throw new StatusError('ServiceUnavailable', 'the server is shutting down')
      const query = question < 0 ? NO_QUERY : new URLSearchParams(url.slice(question + 1))
      const user = authenticator.authenticate(credentialsOf(req))
      if (user instanceof Promise) user.then((found) => this.#dispatch(req, res, path, query, found, about)).catch(fail)
      else {
        const pending = this.#dispatch(req, res, path, query, user, about)
        if (pending) pending.catch(fail)
      }
    } catch (err) {
      fail(err)
    }
  }

  #dispatch(
    req: Request,
    res: Response,
    path: string,
    query: URLSearchParams,
    sender: User,
    about: RequestNote,
  ): void | Promise<void> {
    const route = this.#route(path)
    const plainPath = decoded(path)
    const user = this.#authorized(req, plainPath, query, sender, route)
    if (!route) return this.#answerPath(req, res, plainPath, query)
    about.resource = route.resource.plural
    about.subresource = route.subresource ?? ''
    if (route.subresource && this.#options.connect.handles(route)) {
      return this.#options.connect.request({
        route,
        query,
        user,
        req,
        res,
        authorize: (verb) => this.#options.api.authorize(user, route, verb),
      })
    }
    const verb = verbOf(req.method ?? 'GET', route, query)
    about.verb = verb
    const caller: Caller = { user, userAgent: req.headers['user-agent'], warnings: [] }
    const accepted = negotiate(req.headers.accept)
    const request = requestOf(req, route, verb, query)
    if (verb === 'watch') return this.#watch(res, caller, request, accepted, query)
    // The commonest request of all, without any detour.
    if (
      verb === 'get' &&
      !route.subresource &&
      accepted.as === undefined &&
      accepted.format === 'json' &&
      !query.has('pretty')
    ) {
      return this.#get(res, caller, request)
    }
    return this.#perform(req, res, caller, request, accepted, query)
  }

  #route(path: string): ResourceRoute | undefined {
    try {
      return routeOf(this.#options.api.catalog.table, path)
    } catch (cause) {
      throw badRequest(`malformed path: ${path}`, cause)
    }
  }

  /** The user as whom the request is performed. Throws Forbidden, and BadRequest for headers that make no sense. */
  #authorized(
    req: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'method'>,
    path: string,
    query: URLSearchParams,
    sender: User,
    route: ResourceRoute | undefined,
  ): User {
    const { authorizer } = this.#options
    const method = req.method ?? 'GET'
    let attributes = requestAttributes(sender, method, path, query, route)
    const wanted = asksForAnother(req.headers) ? wantedUser(req.rawHeaders) : undefined
    if (wanted) {
      const user = impersonated(authorizer, wanted, attributes)
      attributes = requestAttributes(user, method, path, query, route)
    }
    requireAllowed(authorizer, attributes)
    return attributes.user
  }

  #get(res: Response, caller: Caller, request: ApiRequest): void | Promise<void> {
    return this.#options.api.performAuthorized(caller, request).then((answer) => {
      if (answer.type === 'object' && answer.cached) sendBytes(res, 200, answer.cached.wire)
      else this.#send(res, answer, request, { format: 'json', as: undefined }, NO_QUERY)
    })
  }

  /** A request that is authorised. */
  async #perform(
    req: Request,
    res: Response,
    caller: Caller,
    request: ApiRequest,
    accepted: Accepted,
    query: URLSearchParams,
  ): Promise<void> {
    try {
      await this.#addBody(req, request, query)
      const answer = await this.#options.api.performAuthorized(caller, request)
      setWarnings(res, caller.warnings)
      this.#send(res, answer, request, accepted, query)
    } catch (err) {
      setWarnings(res, caller.warnings)
      throw err
    }
  }

  async #addBody(req: Request, request: ApiRequest, query: URLSearchParams): Promise<void> {
    const { verb, resource, subresource } = request
    const contentType = req.headers['content-type']
    if (verb === 'delete' || verb === 'deletecollection') {
      const bytes = await readBody(req)
      const inQuery = deleteOptionsOf(query)
      if (bytes.length > 0) request.body = parseBody(bytes, contentType, this.#typeOf)
      if (inQuery) request.body = { ...inQuery, ...(request.body as object | undefined) }
    } else if (verb === 'patch') {
      request.body = parseBody(await readBody(req), contentType, this.#typeOf)
    } else if (verb === 'create' || verb === 'update') {
      const bytes = await readBody(req)
      try {
        request.body = parseBody(bytes, contentType, this.#typeOf)
      } catch (err) {
        if (!isStatus(err, 'BadRequest')) throw err
        const kind = (subresource && resource.subresources[subresource]?.kind) || resource.kind
        const about = `the object provided is unrecognized (must be of type ${kind})`
        throw badRequest(`${about}: ${err.message} (${beginningOf(bytes)})`, err)
      }
    }
  }

  #send(res: Response, answer: Answer, request: ApiRequest, accepted: Accepted, query: URLSearchParams) {
    const { renderer } = this.#options
    const { resource } = request
    const pretty = isTrue(query.get('pretty'))
    if (answer.type === 'status')
      return sendValue(res, answer.status.code ?? 200, answer.status, accepted.format, pretty)
    if (answer.type === 'object') {
      // A subresource may answer with a kind of its own, which has no table.
      if (accepted.as && answer.object.kind === resource.kind) {
        return sendValue(
          res,
          answer.code,
          renderer.object(accepted.as, resource, answer.object, query),
          accepted.format,
          pretty,
        )
      }
      if (answer.cached && accepted.format === 'json' && !pretty) return sendBytes(res, answer.code, answer.cached.wire)
      return sendValue(res, answer.code, answer.object, accepted.format, pretty)
    }
    const { entries, metadata } = answer.list
    if (accepted.as) {
      const objects = entries.map((entry) => entry.object)
      return sendValue(
        res,
        200,
        renderer.list(accepted.as, resource, objects, metadata, query),
        accepted.format,
        pretty,
      )
    }
    const head = { kind: `${resource.kind}List`, apiVersion: resource.apiVersion, metadata }
    if (accepted.format === 'yaml' || pretty) {
      return sendValue(res, 200, { ...head, items: entries.map((entry) => entry.object) }, accepted.format, pretty)
    }
    sendList(res, `${JSON.stringify(head).slice(0, -1)},"items":[`, entries, this.#options.clock)
  }

  #watch(res: Response, caller: Caller, request: ApiRequest, accepted: Accepted, query: URLSearchParams) {
    const { api, clock, random, renderer, maxWatchBacklogBytes = MAX_WATCH_BACKLOG_BYTES } = this.#options
    const { as, format } = accepted
    if (format !== 'json') throw notAcceptable('application/json, application/json;stream=watch')
    streamWatch(res, {
      api,
      caller,
      request,
      clock,
      random,
      maxBacklogBytes: maxWatchBacklogBytes,
      render: as && ((object, isFirst) => renderer.event(as, request.resource, object, isFirst, query)),
    })
  }

  async #answerPath(req: Request, res: Response, path: string, query: URLSearchParams): Promise<void> {
    const answer = await this.#options.paths.handle(path, req, query)
    if (!answer) throw noSuchPath()
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed()
    sendBytes(res, answer.code, answer.body, answer.contentType, answer.headers)
  }

  /** Kinds that requests carry: those of resources, and the options that have none of their own. */
  readonly #typeOf = (apiVersion: string, kind: string): Message | undefined =>
    this.#options.api.catalog.typeOf(apiVersion, kind) ??
    subresourceTypes.get(`${apiVersion}/${kind}`) ??
    (kind === 'DeleteOptions' ? DeleteOptions : undefined)

  #onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer) {
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const path = question < 0 ? url : url.slice(0, question)
    socket.on('error', () => socket.destroy())
    const run = async () => {
      const sender = await this.#options.authenticator.authenticate(credentialsOf(req))
      const route = this.#route(path)
      if (!route?.subresource || !this.#options.connect.handles(route)) throw noSuchPath()
      const query = question < 0 ? NO_QUERY : new URLSearchParams(url.slice(question + 1))
      const user = this.#authorized(req, decoded(path), query, sender, route)
      const protocols = req.headers['sec-websocket-protocol']
      if (protocols) req.headers['sec-websocket-protocol'] = withoutToken(protocols)
      await this.#options.connect.upgrade({
        route,
        query,
        user,
        req,
        socket,
        head,
        authorize: (verb) => this.#options.api.authorize(user, route, verb),
      })
    }
    run().catch((err: unknown) => {
      if (!(err instanceof StatusError)) this.#options.log.error({ err, path }, 'upgrade failed')
      const error = err instanceof StatusError ? err : new StatusError('InternalError', 'Internal error occurred')
      const body = JSON.stringify(error.toStatus())
      if (socket.writable) {
        socket.end(
          `HTTP/1.1 ${error.code} ${error.reason || 'Error'}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        )
      }
    })
  }
}

/** Kinds of bodies that only subresources take, by `apiVersion/kind`. */
const subresourceTypes: ReadonlyMap<string, Message> = new Map<string, Message>([
  ['v1/Binding', Binding],
  ['policy/v1/Eviction', Eviction],
  ['autoscaling/v1/Scale', Scale],
  ['authentication.k8s.io/v1/TokenRequest', TokenRequest],
])

/** All streams of one HTTP/2 session are one connection. */
function credentialsOf(req: Request): Credentials {
  const session = 'stream' in req ? req.stream.session : undefined
  const socket = (session?.socket ?? req.socket) as TLSSocket
  return { headers: req.headers, rawHeaders: req.rawHeaders, socket, connection: session ?? socket }
}

/** Throws BadRequest. */
function decoded(path: string): string {
  try {
    return path.includes('%') ? decodeURIComponent(path) : path
  } catch (cause) {
    throw badRequest(`malformed path: ${path}`, cause)
  }
}

const noSuchPath = () => new StatusError('NotFound', 'the server could not find the requested resource')

const verbsOfNamed: Record<string, Verb> = {
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  POST: 'create',
}
const verbsOfCollection: Record<string, Verb> = {
  GET: 'list',
  HEAD: 'list',
  POST: 'create',
  DELETE: 'deletecollection',
}

/** Throws NotFound, MethodNotAllowed. */
function verbOf(method: string, route: ResourceRoute, query: URLSearchParams): Verb {
  const { resource, namespace, name, subresource, isWatchPath } = route
  let verb = (name ? verbsOfNamed : verbsOfCollection)[method]
  if (verb === 'list' || (isWatchPath && verb === 'get')) {
    if (isWatchPath || isTrue(query.get('watch'))) verb = 'watch'
  }
  if (subresource) {
    if (!Object.hasOwn(resource.subresources, subresource)) throw noSuchPath()
    if (!verb) throw methodNotAllowed()
    return verb
  }
  if (!verb || !resource.verbs.includes(verb) || (verb === 'create' && name)) throw methodNotAllowed()
  if (resource.namespaced && !namespace) {
    if (name) throw noSuchPath()
    if (verb === 'create' || verb === 'deletecollection') throw methodNotAllowed()
  }
  return verb
}

/** Throws BadRequest, Invalid, UnsupportedMediaType. */
function requestOf(req: Request, route: ResourceRoute, verb: Verb, query: URLSearchParams): ApiRequest {
  const { resource, name, namespace, subresource, isWatchPath } = route
  const request: ApiRequest = { verb, resource, namespace, name, subresource }
  if (query !== NO_QUERY) request.options = optionsOf(query, verb)
  if (isWatchPath && name) request.options = { ...request.options, fieldSelector: `metadata.name=${name}` }
  if (verb === 'patch') request.patchType = patchTypeOf(req.headers['content-type'])
  return request
}

/** What of a body is shown in an error. */
function beginningOf(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const shown = bytes.subarray(0, SHOWN_BYTES)
  return `${bytes[0] === 0x7b ? shown.toString() : shown.toString('hex')}${bytes.length > SHOWN_BYTES ? ' ...' : ''}`
}
const SHOWN_BYTES = 30

function patchTypeOf(contentType: string | undefined): PatchType {
  const type = mediaType(contentType)
  for (const [name, value] of Object.entries(patchContentTypes)) if (value === type) return name as PatchType
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${Object.values(patchContentTypes).join(', ')}`,
  )
}
