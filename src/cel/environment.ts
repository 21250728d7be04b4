/**
 * Environments: which variables, functions and types an expression may use, and the way from its text to a Program
 * (cel-go: `cel.Env`). Immutable; making one costs milliseconds, so callers keep it and extend it.
 */
import { check } from './checker.ts'
import type { Checked, Declarations } from './checker.ts'
import { type Bindings, Lazy } from './bindings.ts'
import { type SizeHints, estimateCost } from './cost-estimate.ts'
import type { DeclaredType } from './declared-type.ts'
import { CelCompileError, EvaluationError } from './errors.ts'
import { CostExceeded } from './frame.ts'
import type { FunctionDeclaration, Library } from './library.ts'
import { standardLibrary } from './libraries/standard.ts'
import type { Macro } from './macros.ts'
import { parse } from './parser.ts'
import { PlanError, plan } from './planner.ts'
import type { PlannedProgram } from './planner.ts'
import type { CostEstimate } from './ranges.ts'
import { TooManySteps } from './regexp/matcher.ts'
import { compileError } from './source.ts'
import type { StructTypes } from './struct-types.ts'
import { objectType, typeOf } from './types.ts'
import type { Type } from './types.ts'
import type { Result, Value } from './values.ts'

export interface Variable {
  /** May have dots: `authorizer.requestResource`. */
  readonly name: string
  readonly type: Type
}

export interface EnvironmentOptions {
  readonly variables?: readonly Variable[]
  readonly libraries?: readonly Library[]
  /** Object types (with all that they contain) that variables have. */
  readonly declaredTypes?: readonly DeclaredType[]
  /** Types that are made up as expressions name them, such as `Object.spec.template` of mutating policies. */
  readonly structTypes?: StructTypes
}

export interface EvaluateOptions {
  /** Cost units after which the evaluation is given up; Infinity by default. */
  readonly costLimit?: number
}

export type Evaluation =
  | { readonly value: Value; readonly error?: undefined; readonly cost: number }
  | { readonly value?: undefined; readonly error: EvaluationError; readonly cost: number }

/** A checked expression. Immutable and stateless; may be evaluated any number of times. */
export interface Program {
  readonly source: string
  readonly resultType: Type
  /** Whether the expression reads this variable. */
  references(variable: string): boolean
  /** Bounds of what an evaluation costs, upstream's `EstimateCost`. */
  estimateCost(hints?: SizeHints): CostEstimate
  /** Never throws; synchronous. */
  evaluate(bindings: Bindings, options?: EvaluateOptions): Evaluation
}

export interface Environment {
  /** This environment and more. */
  extend(options: EnvironmentOptions): Environment
  /**
   * Throws CelCompileError where the expression has a syntax error, a type error, or an invalid literal; its `stage` says
   * whether it is the checker that objects or the first step of running it.
   */
  compile(source: string): Program
}

/** Throws RangeError where declarations contradict one another. */
export function createEnvironment(options: EnvironmentOptions): Environment {
  const libraries = [standardLibrary, ...(options.libraries ?? [])]
  return new CheckedEnvironment(undefined, { ...options, libraries })
}

class CheckedEnvironment implements Environment, Declarations {
  readonly #parent: CheckedEnvironment | undefined
  readonly #variables: ReadonlyMap<string, Type>
  readonly #functions = new Map<string, FunctionDeclaration>()
  readonly #typeNames = new Map<string, Type>()
  readonly #objects = new Map<string, DeclaredType>()
  readonly #macros: readonly Macro[]
  readonly #libraries: readonly Library[]
  readonly #structTypes: StructTypes | undefined

  constructor(parent: CheckedEnvironment | undefined, options: EnvironmentOptions) {
    const libraries = options.libraries ?? []
    this.#parent = parent
    this.#variables = new Map(options.variables?.map(({ name, type }) => [name, type]))
    this.#structTypes = options.structTypes ?? (parent && parent.#structTypes)
    this.#libraries = [...(parent ? parent.#libraries : []), ...libraries]
    this.#macros = [...(parent ? parent.#macros : []), ...libraries.flatMap(({ macros }) => macros ?? [])]
    for (const { functions, typeNames } of libraries) {
      for (const declaration of functions ?? []) this.#declare(declaration)
      for (const type of typeNames ?? []) this.#typeNames.set(type.name, typeOf(type))
    }
    for (const type of options.declaredTypes ?? []) this.#register(type)
  }

