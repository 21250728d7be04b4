/** A failure with the gRPC code that clients of CRI act on: NotFound, AlreadyExists, DeadlineExceeded, Unimplemented. */
import { status } from '@grpc/grpc-js'

export type StatusName =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'
  | 'UNKNOWN'

export class StatusError extends Error {
  override readonly name = 'StatusError'
  /** A gRPC status code. */
  readonly code: number
  constructor(code: StatusName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = status[code]
  }
}
