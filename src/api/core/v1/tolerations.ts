/**
 * Which taints a toleration is about (upstream: `Toleration.ToleratesTaint`). Comparisons by `Gt` and `Lt` match nothing, as
 * in v1.36 unless somebody switches them on; validation takes no new ones.
 */
import type { Taint, Toleration } from './shared.ts'

/** An absent key stands for every key, an absent effect for every effect. */
export function toleratesTaint({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (!operator || operator === 'Equal') return (value ?? '') === (taint.value ?? '')
  return operator === 'Exists'
}

/** Whether any of the tolerations is about the taint. */
export const tolerates = (tolerations: readonly Toleration[] | undefined, taint: Taint): boolean =>
  tolerations?.some((toleration) => toleratesTaint(toleration, taint)) ?? false
