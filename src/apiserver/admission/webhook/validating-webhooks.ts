/**
 * Validating webhooks: asked all at the same time about the object as it will be stored; the first refusal counts.
 * Upstream: `plugin/webhook/validating`.
 */
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { RequestObjects } from '../matching/forms.ts'
import { callWebhook, type WebhookCaller } from './webhook-call.ts'
import type { Invocation, WebhookSource } from './webhook-source.ts'

export function validatingWebhooks(api: () => Api, source: WebhookSource, caller: WebhookCaller): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request, object) {
      const candidates = source.candidates(request)
      if (candidates.length > 0) return dispatch(api(), source, caller, candidates, request, object)
    },
  }
}

function dispatch(
  api: Api,
  source: WebhookSource,
  caller: WebhookCaller,
  candidates: readonly Invocation[],
  request: AdmissionRequest,
  object: Stored | undefined,
): void | Promise<void> {
  const objects = new RequestObjects(api, request, object)
  const ask = () => {
    const asked = candidates.filter((invocation) => source.shouldAsk(invocation, objects))
    if (asked.length > 0) return askAll(caller, asked, objects)
  }
  const pending = candidates.map(({ form }) => objects.prepare(form)).filter((one) => one instanceof Promise)
  return pending.length > 0 ? Promise.all(pending).then(ask) : ask()
}

/** Waits for all of them, whatever the first says: what they do beside answering is not to be left undone. */
async function askAll(caller: WebhookCaller, asked: readonly Invocation[], objects: RequestObjects): Promise<void> {
  const failures: unknown[] = []
  const note = (err: unknown) => void failures.push(err)
  await Promise.all(
    asked.map((invocation) => callWebhook(caller, 'validating', invocation, objects, () => {}).catch(note)),
  )
  if (failures.length > 0) throw failures[0]
}
