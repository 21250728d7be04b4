/** Applies a patch of any of the content types to an object's JSON form. Nothing that is passed in is written to. */
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import type { Message } from '#api/schema.ts'
import { messageOf } from '#base/errors.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { strategicMerge } from './strategic-merge.ts'

export type PatchFormat = 'json' | 'merge' | 'strategic'

/** The most operations that a JSON patch may have; upstream's limit. */
const MAX_OPERATIONS = 10_000

/** Throws StatusError: BadRequest for a malformed patch, Invalid for one that does not fit the object. */
export function applyPatch(format: PatchFormat, original: object, patch: unknown, type: Message): unknown {
  if (format === 'json') return applyJsonPatch(original, patch)
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}')
  return format === 'merge'
    ? mergePatch(original, patch)
    : strategicMerge(original as Record<string, unknown>, patch as Record<string, unknown>, type)
}

/** RFC 7396. */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const base =
    typeof original === 'object' && original !== null && !Array.isArray(original)
      ? (original as Record<string, unknown>)
      : {}
  const out: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key]
    else out[key] = mergePatch(base[key], value)
  }
  return out
}

/** RFC 6902. */
function applyJsonPatch(original: object, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    )
  }
  try {
    return fastJsonPatch.applyPatch(original, patch as Operation[], true, false, true).newDocument
  } catch (cause) {
    const text = messageOf(cause).split('\n')[0]!
    throw new StatusError('Invalid', `the server rejected our request due to an error in our request: ${text}`, {
      cause,
    })
  }
}
