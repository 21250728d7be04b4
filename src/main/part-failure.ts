/** Why a part that keeps ending ends: the plain line that it leaves in its log. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'

const MAX_TAIL_BYTES = 64 << 10

export interface PartFailure {
  message: string
  hint: string | undefined
}

/** How much there is in a log now; what is written later can be told from what was there before. */
export const logSize = (file: string) => (existsSync(file) ? statSync(file).size : 0)

/** The last `rostrum: ...` line that was written after `offset`, with its hint. */
export function failureIn(file: string, offset: number): PartFailure | undefined {
  const size = logSize(file)
  const start = Math.max(offset, size - MAX_TAIL_BYTES)
  if (size <= start) return undefined
  const bytes = Buffer.alloc(size - start)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, bytes, 0, bytes.length, start)
  } finally {
    closeSync(fd)
  }
  const found = [...bytes.toString().matchAll(/^rostrum: (.*)\n(?: {2}hint: (.*)\n)?/gm)].at(-1)
  return found && { message: found[1]!, hint: found[2] }
}
