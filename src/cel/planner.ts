/**
 * A checked expression as closures that evaluate it (cel-go: `interpreter/planner.go` with its optimizations).
 *
 * Lists and maps of constants are constants, conversions of constants are done now, `x in [constants]` becomes a look-up.
 * All that is visible in what an evaluation costs, so it happens exactly where upstream does it.
 */
import type {
  Call,
  Comprehension,
  Expression,
  Identifier,
  ListLiteral,
  MapLiteral,
  Select,
  StructLiteral,
} from './ast.ts'
import { ACCUMULATOR } from './ast.ts'
import { attributeOf, conditionalAttribute, invalidQualifier, isQualifier } from './attributes.ts'
import type { Attribute } from './attributes.ts'
import { LIST_COST, MAP_COST, STRUCT_COST, equalityCost } from './call-costs.ts'
import { planCall } from './calls.ts'
import type { Checked, ResolvedCall } from './checker.ts'
import { constantMembership, isPrimitive } from './constant-membership.ts'
import type { Bindings } from './bindings.ts'
import type { StructTypes } from './struct-types.ts'
import { equal } from './equality.ts'
import { EvaluationError } from './errors.ts'
import { planFold, readAccumulator } from './folds.ts'
import { formatValue } from './format-value.ts'
import { charge } from './frame.ts'
import type { Evaluate, Frame } from './frame.ts'
import type { Implementation } from './library.ts'
import { EMPTY_LIST, ValueList } from './lists.ts'
import { EMPTY_MAP, ValueMap } from './maps.ts'
import type { Type } from './types.ts'
import { List, Opaque, Optional, TypeValue } from './values.ts'
import type { Result, Value } from './values.ts'

/** A part of the expression, planned. */
interface Plan {
  readonly evaluate: Evaluate
  /** Known without evaluating. */
  readonly constant?: { readonly value: Value }
  /** Looked up; fields and indices may be added to it. */
  readonly attribute?: Attribute
}

/** The expression checks, but cannot be run: an operation on constants fails. The message is all there is to say. */
export class PlanError extends Error {
  override readonly name = 'PlanError'
}

/** Where the variables of loops are kept. */
interface Scope {
  readonly names: ReadonlyMap<string, Evaluate>
  readonly parent: Scope | undefined
}

export interface PlannedProgram {
  readonly evaluate: Evaluate
  /** How many slots a frame needs. */
  readonly slots: number
  /** Names of the variables that the expression reads. */
  readonly variables: ReadonlySet<string>
}

const CONVERSIONS: ReadonlySet<string> = new Set(
  'bool bytes double duration dyn int string timestamp type uint'.split(' '),
)
const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')

type ReadVariable = (bindings: Bindings, name: string) => Result

/** Throws PlanError. */
export function plan(
  checked: Checked,
  structTypes: StructTypes | undefined,
  readVariable: ReadVariable,
): PlannedProgram {
  const planner = new Planner(checked, structTypes, readVariable)
  const { evaluate } = planner.plan(checked.root, undefined)
  return { evaluate, slots: planner.slots, variables: planner.variables }
}

class Planner {
  slots = 0
  readonly variables = new Set<string>()
  readonly #checked: Checked
  readonly #structTypes: StructTypes | undefined
  readonly #readVariable: ReadVariable

  constructor(checked: Checked, structTypes: StructTypes | undefined, readVariable: ReadVariable) {
    this.#checked = checked
    this.#structTypes = structTypes
    this.#readVariable = readVariable
  }

  plan(expression: Expression, scope: Scope | undefined): Plan {
    switch (expression.kind) {
      case 'literal':
        return constant(expression.value)
      case 'identifier':
        return this.#reference(expression, scope)!
      case 'select':
        return this.#select(expression, scope)
      case 'call':
        return this.#call(expression, scope)
      case 'list':
        return this.#list(expression, scope)
      case 'map':
        return this.#map(expression, scope)
      case 'struct':
        return this.#struct(expression, scope)
      case 'comprehension':
        return this.#comprehension(expression, scope)
    }
  }

