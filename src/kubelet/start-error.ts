/** Why a container could not be started: `reason` becomes that of its waiting state, `message` the message. */
export type StartReason =
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'ImageInspectError'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'PostStartHookError'
  | 'CrashLoopBackOff'
  | 'RegistryUnavailable'
  | 'SignatureValidationFailed'

export class StartError extends Error {
  override readonly name = 'StartError'
  readonly reason: StartReason
  /** When trying again makes sense, milliseconds since the epoch; undefined for the usual pause. */
  readonly retryAtMs: number | undefined
  constructor(reason: StartReason, message: string, options: { retryAtMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.retryAtMs = options.retryAtMs
  }
}
