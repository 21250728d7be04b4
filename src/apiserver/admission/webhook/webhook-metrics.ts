/** What is counted about webhooks, under upstream's names. */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Operation } from '../admission.ts'

export type CallKind = 'admit' | 'validating'
export type RejectionKind = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'

export interface ObservedCall {
  name: string
  type: CallKind
  operation: Operation
  rejected: boolean
  /** HTTP code of the verdict; 0 where there was none. */
  code: number
}

export interface WebhookMetrics {
  observe(call: ObservedCall, durationMs: number): void
  rejected(name: string, type: CallKind, operation: Operation, why: RejectionKind, code: number): void
  failedOpen(name: string, type: CallKind): void
}

export const noWebhookMetrics: WebhookMetrics = { observe: () => {}, rejected: () => {}, failedOpen: () => {} }

/** Seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
/** What is not one of these is counted as the first code of its hundred, to bound how many series there are. */
const CODES = new Set([200, 400, 401, 403, 404, 409, 422, 429, 500, 503])

export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry]
  const duration = new Histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Seconds that calls of admission webhooks took.',
    labelNames: ['name', 'type', 'operation', 'rejected'],
    buckets: BUCKETS,
    registers,
  })
  const requests = new Counter({
    name: 'apiserver_admission_webhook_request_total',
    help: 'Calls of admission webhooks, by the code of their verdict.',
    labelNames: ['name', 'type', 'operation', 'code', 'rejected'],
    registers,
  })
  const rejections = new Counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests that were refused because of an admission webhook, and why.',
    labelNames: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    registers,
  })
  const failOpen = new Counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Failures of admission webhooks that were ignored.',
    labelNames: ['name', 'type'],
    registers,
  })
  const codeOf = (code: number) => String(CODES.has(code) || code < 100 ? code : Math.floor(code / 100) * 100)
  return {
    observe({ name, type, operation, rejected, code }, durationMs) {
      const labels = { name, type, operation, rejected: String(rejected) }
      duration.observe(labels, durationMs / 1000)
      requests.inc({ ...labels, code: codeOf(code) })
    },
    rejected(name, type, operation, why, code) {
      rejections.inc({ name, type, operation, error_type: why, rejection_code: codeOf(code) })
    },
    failedOpen: (name, type) => failOpen.inc({ name, type }),
  }
}
