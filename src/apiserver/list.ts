/**
 * Lists: from the watch cache, or from the store's history at an exact revision; in pages tied together by a continue
 * token that names the revision of the first page. Upstream: `apiserver/pkg/storage` list semantics and KEP-2340.
 */
import type { ApiRequest } from '#client/transport.ts'
import { badRequest, gone, StatusError } from '#machinery/status-error.ts'
import { Compacted, FutureRevision } from '#storage/store.ts'
import { parseRevision, type Registry } from './registry/registry.ts'
import type { CachedObject } from './registry/watch-cache.ts'
import { selectionOf } from './selection.ts'

/** An object of a list, decoded and encoded. */
export type Listed = Pick<CachedObject, 'key' | 'revision' | 'object' | 'wire'>

export interface ListResult {
  readonly entries: readonly Listed[]
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
}

interface ContinueToken {
  /** Revision of the first page. */
  readonly rv: number
  /** Key of the last entry returned. */
  readonly start: string
}

export const EXPIRED_TOKEN_MESSAGE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'

/** Throws BadRequest, Expired (410), Timeout-like errors for revisions that have not happened. */
export async function listObjects(registry: Registry, request: ApiRequest): Promise<ListResult> {
  const options = request.options ?? {}
  const selection = selectionOf(registry, request)
  const limit = options.limit ?? 0
  const token = options.continue ? parseToken(options.continue) : undefined
  if (token && options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const asked = parseRevision(options.resourceVersion)
  checkMatch(options.resourceVersionMatch, options.resourceVersion, token !== undefined)
  const exact =
    token?.rv ??
    (options.resourceVersionMatch === 'Exact' || (limit > 0 && asked && !options.resourceVersionMatch)
      ? asked
      : undefined)

  const { entries, revision } = await read(registry, selection.prefix, exact, asked, token !== undefined)
  const isWhole = selection.signature.endsWith('\0\0\0')
  const start = token ? firstAfter(entries, token.start) : 0
  if (isWhole && limit === 0) {
    return { entries: start === 0 ? entries : entries.slice(start), metadata: { resourceVersion: String(revision) } }
  }
  const page: CachedObject[] = []
  let position = start
  for (; position < entries.length && (limit === 0 || page.length < limit); position++) {
    const entry = entries[position]!
    if (isWhole || selection.matches(entry.object)) page.push(entry)
  }
  const metadata: ListResult['metadata'] = { resourceVersion: String(revision) }
  const hasMore =
    position < entries.length && (isWhole || entries.slice(position).some((entry) => selection.matches(entry.object)))
  if (hasMore) {
    metadata.continue = Buffer.from(
      JSON.stringify({ rv: revision, start: page.at(-1)!.key } satisfies ContinueToken),
    ).toString('base64url')
    if (isWhole) metadata.remainingItemCount = entries.length - position
  }
  return { entries: page, metadata }
}

async function read(
  registry: Registry,
  prefix: string,
  exact: number | undefined,
  atLeast: number | undefined,
  continuing: boolean,
) {
  const { cache } = registry
  const current = cache.revision
  try {
    if (exact !== undefined && exact !== current) return await cache.listAt(prefix, exact)
    if (atLeast !== undefined && atLeast > current) throw new FutureRevision(atLeast, current)
  } catch (cause) {
    if (cause instanceof Compacted) {
      throw continuing ? gone(EXPIRED_TOKEN_MESSAGE) : gone(`The resourceVersion for the provided list is too old.`)
    }
    if (cause instanceof FutureRevision) throw tooLarge(exact ?? atLeast!, current, cause)
    throw cause
  }
  return { entries: cache.list(prefix), revision: current }
}

/** A revision that this server has not reached: the client is asked to come back. */
export function tooLarge(asked: number, current: number, cause?: unknown): StatusError {
  return new StatusError('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    cause,
  })
}

function checkMatch(match: string | undefined, resourceVersion: string | undefined, continuing: boolean) {
  if (match === undefined) return
  if (continuing)
    throw badRequest('resourceVersionMatch is forbidden: resourceVersionMatch is forbidden when continue is provided')
  if (resourceVersion === undefined || resourceVersion === '')
    throw badRequest(
      'resourceVersionMatch is forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw badRequest(
      `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    )
  if (match === 'Exact' && resourceVersion === '0')
    throw badRequest(
      'resourceVersionMatch is forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    )
}

function firstAfter(entries: readonly CachedObject[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle]!.key <= key) low = middle + 1
    else high = middle
  }
  return low
}

function parseToken(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as ContinueToken
    if (Number.isSafeInteger(token.rv) && typeof token.start === 'string') return token
  } catch {
    // Reported below, whatever was wrong with it.
  }
  throw badRequest('continue key is not valid: illegal base64 data or not one of this server')
}
