/** The state of one evaluation, and how its cost is counted. */
import type { Bindings } from './bindings.ts'
import type { Result } from './values.ts'

export interface Frame {
  cost: number
  readonly limit: number
  readonly bindings: Bindings
  /** Variables of loops, by the number that planning gave them. */
  readonly slots: (Result | undefined)[]
}

/** A planned expression. Returns errors; throws only `CostExceeded`. */
export type Evaluate = (frame: Frame) => Result

/** Ends an evaluation from wherever it is. Not an Error: nobody wants its stack. */
export class CostExceeded {
  readonly message = 'operation cancelled: actual cost limit exceeded'
}

const COST_EXCEEDED = new CostExceeded()

export function charge(frame: Frame, cost: number): void {
  if ((frame.cost += cost) > frame.limit) throw COST_EXCEEDED
}
