/**
 * The HTTPS front of the API: HTTP/1.1 and HTTP/2 on one port. Everything is authenticated here, before anything is
 * looked at; what a request may do is decided in `Api`.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { nextTurn } from '#base/next-turn.ts'
import type { Random } from '#base/random.ts'
import type { Verb } from '#api/kind.ts'
import { badRequest, methodNotAllowed, StatusError } from '#machinery/status-error.ts'
import { isWebSocketUpgrade } from '#streaming/http-upgrade.ts'
import type { Api } from '../api.ts'
import type { Aggregator } from '../aggregation/aggregator.ts'
import { relay, relayUpgrade } from '../aggregation/relay.ts'
import { FanOut } from '../watch/fan-out.ts'
import type { Authenticator, Credentials } from '../authn/authenticator.ts'
import { withoutToken } from '../authn/bearer-token.ts'
import { asksForAnother, impersonated, wantedUser } from '../authz/impersonation.ts'
import { requireAllowed } from '../authz/refusal.ts'
import { LARGE_BYTES } from '../turns.ts'
import { type Authorizer, SUPERUSERS, type User } from '../user.ts'
import { addBody, noSuchPath, requestOf, typeLookup, verbOf } from './api-request.ts'
import type { ConnectHandler } from './connect.ts'
import { asResponse, type Request, type Response } from './exchange.ts'
import { GZIP_ABOVE_BYTES } from './gzip.ts'
import { InFlight, type InFlightLimits, type Share } from './in-flight.ts'
import { JoinedEntries } from './joined-entries.ts'
import { Listeners } from './listeners.ts'
import { type Accepted, type Endpoint, mediaTypes, negotiate, wantsPretty } from './negotiate.ts'
import { type OpenRequest, OpenRequests, requestTimeoutMs } from './open-requests.ts'
import { Outbox } from './outbox.ts'
import type { PathHandler } from './path-handler.ts'
import { NO_QUERY } from './query.ts'
import { type Renderer, represent } from './representation.ts'
import { requestAttributes } from './request-info.ts'
import { notedMethod, type RequestMetrics, type RequestNote } from './request-metrics.ts'
import { type Delivery, sendBody, sendBytes, sendError, setWarnings, statusErrorOf } from './respond.ts'
import { type ResourceRoute, routeOf } from './route.ts'
import { WatchCounts } from './watch-counts.ts'
import { watchEncoding } from './watch-encoding.ts'
import { WatchSocket } from './watch-socket.ts'
import { streamWatch } from './watch-stream.ts'

export interface HttpServerOptions {
  api: Api
  authenticator: Authenticator
  authorizer: Authorizer
  /** PEM; connections are verified against any of `clientCas`. */
  tls: { cert: string; key: string; clientCas: string[] }
  renderer: Renderer
  paths: PathHandler
  connect: ConnectHandler
  aggregator: Aggregator
  /** Default: 32 MiB. */
  maxWatchBacklogBytes?: number | undefined
  inFlight?: InFlightLimits | undefined
  metrics: RequestMetrics
  clock: Clock
  random: Random
  log: Log
}

const MAX_WATCH_BACKLOG_BYTES = 32 << 20
/** How long a server that closes waits for answers under way. */
const CLOSE_TIMEOUT_MS = 2_000

/** A request on its way. */
interface Exchange extends OpenRequest, Delivery {
  readonly req: Request
  readonly res: Response
  readonly path: string
  query: URLSearchParams
  readonly note: RequestNote
  /** What it holds of the requests that may be worked on at once. */
  share: Share | undefined
  isClosed: boolean
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #listeners: Listeners
  readonly #open: OpenRequests
  readonly #inFlight: InFlight
  readonly #outbox = new Outbox()
  readonly #fanOut: FanOut
  readonly #joined = new JoinedEntries()
  readonly #watches = new WatchCounts()
  readonly #typeOf: ReturnType<typeof typeLookup>
  #closing = false

