/**
 * A client of any CRI v1 runtime (rostrum-cri, containerd, CRI-O) over its unix socket. Every unary call has a deadline and
 * may be aborted; streams end by their signal. Failures are CriError with the gRPC status code. One connection, kept open by
 * gRPC and re-established with its own back-off when the runtime restarts.
 */
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import type { Clock } from '#base/clock.ts'
import { decodeMessage, encodeMessage } from './codec.ts'
import { ARCHIVE_SERVICE, IMAGE_SERVICE, methodPath, RUNTIME_SERVICE, SERVICE_NAMES } from './services.ts'
import type { ServiceTable } from './services.ts'
import type { CriMessage, CriMessageInit, CriMessageName } from './types.ts'

export interface CallOptions {
  /** Unary calls fail with DEADLINE_EXCEEDED after this long; default `defaultTimeoutMs`. Streams have none unless it is given. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** A call to the runtime failed. `code` is a gRPC status code (`status` of @grpc/grpc-js), `message` the runtime's own words. */
export class CriError extends Error {
  override readonly name = 'CriError'
  readonly code: number
  readonly method: string
  constructor(method: string, code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.method = method
    this.code = code
  }
}

/** The sandbox, container or image is not there: deleting it again is success. */
export const isCriNotFound = (thrown: unknown) => thrown instanceof CriError && thrown.code === status.NOT_FOUND
/** The runtime does not know the method: use what there was before it. */
export const isCriUnimplemented = (thrown: unknown) =>
  thrown instanceof CriError && thrown.code === status.UNIMPLEMENTED

type Req<E> = E extends readonly [infer R extends CriMessageName, ...unknown[]] ? CriMessageInit<R> : never
type Res<E> = E extends readonly [unknown, infer R extends CriMessageName, ...unknown[]] ? CriMessage<R> : never
type Streams<E> = E extends readonly [unknown, unknown, infer S] ? S : 'no'

/** The promise (or async iterable) methods of a service table. */
export type ServiceClient<T extends ServiceTable> = {
  [K in keyof T]: Streams<T[K]> extends 'server'
    ? (request: Req<T[K]>, options?: CallOptions) => AsyncIterable<Res<T[K]>>
    : Streams<T[K]> extends 'client'
      ? (requests: AsyncIterable<Req<T[K]>> | Iterable<Req<T[K]>>, options?: CallOptions) => Promise<Res<T[K]>>
      : (request: Req<T[K]>, options?: CallOptions) => Promise<Res<T[K]>>
}

export type RuntimeServiceClient = ServiceClient<typeof RUNTIME_SERVICE>
export type ImageServiceClient = ServiceClient<typeof IMAGE_SERVICE>
export type ArchiveServiceClient = ServiceClient<typeof ARCHIVE_SERVICE>

export interface CriClientOptions {
  /** A path, or `unix:///path` as kubelet flags have it. */
  endpoint: string
  /** Deadlines count from its wall time. */
  clock: Clock
  /** Default 2 minutes, the kubelet's runtime-request-timeout. */
  defaultTimeoutMs?: number
}

export class CriClient {
  readonly runtime: RuntimeServiceClient
  readonly image: ImageServiceClient
  /** Only rostrum-cri has it; others answer UNIMPLEMENTED. */
  readonly archive: ArchiveServiceClient
  readonly #client: Client

  constructor({ endpoint, clock, defaultTimeoutMs = 120_000 }: CriClientOptions) {
    const path = endpoint.replace(/^unix:(\/\/)?/, '')
    if (!path.startsWith('/'))
      throw new TypeError(`CRI endpoint must be an absolute unix socket path, got "${endpoint}"`)
    this.#client = new Client(`unix:${path}`, credentials.createInsecure(), {
      // Servers in Go reject the percent-encoded socket path that would otherwise be the authority.
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': 64 << 20,
      'grpc.max_send_message_length': 64 << 20,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 3_000,
      'grpc.use_local_subchannel_pool': 1,
    })
    const build = <T extends ServiceTable>(service: string, table: T) =>
      serviceClient(this.#client, service, table, clock, defaultTimeoutMs)
    this.runtime = build(SERVICE_NAMES.runtime, RUNTIME_SERVICE)
    this.image = build(SERVICE_NAMES.image, IMAGE_SERVICE)
    this.archive = build(SERVICE_NAMES.archive, ARCHIVE_SERVICE)
  }

  /** Ends the connection; calls under way fail with CANCELLED. */
  close(): void {
    this.#client.close()
  }
}

function serviceClient<T extends ServiceTable>(
  client: Client,
  service: string,
  table: T,
  clock: Clock,
  defaultTimeoutMs: number,
) {
  const methods: Record<string, unknown> = {}
  for (const [method, [request, response, streams]] of Object.entries(table)) {
    const path = methodPath(service, method)
    const encode = (message: object) => encodeMessage(request, message)
    const decode = (bytes: Buffer) => decodeMessage(response, bytes)
    const fail = (error: ServiceError) =>
      new CriError(method, error.code, error.details || error.message, { cause: error })
    const deadline = (options: CallOptions, fallbackMs: number) => ({
      deadline: clock.now() + (options.timeoutMs ?? fallbackMs),
    })

    const invoke = (message: object, options: CallOptions) =>
      new Promise<object>((resolve, reject) => {
        if (options.signal?.aborted) return reject(options.signal.reason)
        const done = (error: ServiceError | null, value?: object) => {
          options.signal?.removeEventListener('abort', cancel)
          if (!error) resolve(value!)
          else reject(options.signal?.aborted ? options.signal.reason : fail(error))
        }
        const callOptions = deadline(options, defaultTimeoutMs)
        const cancel = () => call.cancel()
        options.signal?.addEventListener('abort', cancel, { once: true })
        let call: { cancel(): void }
        if (streams === 'client') {
          const stream = client.makeClientStreamRequest(path, encode, decode, new Metadata(), callOptions, done)
          call = stream
          void sendAll(stream, message as AsyncIterable<object>).catch(cancel)
        } else call = client.makeUnaryRequest(path, encode, decode, message, new Metadata(), callOptions, done)
      })
    methods[method] = (message: object, options: CallOptions = {}) =>
      streams === 'server' ? serverStream(message, options) : invoke(message, options)

    async function* serverStream(message: object, options: CallOptions) {
      options.signal?.throwIfAborted()
      const call = client.makeServerStreamRequest(
        path,
        encode,
        decode,
        message,
        new Metadata(),
        deadline(options, Infinity),
      )
      const stop = () => call.cancel()
      options.signal?.addEventListener('abort', stop, { once: true })
      try {
        yield* call
      } catch (thrown) {
        options.signal?.throwIfAborted()
        throw fail(thrown as ServiceError)
      } finally {
        options.signal?.removeEventListener('abort', stop)
        call.cancel()
      }
    }
  }
  return methods as ServiceClient<T>
}

/** Writes with back-pressure: the next message is asked for once the previous one left. */
async function sendAll(
  call: { write(message: object, done: () => void): boolean; end(): void },
  messages: AsyncIterable<object>,
) {
  for await (const message of messages) await new Promise<void>((resolve) => call.write(message, () => resolve()))
  call.end()
}
