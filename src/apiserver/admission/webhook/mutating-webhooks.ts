/**
 * Mutating webhooks: asked one after the other in the order of their configurations' names, each seeing what those
 * before it have changed. Where something changes the object after a webhook has seen it, the webhook is asked once more
 * if it wishes so. Upstream: `plugin/webhook/mutating`.
 */
import type { Message } from '#api/schema.ts'
import { jsonEqual } from '#base/equal.ts'
import { copyJson } from '#base/json.ts'
import { internalError } from '#machinery/status-error.ts'
import { type Api } from '../../api.ts'
import { decodeObject } from '../../decode-object.ts'
import { parseBounded, wordsOfGo } from '../../outbound/bounded-json.ts'
import { applyJsonPatch, JsonPatchError } from '../../patch/json-patch.ts'
import type { Draft } from '../../registry/strategy.ts'
import { type AdmissionPlugin, type AdmissionRequest, AdmissionRounds } from '../admission.ts'
import { RequestObjects } from '../matching/forms.ts'
import type { Verdict } from './admission-review.ts'
import { CallFailure, callWebhook, type WebhookCaller } from './webhook-call.ts'
import type { Invocation, WebhookSource } from './webhook-source.ts'

const NAME = 'MutatingAdmissionWebhook'

/** What is remembered from the first round of a request for the second. */
interface Notes {
  /** Webhooks that have been asked, wish to be asked again, and have seen the newest change. */
  asked: Set<string>
  /** Those of them that a change has come after. */
  again: Set<string>
  /** The object as the last of them left it. */
  left: unknown
}

export function mutatingWebhooks(api: () => Api, source: WebhookSource, caller: WebhookCaller): AdmissionPlugin {
  const run = (request: AdmissionRequest, object: Draft | undefined): void | Promise<void> => {
    const candidates = source.candidates(request)
    if (candidates.length > 0) return dispatch(api(), source, caller, candidates, request, object)
  }
  return { name: NAME, admit: run, admitDeletion: (request) => run(request, undefined) }
}

async function dispatch(
  api: Api,
  source: WebhookSource,
  caller: WebhookCaller,
  candidates: readonly Invocation[],
  request: AdmissionRequest,
  object: Draft | undefined,
): Promise<void> {
  const rounds = (request.rounds ??= new AdmissionRounds())
  let notes = rounds.notes.get(NAME) as Notes | undefined
  if (!notes) rounds.notes.set(NAME, (notes = { asked: new Set(), again: new Set(), left: undefined }))
  // Plug-ins of the server itself have run again before this one.
  if (rounds.isSecond && !jsonEqual(notes.left, object)) askAgain(notes)
  const objects = new RequestObjects(api, request, object)
  try {
    for (const invocation of candidates) {
      const { uid, webhook } = invocation.hook
      await objects.prepare(invocation.form)
      if (!source.shouldAsk(invocation, objects)) continue
      // Nobody is asked for the first time in the second round.
      if (rounds.isSecond && !notes.again.has(uid)) continue
      let isChanged = false
      await callWebhook(caller, 'admit', invocation, objects, async (verdict) => {
        isChanged = await applyVerdict(verdict, invocation, objects)
      })
      if (isChanged) {
        askAgain(notes)
        rounds.wantsSecond = true
      }
      if (webhook.reinvocationPolicy === 'IfNeeded') notes.asked.add(uid)
    }
  } finally {
    notes.left = object && (notes.asked.size > 0 || notes.again.size > 0) ? copyJson(object) : undefined
  }
}

function askAgain(notes: Notes) {
  for (const uid of notes.asked) notes.again.add(uid)
  notes.asked.clear()
}

/** Whether the object is another one now. Throws CallFailure, InternalError. */
async function applyVerdict(
  { patch, patchType }: Verdict,
  { hook, form }: Invocation,
  objects: RequestObjects,
): Promise<boolean> {
  const { name } = hook.webhook
  if (patch === '') return false
  const operations = decodePatch(patch, name)
  if (operations.length === 0) return false
  const before = objects.current(form)
  if (!before) {
    const why = 'attempted to modify the object, which is not supported for this operation'
    throw internalError(`admission webhook ${JSON.stringify(name)} ${why}`)
  }
  if (patchType !== 'JSONPatch') throw new CallFailure(name, `unsupported patch type ${JSON.stringify(patchType)}`)
  let patched: unknown
  try {
    patched = applyJsonPatch(before, operations)
  } catch (err) {
    throw err instanceof JsonPatchError ? internalError(err.message, err) : err
  }
  const unchanged = copyJson(objects.native!)
  await objects.replace(form, patched, complete)
  return !jsonEqual(unchanged, objects.native)
}

function decodePatch(patch: string, webhook: string): unknown[] {
  try {
    const operations = parseBounded(Buffer.from(patch, 'base64').toString(), wordsOfGo)
    if (Array.isArray(operations)) return operations
    const found = typeof operations === 'boolean' ? 'bool' : typeof operations
    throw new TypeError(`json: cannot unmarshal ${found} into Go value of type jsonpatch.Patch`)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CallFailure(webhook, `received undecodable patch in webhook response: ${why}`, cause)
  }
}

/** Members that the type does not know are dropped, and defaults filled in. */
function complete(type: Message, object: unknown): Draft {
  const nobody = { user: { name: '', groups: [] }, warnings: [] }
  const draft = decodeObject(nobody, { options: { fieldValidation: 'Ignore' } }, type, object, (why, cause) =>
    internalError(why, cause),
  )
  if (!('metadata' in type.fields)) delete (draft as Partial<Draft>).metadata
  return draft
}
