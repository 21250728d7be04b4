/**
 * The options of lists and watches: which of them go together, and which revision they ask for. Upstream:
 * `SetListOptionsDefaults` and `ValidateListOptions` of `apimachinery/pkg/apis/meta/internalversion`.
 */
import type { RequestOptions } from '#client/transport.ts'
import { badRequest, type FieldError, invalid, StatusError } from '#machinery/status-error.ts'
import { forbiddenValue, unsupportedValue } from './registry/object-meta.ts'

/** Throws Invalid. */
export function checkListOptions(options: RequestOptions) {
  const { resourceVersion = '', resourceVersionMatch: match, sendInitialEvents } = options
  const errors: FieldError[] = []
  const forbid = (why: string) => errors.push(forbiddenValue('resourceVersionMatch', why))
  if (match) {
    if (resourceVersion === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided')
    if (options.continue) forbid(WITH_CONTINUE)
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(unsupportedValue('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && resourceVersion === '0')
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbiddenValue('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  refuse(errors)
}

const WITH_CONTINUE = 'resourceVersionMatch is forbidden when continue is provided'

/**
 * Whether a watch is to begin with what there is. A watch that says nothing of it, and does not begin at a revision, is
 * to; if it wants bookmarks, it is told by one where the initial events end. Throws Invalid.
 */
export function wantsInitialEvents(options: RequestOptions): boolean {
  const { resourceVersion = '', resourceVersionMatch: asked } = options
  const isPlain = options.sendInitialEvents === undefined && !asked
  const begins = isPlain && (resourceVersion === '' || resourceVersion === '0')
  const sendInitialEvents = begins || options.sendInitialEvents
  const match = begins ? 'NotOlderThan' : asked
  const errors: FieldError[] = []
  const forbid = (why: string) => errors.push(forbiddenValue('resourceVersionMatch', why))
  const isOther = match !== 'NotOlderThan'
  if (sendInitialEvents !== undefined && isOther)
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  if (match) {
    if (sendInitialEvents === undefined)
      forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
    if (isOther) errors.push(unsupportedValue('resourceVersionMatch', match, ['NotOlderThan']))
    if (options.continue) forbid(WITH_CONTINUE)
  }
  refuse(errors)
  return sendInitialEvents === true
}

function refuse(errors: readonly FieldError[]) {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}

/** The largest revision there can be, as upstream has it. */
const MAX_UINT64 = 2n ** 64n - 1n

/** The revision in a `resourceVersion`, or undefined for an empty one. Throws BadRequest. */
export function parseRevision(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const isNumber = /^\d{1,32}$/.test(text)
  if (isNumber && BigInt(text) <= MAX_UINT64) return Number(text)
  const shown = JSON.stringify(text)
  const why = isNumber ? 'value out of range' : 'invalid syntax'
  throw badRequest(`resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`)
}

/** A revision that this server has not reached: the client is asked to come back. */
export function tooLargeRevision(asked: number, current: number, cause?: unknown): StatusError {
  return new StatusError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    cause,
  })
}
