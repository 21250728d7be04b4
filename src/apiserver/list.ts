/**
 * Lists: from the watch cache, or from the store's history at an exact revision; in pages tied together by a continue
 * token that names the revision of the first page. Upstream: `apiserver/pkg/storage` list semantics and KEP-2340.
 */
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, gone, isStatus, type StatusError } from '#machinery/status-error.ts'
import { Compacted, FutureRevision } from '#storage/store.ts'
import { type ContinueToken, decodeContinue, encodeContinue, LATEST } from './continue-token.ts'
import { checkListOptions, parseRevision, tooLargeRevision } from './list-options.ts'
import type { Registry } from './registry/registry.ts'
import {
  type Listed,
  type ObjectCache,
  type Page,
  pageOf,
  type PageOptions,
  type Selection,
} from './registry/object-cache.ts'
import { selectionOf } from './selection.ts'

export interface ListResult {
  readonly entries: readonly Listed[]
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
}

const EXPIRED_TOKEN_MESSAGE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.'
const EXPIRED_MESSAGE = 'The resourceVersion for the provided list is too old.'

/** Throws BadRequest, Invalid, Expired (410), Timeout for revisions that have not happened. */
export async function listObjects(registry: Registry, request: ApiRequest): Promise<ListResult> {
  const options = request.options ?? {}
  checkListOptions(options)
  const selection = selectionOf(registry, request)
  const { cache } = registry
  const listed = registry.prefix(request.namespace)
  const token = options.continue ? decodeContinue(options.continue) : undefined
  const asked = token ? checkedWithToken(options.resourceVersion) : listRevision(options.resourceVersion)
  // Whoever takes any revision gets it whole.
  const limit = asked === 0 ? 0 : Math.max(options.limit ?? 0, 0)
  // A revision that a limited list asks for is exact, as it was before there was a choice.
  const isExact =
    options.resourceVersionMatch === 'Exact' ||
    (limit > 0 && asked && !options.resourceVersionMatch && !selection.isSingle)
  const exact = token && token.revision !== LATEST ? token.revision : isExact ? asked : undefined

  const startAfter = token && listed + token.after
  const { entries, remaining, revision } = await read(cache, selection, {
    exact,
    atLeast: asked,
    startAfter,
    limit,
    token,
  })
  const metadata: ListResult['metadata'] = { resourceVersion: String(revision) }
  if (remaining > 0) {
    metadata.continue = encodeContinue({ after: entries.at(-1)!.key.slice(listed.length), revision })
    // With a selector it would be a guess.
    if (selection.isWhole) metadata.remainingItemCount = remaining
  }
  return { entries, metadata }
}

interface Reading extends PageOptions {
  exact: number | undefined
  atLeast: number | undefined
  /** What the client goes on with; where it has expired, with what is there now. */
  token: ContinueToken | undefined
}

async function read(
  cache: ObjectCache,
  selection: Selection,
  reading: Reading,
): Promise<Page & { readonly revision: number }> {
  const { exact, atLeast, startAfter, limit, token } = reading
  const { prefix, isWhole } = selection
  const current = cache.revision
  try {
    if (exact !== undefined && !cache.shows(exact)) {
      const page = await cache.listAt(prefix, exact, { startAfter, limit: isWhole ? limit : 0 })
      if (isWhole) return { ...page, revision: exact }
      const selected = page.entries.filter((entry) => selection.matches(entry.object))
      return { ...pageOf(selected, { limit }), revision: exact }
    }
    if (atLeast !== undefined && atLeast > current) throw new FutureRevision(atLeast, current)
  } catch (cause) {
    if (cause instanceof Compacted) throw expired(token)
    if (cause instanceof FutureRevision) throw tooLargeRevision(exact ?? atLeast!, current, cause)
    throw cause
  }
  const pending = cache.prepare(prefix)
  if (pending) {
    await pending
    // Meanwhile it has become history.
    if (exact !== undefined && !cache.shows(exact)) return read(cache, selection, reading)
  }
  return { ...cache.page(selection, { startAfter, limit }), revision: exact ?? cache.revision }
}

function expired(token: ContinueToken | undefined): StatusError {
  if (!token) return gone(EXPIRED_MESSAGE)
  return gone(EXPIRED_TOKEN_MESSAGE, encodeContinue({ ...token, revision: LATEST }))
}

/** Throws BadRequest. */
function listRevision(text: string | undefined): number | undefined {
  try {
    return parseRevision(text)
  } catch (err) {
    throw isStatus(err, 'BadRequest') ? badRequest(`invalid resource version: ${err.message}`, err) : err
  }
}

/** Pages are of the revision that the token names, so none but the one that means any may be asked for. */
function checkedWithToken(text = ''): number | undefined {
  if (text !== '' && text !== '0') throw badRequest('specifying resource version is not allowed when using continue')
  return text === '' ? undefined : 0
}
