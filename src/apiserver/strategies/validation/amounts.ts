/** Counts that may also be percentages, and the numbers of statuses. */
import { type Check, fields, nonNegative, type Path, type Problems, STATUS } from './check.ts'
import { percent } from './formats.ts'
import type { Comparison } from './rules.ts'

export type IntOrString = number | string

/** The number, of objects or of percent. */
export const amountOf = (value: IntOrString = 0): number =>
  typeof value === 'number' ? value : Number.parseInt(value) || 0

export const intOrPercent: Check = (value: IntOrString, at, to) => {
  if (typeof value === 'number') nonNegative(value, at, to)
  else to.each(at, value, percent(value))
}

export const atMost100Percent: Check = (value: IntOrString, at, to) => {
  if (typeof value === 'string' && percent(value).length === 0 && amountOf(value) > 100) {
    to.invalid(at, value, 'must not be greater than 100%')
  }
}

type Status = Record<string, number | undefined>

export interface CountRules {
  counts: readonly string[]
  /** `[smaller, larger, what the larger one is called]` */
  orders?: readonly (readonly [string, string, string])[]
}

/** Counts are not negative, some are parts of others, and collisions only become more. */
export function statusCounts({ counts, orders = [] }: CountRules): Comparison {
  const table = fields(Object.fromEntries(counts.map((name) => [name, nonNegative])))
  return (object, old, to) => {
    const [status, was] = [(object.status ?? {}) as Status, (old.status ?? {}) as Status]
    table(status, STATUS, to)
    for (const [smaller, larger, name] of orders) {
      const value = status[smaller] ?? 0
      if (value > (status[larger] ?? 0)) to.invalid(STATUS.at(smaller), value, `cannot be greater than ${name}`)
    }
    if (counts.includes('collisionCount')) checkCollisions(status.collisionCount, was.collisionCount, STATUS, to)
  }
}

function checkCollisions(now: number | undefined, was: number | undefined, at: Path, to: Problems) {
  if (was === undefined || (now ?? 0) >= was) return
  to.invalid(at.at('collisionCount'), now ?? 0, 'cannot be decremented')
}
