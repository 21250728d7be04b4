/** Finds where the last lines of a file begin, reading it backwards in blocks. */
import type { FileHandle } from 'node:fs/promises'

const BLOCK_BYTES = 64 << 10
const NEWLINE = 10

export interface TailOffset {
  /** Where the tail begins; 0 when the file has fewer lines. */
  offset: number
  /** Lines from there to the end; less than asked for when the file is shorter. */
  lines: number
}

/** `lines` may be 0: the offset is then the end. */
export async function tailOffset(file: FileHandle, lines: number): Promise<TailOffset> {
  const { size } = await file.stat()
  if (lines <= 0) return { offset: size, lines: 0 }
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  let found = 0
  let end = size
  while (end > 0) {
    const start = Math.max(0, end - BLOCK_BYTES)
    const { bytesRead } = await file.read(block, 0, end - start, start)
    for (
      let i = block.lastIndexOf(NEWLINE, bytesRead - 1);
      i >= 0;
      i = i > 0 ? block.lastIndexOf(NEWLINE, i - 1) : -1
    ) {
      // The newline that ends the last line does not begin another one.
      if (start + i === size - 1) continue
      found++
      if (found === lines) return { offset: start + i + 1, lines }
    }
    end = start
  }
  return { offset: 0, lines: size > 0 ? found + 1 : 0 }
}
