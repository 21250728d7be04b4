/**
 * Forgets history by age (upstream: the API server's etcd compactor). Samples map time to revisions; once a sample is
 * `keepMs` old, everything before its revision may go. Invariant: what was current less than `keepMs` ago stays readable.
 */
import type { Clock, Timer } from '#base/clock.ts'
import { every } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { silentLog, type Log } from '#base/log.ts'
import type { Revision, Store } from './store.ts'

export const DEFAULT_KEEP_MS = 5 * 60_000
/** History is kept between `keepMs` and `keepMs` and a fifth. */
const SAMPLES = 5

interface Sample {
  readonly atMs: number
  readonly revision: Revision
}

/** Compacts `store` until the returned timer is cancelled. A compaction that fails is tried again with the next sample. */
export function startCompaction(store: Store, clock: Clock, keepMs = DEFAULT_KEEP_MS, log: Log = silentLog): Timer {
  let samples: Sample[] = [{ atMs: clock.monotonic(), revision: store.revision }]
  let running = false
  const run = async (plan: CompactionPlan) => {
    running = true
    try {
      if (plan.revision > store.compacted) await store.compact(plan.revision)
      samples = samples.filter((sample) => sample.revision >= plan.revision)
    } catch (err) {
      log.warn({ err, revision: plan.revision }, `cannot compact the store: ${messageOf(err)}`)
    }
    running = false
  }
  return every(clock, keepMs / SAMPLES, () => {
    samples.push({ atMs: clock.monotonic(), revision: store.revision })
    // Should compaction fail for long, the oldest samples are those that matter least.
    if (samples.length > SAMPLES * 4) samples.splice(0, samples.length - SAMPLES * 4)
    const plan = planCompaction(samples, clock.monotonic(), keepMs)
    if (plan && !running) void run(plan)
  })
}

interface CompactionPlan {
  readonly revision: Revision
}

/** The newest revision that stopped being current at least `keepMs` ago, as far as the samples tell. */
export function planCompaction(samples: readonly Sample[], nowMs: number, keepMs: number): CompactionPlan | undefined {
  const old = samples.findLast((sample) => sample.atMs <= nowMs - keepMs)
  return old && { revision: old.revision }
}
