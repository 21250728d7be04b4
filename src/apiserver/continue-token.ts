/**
 * Where a list goes on, and at which revision: the token that ties its pages together. Clients pass it on as it is.
 * Upstream: `apiserver/pkg/storage/continue.go`, whose tokens look the same.
 */
import { badRequest } from '#machinery/status-error.ts'

export interface ContinueToken {
  /** Revision of the first page; LATEST to go on with what is there now. */
  readonly revision: number
  /** Key of the last entry of the page before, without the prefix that is listed. */
  readonly after: string
}

/** Of a token that goes on with what is there now, for those whose revision has expired. */
export const LATEST = -1
const VERSION = 'meta.k8s.io/v1'
/** Follows a key in a token: the next page begins with whatever comes next. */
const NEXT = '\0'

export function encodeContinue({ revision, after }: ContinueToken): string {
  const token = { v: VERSION, rv: revision, start: `/${after}${NEXT}` }
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** Throws BadRequest. */
export function decodeContinue(text: string): ContinueToken {
  const token = parsed(text)
  if (token.v !== VERSION)
    throw invalidToken(
      `continue key is not valid: server does not recognize this encoded version ${String(token.v ?? '')}`,
    )
  const { rv, start } = token
  if (!Number.isSafeInteger(rv) || rv === 0 || (rv as number) < LATEST)
    throw invalidToken('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (typeof start !== 'string' || start === '')
    throw invalidToken('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)')
  const after = start.replace(/^\//, '').replace(/\0$/, '')
  // Nobody is to reach out of what is listed.
  if (after.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw invalidToken(`continue key is not valid: ${start}`)
  return { revision: rv as number, after }
}

const invalidToken = (why: string, cause?: unknown) => badRequest(`invalid continue token: ${why}`, cause)

function parsed(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  const strange = text.search(/[^\w-]/)
  const at = strange >= 0 ? strange : text.length % 4 === 1 ? text.length - 1 : -1
  if (at >= 0) throw invalidToken(`continue key is not valid: illegal base64 data at input byte ${at}`)
  let token: unknown
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw invalidToken(`continue key is not valid: ${(cause as Error).message}`, cause)
  }
  return typeof token === 'object' && token !== null ? token : {}
}
