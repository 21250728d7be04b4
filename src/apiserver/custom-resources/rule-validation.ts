/**
 * Whether an object keeps the rules of its schema (`x-kubernetes-validations`). Each rule sees the value that it stands at,
 * and the value of before where both can be told to be the same one. All rules of an object share one budget; where that
 * is used up, the object is refused.
 * Upstream: `Validator` of `apiextensions-apiserver/pkg/apiserver/schema/cel`.
 */
import { isObject } from '#base/json.ts'
import { own } from '#base/own.ts'
import type { ValidationRule } from '#api/apiextensions/v1.ts'
import { type Program } from '#cel/environment.ts'
import { type Bindings, Lazy } from '#cel/bindings.ts'
import { EvaluationError } from '#cel/errors.ts'
import { adapt } from '#cel/schema-values.ts'
import { Optional, type Result } from '#cel/values.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { PER_CALL_LIMIT, RUNTIME_COST_BUDGET } from '../cel/base-environment.ts'
import { type Correlation, KeyedList } from './correlation.ts'
import { child, duplicateAt, forbiddenAt, invalidAt, keyed, OMITTED, requiredAt } from './field-errors.ts'
import type { CompiledRule, CompiledRules, RuleCompiler } from './rule-compiler.ts'
import type { SchemaProps, Structural } from './structural.ts'

type Json = Record<string, unknown>

const rulesOf = (schema: SchemaProps) => (schema['x-kubernetes-validations'] ?? []) as readonly ValidationRule[]

export interface RuleFindings {
  errors: FieldError[]
  /** What is wrong, but was so before. */
  warnings: string[]
  /** Cost units that are left; negative where there were not enough. */
  budget: number
}

export interface RuleOptions {
  /** undefined for a new object. */
  old?: unknown
  /** Of the object and `old`: what has not changed may stay as it is. */
  correlation?: Correlation | undefined
  /** Where the object is. */
  path?: string
  /** Cost units. */
  budget?: number
}

/** What of an object and its predecessor belongs together, here or at the nearest place where that is known. */
interface Ratchet {
  readonly current: Correlation | undefined
  readonly nearest: Correlation | undefined
}

const isUnchanged = ({ current, nearest }: Ratchet) => (current ?? nearest)?.isEqual === true

function fieldOf(ratchet: Ratchet, name: string): Ratchet {
  const { current, nearest } = ratchet
  if (!current) return ratchet
  // What tells the version of the object is not seen to change.
  if (!nearest && (name === 'apiVersion' || name === 'kind')) return { current: undefined, nearest: undefined }
  return { current: current.field(name), nearest: current }
}

const elementOf = (ratchet: Ratchet, i: number): Ratchet =>
  ratchet.current ? { current: ratchet.current.index(i), nearest: ratchet.current } : ratchet

const EXHAUSTED = 'validation failed due to running out of cost budget, no further validation rules will be run'

export class RuleValidator {
  readonly #schema: Structural
  readonly #compiled: CompiledRules | undefined
  readonly #seesOld: boolean
  readonly #properties = new Map<string, RuleValidator>()
  readonly #others: RuleValidator | undefined
  readonly #items: RuleValidator | undefined

  /** Undefined where the schema has no rules. `isResourceRoot`: values are whole objects. */
  static of(schema: Structural, isResourceRoot: boolean, compiler: RuleCompiler): RuleValidator | undefined {
    return schema.some(({ source }) => rulesOf(source).length > 0)
      ? new RuleValidator(schema, isResourceRoot, compiler)
      : undefined
  }

  private constructor(schema: Structural, isResourceRoot: boolean, compiler: RuleCompiler) {
    const below = (node: Structural | undefined) => node && RuleValidator.of(node, node.isEmbedded, compiler)
    this.#schema = schema
    const rules = rulesOf(schema.source)
    this.#compiled = rules.length > 0 ? compiler.compile(schema, isResourceRoot, rules) : undefined
    this.#seesOld = this.#compiled?.rules.some(({ usesOldSelf }) => usesOldSelf) ?? false
    for (const [name, node] of schema.properties) {
      const property = below(node)
      if (property) this.#properties.set(name, property)
    }
    this.#others = below(schema.others)
    this.#items = below(schema.items)
  }

  validate(object: unknown, options: RuleOptions = {}): RuleFindings {
    const { old, correlation, path = '', budget = RUNTIME_COST_BUDGET } = options
    const findings: RuleFindings = { errors: [], warnings: [], budget }
    this.#check(object, old, path, { current: correlation, nearest: undefined }, findings)
    return findings
  }

  #check(value: unknown, old: unknown, path: string, ratchet: Ratchet, to: RuleFindings) {
    if (value === null || value === undefined) return
    if (this.#compiled) this.#evaluate(this.#compiled, value, old ?? undefined, path, ratchet, to)
    if (Array.isArray(value)) this.#checkItems(value, Array.isArray(old) ? old : [], path, ratchet, to)
    else if (isObject(value)) this.#checkFields(value, isObject(old) ? old : {}, path, ratchet, to)
  }