  extend(options: EnvironmentOptions): Environment {
    return new CheckedEnvironment(this, options)
  }

  compile(source: string): Program {
    const root = parse(source, this.#macros)
    const { checked, complaints } = check(root, this)
    if (complaints.length > 0) throw compileError(source, complaints)
    const found = this.#libraries.flatMap(
      ({ validators }) => validators?.flatMap((validate) => validate(checked)) ?? [],
    )
    if (found.length > 0) throw compileError(source, found)
    try {
      return new PlannedExpression(source, checked, plan(checked, this.#structTypes, readVariable))
    } catch (error) {
      if (error instanceof PlanError) throw new CelCompileError(error.message, [], 'program')
      throw error
    }
  }

  variable(name: string): Type | undefined {
    return this.#variables.get(name) ?? this.#parent?.variable(name)
  }

  typeNamed(name: string): Type | undefined {
    const known = this.#typeNames.get(name) ?? (this.#objects.has(name) ? typeOf(objectType(name)) : undefined)
    if (known) return known
    if (this.#parent) return this.#parent.typeNamed(name) ?? this.#structTypeNamed(name)
    return this.#structTypeNamed(name)
  }

  function(name: string): FunctionDeclaration | undefined {
    return this.#functions.get(name) ?? this.#parent?.function(name)
  }

  fieldType(typeName: string, field: string): Type | undefined | 'noSuchType' {
    const declared = this.#object(typeName)
    if (declared) return (declared.fields!.get(field) ?? declared.fields!.get(`__${field}__`))?.type.type
    return this.#structTypes?.has(typeName) ? this.#structTypes.fieldType(typeName, field) : 'noSuchType'
  }

  #object(name: string): DeclaredType | undefined {
    const parent = this.#parent
    return this.#objects.get(name) ?? (parent && parent.#object(name))
  }

  #structTypeNamed(name: string): Type | undefined {
    return this.#structTypes?.has(name) ? typeOf(objectType(name)) : undefined
  }

  /** Overloads of several libraries add up. */
  #declare(declaration: FunctionDeclaration): void {
    const { name, overloads, dispatch } = declaration
    const before = this.function(name)
    if (!before) {
      this.#functions.set(name, declaration)
      return
    }
    const ids = new Set(before.overloads.map(({ id }) => id))
    const clash = overloads.find(({ id }) => ids.has(id))
    if (clash) throw new RangeError(`function ${name} has two overloads ${clash.id}`)
    this.#functions.set(name, {
      ...before,
      ...declaration,
      overloads: [...before.overloads, ...overloads],
      dispatch: dispatch ?? before.dispatch,
    })
  }

  #register(type: DeclaredType): void {
    if (type.element) this.#register(type.element)
    if (!type.fields || this.#objects.has(type.type.name)) return
    this.#objects.set(type.type.name, type)
    for (const field of type.fields.values()) this.#register(field.type)
  }
}

class PlannedExpression implements Program {
  readonly source: string
  readonly resultType: Type
  readonly #checked: Checked
  readonly #planned: PlannedProgram

  constructor(source: string, checked: Checked, planned: PlannedProgram) {
    this.source = source
    this.resultType = checked.typeOf(checked.root)
    this.#checked = checked
    this.#planned = planned
  }

  references(variable: string): boolean {
    return this.#planned.variables.has(variable)
  }

  estimateCost(hints: SizeHints = () => undefined): CostEstimate {
    return estimateCost(this.#checked, hints)
  }

  evaluate(bindings: Bindings, { costLimit = Infinity }: EvaluateOptions = {}): Evaluation {
    const frame = { cost: 0, limit: costLimit, bindings, slots: new Array<Result | undefined>(this.#planned.slots) }
    try {
      const result = this.#planned.evaluate(frame)
      return result instanceof EvaluationError
        ? { error: result, cost: frame.cost }
        : { value: result, cost: frame.cost }
    } catch (error) {
      if (!(error instanceof CostExceeded || error instanceof TooManySteps)) throw error
      const message = 'operation cancelled: actual cost limit exceeded'
      return { error: new EvaluationError('costExceeded', message), cost: Math.max(frame.cost, costLimit + 1) }
    }
  }
}

function readVariable(bindings: Bindings, name: string): Result {
  const bound = bindings[name]
  if (bound === undefined) return new EvaluationError('noSuchAttribute', `no such attribute(s): ${name}`)
  return bound instanceof Lazy ? bound.get() : bound
}