  /** Types that are made up as they are named can be constructed, and be nothing by themselves. */
  #type(name: string, type: Type): Plan {
    if (this.#structTypes?.has(name)) throw new PlanError(`reference to undefined type: ${name}`)
    return constant(new TypeValue(type))
  }

  /** A name that means a variable or a type. */
  #reference(expression: Identifier | Select, scope: Scope | undefined): Plan | undefined {
    const reference = this.#checked.referenceOf(expression)
    if (!reference) return undefined
    const { name } = reference
    if (reference.isType) return this.#type(name, this.#checked.typeOf(expression).parameters[0]!)
    for (let at = scope; at; at = at.parent) {
      const read = at.names.get(name)
      if (read) return attributePlan(attributeOf(read))
    }
    this.variables.add(name)
    const read = this.#readVariable
    return attributePlan(attributeOf((frame) => read(frame.bindings, name)))
  }

  #select(expression: Select, scope: Scope | undefined): Plan {
    const reference = this.#reference(expression, scope)
    if (reference) return reference
    const operand = this.plan(expression.operand, scope)
    const { field, testOnly } = expression
    const attribute = attributeFrom(operand).qualified({ constant: field, optional: false, testOnly })
    return attributePlan(attribute, testOnly)
  }

  #call(call: Call, scope: Scope | undefined): Plan {
    const resolved = this.#checked.callOf(call)!
    const operands = resolved.target ? [resolved.target, ...call.args] : call.args
    const args = operands.map((arg) => this.plan(arg, scope))
    switch (resolved.declaration.name) {
      case '_&&_':
        return { evaluate: planLogic(args, false) }
      case '_||_':
        return { evaluate: planLogic(args, true) }
      case '_?_:_': {
        const [condition, yes, no] = args as [Plan, Plan, Plan]
        const branches = [branchOf(yes), branchOf(no)] as const
        const attribute = conditionalAttribute(condition.evaluate, ...branches)
        return { attribute, evaluate: attribute.resolve }
      }
      case '_==_':
        return { evaluate: planEquality(args[0]!.evaluate, args[1]!.evaluate, false) }
      case '_!=_':
        return { evaluate: planEquality(args[0]!.evaluate, args[1]!.evaluate, true) }
      case '_[_]':
      case '_[?_]':
      case '_?._':
        return planIndex(args[0]!, args[1]!, resolved.declaration.name !== '_[_]')
      case '@not_strictly_false':
        return { evaluate: planNotStrictlyFalse(args[0]!.evaluate) }
      case 'or':
      case 'orValue':
        if (isOptionalOr(resolved)) return { evaluate: planOr(args, resolved.declaration.name === 'orValue') }
        break
      default:
    }
    return this.#ordinaryCall(resolved, args)
  }

  #ordinaryCall(resolved: ResolvedCall, args: readonly Plan[]): Plan {
    const { name } = resolved.declaration
    const last = args.at(-1)?.constant?.value
    if (name === '@in' && last instanceof List && resolved.overloads.length === 1) {
      if (last.size === 0) return constant(false)
      if (isPrimitive(last)) return { evaluate: constantMembership(args[0]!.evaluate, last) }
    }
    const prepared = preparedCall(resolved, args)
    const evaluate = planCall(resolved, args, prepared)
    const only = args[0]?.constant
    if (CONVERSIONS.has(name) && args.length === 1 && only) {
      const value = evaluate(NO_FRAME)
      if (value instanceof EvaluationError) throw new PlanError(value.message)
      return constant(value)
    }
    return { evaluate }
  }

  #list({ elements, optionals }: ListLiteral, scope: Scope | undefined): Plan {
    const plans = elements.map((element) => this.plan(element, scope))
    const constants = plans.map((plan) => plan.constant)
    if (constants.every((known) => known !== undefined) && optionals.size === 0)
      return constant(constants.length === 0 ? EMPTY_LIST : new ValueList(constants.map(({ value }) => value)))
    const evaluations = plans.map(({ evaluate }) => evaluate)
    return { evaluate: (frame) => chargeAfter(frame, LIST_COST, makeList(frame, evaluations, optionals)) }
  }

  #map({ entries }: MapLiteral, scope: Scope | undefined): Plan {
    const plans = entries.map(({ key, value, optional }) => ({
      key: this.plan(key, scope),
      value: this.plan(value, scope),
      optional,
    }))
    const make = (frame: Frame): Result => {
      const map = new ValueMap()
      for (const { key, value, optional } of plans) {
        const name = key.evaluate(frame)
        if (name instanceof EvaluationError) return name
        const entry = entryOf(value.evaluate(frame), optional, name)
        if (entry instanceof EvaluationError) return entry
        if (entry === undefined) map.delete(name)
        else map.set(name, entry)
      }
      return map
    }
    if (plans.every(({ key, value, optional }) => key.constant && value.constant && !optional))
      return constant(plans.length === 0 ? EMPTY_MAP : (make(NO_FRAME) as Value))
    return { evaluate: (frame) => chargeAfter(frame, MAP_COST, make(frame)) }
  }

  #struct(expression: StructLiteral, scope: Scope | undefined): Plan {
    const typeName = expression.typeName.replace(/^\./, '')
    const fields = expression.fields.map(({ name, value, optional }) => ({
      name,
      optional,
      evaluate: this.plan(value, scope).evaluate,
    }))
    const make = (frame: Frame): Result => {
      const values = new Map<string, Value>()
      for (const { name, evaluate, optional } of fields) {
        const value = entryOf(evaluate(frame), optional, name)
        if (value instanceof EvaluationError) return value
        if (value === undefined) values.delete(name)
        else values.set(name, value)
      }
      return this.#structTypes!.create(typeName, values)
    }
    return { evaluate: (frame) => chargeAfter(frame, STRUCT_COST, make(frame)) }
  }

  #comprehension(loop: Comprehension, scope: Scope | undefined): Plan {
    const [accumulator, variable] = [this.slots++, this.slots++]
    const variable2 = loop.variable2 === undefined ? undefined : this.slots++
    const initial = this.plan(loop.initial, scope).evaluate
    const growing = loop.accumulator === ACCUMULATOR
    const read = readAccumulator({ accumulator, initial, growing })
    const outer: Scope = { names: new Map([[loop.accumulator, read]]), parent: scope }
    const names = new Map<string, Evaluate>()
    // A name that is both is the loop's first variable, and the accumulator before either.
    if (loop.variable2 !== undefined) names.set(loop.variable2, readSlot(variable2!))
    names.set(loop.variable, readSlot(variable))
    if (names.has(loop.accumulator)) names.set(loop.accumulator, read)
    const inner: Scope = { names, parent: outer }
    const range = this.plan(loop.range, scope).evaluate
    const condition = this.plan(loop.condition, inner).evaluate
    const step = this.plan(loop.step, inner).evaluate
    const result = this.plan(loop.result, outer).evaluate
    const fold = { range, initial, condition, step, result, accumulator, variable, variable2, growing }
    return { evaluate: planFold(fold) }
  }
}

