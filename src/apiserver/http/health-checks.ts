/**
 * What the server is asked about its health: checks under the names that upstream gives them, since monitoring asks for
 * single ones (`/livez/etcd`). Most of them tell that a step of the start is done. Upstream:
 * `apiserver/pkg/server/healthz` and the post-start hooks of kube-apiserver.
 */
import type { Clock } from '#base/clock.ts'

/** What must be true for the server to be of use; each check gives the reason why not, or undefined. */
export type HealthChecks = Readonly<Record<string, () => string | undefined>>

/** Each step of the start, and the checks that pass with it. */
const STEPS = {
  /** Caches are filled, definitions of custom resources served, admission is ready. */
  assembled: [
    'poststarthook/storage-readiness',
    'poststarthook/start-apiserver-admission-initializer',
    'poststarthook/generic-apiserver-start-informers',
    'poststarthook/start-apiextensions-informers',
    'poststarthook/start-apiextensions-controllers',
    'poststarthook/crd-informer-synced',
  ],
  /** The objects that every cluster has are there. */
  objects: [
    'poststarthook/start-system-namespaces-controller',
    'poststarthook/bootstrap-controller',
    'poststarthook/start-service-ip-repair-controllers',
    'poststarthook/scheduling/bootstrap-system-priority-classes',
  ],
  policy: ['poststarthook/rbac/bootstrap-roles'],
  authentication: ['poststarthook/start-cluster-authentication-info-controller'],
  aggregation: [
    'poststarthook/start-kube-aggregator-informers',
    'poststarthook/apiservice-registration-controller',
    'poststarthook/apiservice-status-local-available-controller',
    'poststarthook/apiservice-status-remote-available-controller',
    'poststarthook/apiservice-discovery-controller',
    'poststarthook/kube-apiserver-autoregistration',
    'autoregister-completion',
    'poststarthook/apiservice-openapi-controller',
    'poststarthook/apiservice-openapiv3-controller',
  ],
} as const
export type StartStep = keyof typeof STEPS

/** A server that starts is alive, though nothing of it may be ready, for so long. */
const START_MS = 60_000

export interface HealthOptions {
  /** Throws where the store can't be read. */
  readStore(): void
  clock: Clock
}

export class Health {
  readonly live: HealthChecks
  readonly ready: HealthChecks
  readonly #done = new Set<StartStep>()
  #isStopping = false

  constructor({ readStore, clock }: HealthOptions) {
    const startMs = clock.monotonic()
    const basic: HealthChecks = {
      ping: () => undefined,
      // Every line is written at once, so that none can be stuck.
      log: () => undefined,
      etcd: () => reasonOf(readStore),
    }
    const steps = Object.entries(STEPS) as [StartStep, readonly string[]][]
    const started = (isLenient: () => boolean): HealthChecks =>
      Object.fromEntries(
        steps.flatMap(([step, names]) =>
          names.map((name) => [name, () => (this.#done.has(step) || isLenient() ? undefined : 'not finished')]),
        ),
      )
    this.live = { ...basic, ...started(() => clock.monotonic() - startMs < START_MS) }
    this.ready = {
      ...basic,
      'informer-sync': () => (this.#done.has('assembled') ? undefined : 'not finished'),
      ...started(() => false),
      shutdown: () => (this.#isStopping ? 'the server is stopping' : undefined),
    }
  }

  done(step: StartStep) {
    this.#done.add(step)
  }

  /** It is alive until it is gone, but wants no more requests. */
  stopping() {
    this.#isStopping = true
  }
}

function reasonOf(attempt: () => void): string | undefined {
  try {
    attempt()
    return undefined
  } catch (err) {
    return err instanceof Error ? err.message : 'failed'
  }
}
