/**
 * One call of one webhook: what is asked, and what its answer or its failure means for the request. Upstream:
 * `callHook` of the dispatchers in `plugin/webhook/mutating` and `plugin/webhook/validating`.
 */
import type { Random } from '#base/random.ts'
import { uuid } from '#base/random.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import { badRequest, internalError, type Status, StatusError, type StatusReason } from '#machinery/status-error.ts'
import type { WebhookClient } from '../../outbound/webhook-client.ts'
import type { RequestObjects } from '../matching/forms.ts'
import { describeRequest } from '../request-description.ts'
import { BadReview, encodeReview, NoReview, reviewVersion, type Verdict, verdictOf } from './admission-review.ts'
import type { Invocation } from './webhook-source.ts'
import type { CallKind, WebhookMetrics } from './webhook-metrics.ts'

export interface WebhookCaller {
  readonly client: WebhookClient
  readonly metrics: WebhookMetrics
  readonly random: Random
  readonly log: Log
  /** Milliseconds. */
  monotonic(): number
}

/** The webhook could not be asked, or what it said makes no sense; its failure policy decides what that means. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  constructor(webhook: string, why: string, cause?: unknown) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause })
  }
}

/**
 * Asks about objects that are prepared for the webhook's form, and hands the verdict that allows the request to `act`,
 * which may throw CallFailure as well. Throws StatusError for a refusal, and for a failure that is not to be ignored.
 * Warnings go to the client.
 */
export async function callWebhook(
  caller: WebhookCaller,
  kind: CallKind,
  invocation: Invocation,
  objects: RequestObjects,
  act: (verdict: Verdict) => void | Promise<void>,
): Promise<void> {
  const { webhook, ignoresFailures } = invocation.hook
  const { metrics, log } = caller
  const { operation } = objects.request
  const startMs = caller.monotonic()
  const observe = (rejected: boolean, code: number) =>
    metrics.observe({ name: webhook.name, type: kind, operation, rejected, code }, caller.monotonic() - startMs)
  try {
    const verdict = await ask(caller, kind, invocation, objects)
    objects.request.warnings.push(...verdict.warnings)
    if (!verdict.allowed) throw refusal(webhook.name, verdict.result)
    await act(verdict)
    observe(false, 200)
  } catch (err) {
    if (!(err instanceof CallFailure)) {
      const code = err instanceof StatusError ? err.code : 0
      observe(true, code)
      metrics.rejected(
        webhook.name,
        kind,
        operation,
        err instanceof StatusError ? 'no_error' : 'apiserver_internal_error',
        code,
      )
      throw err
    }
    observe(!ignoresFailures, 0)
    if (ignoresFailures) {
      metrics.failedOpen(webhook.name, kind)
      log.warn(
        { webhook: webhook.name, reason: messageOf(err) },
        'a webhook failed, which is ignored as its policy says',
      )
      return
    }
    metrics.rejected(webhook.name, kind, operation, 'calling_webhook_error', 0)
    throw internalError(err.message, err)
  }
}

async function ask(
  { client, random }: WebhookCaller,
  kind: CallKind,
  { hook, form }: Invocation,
  objects: RequestObjects,
): Promise<Verdict> {
  const { webhook, timeoutMs } = hook
  const { name, sideEffects, clientConfig, admissionReviewVersions } = webhook
  const { request } = objects
  if (request.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
  }
  const version = reviewVersion(admissionReviewVersions)
  if (!version) {
    const why = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)'
    throw new CallFailure(name, `could not create admission objects: ${why}`)
  }
  const uid = uuid(random)
  const [object, oldObject] = [objects.currentJson(form), objects.oldJson(form)]
  const body = encodeReview(version, uid, describeRequest(request, form), object, oldObject)
  let answer: unknown
  try {
    answer = await client.post(clientConfig, body, timeoutMs)
  } catch (err) {
    throw new CallFailure(name, `failed to call webhook: ${messageOf(err)}`, err)
  }
  try {
    return verdictOf(version, uid, kind === 'admit', answer)
  } catch (err) {
    if (!(err instanceof BadReview)) throw err
    const what = err instanceof NoReview ? 'failed to call webhook' : 'received invalid webhook response'
    throw new CallFailure(name, `${what}: ${err.message}`, err)
  }
}

/** Upstream: `ToStatusErr`. */
function refusal(webhook: string, result: Partial<Status> = {}): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const { message, reason = '', code = 0, details } = result
  const said = message || reason
  return new StatusError(reason as StatusReason, said ? `${deniedBy}: ${said}` : `${deniedBy} without explanation`, {
    code: Math.max(code, 400),
    ...(details && { details }),
  })
}
