/**
 * Many similar requests, the first few alone: batches of 1, 2, 4, ... so that when all would fail for the same reason
 * (a quota, an admission plug-in) only few do. A batch with a failure is the last.
 */
export interface SlowStartResult {
  succeeded: number
  /** The first failure. */
  error?: unknown
}

export async function slowStart(count: number, request: () => Promise<void>): Promise<SlowStartResult> {
  let succeeded = 0
  for (let left = count, batch = Math.min(count, 1); batch > 0; batch = Math.min(batch * 2, left)) {
    const results = await Promise.allSettled(Array.from({ length: batch }, request))
    const failure = results.find((result) => result.status === 'rejected')
    succeeded += results.filter((result) => result.status === 'fulfilled').length
    if (failure) return { succeeded, error: failure.reason }
    left -= batch
  }
  return { succeeded }
}
