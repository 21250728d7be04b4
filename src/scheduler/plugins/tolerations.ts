/** Which taints a pod tolerates (upstream: `Toleration.ToleratesTaint`). */
import type { Taint, Toleration } from '#api/core/v1/shared.ts'

/** Whether any of the tolerations is about the taint. */
export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((t) => {
    if (t.effect && t.effect !== taint.effect) return false
    if (t.key && t.key !== taint.key) return false
    if (!t.operator || t.operator === 'Equal') return (t.value ?? '') === (taint.value ?? '')
    return t.operator === 'Exists'
  })
}

/** Whether a taint that keeps pods away is among `taints` and not tolerated. */
export function hasUntoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[]): boolean {
  return (taints ?? []).some(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerates(tolerations, taint),
  )
}
