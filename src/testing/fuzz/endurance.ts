/**
 * What a long run of strange requests watches besides answers: whether any held the server up, and whether its memory grows.
 * Time is the processor's, or that in which the server had nothing to do, so that a busy machine does not count.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** No request may take longer, in milliseconds. */
export const MAX_HELD_UP_MS = 1000
/**
 * Beyond these, memory has grown (bytes). Watch caches keep the last thousand or two of changes of each resource, and a run
 * takes long until all of them are full; resident memory has gaps besides.
 */
const HEAP_LEEWAY = 256 << 20
const RESIDENT_LEEWAY = 400 << 20

export interface MemoryUse {
  /** JavaScript's objects and buffers after a collection. */
  readonly heapBytes: number
  readonly residentBytes: number
}

export class Endurance {
  readonly #collect: () => void
  readonly samples: MemoryUse[] = []

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
  }

  /** What `work` has cost, in milliseconds: of the processor, and of waiting. */
  async costOf(work: () => Promise<unknown>): Promise<{ processorMs: number; idleMs: number }> {
    const beganMs = processorMs()
    const loop = performance.eventLoopUtilization()
    await work()
    return { processorMs: processorMs() - beganMs, idleMs: performance.eventLoopUtilization(loop).idle }
  }

  /** The longest that one turn of the event loop has held the processor while `work` went on, in milliseconds. */
  async longestTurn(work: () => Promise<unknown>): Promise<number> {
    let [longest, before, isOver] = [0, processorMs(), false]
    const look = () => {
      const now = processorMs()
      longest = Math.max(longest, now - before)
      before = now
      if (!isOver) setImmediate(look)
    }
    setImmediate(look)
    await work()
    isOver = true
    look()
    return longest
  }

  sample(): MemoryUse {
    for (let i = 0; i < 3; i++) this.#collect()
    const { heapUsed, external, rss } = process.memoryUsage()
    const use = { heapBytes: heapUsed + external, residentBytes: rss }
    this.samples.push(use)
    return use
  }

  /** Undefined where memory has not grown since the first sample. */
  growth(): string | undefined {
    const [first, last] = [this.samples[0]!, this.samples.at(-1)!]
    const hasGrown =
      last.heapBytes > first.heapBytes + HEAP_LEEWAY || last.residentBytes > first.residentBytes + RESIDENT_LEEWAY
    return hasGrown ? `memory grew from ${shown(first)} to ${shown(last)}` : undefined
  }
}

/** What this thread has used of the processor, without those that collect garbage beside it; elsewhere than on Linux, all. */
function processorMs(): number {
  if (process.platform === 'linux')
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export const shown = ({ heapBytes, residentBytes }: MemoryUse): string =>
  `${Math.round(heapBytes / 1e6)} MB of objects, ${Math.round(residentBytes / 1e6)} MB resident`
