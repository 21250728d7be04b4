/**
 * Runs a program of the host with an argument vector; never through a shell, so no input can become a command.
 */
import { spawn } from 'node:child_process'

export interface ExecOptions {
  /** Written to standard input, which is then closed. */
  input?: string | Uint8Array
  env?: Record<string, string>
  cwd?: string
  /** Kills the program with SIGKILL after this long. Default 30 s: every wait has a bound. */
  timeoutMs?: number
  /** More output than this (bytes, per stream) kills the program. Default 16 MiB. */
  maxBytes?: number
  signal?: AbortSignal
}

export interface ExecResult {
  code: number
  stdout: string
  stderr: string
}

/** The program ended with a non-zero code, by a signal, or could not be started. */
export class ExecError extends Error {
  override readonly name = 'ExecError'
  readonly command: readonly string[]
  readonly code: number
  readonly stderr: string
  constructor(command: readonly string[], code: number, stderr: string, options?: ErrorOptions) {
    super(`${command.join(' ')}: exit ${code}${stderr ? `: ${stderr.trim().slice(0, 2000)}` : ''}`, options)
    this.command = command
    this.code = code
    this.stderr = stderr
  }
}

/** Like `exec`, but a non-zero exit code is returned rather than thrown. Throws ExecError when the program cannot run at all. */
export function execAny(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { input, timeoutMs = 30_000, maxBytes = 16 << 20 } = options
  return new Promise((resolve, reject) => {
    const [file, ...args] = command
    const child = spawn(file!, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.env && { env: options.env }),
      ...(options.cwd && { cwd: options.cwd }),
      ...(options.signal && { signal: options.signal }),
    })
    const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    let failure: string | undefined
    const kill = (why: string) => {
      failure ??= why
      child.kill('SIGKILL')
    }
    const timer = setTimeout(() => kill(`timed out after ${timeoutMs} ms`), timeoutMs)
    for (const name of ['stdout', 'stderr'] as const) {
      let bytes = 0
      child[name].on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxBytes) kill(`printed more than ${maxBytes} bytes`)
        else streams[name].push(chunk)
      })
    }
    // A program that exits without reading its input must not bring this process down.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.on('error', (cause) => {
      clearTimeout(timer)
      reject(new ExecError(command, -1, cause.message, { cause }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const stdout = Buffer.concat(streams.stdout).toString()
      const stderr = Buffer.concat(streams.stderr).toString()
      if (failure || code === null) reject(new ExecError(command, -1, failure ?? `killed by ${signal}`))
      else resolve({ code, stdout, stderr })
    })
  })
}

/** Runs a program to its end and returns what it printed. Throws ExecError on a non-zero exit code. */
export async function exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const result = await execAny(command, options)
  if (result.code !== 0) throw new ExecError(command, result.code, result.stderr || result.stdout)
  return result
}
