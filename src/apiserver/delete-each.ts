/** The deletion of many objects, a few at a time. Upstream: `DeleteCollectionWorkers`. */
import type { KubeObject } from '#api/kind.ts'
import { isStatus } from '#machinery/status-error.ts'

const WORKERS = 8

/** Calls `remove` for each; one that is gone already is as good as deleted. Rejects with the first other failure. */
export async function deleteEach(
  entries: Iterable<{ object: KubeObject }>,
  remove: (metadata: KubeObject['metadata']) => Promise<unknown>,
): Promise<void> {
  const queue = [...entries]
  const worker = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      try {
        await remove(entry.object.metadata)
      } catch (err) {
        if (!isStatus(err, 'NotFound')) throw err
      }
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
}
