/**
 * Lists: from the watch cache, or from the store's history at an exact revision; in pages tied together by a continue
 * token that names the revision of the first page. Upstream: `apiserver/pkg/storage` list semantics and KEP-2340.
 */
import type { ApiRequest, RequestOptions } from '#client/transport.ts'
import { badRequest, type FieldError, gone, invalid, StatusError } from '#machinery/status-error.ts'
import { Compacted, FutureRevision } from '#storage/store.ts'
import { forbiddenValue, unsupportedValue } from './registry/object-meta.ts'
import { parseRevision, type Registry } from './registry/registry.ts'
import type { Listed, ObjectCache } from './registry/watch-cache.ts'
import { selectionOf } from './selection.ts'

export interface ListResult {
  readonly entries: readonly Listed[]
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
}

interface ContinueToken {
  /** Of upstream's tokens, so that nobody mistakes another's for ours. */
  readonly v: typeof TOKEN_VERSION
  /** Revision of the first page; LATEST to go on with what is there now. */
  readonly rv: number
  /** What follows the resource's prefix in the key of the last entry returned. */
  readonly start: string
}
const TOKEN_VERSION = 'meta.k8s.io/v1'
const LATEST = -1

export const EXPIRED_TOKEN_MESSAGE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.'
const EXPIRED_MESSAGE = 'The resourceVersion for the provided list is too old.'

/** Throws BadRequest, Expired (410), Timeout for revisions that have not happened. */
export async function listObjects(registry: Registry, request: ApiRequest): Promise<ListResult> {
  const options = request.options ?? {}
  const selection = selectionOf(registry, request)
  const limit = Math.max(options.limit ?? 0, 0)
  const { cache } = registry
  const token = options.continue ? parseToken(options.continue) : undefined
  checkRevisionOptions(options, token !== undefined)
  const asked = parseRevision(options.resourceVersion)
  // A revision that a limited list asks for is exact, as it was before there was a choice.
  const isExact = options.resourceVersionMatch === 'Exact' || (limit > 0 && asked && !options.resourceVersionMatch)
  const exact = token && token.rv !== LATEST ? token.rv : isExact ? asked : undefined
  const startAfter = token && cache.prefix + token.start

  const isWhole = selection.signature.endsWith('\0\0\0')
  const {
    entries,
    revision,
    position: first,
    isCutOff,
  } = await read(cache, selection.prefix, {
    exact,
    atLeast: asked,
    startAfter,
    limit: isWhole ? limit : 0,
    continuation: token && tokenOf(token.start, LATEST),
  })
  const metadata: ListResult['metadata'] = { resourceVersion: String(revision) }
  if (isWhole && limit === 0) return { entries: first === 0 ? entries : entries.slice(first), metadata }
  const page: Listed[] = []
  let position = first
  for (; position < entries.length && (limit === 0 || page.length < limit); position++) {
    const entry = entries[position]!
    if (isWhole || selection.matches(entry.object)) page.push(entry)
  }
  while (!isWhole && position < entries.length && !selection.matches(entries[position]!.object)) position++
  if (position < entries.length || isCutOff) {
    metadata.continue = tokenOf(page.at(-1)!.key.slice(cache.prefix.length), revision)
    if (isWhole && !isCutOff) metadata.remainingItemCount = entries.length - position
  }
  return { entries: page, metadata }
}

interface Reading {
  exact: number | undefined
  atLeast: number | undefined
  /** Only keys after it count. */
  startAfter: string | undefined
  /** How many entries are enough, or 0 where all are needed. */
  limit: number
  /** Lets a client whose token has expired go on with what is there now. */
  continuation: string | undefined
}

/** Entries from `position` on are asked for; `isCutOff` says that more follow the last one. */
async function read(
  cache: ObjectCache,
  prefix: string,
  { exact, atLeast, startAfter, limit, continuation }: Reading,
): Promise<{ entries: readonly Listed[]; revision: number; position: number; isCutOff: boolean }> {
  const current = cache.revision
  try {
    if (exact !== undefined && !cache.shows(exact)) {
      const { entries, more } = await cache.listAt(prefix, exact, { limit, ...(startAfter && { startAfter }) })
      return { entries, revision: exact, position: 0, isCutOff: more }
    }
    if (atLeast !== undefined && atLeast > current) throw new FutureRevision(atLeast, current)
  } catch (cause) {
    if (cause instanceof Compacted)
      throw continuation === undefined ? gone(EXPIRED_MESSAGE) : gone(EXPIRED_TOKEN_MESSAGE, continuation)
    if (cause instanceof FutureRevision) throw tooLarge(exact ?? atLeast!, current, cause)
    throw cause
  }
  const pending = cache.prepare(prefix)
  if (pending) {
    await pending
    // Meanwhile it has become history.
    if (exact !== undefined && !cache.shows(exact))
      return read(cache, prefix, { exact, atLeast, startAfter, limit, continuation })
  }
  const entries = cache.list(prefix)
  const position = startAfter === undefined ? 0 : firstAfter(entries, startAfter)
  return { entries, revision: exact ?? cache.revision, position, isCutOff: false }
}

/** A revision that this server has not reached: the client is asked to come back. */
export function tooLarge(asked: number, current: number, cause?: unknown): StatusError {
  return new StatusError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    cause,
  })
}

/** Throws BadRequest, Invalid. */
function checkRevisionOptions({ resourceVersion = '', resourceVersionMatch }: RequestOptions, continuing: boolean) {
  if (continuing && resourceVersion !== '' && resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue')
  if (!resourceVersionMatch) return
  const errors: FieldError[] = []
  const forbid = (why: string) => errors.push(forbiddenValue('resourceVersionMatch', why))
  if (continuing) forbid('resourceVersionMatch is forbidden when continue is provided')
  if (resourceVersion === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan')
    errors.push(unsupportedValue('resourceVersionMatch', resourceVersionMatch, ['Exact', 'NotOlderThan', '']))
  else if (resourceVersionMatch === 'Exact' && resourceVersion === '0')
    forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}

function firstAfter(entries: readonly Listed[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle]!.key <= key) low = middle + 1
    else high = middle
  }
  return low
}

function tokenOf(start: string, rv: number): string {
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv, start } satisfies ContinueToken)).toString('base64url')
}

/** Throws BadRequest. */
function parseToken(text: string): ContinueToken {
  let token: Partial<ContinueToken> | null
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<ContinueToken> | null
  } catch (cause) {
    throw badRequest('continue key is not valid: illegal base64 data or not JSON', cause)
  }
  if (token?.v !== TOKEN_VERSION)
    throw badRequest('continue key is not valid: server does not recognize this encoded version')
  if (!Number.isSafeInteger(token.rv) || (token.rv! <= 0 && token.rv !== LATEST))
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (typeof token.start !== 'string' || token.start === '')
    throw badRequest('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)')
  return token as ContinueToken
}
