/**
 * Rules of a definition's schema while it is validated: each is compiled, and what it may cost is reckoned up, times as
 * often as it may have to be evaluated. Upstream: `CELSchemaContext` and `TotalCost` of
 * `apiextensions-apiserver/pkg/apis/apiextensions/validation`.
 */
import type { ValidationRule } from '#api/apiextensions/v1.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { child, forbiddenAt, goJson, internalAt, invalidAt, Worded } from './field-errors.ts'
import type { CompiledRules, RuleCompiler } from './rule-compiler.ts'
import { type SchemaProps, Structural } from './structural.ts'

/** Cost of one expression, times how often it is evaluated. */
const MAX_RULE_COST = 10_000_000
/** Of all expressions of a schema. */
const MAX_TOTAL_COST = 100_000_000
/** So many of the most expensive rules are named. */
const NAMED = 4

/** A schema that rules may stand at, with how often its values may occur. */
export class RuleScope {
  readonly #compiler: RuleCompiler
  readonly #schema: SchemaProps
  readonly #isResourceRoot: boolean
  /** undefined where nothing bounds it. */
  readonly cardinality: number | undefined

  private constructor(
    compiler: RuleCompiler,
    schema: SchemaProps,
    isResourceRoot: boolean,
    cardinality: number | undefined,
  ) {
    this.#compiler = compiler
    this.#schema = schema
    this.#isResourceRoot = isResourceRoot
    this.cardinality = cardinality
  }

  /** Of whole objects. */
  static root(compiler: RuleCompiler, schema: SchemaProps): RuleScope {
    return new RuleScope(compiler, schema, true, 1)
  }

  /** undefined where expressions can't see values of this schema. */
  compile(): CompiledRules | undefined {
    const { 'x-kubernetes-validations': rules = [] } = this.#schema
    return this.#compiler.compile(new Structural(this.#schema), this.#isResourceRoot, rules as ValidationRule[])
  }

  /** Of a property, the elements or the other fields, as it is. */
  inner(schema: SchemaProps): RuleScope {
    const { type, additionalProperties, maxProperties, maxItems } = this.#schema
    let factor: number | undefined = 1
    if (type === 'object' && additionalProperties !== undefined) factor = maxProperties
    else if (type === 'array') factor = maxItems
    const bound = factor === undefined ? undefined : Math.max(factor, 0)
    const cardinality =
      this.cardinality === undefined || bound === undefined ? undefined : times(this.cardinality, bound)
    return new RuleScope(this.#compiler, schema, schema['x-kubernetes-embedded-resource'] === true, cardinality)
  }
}

/** Nothing is more often than nothing, even without a bound. */
const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b)

export class RuleCosts {
  readonly #ignoresSingle: boolean
  #total = 0
  readonly #expensive: { path: string; cost: number }[] = []

  /** `ignoresSingle`: a single rule may cost anything. */
  constructor(ignoresSingle: boolean) {
    this.#ignoresSingle = ignoresSingle
  }

  /** Errors of the rules that stand at a schema; `path` is theirs. */
  check(schema: SchemaProps, scope: RuleScope, uncorrelated: string | undefined, path: string): FieldError[] {
    const compiled = scope.compile()
    if (!compiled)
      return [
        internalAt(path, 'internal error: failed to construct type information for x-kubernetes-validations rules'),
      ]
    const sources = schema['x-kubernetes-validations'] as readonly ValidationRule[]
    return compiled.rules.flatMap((rule, i) => {
      const errors: FieldError[] = []
      const [at, source] = [`${path}[${i}]`, sources[i]!]
      const cost = times(rule.maxCost, scope.cardinality ?? compiled.maxCardinality)
      this.#observe(errors, child(at, 'rule'), 'estimated rule cost', cost)
      if (rule.error !== undefined) errors.push(invalidAt(child(at, 'rule'), worded(source), rule.error))
      const messageAt = child(at, 'messageExpression')
      if (rule.messageError !== undefined) errors.push(invalidAt(messageAt, worded(source), rule.messageError))
      else if (rule.message) this.#observe(errors, messageAt, 'estimated messageExpression cost', rule.messageMaxCost)
      if (rule.usesOldSelf) {
        if (uncorrelated !== undefined) {
          const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`
          errors.push(invalidAt(child(at, 'rule'), source.rule, why))
        }
      } else if (source.optionalOldSelf !== undefined) {
        const why = 'may not be set if oldSelf is not used in rule'
        errors.push(invalidAt(child(at, 'optionalOldSelf'), source.optionalOldSelf, why))
      }
      return errors
    })
  }

  /** What is wrong with all rules together; `path` is the schema's. */
  errors(path: string): FieldError[] {
    if (this.#total <= MAX_TOTAL_COST) return []
    const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    const most = this.#expensive.toSorted((a, b) => b.cost - a.cost).slice(0, NAMED)
    return [
      ...most.map((rule) => forbiddenAt(rule.path, why)),
      forbiddenAt(path, exceeded(what, this.#total, MAX_TOTAL_COST)),
    ]
  }

  #observe(errors: FieldError[], path: string, what: string, cost: number) {
    if (!this.#ignoresSingle && cost > MAX_RULE_COST)
      errors.push(forbiddenAt(path, exceeded(what, cost, MAX_RULE_COST)))
    this.#total += cost
    if (cost >= MAX_TOTAL_COST / 100) this.#expensive.push({ path, cost })
  }
}

/** As upstream's internal version prints it. */
function worded(rule: ValidationRule): Worded {
  const { message = '', messageExpression = '', reason = null, fieldPath = '', optionalOldSelf = null } = rule
  const members = [
    ['Rule', rule.rule],
    ['Message', message],
    ['MessageExpression', messageExpression],
    ['Reason', reason],
    ['FieldPath', fieldPath],
    ['OptionalOldSelf', optionalOldSelf],
  ] as const
  return new Worded(`{${members.map(([name, value]) => `"${name}":${goJson(value)}`).join(',')}}`)
}

function exceeded(what: string, cost: number, limit: number): string {
  const factor = cost / limit
  const text = factor > 100 ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`
  return `${what} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}
