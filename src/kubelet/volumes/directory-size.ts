/** How much of its file system a directory takes. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '#base/errors.ts'

const BLOCK_BYTES = 512

/** Stops counting beyond `enoughBytes`. What vanishes meanwhile counts as nothing; links are not followed. */
export async function directoryBytes(dir: string, enoughBytes = Infinity): Promise<number> {
  let total = 0
  const pending = [dir]
  while (pending.length > 0 && total <= enoughBytes) {
    const current = pending.pop()!
    try {
      for await (const entry of await opendir(current)) {
        const path = join(current, entry.name)
        if (entry.isDirectory()) pending.push(path)
        else total += (await lstat(path)).blocks * BLOCK_BYTES
        if (total > enoughBytes) break
      }
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw thrown
    }
  }
  return total
}