/** For what depends on nothing; its cost is nobody's. */
const NO_FRAME: Frame = { cost: 0, limit: Infinity, bindings: {}, slots: [] }

const constant = (value: Value): Plan => ({ constant: { value }, evaluate: () => value })

const readSlot =
  (slot: number): Evaluate =>
  (frame) =>
    frame.slots[slot]!

/** An attribute by itself costs 1 besides its parts. */
/** `has()` costs one less. */
function attributePlan(attribute: Attribute, testOnly = false): Plan {
  const cost = testOnly ? attribute.cost - 1 : attribute.cost
  let resolve: Evaluate | undefined
  const evaluate: Evaluate = (frame) => {
    resolve ??= attribute.resolve
    return chargeAfter(frame, cost, resolve(frame))
  }
  return { attribute, evaluate }
}

function chargeAfter(frame: Frame, cost: number, result: Result): Result {
  charge(frame, cost)
  return result
}

/** What fields and indices are added to. */
function attributeFrom({ attribute, evaluate }: Plan): Attribute {
  return attribute ?? attributeOf(evaluate)
}

/** A branch of a conditional: an attribute there is not charged for as a whole. */
const branchOf = attributeFrom

function planIndex(operand: Plan, index: Plan, optional: boolean): Plan {
  if (index.constant && !isQualifier(index.constant.value))
    throw new PlanError(invalidQualifier(index.constant.value).message)
  const qualifier = index.constant
    ? { constant: index.constant.value, optional, testOnly: false }
    : { dynamic: attributeFrom(index).resolve, optional, testOnly: false }
  return attributePlan(attributeFrom(operand).qualified(qualifier))
}

