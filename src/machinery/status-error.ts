/**
 * Errors of the API: each becomes a `metav1.Status` with the reason, code, details and wording that upstream's
 * `apimachinery/pkg/api/errors` gives, and is read back from one by the client. Match with `isStatus(err, 'Conflict')`.
 */

export interface StatusCause {
  /** Why, as a CauseType such as `FieldValueInvalid`. */
  reason?: string
  message?: string
  /** Path of the field, e.g. `spec.containers[0].name`. */
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { resourceVersion?: string; continue?: string }
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

/** Reasons of metav1.StatusReason with the HTTP code that each travels with. */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const
export type StatusReason = keyof typeof statusCodes

export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly reason: StatusReason | ''
  readonly code: number
  readonly details: StatusDetails | undefined
  readonly continueToken: string | undefined

  constructor(
    reason: StatusReason | '',
    message: string,
    options: { details?: StatusDetails; code?: number; continueToken?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.code = options.code ?? (reason === '' ? 500 : statusCodes[reason])
    this.details = options.details
    this.continueToken = options.continueToken
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: 'Failure',
      message: this.message,
      ...(this.reason && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    }
  }

  /** The error that a `Status` answer stands for. */
  static from(status: Status): StatusError {
    return new StatusError((status.reason ?? '') as StatusReason | '', status.message ?? 'unknown', {
      code: status.code ?? 500,
      ...(status.details && { details: status.details }),
      ...(status.metadata?.continue && { continueToken: status.metadata.continue }),
    })
  }
}

/** Whether `err` is a StatusError with one of `reasons`. */
export function isStatus(err: unknown, ...reasons: StatusReason[]): err is StatusError {
  return err instanceof StatusError && (reasons as string[]).includes(err.reason)
}

/** What a resource is called in messages: `pods`, `deployments.apps`. */
export interface GroupResource {
  group: string
  plural: string
}
export const qualified = (r: GroupResource) => (r.group === '' ? r.plural : `${r.plural}.${r.group}`)

const about = (r: GroupResource, name: string): StatusDetails => ({
  ...(name && { name }),
  ...(r.group && { group: r.group }),
  kind: r.plural,
})

export const notFound = (r: GroupResource, name: string) =>
  new StatusError('NotFound', `${qualified(r)} "${name}" not found`, { details: about(r, name) })

export const alreadyExists = (r: GroupResource, name: string) =>
  new StatusError('AlreadyExists', `${qualified(r)} "${name}" already exists`, { details: about(r, name) })

export const conflict = (r: GroupResource, name: string, why: string) =>
  new StatusError('Conflict', `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${why}`, {
    details: about(r, name),
  })

export const OPTIMISTIC_LOCK_MESSAGE =
  'the object has been modified; please apply your changes to the latest version and try again'

export const badRequest = (message: string, cause?: unknown) => new StatusError('BadRequest', message, { cause })

export const forbidden = (r: GroupResource, name: string, why: string) =>
  new StatusError('Forbidden', `${qualified(r)}${name ? ` "${name}"` : ''} is forbidden: ${why}`, {
    details: about(r, name),
  })

/** `continueToken` lets a client that pages through a list go on, though no longer through one state of it. */
export const gone = (message: string, continueToken?: string) =>
  new StatusError('Expired', message, continueToken === undefined ? {} : { continueToken })

export const methodNotAllowed = () =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource')

export const notImplemented = (message: string) => new StatusError('NotImplemented', message)

export const internalError = (message: string, cause?: unknown) =>
  new StatusError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] }, cause })

export type FieldErrorType =
  | 'Required'
  | 'Invalid'
  | 'NotSupported'
  | 'Duplicate'
  | 'Forbidden'
  | 'TooLong'
  | 'TooMany'
  | 'TypeInvalid'
  | 'NotFound'
  | 'InternalError'

/** One thing wrong with one field; `message` without the path. Upstream: `field.Error`. */
export interface FieldError {
  type: FieldErrorType
  field: string
  message: string
}

/** So many are told at most: a body of a few megabytes can have a million mistakes, and the answer would be a hundred times as long. */
export const MAX_FIELD_ERRORS = 1000
/** No more are told once they are this long together, in characters: each may show a value of megabytes. */
export const MAX_FIELD_ERRORS_LENGTH = 1 << 20
/** Whether so many errors, of so many characters together, are as much as is told. */
export const isAllThatIsTold = (count: number, length: number): boolean =>
  count >= MAX_FIELD_ERRORS || length >= MAX_FIELD_ERRORS_LENGTH

/** As many of the first as are told. */
function told(found: readonly FieldError[]): readonly FieldError[] {
  let [count, length] = [0, 0]
  while (count < found.length && !isAllThatIsTold(count, length)) length += found[count++]!.message.length
  return count === found.length ? found : found.slice(0, count)
}

/** 422 Invalid with a cause per field, worded as `errors.NewInvalid`. `kind` is the object's kind, `group` its API group. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  found: readonly FieldError[],
): StatusError {
  const errors = told(found)
  const texts = errors.map((e) => `${e.field}: ${e.message}`)
  const joined = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  return new StatusError('Invalid', `${qualifiedKind} "${name}" is invalid: ${joined}`, {
    details: {
      ...(name && { name }),
      ...(kind.group && { group: kind.group }),
      ...(kind.kind && { kind: kind.kind }),
      causes: errors.map((e) => ({
        reason: e.type === 'InternalError' ? e.type : `FieldValue${e.type}`,
        message: e.message,
        field: e.field,
      })),
    },
  })
}
