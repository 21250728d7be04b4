/** The paths of the server itself: version, health, metrics. Discovery and OpenAPI answer beside it. */
import type { Registry as MetricsRegistry } from 'prom-client'
import { own } from '#base/own.ts'
import type { HealthChecks } from './health-checks.ts'
import { HealthMetrics } from './health-metrics.ts'
import type { PathHandler } from './path-handler.ts'

export interface VersionInfo {
  major: string
  minor: string
  /** The release whose API is served, and the oldest one that components may be of. */
  emulationMajor?: string
  emulationMinor?: string
  minCompatibilityMajor?: string
  minCompatibilityMinor?: string
  gitVersion: string
  gitCommit: string
  gitTreeState: string
  buildDate: string
  goVersion: string
  compiler: string
  platform: string
}

export interface SystemPathsOptions {
  version: VersionInfo
  health: { readonly live: HealthChecks; readonly ready: HealthChecks }
  metrics: MetricsRegistry
  /** Wall time. */
  startedAtMs: number
  /** Tried in order for every other path. */
  others: readonly PathHandler[]
}

const json = (value: unknown) => ({
  code: 200,
  body: `${JSON.stringify(value, undefined, 2)}\n`,
  contentType: 'application/json',
})

export function systemPaths({ version, health, metrics, startedAtMs, others }: SystemPathsOptions): PathHandler {
  const { live, ready } = health
  const endpoints: Record<string, HealthChecks> = { livez: live, readyz: ready, healthz: live }
  const results = new HealthMetrics(startedAtMs)
  return {
    async handle(path, req, query) {
      if (path === '/version' || path === '/version/') return json(version)
      if (path === '/metrics') return metricsText(await metrics.metrics())
      if (path === '/metrics/slis') return metricsText(await results.text())
      const [, endpoint = '', ...rest] = path.split('/')
      const checks = own(endpoints, endpoint)
      if (checks) return checkHealth(endpoint, checks, { only: rest.join('/') || undefined, query, results })
      for (const other of others) {
        const answer = await other.handle(path, req, query)
        if (answer) return answer
      }
      return path === '/'
        ? json({
            paths: [
              '/api',
              '/apis',
              '/healthz',
              '/livez',
              '/metrics',
              '/metrics/slis',
              '/openapi/v2',
              '/openapi/v3',
              '/readyz',
              '/version',
            ],
          })
        : undefined
    },
  }
}

const metricsText = (body: string) => ({ code: 200, body, contentType: 'text/plain; version=0.0.4' })

interface HealthQuestion {
  /** One check, or all of them. */
  only: string | undefined
  query: URLSearchParams
  results: HealthMetrics
}

function checkHealth(endpoint: string, checks: HealthChecks, { only, query, results }: HealthQuestion) {
  const excluded = new Set(query.getAll('exclude'))
  const names = only ? [only] : Object.keys(checks).filter((name) => !excluded.has(name))
  if (only && !Object.hasOwn(checks, only)) return undefined
  const reasons = names.map((name) => checks[name]!())
  names.forEach((name, i) => results.observe(name, endpoint, reasons[i] === undefined))
  const hasPassed = reasons.every((reason) => reason === undefined)
  const plain = (code: number, body: string) => ({
    code,
    body,
    contentType: 'text/plain; charset=utf-8',
    headers: { 'x-content-type-options': 'nosniff' },
  })
  if (hasPassed && !query.has('verbose')) return plain(200, 'ok')
  const lines = names.map((name, i) =>
    reasons[i] === undefined ? `[+]${name} ok` : `[-]${name} failed: ${reasons[i]}`,
  )
  const verdict = `${endpoint} check ${hasPassed ? 'passed' : 'failed'}`
  return plain(hasPassed ? 200 : 500, `${lines.join('\n')}\n${verdict}\n`)
}
