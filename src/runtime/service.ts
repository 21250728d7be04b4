/**
 * Serves a table of CRI methods: unary methods are async functions, streams async iterables; what they throw becomes a gRPC
 * status. A method that an implementation leaves out answers UNIMPLEMENTED.
 */
import { Metadata, status } from '@grpc/grpc-js'
import type {
  Server,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { serviceDefinition } from '#contracts/cri/services.ts'
import type { MethodEntry, ServiceTable } from '#contracts/cri/services.ts'
import type { CriMessage, CriMessageInit, CriMessageName } from '#contracts/cri/types.ts'
import { StatusError } from './status-error.ts'

type Req<E> = E extends readonly [infer R extends CriMessageName, ...unknown[]] ? CriMessage<R> : never
type Res<E> = E extends readonly [unknown, infer R extends CriMessageName, ...unknown[]] ? CriMessageInit<R> : never
type Streams<E> = E extends readonly [unknown, unknown, infer S] ? S : 'no'

/** `signal` aborts when the caller is gone. */
export type ServiceImplementation<T extends ServiceTable> = {
  [K in keyof T]?: Streams<T[K]> extends 'server'
    ? (request: Req<T[K]>, signal: AbortSignal) => AsyncIterable<Res<T[K]>>
    : Streams<T[K]> extends 'client'
      ? (requests: AsyncIterable<Req<T[K]>>, signal: AbortSignal) => Promise<Res<T[K]>>
      : (request: Req<T[K]>, signal: AbortSignal) => Promise<Res<T[K]>>
}

type Method = (request: unknown, signal: AbortSignal) => unknown
type Done = (error: { code: number; details: string } | null, response?: unknown) => void

export function addService<T extends ServiceTable>(
  server: Server,
  name: string,
  table: T,
  implementation: ServiceImplementation<T>,
  log: Log,
): void {
  const handlers: Record<string, unknown> = {}
  for (const [method, entry] of Object.entries(table)) {
    const own = implementation[method] as Method | undefined
    const run: Method =
      own ??
      (() =>
        Promise.reject(
          new StatusError('UNIMPLEMENTED', `method ${method[0]!.toUpperCase()}${method.slice(1)} not implemented`),
        ))
    handlers[method] = handler(method, entry, run, log)
  }
  server.addService(serviceDefinition(name, table), handlers as UntypedServiceImplementation)
}

function handler(method: string, entry: MethodEntry, run: Method, log: Log) {
  const fail = (thrown: unknown) => {
    if (!(thrown instanceof StatusError)) log.warn({ err: thrown, method }, 'a CRI call failed')
    return { code: thrown instanceof StatusError ? thrown.code : status.UNKNOWN, details: messageOf(thrown) }
  }
  if (entry[2] === 'server') {
    return async (call: ServerWritableStream<unknown, unknown>) => {
      const signal = signalOf(call)
      try {
        const items = run(call.request, signal)
        // Headers now: a stream that has nothing to say yet must still count as open.
        call.sendMetadata(new Metadata())
        for await (const item of items instanceof Promise ? await items : (items as AsyncIterable<unknown>)) {
          if (signal.aborted) return
          if (!call.write(item))
            await new Promise<void>((resolve) =>
              call.once('drain', resolve).once('close', resolve).once('cancelled', resolve),
            )
        }
        call.end()
      } catch (thrown) {
        call.emit('error', fail(thrown))
      }
    }
  }
  if (entry[2] === 'client') {
    return (call: ServerReadableStream<unknown, unknown>, done: Done) => settle(run(call, signalOf(call)), done, fail)
  }
  return (call: ServerUnaryCall<unknown, unknown>, done: Done) => settle(run(call.request, signalOf(call)), done, fail)
}

function settle(result: unknown, done: Done, fail: (thrown: unknown) => { code: number; details: string }) {
  Promise.resolve(result).then(
    (value) => done(null, value),
    (thrown: unknown) => done(fail(thrown)),
  )
}

function signalOf(call: { on(event: 'cancelled', fn: () => void): unknown; cancelled: boolean }): AbortSignal {
  const controller = new AbortController()
  call.on('cancelled', () => controller.abort(new StatusError('UNKNOWN', 'the caller is gone')))
  if (call.cancelled) controller.abort()
  return controller.signal
}
