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
import { accepts, runtimeType } from './runtime-types.ts'
import type { Type } from './types.ts'
import type { Result, Value } from './values.ts'

/** `prepared` is what was made of the function for a constant argument. */
export function planCall(
  resolved: ResolvedCall,
  types: readonly Type[],
  args: readonly { readonly evaluate: Evaluate }[],
  prepared?: Implementation,
): Evaluate {
  const { declaration, overloads } = resolved
  const overloadId = overloads.length === 1 ? overloads[0]!.id : ''
  const cost = callCost(declaration.name, overloadId)
  const call = prepared ?? implementationOf(declaration, overloads, types)
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

/** What runs: the one overload that fits, guarded where the types are not certain, or the first that fits the values. */
function implementationOf(
  declaration: FunctionDeclaration,
  overloads: readonly Overload[],
  types: readonly Type[],
): Implementation {
  if (declaration.dispatch) return declaration.dispatch
  const [only] = overloads
  if (overloads.length === 1 && only!.call)
    return types.some(isUncertain) ? guarded(declaration.name, only!) : only!.call
  return (...args) => {
    const fits = declaration.overloads.find((candidate) => candidate.call && fitsAll(candidate, args))
    return fits ? fits.call!(...args) : noSuchOverload(declaration.name, args)
  }
}

/** What a value of this type really is shows only when it is there. */
function isUncertain(type: Type): boolean {
  return type.kind === 'dyn' || type.parameters.some(isUncertain)
}

function guarded(name: string, overload: Overload): Implementation {
  const call = overload.call!
  return (...args) => (fitsAll(overload, args) ? call(...args) : noSuchOverload(name, args))
}

function fitsAll(overload: Overload, args: readonly Value[]): boolean {
  return overload.args.length === args.length && overload.args.every((type, i) => accepts(type, args[i]!))
}

function noSuchOverload(name: string, args: readonly Value[]): EvaluationError {
  const types = args.map((arg) => runtimeType(arg).name)
  return new EvaluationError('noSuchOverload', `no such overload: ${name}(${types.join(', ')})`)
}
