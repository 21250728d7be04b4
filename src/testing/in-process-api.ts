/**
 * The real API server in this process, over a store in memory: registry, admission, subresources and watches, without
 * certificates and listeners. For tests of whatever works through the API.
 */
import { generateKeyPairSync } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { systemClock } from '#base/clock.ts'
import { type Log, silentLog } from '#base/log.ts'
import { type Random, seededRandom } from '#base/random.ts'
import type { Resource } from '#api/kind.ts'
import {
  deployments,
  endpoints,
  endpointSlices,
  namespaces,
  nodes,
  pods,
  replicaSets,
  services,
} from '#api/resources.ts'
import type { Api } from '#apiserver/api.ts'
import { assembleApi } from '#apiserver/assemble-api.ts'
import { createInProcessTransport } from '#apiserver/in-process-transport.ts'
import { SUPERUSERS, type User } from '#apiserver/user.ts'
import { Client } from '#client/client.ts'
import { createEventRecorder, type EventRecorder } from '#client/event-recorder.ts'
import type { Informers } from '#client/informer.ts'
import { createInformers } from '#client/informers.ts'
import type { Transport } from '#client/transport.ts'
import { createMemoryStore } from '#storage/memory-store.ts'

export interface InProcessApi {
  readonly api: Api
  readonly transport: Transport
  readonly client: Client
  /** As somebody; the other client has all rights. */
  clientFor(user: User): Client
  readonly informers: Informers
  readonly recorder: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Aborts with `close`. */
  readonly signal: AbortSignal
  /**
   * Resolves with the first truthy answer of `test`, which is asked at first and after every change of the resources
   * (all common ones by default). Rejects after 10 s of real time.
   */
  until<T>(test: () => T | undefined | null | false | 0, resources?: readonly Resource[]): Promise<T>
  close(): Promise<void>
}

export interface InProcessApiOptions {
  clock?: Clock
  seed?: number
  log?: Log
}

export async function startInProcessApi(options: InProcessApiOptions = {}): Promise<InProcessApi> {
  const { clock = systemClock, log = silentLog } = options
  const random = seededRandom(options.seed ?? 1)
  const stop = new AbortController()
  const store = createMemoryStore()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { api } = await assembleApi({
    store,
    serviceCidr: '10.96.0.0/16',
    tokens: [],
    signingKey: { privateKey, publicKey, keyId: 'test' },
    clock,
    random,
    log,
  })
  const transport = createInProcessTransport(api, { name: 'test', groups: [SUPERUSERS] }, clock)
  const client = new Client(transport)
  const { signal } = stop
  const informers = createInformers({ client, clock, random, log, signal })
  return {
    api,
    transport,
    client,
    clientFor: (user) => new Client(createInProcessTransport(api, user, clock)),
    informers,
    recorder: createEventRecorder({ client, clock, random, log, component: 'test', signal }),
    clock,
    random,
    log,
    signal,
    until: (test, resources = watched) => changeUntil(informers, resources, test),
    async close() {
      stop.abort(new Error('the test is over'))
      api.stop()
      await store.close()
    },
  }
}

const watched: readonly Resource[] = [
  pods,
  replicaSets,
  deployments,
  services,
  endpoints,
  endpointSlices,
  nodes,
  namespaces,
]

function changeUntil<T>(
  informers: Informers,
  resources: readonly Resource[],
  test: () => T | undefined | null | false | 0,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const end = () => {
      late.cancel()
      for (const stop of stops) stop()
    }
    // Real time, whatever clock the test runs on: the bound is there for tests that are wrong.
    const late = systemClock.after(10_000, () => {
      end()
      reject(new Error(`it never came to be: ${test}`))
    })
    let isDone = false
    const check = () => {
      const result = !isDone && test()
      if (!result) return
      isDone = true
      // After all other handlers have been told.
      queueMicrotask(end)
      resolve(result)
    }
    for (const resource of resources) {
      stops.push(informers.for(resource).handle({ added: check, updated: check, deleted: check }))
    }
    check()
  })
}
