/**
 * Rules of schemas, compiled. Each sees its own value as `self` and, where the object is updated, the value of before as
 * `oldSelf`. Upstream: `Compile` of `apiextensions-apiserver/pkg/apiserver/schema/cel`.
 */
import type { ValidationRule } from '#api/apiextensions/v1.ts'
import type { DeclaredType } from '#cel/declared-type.ts'
import type { Environment, Program } from '#cel/environment.ts'
import type { SizeHints } from '#cel/cost-estimate.ts'
import { CelCompileError } from '#cel/errors.ts'
import { BOOL, optionalOf, sameType, STRING } from '#cel/types.ts'
import { MAX_FIELD_ERRORS } from '#machinery/status-error.ts'
import { declareSchema, maxCardinality, sizeHintsOf } from '../cel/structural-types.ts'
import { placeAt, SchemaPathError } from './schema-field-path.ts'
import type { Structural } from './structural.ts'

export interface CompiledRule {
  readonly source: ValidationRule
  /** undefined where the rule is blank, or does not compile. */
  readonly program: Program | undefined
  readonly error: string | undefined
  readonly usesOldSelf: boolean
  /** In cost units. */
  readonly maxCost: number
  readonly message: Program | undefined
  readonly messageError: string | undefined
  readonly messageMaxCost: number
  /** The place to blame, below the rule's own; '' for that itself. */
  readonly fieldPath: string
}

export interface CompiledRules {
  readonly type: DeclaredType
  /** As many as the schema has. */
  readonly rules: readonly CompiledRule[]
  /** How often values of the type can occur in a request where nothing bounds it. */
  readonly maxCardinality: number
}

export class RuleCompiler {
  readonly #base: () => Environment
  #types = 0

  /** `base` has everything but the variables. */
  constructor(base: () => Environment) {
    this.#base = base
  }

  /** Rules about values of `schema`; undefined where expressions can't see values of it. */
  compile(schema: Structural, isResourceRoot: boolean, sources: readonly ValidationRule[]): CompiledRules | undefined {
    // Nobody may come to rely on the name.
    const typeName = `selfType${++this.#types}`
    const type = declareSchema(schema.source as Parameters<typeof declareSchema>[0], { typeName, isResourceRoot })
    if (!type) return undefined
    const hints = sizeHintsOf(type)
    const environments = new Map<boolean, Environment>()
    const environmentOf = (isOptional: boolean) => {
      const found = environments.get(isOptional) ?? this.#environment(type, isOptional)
      environments.set(isOptional, found)
      return found
    }
    /** Rules that say the same are compiled once. */
    const known = new Map<string, CompiledRule>()
    let wrong = 0
    const rules = sources.map((source) => {
      const text = JSON.stringify(source)
      let rule = known.get(text)
      if (!rule) {
        // Of more than these nobody is told.
        const compiled = wrong < MAX_FIELD_ERRORS
        rule = compiled
          ? compileRule(schema, source, environmentOf(source.optionalOldSelf === true), hints)
          : uncompiled(source)
        known.set(text, rule)
      }
      if (rule.error !== undefined || rule.messageError !== undefined) wrong++
      return rule
    })
    return { type, rules, maxCardinality: maxCardinality(type) }
  }

  #environment(type: DeclaredType, isOptional: boolean): Environment {
    const old = isOptional ? optionalOf(type.type) : type.type
    return this.#base().extend({
      variables: [
        { name: 'self', type: type.type },
        { name: 'oldSelf', type: old },
      ],
      declaredTypes: [type],
    })
  }
}

const uncompiled = (source: ValidationRule): CompiledRule => ({
  source,
  program: undefined,
  error: undefined,
  usesOldSelf: false,
  maxCost: 0,
  message: undefined,
  messageError: undefined,
  messageMaxCost: 0,
  fieldPath: '',
})

function compileRule(
  schema: Structural,
  source: ValidationRule,
  environment: Environment,
  hints: SizeHints,
): CompiledRule {
  const failed = (error: string): CompiledRule => ({ ...uncompiled(source), error })
  if (source.rule.trim() === '') return uncompiled(source)
  const program = attempt(environment, source.rule, {
    check: 'compilation failed',
    program: 'program instantiation failed',
  })
  if (typeof program === 'string') return failed(program)
  if (!sameType(program.resultType, BOOL)) return failed('cel expression must evaluate to a bool')
  return {
    source,
    program,
    error: undefined,
    usesOldSelf: program.references('oldSelf'),
    maxCost: program.estimateCost(hints).max,
    ...compileMessage(source.messageExpression ?? '', environment, hints),
    fieldPath: source.fieldPath ? placeOf(source.fieldPath, schema) : '',
  }
}

function compileMessage(expression: string, environment: Environment, hints: SizeHints) {
  const failed = (messageError: string | undefined) => ({ message: undefined, messageError, messageMaxCost: 0 })
  if (expression === '') return failed(undefined)
  const program = attempt(environment, expression, {
    check: 'messageExpression compilation failed',
    program: 'messageExpression instantiation failed',
  })
  if (typeof program === 'string') return failed(program)
  if (!sameType(program.resultType, STRING)) return failed('messageExpression must evaluate to a string')
  return { message: program, messageError: undefined, messageMaxCost: program.estimateCost(hints).max }
}

/** The program, or why there is none; `failed` says how that begins. */
function attempt(
  environment: Environment,
  expression: string,
  failed: Readonly<Record<CelCompileError['stage'], string>>,
): Program | string {
  try {
    return environment.compile(expression)
  } catch (err) {
    if (err instanceof CelCompileError) return `${failed[err.stage]}: ${err.message}`
    throw err
  }
}

function placeOf(fieldPath: string, { source }: Structural): string {
  try {
    return placeAt(fieldPath, source).path
  } catch (err) {
    if (err instanceof SchemaPathError) return ''
    throw err
  }
}
