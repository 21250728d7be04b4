/**
 * Says what a command is doing while it works: one line a step, rewritten in place on a terminal, appended elsewhere.
 * Goes to standard error, so that what a command prints can be piped.
 */
import pc from 'picocolors'
import type { Clock } from '#base/clock.ts'

export interface Progress {
  /** Runs one step; its line shows whether it succeeded and how long it took. */
  step<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>
  note(text: string): void
}

export interface ProgressOptions {
  stream: NodeJS.WriteStream
  clock: Clock
  quiet: boolean
}

export function createProgress({ stream, clock, quiet }: ProgressOptions): Progress {
  const isTerminal = stream.isTTY === true
  const show = (line: string, isFinal: boolean) => {
    if (quiet) return
    if (isTerminal) stream.write(`\r\u001b[K${line}${isFinal ? '\n' : ''}`)
    else if (isFinal) stream.write(`${line}\n`)
  }
  return {
    async step(title, work) {
      const startMs = clock.monotonic()
      show(`${pc.dim('·')} ${title}`, false)
      try {
        const result = await work((text) => show(`${pc.dim('·')} ${title} ${pc.dim(text)}`, false))
        show(`${pc.green('✓')} ${title} ${pc.dim(seconds(clock.monotonic() - startMs))}`, true)
        return result
      } catch (err) {
        show(`${pc.red('✗')} ${title}`, true)
        throw err
      }
    },
    note(text) {
      if (!quiet) stream.write(`${text}\n`)
    },
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)}s`
