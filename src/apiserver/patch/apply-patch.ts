/** Applies a patch of any of the content types to an object's JSON form. Nothing that is passed in is written to. */
import { own } from '#base/own.ts'
import type { Message } from '#api/schema.ts'
import { isObject, setMember } from '#base/json.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { applyJsonPatch, JsonPatchError } from './json-patch.ts'
import { rejected } from './patch-error.ts'
import { strategicMerge } from './strategic-merge.ts'

export type PatchFormat = 'json' | 'merge' | 'strategic'

/** The most operations that a JSON patch may have; upstream's limit. */
const MAX_OPERATIONS = 10_000

/** Throws StatusError: BadRequest for a malformed patch, Invalid (or without a reason) for one that does not fit the object. */
export function applyPatch(format: PatchFormat, original: object, patch: unknown, type: Message): unknown {
  if (format === 'json') return applyJsonOperations(original, patch)
  const isMerge = format === 'merge'
  if (patch === null) {
    if (isMerge) throw badRequest('Invalid JSON Patch')
    return original
  }
  if (typeof patch !== 'object' || Array.isArray(patch)) {
    const found = Array.isArray(patch) ? 'array' : typeof patch
    const why = `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`
    throw badRequest(isMerge ? `error decoding patch: ${why}` : why)
  }
  return isMerge
    ? mergePatch(original, patch)
    : strategicMerge(original as Record<string, unknown>, patch as Record<string, unknown>, type)
}

/**
 * RFC 7396, as upstream's library does it: a list that meets no object loses the nulls of the objects in it.
 */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return isObject(original) ? patch : withoutNulls(patch)
  if (typeof patch !== 'object' || patch === null) return patch
  const base = isObject(original) ? (original as Record<string, unknown>) : {}
  const out: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key]
    else setMember(out, key, mergePatch(own(base, key), value))
  }
  return out
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutNulls)
  const out: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) if (member !== null) setMember(out, key, withoutNulls(member))
  return out
}

function applyJsonOperations(original: object, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    )
  }
  try {
    return applyJsonPatch(original, patch)
  } catch (cause) {
    throw cause instanceof JsonPatchError ? rejected(cause) : cause
  }
}
