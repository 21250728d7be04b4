/** Results of health checks as metrics, under upstream's names: `component-base/metrics/prometheus/slis`. */
import { Counter, Gauge, Registry as MetricsRegistry } from 'prom-client'

export class HealthMetrics {
  readonly #registry = new MetricsRegistry()
  readonly #last = new Gauge({
    name: 'kubernetes_healthcheck',
    help: 'Whether a health check passed when it was made last.',
    labelNames: ['name', 'type'] as const,
    registers: [this.#registry],
  })
  readonly #total = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'Health checks by result.',
    labelNames: ['name', 'type', 'status'] as const,
    registers: [this.#registry],
  })

  /** `startedAtMs` is wall time, when the server began. */
  constructor(startedAtMs: number) {
    const start = new Gauge({
      name: 'process_start_time_seconds',
      help: 'When the process began, in seconds since the Unix epoch.',
      registers: [this.#registry],
    })
    start.set(startedAtMs / 1000)
  }

  /** `type` is the endpoint: `livez`, `readyz`, `healthz`. */
  observe(name: string, type: string, hasPassed: boolean) {
    this.#last.set({ name, type }, hasPassed ? 1 : 0)
    this.#total.inc({ name, type, status: hasPassed ? 'success' : 'error' })
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
