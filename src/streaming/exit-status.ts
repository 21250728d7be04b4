/**
 * How a remote command ended, and the metav1.Status that says so on the error channel (version 4 and later; before that,
 * only the text of a failure travelled).
 */
export type ExitStatus =
  /** The process ran and left this code; 0 is success. */
  | { exitCode: number }
  /** It could not be run, or not to its end; the text is shown to the user. */
  | { error: string }

export interface WireStatus {
  metadata?: object
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: { causes?: { reason?: string; message?: string }[] }
  code?: number
}

const NON_ZERO_EXIT_CODE = 'NonZeroExitCode'
const EXIT_CODE_CAUSE = 'ExitCode'
const INTERNAL_ERROR_PREFIX = 'Internal error occurred: '

export function statusOf(exit: ExitStatus): WireStatus {
  if ('error' in exit) {
    return {
      metadata: {},
      status: 'Failure',
      message: INTERNAL_ERROR_PREFIX + exit.error,
      reason: 'InternalError',
      details: { causes: [{ message: exit.error }] },
      code: 500,
    }
  }
  if (exit.exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exit.exitCode}`,
    reason: NON_ZERO_EXIT_CODE,
    details: { causes: [{ reason: EXIT_CODE_CAUSE, message: String(exit.exitCode) }] },
  }
}

/** What travels on the error channel of a protocol version; empty means that nothing is sent. */
export function encodeStatus(exit: ExitStatus, version: number): Buffer {
  const status = statusOf(exit)
  if (version >= 4) return Buffer.from(JSON.stringify(status))
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''))
}

/** Reads an error channel to its meaning. Whatever it holds, something comes back: it is the peer's text. */
export function decodeStatus(text: string, version: number): ExitStatus {
  if (text === '') return { exitCode: 0 }
  if (version < 4) return { error: `error executing remote command: ${text}` }
  let status: WireStatus
  try {
    status = JSON.parse(text) as WireStatus
  } catch {
    return { error: `error stream protocol error: not JSON: ${JSON.stringify(text.slice(0, 1024))}` }
  }
  if (status?.status === 'Success') return { exitCode: 0 }
  if (status?.status !== 'Failure') return { error: 'error stream protocol error: unknown error' }
  if (status.reason !== NON_ZERO_EXIT_CODE) {
    // The prefix is put back wherever the error is reported; a status that crosses several hops must not collect them.
    const message = String(status.message ?? 'unknown error')
    return { error: message.startsWith(INTERNAL_ERROR_PREFIX) ? message.slice(INTERNAL_ERROR_PREFIX.length) : message }
  }
  const causes = Array.isArray(status.details?.causes) ? status.details.causes : []
  const cause = causes.find((c) => c?.reason === EXIT_CODE_CAUSE)
  if (!cause) return { error: `error stream protocol error: no ${EXIT_CODE_CAUSE} cause given` }
  const message = String(cause.message)
  if (!/^\d{1,3}$/.test(message) || Number(message) > 255) {
    return { error: `error stream protocol error: invalid exit code value ${JSON.stringify(message.slice(0, 64))}` }
  }
  return { exitCode: Number(message) }
}