  constructor(options: HttpServerOptions) {
    const { tls, clock } = options
    this.#options = options
    this.#open = new OpenRequests(clock)
    this.#fanOut = new FanOut(clock)
    this.#inFlight = new InFlight(options.inFlight ?? {}, clock)
    this.#typeOf = typeLookup(options.api.catalog)
    this.#listeners = new Listeners({
      tls,
      clock,
      onRequest: (req, res) => this.#onRequest(req, res),
      onUpgrade: (req, socket, head) => this.#onUpgrade(req, socket, head),
    })
  }

  /** New connections are shown this certificate from now on; the others stay. */
  useCertificate(pair: { cert: string; key: string }): void {
    this.#listeners.useCertificate(pair)
  }

  /** Listens on one more address; port 0 picks a free one. Returns the port. Throws a plain Error for an occupied port. */
  listen(address: string, port: number): Promise<number> {
    return this.#listeners.listen(address, port)
  }

  /** Waits a little for answers to be complete, then ends all connections. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#open.settled(CLOSE_TIMEOUT_MS)
    await this.#listeners.close()
  }

  #onRequest(req: Request, res: Response) {
    const { authenticator, metrics, clock } = this.#options
    const startMs = clock.monotonic()
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const exchange: Exchange = {
      req,
      res,
      clock,
      outbox: this.#outbox,
      path: question < 0 ? url : url.slice(0, question),
      query: NO_QUERY,
      note: { verb: notedMethod(req.method), resource: '', subresource: '' },
      share: undefined,
      isClosed: false,
      deadlineMs: Infinity,
      giveUp: (error) => {
        // An answer that is being sent goes on for as long as its client takes something of it.
        if (!res.headersSent) sendError(res, error, exchange.query, exchange)
      },
    }
    this.#open.add(exchange)
    res.on('close', () => {
      exchange.isClosed = true
      metrics.observe(exchange.note, res.statusCode, clock.monotonic() - startMs)
      if (exchange.share) this.#inFlight.leave(exchange.share)
      this.#open.remove(exchange)
    })
    try {
      if (this.#closing) throw new StatusError('ServiceUnavailable', 'the server is shutting down')
      if (question >= 0) exchange.query = new URLSearchParams(url.slice(question + 1))
      const user = authenticator.authenticate(credentialsOf(req))
      const pending =
        user instanceof Promise
          ? user.then((found) => this.#dispatch(exchange, found, startMs))
          : this.#dispatch(exchange, user, startMs)
      if (pending) pending.catch((err: unknown) => this.#fail(exchange, err))
    } catch (err) {
      this.#fail(exchange, err)
    }
  }

  #fail(exchange: Exchange, err: unknown) {
    const about = { method: exchange.req.method, path: exchange.path }
    sendError(exchange.res, statusErrorOf(err, this.#options.log, about), exchange.query, exchange)
  }

  #dispatch(exchange: Exchange, sender: User, startMs: number): void | Promise<void> {
    const { req, res, query, note, path } = exchange
    const { api, connect } = this.#options
    const route = this.#route(path)
    const plainPath = decoded(path)
    const user = this.#authorized(req, plainPath, query, sender, route)
    const remote = this.#options.aggregator.find(path)
    if (remote) {
      const { clock, log } = this.#options
      return relay(req, res, { server: remote, user, url: req.url ?? '/', clock, log })
    }
    if (!route) {
      exchange.deadlineMs = startMs + requestTimeoutMs(query)
      return this.#answerPath(exchange, plainPath)
    }
    note.resource = route.resource.plural
    if (route.subresource && Object.hasOwn(route.resource.subresources, route.subresource))
      note.subresource = route.subresource
    if (route.subresource && connect.handles(route))
      return connect.request({ route, query, user, req, res, authorize: (verb) => api.authorize(user, route, verb) })
    const verb = verbOf(req.method ?? 'GET', route, query)
    note.verb = verb
    if (verb !== 'watch') exchange.deadlineMs = startMs + requestTimeoutMs(query)
    if (verb === 'watch') return this.#watch(exchange, user, route)
    const share = verb === 'get' || verb === 'list' ? 'reading' : 'writing'
    const place = this.#inFlight.enter(share, user.name, user.groups.includes(SUPERUSERS))
    if (place) {
      return place.then(() => {
        // Who has gone away in the meantime gives its place to the next.
        if (exchange.isClosed || res.headersSent) return this.#inFlight.leave(share)
        exchange.share = share
        return this.#perform(exchange, user, route, verb)
      })
    }
    exchange.share = share
    return this.#perform(exchange, user, route, verb)
  }

  #route(path: string): ResourceRoute | undefined {
    try {
      return routeOf(this.#options.api.catalog.table, path)
    } catch (cause) {
      throw badRequest(`malformed path: ${path}`, cause)
    }
  }

  /** A request that is authorised and is no watch. */
  async #perform(exchange: Exchange, user: User, route: ResourceRoute, verb: Verb): Promise<void> {
    const { req, res, query } = exchange
    const { api, renderer } = this.#options
    const accepted = acceptedBy(exchange, route, verb)
    const request = requestOf(req, route, verb, query)
    const caller = { user, userAgent: req.headers['user-agent'], warnings: [] as string[], isLarge: false }
    try {
      if (verb !== 'get' && verb !== 'list') {
        caller.isLarge = (await addBody(req, request, query, this.#typeOf)) > LARGE_BYTES
        if (caller.isLarge) await nextTurn()
      }
      const answer = await api.performAuthorized(caller, request)
      const code = answer.type === 'object' ? answer.code : answer.type === 'status' ? (answer.status.code ?? 200) : 200
      setWarnings(res, caller.warnings)
      // The commonest answer of all, without any detour.
      const bytes = answer.type === 'object' && isPlain(accepted) ? answer.cached?.wire : undefined
      if (bytes && bytes.length <= GZIP_ABOVE_BYTES) {
        if (!res.headersSent) sendBytes(res, { code, body: bytes, contentType: mediaTypes.json }, exchange)
        return
      }
      const form = { accepted, resource: route.resource, query, renderer, typeOf: this.#typeOf, joined: this.#joined }
      sendBody(res, code, represent(answer, form), exchange)
    } catch (err) {
      setWarnings(res, caller.warnings)
      throw err
    }
  }

  #watch(exchange: Pick<Exchange, 'req' | 'res' | 'query'>, user: User, route: ResourceRoute) {
    const { req, res, query } = exchange
    const { api, clock, random, renderer, maxWatchBacklogBytes = MAX_WATCH_BACKLOG_BYTES } = this.#options
    const accepted = acceptedBy(exchange, route, 'watch')
    const request = requestOf(req, route, 'watch', query)
    const encoding = watchEncoding(accepted, route.resource, renderer, query)
    const leave = this.#watches.enter(user.name)
    res.on('close', leave)
    streamWatch(res, {
      api,
      caller: { user, userAgent: req.headers['user-agent'], warnings: [] },
      request,
      clock,
      random,
      fanOut: this.#fanOut,
      maxBacklogBytes: maxWatchBacklogBytes,
      encoding,
    })
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

  async #answerPath(exchange: Exchange, path: string): Promise<void> {
    const { req, res, query } = exchange
    const answer = await this.#options.paths.handle(path, req, query)
    if (!answer) {
      if (this.#isAboutApi(path)) throw noSuchPath()
      return sendBytes(res, NO_SUCH_PAGE, exchange)
    }
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed()
    if (!res.headersSent) sendBytes(res, answer, exchange)
  }

  /** Whether a path that leads nowhere is below a group of the API, whose clients expect a Status. */
  #isAboutApi(path: string): boolean {
    const [, root, group] = path.split('/')
    if (root === 'api') return true
    return root === 'apis' && this.#options.api.resources.some((resource) => resource.group === group)
  }

  #onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer) {
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const path = question < 0 ? url : url.slice(0, question)
    socket.on('error', () => socket.destroy())
    const run = async () => {
      const sender = await this.#options.authenticator.authenticate(credentialsOf(req))
      const route = this.#route(path)
      const remote = this.#options.aggregator.find(path)
      const query = question < 0 ? NO_QUERY : new URLSearchParams(url.slice(question + 1))
      const isConnected = route?.subresource !== undefined && this.#options.connect.handles(route)
      const isWatch = !isConnected && route !== undefined && verbOf(req.method ?? 'GET', route, query) === 'watch'
      if (!remote && !isConnected && !(isWatch && isWebSocketUpgrade(req))) throw noSuchPath()
      const user = this.#authorized(req, decoded(path), query, sender, route)
      const protocols = req.headers['sec-websocket-protocol']
      if (protocols) req.headers['sec-websocket-protocol'] = withoutToken(protocols)
      if (remote) {
        const { clock, log } = this.#options
        return relayUpgrade(req, socket, head, { server: remote, user, url, clock, log })
      }
      if (!route) throw noSuchPath()
      if (isWatch) {
        const res = asResponse(new WatchSocket(req, socket, head))
        return this.#watch({ req, res, query }, user, route)
      }
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

/** Throws NotAcceptable. */
function acceptedBy(
  { req, query }: Pick<Exchange, 'req' | 'query'>,
  { resource, subresource }: ResourceRoute,
  verb: Verb,
): Accepted {
  const endpoint: Endpoint = {
    isCollection: verb === 'list' || verb === 'watch',
    forms: (subresource ? TABLE_SUBRESOURCES.has(subresource) : resource.verbs.includes('get'))
      ? 'metadata and table'
      : 'metadata',
    hasProtobuf: !resource.type.schema,
  }
  const accepted = negotiate(req.headers.accept, endpoint)
  return wantsPretty(query, req.headers['user-agent']) ? { ...accepted, isPretty: true } : accepted
}

const NO_SUCH_PAGE = {
  code: 404,
  body: '404 page not found\n',
  contentType: 'text/plain; charset=utf-8',
  headers: { 'x-content-type-options': 'nosniff' },
}
const TABLE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'scale'])

const isPlain = ({ format, isPretty, as }: Accepted) => format === 'json' && !isPretty && !as
