/**
 * Exec and attach as the process's side sees them, whatever carries them: SPDY or WebSocket, any version. A container
 * runtime (or a translator) reads `stdin`, writes `stdout` and `stderr`, and calls `finish` once.
 *
 * Upstream: cri-streaming/pkg/streaming/remotecommand.
 */
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '#base/clock.ts'
import type { ExitStatus } from './exit-status.ts'

/** Columns and rows of a terminal. */
export interface TerminalSize {
  width: number
  height: number
}

/** Which streams a request asks for. With a terminal there is no stderr: the terminal has one output. */
export interface RemoteCommandStreams {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export interface RemoteCommandSession {
  /** The client's input; ends when the client half-closes. Leaving it unread holds up only this session. */
  readonly stdin?: Readable
  /** Writes wait while the client does not read. Fails once the client is gone. */
  readonly stdout?: Writable
  readonly stderr?: Writable
  readonly tty: boolean
  /** Sizes of the client's terminal, the newest; for one reader. Ends with the session. */
  readonly resizes: AsyncIterable<TerminalSize>
  /** Aborts when the client is gone before `finish`. */
  readonly signal: AbortSignal
  /**
   * Ends both outputs, waits until they are flushed, reports the status, and closes. Input the client still sends is
   * dropped. Never rejects: when the client is gone there is nobody to tell. Calls after the first do nothing.
   */
  finish(status: ExitStatus): Promise<void>
}

export interface AcceptOptions {
  clock: Clock
  /** Default 4 hours. */
  idleTimeoutMs?: number
  /** How long a SPDY client may take to create its streams. Default 30 s. */
  streamCreationTimeoutMs?: number
}
