/** Whether taints keep a pod away from a node. */
import type { Taint, Toleration } from '#api/core/v1/shared.ts'
import { tolerates } from '#api/core/v1/tolerations.ts'

/** Whether a taint that keeps pods away is among `taints` and not tolerated. */
export function hasUntoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[]): boolean {
  return (taints ?? []).some(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerates(tolerations, taint),
  )
}