/** `&&` and `||`: `decisive` ends it; an error counts only if nothing was decisive. */
function planLogic(args: readonly Plan[], decisive: boolean): Evaluate {
  const terms = args.map(({ evaluate }) => evaluate)
  return (frame) => {
    let error: EvaluationError | undefined
    for (const term of terms) {
      const value = term(frame)
      if (value === decisive) return decisive
      if (typeof value !== 'boolean') error ??= value instanceof EvaluationError ? value : NO_SUCH_OVERLOAD
    }
    return error ?? !decisive
  }
}

function planEquality(left: Evaluate, right: Evaluate, negated: boolean): Evaluate {
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    charge(frame, !negated && isCheap(a) ? 1 : equalityCost(a, b))
    if (a instanceof EvaluationError) return a
    if (b instanceof EvaluationError) return b
    const equals = equal(a, b)
    if (!negated) return equals
    return equals !== true
  }
}

/** Values of opaque types are compared at once, whatever they hold. */
const isCheap = (value: Result): boolean => value instanceof Opaque

const planNotStrictlyFalse =
  (operand: Evaluate): Evaluate =>
  (frame) => {
    const value = operand(frame)
    charge(frame, 1)
    return typeof value === 'boolean' ? value : true
  }

function isOptionalOr({ declaration, overloads }: ResolvedCall): boolean {
  const id = declaration.name === 'or' ? 'optional_or_optional' : 'optional_orValue_value'
  return overloads.length !== 1 || overloads[0]!.id === id
}

/** `a.or(b)` and `a.orValue(b)`, which look at `b` only where `a` has no value. */
function planOr([left, right]: readonly Plan[], unwrap: boolean): Evaluate {
  return (frame) => {
    const value = left!.evaluate(frame)
    if (!(value instanceof Optional)) return value
    if (value.value === undefined) return right!.evaluate(frame)
    return unwrap ? value.value : value
  }
}

function makeList(frame: Frame, evaluations: readonly Evaluate[], optionals: ReadonlySet<number>): Result {
  const elements: Value[] = []
  for (const [i, evaluate] of evaluations.entries()) {
    const element = evaluate(frame)
    if (element instanceof EvaluationError) return element
    if (!optionals.has(i)) elements.push(element)
    else if (!(element instanceof Optional)) {
      const message = `cannot initialize optional list element from non-optional value ${formatValue(element)}`
      return new EvaluationError('function', message)
    } else if (element.value !== undefined) elements.push(element.value)
  }
  return new ValueList(elements)
}

/** The value of an entry; undefined where it is an optional without one. */
function entryOf(value: Result, optional: boolean, key: Value): Result | undefined {
  if (!optional || value instanceof EvaluationError) return value
  if (value instanceof Optional) return value.value
  const message = `cannot initialize optional entry '${formatValue(key)}' from non-optional value ${formatValue(value)}`
  return new EvaluationError('function', message)
}

/** What a function makes of a constant argument. Throws PlanError where it can make nothing of it. */
function preparedCall({ declaration }: ResolvedCall, args: readonly Plan[]): Implementation | undefined {
  const known = declaration.prepare && args[declaration.prepare.argument]?.constant
  const prepared = known && declaration.prepare!.prepare(known.value)
  if (typeof prepared === 'object') throw new PlanError(prepared.message)
  return prepared
}
