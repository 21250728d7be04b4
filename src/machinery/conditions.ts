/**
 * Conditions of a status: at most one of each type, whose transition time moves only when its status changes.
 * Lists are treated as values: every function returns a new one, or the same one where nothing changes.
 */
export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export function conditionOf<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type)
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === 'True'
}

/**
 * The list with `condition` in the place of the one of its type, or at the end. `nowTime` (RFC 3339) becomes its
 * transition time, unless the status is what it was. Upstream: `meta.SetStatusCondition`.
 */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  condition: Omit<C, 'lastTransitionTime'> & { lastTransitionTime?: string },
  nowTime: string,
): C[] {
  const list = conditions ?? []
  const index = list.findIndex((c) => c.type === (condition as Condition).type)
  const previous = list[index]
  const lastTransitionTime =
    previous && previous.status === (condition as Condition).status && previous.lastTransitionTime
      ? previous.lastTransitionTime
      : (condition.lastTransitionTime ?? nowTime)
  const next = { ...condition, lastTransitionTime } as C
  return index < 0 ? [...list, next] : list.with(index, next)
}

export function withoutCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type)
}
