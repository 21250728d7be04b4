/**
 * The real API server in this process, over a store in memory: registry, admission, subresources and watches, without
 * certificates and listeners. For tests of whatever works through the API.
 */
import { generateKeyPairSync } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { systemClock } from '#base/clock.ts'
import { type Log, silentLog } from '#base/log.ts'
import { type Random, seededRandom } from '#base/random.ts'
import { allResources, services } from '#api/resources.ts'
import { defaultAdmissionPlugins } from '#apiserver/admission/default-plugins.ts'
import { ServiceAllocator } from '#apiserver/allocation/service-allocator.ts'
import { Api, resourceKey } from '#apiserver/api.ts'
import { Authenticator } from '#apiserver/authn/authenticator.ts'
import { ServiceAccountTokens } from '#apiserver/authn/service-account-tokens.ts'
import { createInProcessTransport } from '#apiserver/in-process-transport.ts'
import { strategies } from '#apiserver/strategies/all.ts'
import { allSubresources } from '#apiserver/subresources/all.ts'
import { superusersOnly, SUPERUSERS } from '#apiserver/user.ts'
import { allVirtualResources } from '#apiserver/virtual/all.ts'
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
  readonly informers: Informers
  readonly recorder: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Aborts with `close`. */
  readonly signal: AbortSignal
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
  const allocator = new ServiceAllocator('10.96.0.0/16', random)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const tokens = new ServiceAccountTokens({
    key: { privateKey, publicKey, keyId: 'test' },
    issuer: 'test',
    audience: 'test',
    clock,
    random,
    isAlive: () => true,
  })
  const authorizer = superusersOnly
  const authenticator = new Authenticator([tokens])
  const api: Api = new Api({
    store,
    resources: allResources,
    strategies: new Map([
      ...strategies,
      [resourceKey(services), allocator.extend(strategies.get(resourceKey(services)) ?? {})],
    ]),
    subresources: allSubresources({ tokens }),
    virtual: allVirtualResources({ authenticator, authorizer }),
    admission: defaultAdmissionPlugins(() => api, clock),
    authorizer,
    clock,
    random,
    log,
  })
  await api.start()
  const transport = createInProcessTransport(api, { name: 'test', groups: [SUPERUSERS] }, clock)
  const client = new Client(transport)
  const { signal } = stop
  return {
    api,
    transport,
    client,
    informers: createInformers({ client, clock, random, log, signal }),
    recorder: createEventRecorder({ client, clock, random, log, component: 'test', signal }),
    clock,
    random,
    log,
    signal,
    async close() {
      stop.abort(new Error('the test is over'))
      api.stop()
      await store.close()
    },
  }
}
