/**
 * What is wrong with a patch, in upstream's words. A few forms of a strategic merge patch are bad requests; upstream has
 * no reason for the others, which therefore travel as errors of the server without one.
 * Upstream: `apimachinery/pkg/util/mergepatch`.
 */
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { goString, goText, goType } from './go-text.ts'

type Json = Record<string, unknown>

const REJECTED = 'the server rejected our request due to an error in our request'

/** A patch that does not fit the object. Upstream does not say why; its users know these words. */
export const rejected = (cause?: unknown) => new StatusError('Invalid', REJECTED, { details: {}, cause })

/** An error that says no more than its text. */
export const unexplained = (message: string) => new StatusError('', message)

export const badFormat = (what: 'primitive list' | 'retainKeys' | 'setElementOrder list') =>
  badRequest(`invalid patch format of ${what}`)

export const noMergeKey = (element: Json, mergeKey: string) =>
  unexplained(`map: ${goText(element)} does not contain declared merge key: ${mergeKey}`)

export const wrongType = (expected: 'list' | 'object', found: unknown) =>
  unexplained(`expected a ${goType(expected === 'list' ? [] : {})}, but received a ${goType(found)}`)

export const unknownDirective = (directive: unknown, patch: Json) =>
  unexplained(`unknown patch type: ${goString(directive)} in map: ${goText(patch)}`)
