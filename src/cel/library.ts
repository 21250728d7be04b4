/**
 * Libraries: the functions, macros and type names that an environment offers (cel-go: `cel.Library`).
 *
 * A function has overloads. The checker picks those whose signature fits; where it can't tell because of `dyn`, the
 * values decide when the expression runs. Overload ids are cel-go's, because costs are laid down by them.
 */
import type { Expression } from './ast.ts'
import type { Complaint } from './source.ts'
import type { Macro } from './macros.ts'
import type { Type } from './types.ts'
import type { Result, Value } from './values.ts'

/** Called with values only, never with errors; in the number that the signature says. */
// oxlint-disable-next-line typescript/no-explicit-any -- an implementation takes the values that its signature promises
export type Implementation = (...args: any[]) => Result

export interface Overload {
  readonly id: string
  /** `target.name(...)`, the target being the first of `args`. */
  readonly member: boolean
  readonly args: readonly Type[]
  readonly result: Type
  /** Missing where the function has one implementation for all overloads, or the evaluator knows it itself. */
  readonly call?: Implementation
}

export interface FunctionDeclaration {
  readonly name: string
  readonly overloads: readonly Overload[]
  /** Takes whatever values there are and answers with an error for those that it does not know. */
  readonly dispatch?: Implementation
  /** What can be prepared where one of the arguments is a constant. */
  readonly prepare?: Preparation
}

/** Does once what depends on a constant argument only, such as compiling a regular expression. */
export interface Preparation {
  /** Which argument, the target counted. */
  readonly argument: number
  /** The implementation for this value, or why there can't be one, which makes the expression invalid. */
  prepare(value: Value): Implementation | { readonly message: string } | undefined
}

/** What is known of a checked expression to those who look at all of it. */
export interface CheckedExpression {
  readonly root: Expression
  typeOf(expression: Expression): Type
}

/** Something to complain about besides types: a literal that cannot be right. */
export type Validator = (checked: CheckedExpression) => Complaint[]

export interface Library {
  readonly name: string
  readonly functions?: readonly FunctionDeclaration[]
  readonly macros?: readonly Macro[]
  /** Types that expressions may name. */
  readonly typeNames?: readonly Type[]
  readonly validators?: readonly Validator[]
}

/** `name(args)`. */
export function overload(id: string, args: readonly Type[], result: Type, call?: Implementation): Overload {
  return { id, member: false, args, result, call }
}

/** `args[0].name(the rest)`. */
export function memberOverload(id: string, args: readonly Type[], result: Type, call?: Implementation): Overload {
  return { id, member: true, args, result, call }
}

export function declareFunction(name: string, ...overloads: Overload[]): FunctionDeclaration {
  return { name, overloads }
}
