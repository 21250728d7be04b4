/**
 * Loops, which is what macros are (cel-go: `evalFold`). The accumulator is worked out when it is first read, and where a
 * macro accumulates a list or a map it grows in place.
 */
import { EvaluationError } from './errors.ts'
import type { Evaluate, Frame } from './frame.ts'
import { GrowingList } from './lists.ts'
import { GrowingMap } from './maps.ts'
import { goTypeOf } from './runtime-types.ts'
import { Dictionary, List } from './values.ts'
import type { Result } from './values.ts'

export interface Fold {
  readonly range: Evaluate
  readonly initial: Evaluate
  readonly condition: Evaluate
  readonly step: Evaluate
  readonly result: Evaluate
  /** Slots of the variables; no second one in loops with one variable. */
  readonly accumulator: number
  readonly variable: number
  readonly variable2: number | undefined
  /** The accumulator is the macro's own and may grow in place. */
  readonly growing: boolean
}

export function planFold(fold: Fold): Evaluate {
  const { range, accumulator, result, variable2 } = fold
  return (frame) => {
    const over = range(frame)
    if (over instanceof EvaluationError) return over
    frame.slots[accumulator] = undefined
    if (over instanceof List) runOverList(frame, fold, over)
    else if (over instanceof Dictionary) runOverMap(frame, fold, over)
    else if (variable2 === undefined)
      return new EvaluationError('function', `got '${goTypeOf(over)}', expected iterable type`)
    else return new EvaluationError('function', `unsupported comprehension range type: ${goTypeOf(over)}`)
    const value = result(frame)
    frame.slots[accumulator] = undefined
    return value instanceof GrowingList ? value.finished() : value
  }
}

/** How the accumulator is read: the first time it has to be made. */
export function readAccumulator({ accumulator, initial, growing }: Pick<Fold, 'accumulator' | 'initial' | 'growing'>) {
  return (frame: Frame): Result => {
    const value = frame.slots[accumulator]
    if (value !== undefined) return value
    let made = initial(frame)
    if (growing && made instanceof List && made.size === 0) made = new GrowingList()
    else if (growing && made instanceof Dictionary && made.size === 0) made = new GrowingMap()
    frame.slots[accumulator] = made
    return made
  }
}

function runOverList(frame: Frame, fold: Fold, list: List): void {
  const { variable, variable2 } = fold
  const { slots } = frame
  for (let i = 0; i < list.size; i++) {
    if (variable2 === undefined) slots[variable] = list.at(i)
    else {
      slots[variable] = i
      slots[variable2] = list.at(i)
    }
    if (!runOnce(frame, fold)) return
  }
}

function runOverMap(frame: Frame, fold: Fold, map: Dictionary): void {
  const { variable, variable2 } = fold
  for (const key of map.keys()) {
    frame.slots[variable] = key
    if (variable2 !== undefined) frame.slots[variable2] = map.find(key)!
    if (!runOnce(frame, fold)) return
  }
}

function runOnce(frame: Frame, { condition, step, accumulator }: Fold): boolean {
  if (condition(frame) === false) return false
  frame.slots[accumulator] = step(frame)
  return true
}
