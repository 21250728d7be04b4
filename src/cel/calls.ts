/**
 * Calls of functions: evaluate the arguments, pick the implementation, count the cost. An error among the arguments is
 * the result; what it costs then is upstream's, too: functions of up to two arguments look at both and are charged for,
 * the others, and those that are prepared for a constant, stop at the first error and are free unless it was the last one.
 */
import { callCost } from './call-costs.ts'
import type { CallCost } from './call-costs.ts'
import type { ResolvedCall } from './checker.ts'
import { EvaluationError } from './errors.ts'
import { charge } from './frame.ts'
import type { Evaluate, Frame } from './frame.ts'
import type { FunctionDeclaration, Implementation, Overload } from './library.ts'
import { guardOf, runtimeType } from './runtime-types.ts'
import type { Guard } from './runtime-types.ts'
import type { Result, Value } from './values.ts'

/** `prepared` is what was made of the function for a constant argument. */
export function planCall(
  resolved: ResolvedCall,
  args: readonly { readonly evaluate: Evaluate }[],
  prepared?: Implementation,
): Evaluate {
  const { declaration, overloads } = resolved
  const overloadId = overloads.length === 1 ? overloads[0]!.id : ''
  const cost = callCost(declaration.name, overloadId)
  const call = prepared ?? implementationOf(declaration, overloads)
  const evaluations = args.map(({ evaluate }) => evaluate)
  const bySearch = overloads.length > 1 && !declaration.dispatch
  if (args.length === 1) return planUnary(evaluations[0]!, call, cost)
  if (args.length === 2 && !prepared && !bySearch) return planBinary(evaluations[0]!, evaluations[1]!, call, cost)
  return planSequence(evaluations, call, cost)
}

function planUnary(operand: Evaluate, call: Implementation, cost: CallCost | undefined): Evaluate {
  return (frame) => {
    const value = operand(frame)
    const result = value instanceof EvaluationError ? value : call(value)
    charge(frame, cost === undefined ? 1 : cost([value], result))
    return result
  }
}

function planBinary(left: Evaluate, right: Evaluate, call: Implementation, cost: CallCost | undefined): Evaluate {
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    const result = a instanceof EvaluationError ? a : b instanceof EvaluationError ? b : call(a, b)
    charge(frame, cost === undefined ? 1 : cost([a, b], result))
    return result
  }
}

function planSequence(operands: readonly Evaluate[], call: Implementation, cost: CallCost | undefined): Evaluate {
  const last = operands.length - 1
  return (frame: Frame) => {
    const values: Result[] = []
    for (const [i, operand] of operands.entries()) {
      const value = operand(frame)
      values.push(value)
      if (!(value instanceof EvaluationError)) continue
      if (i === last) charge(frame, cost === undefined ? 1 : cost(values, value))
      return value
    }
    const result = call(...values)
    charge(frame, cost === undefined ? 1 : cost(values, result))
    return result
  }
}

/**
 * What runs: the one overload that fits, or the first that fits the values. What the checker says of types is guarded:
 * where it had to guess a type parameter, values can be of any type.
 */
function implementationOf(declaration: FunctionDeclaration, overloads: readonly Overload[]): Implementation {
  if (declaration.dispatch) return declaration.dispatch
  const [only] = overloads
  if (overloads.length === 1 && only!.call) return guarded(declaration.name, only!.call, only!.args.map(guardOf))
  const candidates = declaration.overloads.flatMap(({ call, args }) =>
    call ? [{ call, guards: args.map(guardOf) }] : [],
  )
  return (...args) => {
    const fits = candidates.find(({ guards }) => fitsAll(guards, args))
    return fits ? fits.call(...args) : noSuchOverload(declaration.name, args)
  }
}

function guarded(name: string, call: Implementation, guards: readonly Guard[]): Implementation {
  const [first, second] = guards
  if (guards.length === 1 && first) return (arg) => (first(arg) ? call(arg) : noSuchOverload(name, [arg]))
  if (guards.length === 2 && first && second)
    return (a, b) => (first(a) && second(b) ? call(a, b) : noSuchOverload(name, [a, b]))
  return (...args) => (fitsAll(guards, args) ? call(...args) : noSuchOverload(name, args))
}

function fitsAll(guards: readonly Guard[], args: readonly Value[]): boolean {
  return guards.length === args.length && guards.every((fits, i) => fits(args[i]!))
}

function noSuchOverload(name: string, args: readonly Value[]): EvaluationError {
  const types = args.map((arg) => runtimeType(arg).name)
  return new EvaluationError('noSuchOverload', `no such overload: ${name}(${types.join(', ')})`)
}
