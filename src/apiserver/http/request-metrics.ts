/** Counts and times requests, under upstream's metric names, so that existing dashboards and alerts work. */
import { Counter, Histogram, type Registry as MetricsRegistry } from 'prom-client'

/** What metrics tell requests apart by. */
export interface RequestNote {
  verb: string
  resource: string
  subresource: string
}

export interface RequestMetrics {
  observe(note: RequestNote, code: number, elapsedMs: number): void
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const OTHER = 'other'

/** What a method counts as. Over HTTP/2 it can be any text, and what is counted is never forgotten. */
export const notedMethod = (method: string | undefined): string =>
  method !== undefined && METHODS.has(method) ? method : OTHER

const BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 3, 5, 10, 30, 60]

export function createRequestMetrics(registry: MetricsRegistry): RequestMetrics {
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Requests by verb, resource and answer.',
    labelNames: ['verb', 'resource', 'subresource', 'code'] as const,
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from a request to its complete answer, watches left out.',
    labelNames: ['verb', 'resource', 'subresource'] as const,
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  })
  // Label look-ups cost more than counting; there are few combinations, so each is resolved once.
  const resolved = new Map<string, { count: { inc(): void }; time: { observe(seconds: number): void } }>()
  return {
    observe({ verb, resource, subresource }, code, elapsedMs) {
      const key = `${verb} ${resource} ${subresource} ${code}`
      let metrics = resolved.get(key)
      if (!metrics) {
        const shown = verb === OTHER ? verb : verb.toUpperCase()
        metrics = {
          count: total.labels({ verb: shown, resource, subresource, code: String(code) }),
          time: duration.labels({ verb: shown, resource, subresource }),
        }
        resolved.set(key, metrics)
      }
      metrics.count.inc()
      if (verb !== 'watch') metrics.time.observe(elapsedMs / 1000)
    },
  }
}