  #checkItems(list: readonly unknown[], old: readonly unknown[], path: string, ratchet: Ratchet, to: RuleFindings) {
    if (!this.#items) return
    const before = new KeyedList(this.#schema, old)
    for (let i = 0; i < list.length && to.budget >= 0; i++)
      this.#items.#check(list[i], before.get(list[i]), `${path}[${i}]`, elementOf(ratchet, i), to)
  }

  #checkFields(object: Json, old: Json, path: string, ratchet: Ratchet, to: RuleFindings) {
    const before = (name: string) => own(old, name)
    const others = this.#others
    if (others) {
      for (const [name, value] of Object.entries(object))
        if (to.budget >= 0) others.#check(value, before(name), keyed(path, name), fieldOf(ratchet, name), to)
    }
    for (const [name, property] of this.#properties) {
      if (to.budget < 0 || !Object.hasOwn(object, name)) continue
      property.#check(object[name], before(name), child(path, name), fieldOf(ratchet, name), to)
    }
  }

  #evaluate(
    { type, rules }: CompiledRules,
    value: unknown,
    old: unknown,
    path: string,
    ratchet: Ratchet,
    to: RuleFindings,
  ) {
    if (to.budget < 0) return
    if (to.budget === 0) return this.#giveUp(path, EXHAUSTED, to)
    const self = new Lazy(() => adapt(type, value))
    const oldSelf = this.#seesOld && old !== undefined ? new Lazy(() => adapt(type, old)) : undefined
    const plain: Bindings = { self, oldSelf }
    const optional: Bindings = this.#seesOld ? { self, oldSelf: new Lazy(() => optionalOf(oldSelf)) } : plain
    for (const rule of rules) {
      const isOptional = rule.source.optionalOldSelf === true
      if (rule.error !== undefined) to.errors.push(this.#invalid(path, `rule compile error: ${rule.error}`))
      if (!rule.program || (rule.usesOldSelf && old === undefined && !isOptional)) continue
      const isKept = this.#run(rule.program, rule.source, isOptional ? optional : plain, path, to)
      if (to.budget < 0) return
      if (isKept) continue
      const place = rule.fieldPath === '' ? path : child(path, rule.fieldPath)
      const isTolerated = !rule.usesOldSelf && isUnchanged(ratchet)
      const message = rule.message && this.#message(rule, rule.message, plain, place, isTolerated, to)
      if (to.budget < 0) return
      const { type: typeName } = this.#schema
      const shown = typeName === 'object' || typeName === 'array' ? OMITTED : value
      tell(brokenRule(rule.source, place, shown, message), isTolerated, to)
    }
  }

  /** Whether the rule is kept, or nothing more is to be said of it. */
  #run(program: Program, source: ValidationRule, bindings: Bindings, path: string, to: RuleFindings): boolean {
    const { value, error, cost } = program.evaluate(bindings, { costLimit: PER_CALL_LIMIT })
    if (cost > to.budget) {
      this.#giveUp(path, EXHAUSTED, to)
      return true
    }
    to.budget -= cost
    if (!error) return value === true
    const about = `rule: ${nameOf(source)}`
    if (error.code === 'costExceeded') {
      const why = 'no further validation rules will be run due to call cost exceeds limit for'
      this.#giveUp(path, `'${error.message}': ${why} ${about}`, to)
    } else if (error.code === 'noSuchOverload') {
      const why = 'call arguments did not match a supported operator, function or macro signature for'
      to.errors.push(this.#invalid(path, `'${error.message}': ${why} ${about}`))
    } else to.errors.push(this.#invalid(path, `${error.message} evaluating ${about}`))
    return true
  }

  /** What the rule's own expression says; undefined where that has nothing to say. */
  #message(
    { source }: CompiledRule,
    program: Program,
    bindings: Bindings,
    place: string,
    isTolerated: boolean,
    to: RuleFindings,
  ): string | undefined {
    const { value, error, cost } = program.evaluate(bindings, { costLimit: PER_CALL_LIMIT })
    const stop = (why: string) => {
      tell(this.#invalid(place, why), isTolerated, to)
      to.budget = -1
      return undefined
    }
    if (cost > to.budget)
      return stop(
        'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run',
      )
    if (error?.code === 'costExceeded') {
      const why = 'no further validation rules will be run due to call cost exceeds limit for messageExpression'
      return stop(`${why}: ${JSON.stringify(source.messageExpression)}`)
    }
    to.budget -= cost
    return usableMessage(value)
  }

  #invalid(path: string, why: string): FieldError {
    return invalidAt(path, this.#schema.type, why)
  }

  #giveUp(path: string, why: string, to: RuleFindings) {
    to.errors.push(this.#invalid(path, why))
    to.budget = -1
  }
}

function optionalOf(value: Lazy | undefined): Result {
  const found = value?.get()
  return found instanceof EvaluationError ? found : new Optional(found)
}

function tell(error: FieldError, isTolerated: boolean, to: RuleFindings) {
  if (isTolerated) to.warnings.push(`${error.field}: ${error.message}`)
  else to.errors.push(error)
}

/** Bytes of what a rule may say. */
const MAX_MESSAGE = 5 * 1024

function usableMessage(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' || text.includes('\n') || Buffer.byteLength(text) > MAX_MESSAGE ? undefined : text
}

const nameOf = ({ message, rule }: ValidationRule) => (message || rule).trim()

function brokenRule(source: ValidationRule, path: string, value: unknown, said: string | undefined): FieldError {
  const detail = said ?? (source.message ? source.message.trim() : `failed rule: ${nameOf(source)}`)
  switch (source.reason) {
    case 'FieldValueForbidden':
      return forbiddenAt(path, detail)
    case 'FieldValueRequired':
      return requiredAt(path, detail)
    case 'FieldValueDuplicate':
      return duplicateAt(path, value)
    default:
      return invalidAt(path, value, detail)
  }
}
