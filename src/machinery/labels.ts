/**
 * Label selectors: requirements on a set of labels, all of which must hold. They come from the query syntax
 * (`a=b,c in (d,e),!f`, see selector-syntax.ts), from a LabelSelector object of the API, or from a plain map, and are
 * compiled to one function when they are made, because list and watch call it for every object. Immutable.
 * Upstream: `apimachinery/pkg/labels` and `LabelSelectorAsSelector`.
 */
import { labelKeyErrors, labelValueErrors } from './labels-validation.ts'
import { type FieldError, MAX_FIELD_ERRORS } from './status-error.ts'

export type Labels = Readonly<Record<string, string>>

/** `=` and `==` mean the same, and are told apart only to be printed as they were written. */
export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  /** Sorted, without duplicates. Empty for `exists` and `!`, one for the comparisons. */
  readonly values: readonly string[]
}

/** metav1.LabelSelector. */
export interface LabelSelectorObject {
  matchLabels?: Labels
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[]
}

/** A label or field selector that cannot be understood; the API server answers it with BadRequest and this message. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

type Matcher = (labels: Labels | undefined) => boolean

export class LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[]
  readonly matches: Matcher
  /** The selector of nothing at all. It prints like the one of everything, as upstream's does. */
  readonly isNothing: boolean

  private constructor(requirements: readonly LabelRequirement[], matches: Matcher, isNothing = false) {
    this.requirements = requirements
    this.matches = matches
    this.isNothing = isNothing
  }

  /** Selects everything where `requirements` is empty. */
  static of(requirements: readonly LabelRequirement[]): LabelSelector {
    if (requirements.length === 0) return LabelSelector.everything
    const sorted = requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    return new LabelSelector(sorted, all(sorted.map(matcherOf)))
  }

  static readonly everything: LabelSelector = new LabelSelector([], () => true)
  static readonly nothing: LabelSelector = new LabelSelector([], () => false, true)

  get isEverything(): boolean {
    return this.requirements.length === 0 && !this.isNothing
  }

  /** The one value that label `key` must have for anything to match, or undefined where there is no such value. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find((r) => r.key === key)
    if (!found || !['=', '==', 'in'].includes(found.operator) || found.values.length !== 1) return undefined
    return found.values[0]
  }

  /** The query syntax, which `parseLabelSelector` reads back to an equal selector. */
  toString(): string {
    return this.requirements.map(printRequirement).join(',')
  }
}

/**
 * The selector that a LabelSelector object describes: nothing where it is absent, everything where it is empty.
 * Throws SelectorError for an operator, key or value that isn't valid.
 */
export function selectorFromObject(object: LabelSelectorObject | undefined): LabelSelector {
  if (!object) return LabelSelector.nothing
  const requirements = Object.entries(object.matchLabels ?? {}).map(([key, value]) => requirement(key, '=', [value]))
  for (const { key, operator, values } of object.matchExpressions ?? []) {
    const op = objectOperators.get(operator)
    if (!op) throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`)
    requirements.push(requirement(key, op, values ?? []))
  }
  return LabelSelector.of(requirements)
}

/** The selector of objects that carry all of `labels`; everything where there are none. Nothing is validated. */
export function selectorFromMap(labels: Labels | undefined): LabelSelector {
  return LabelSelector.of(
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=' as const, values: [value] })),
  )
}

const objectOperators: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
])

/** A validated requirement. Throws SelectorError that names every rule broken, each with its path below `path`. */
export function requirement(
  key: string,
  operator: LabelOperator,
  values: readonly string[],
  path?: string,
): LabelRequirement {
  const at = (child: string) => (path ? `${path}.${child}` : child)
  const problems: string[] = []
  const keyErrors = labelKeyErrors(key)
  if (keyErrors.length > 0) {
    problems.push(`${at('key')}: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`)
  }
  const { count, message } = valueCounts[operator]
  if (!count(values.length)) problems.push(`${at('values')}: Invalid value: ${JSON.stringify(values)}: ${message}`)
  for (const [i, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && parseInt64(value) === undefined) {
      problems.push(
        `${at('values')}[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      )
    }
    const valueErrors = labelValueErrors(value)
    if (valueErrors.length > 0) {
      problems.push(`${at('values')}[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${valueErrors.join('; ')}`)
    }
  }
  if (problems.length > 0) throw new SelectorError(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
  return { key, operator, values: [...new Set(values)].sort() }
}

const one = { count: (n: number) => n === 1, message: 'exact-match compatibility requires one single value' }
const some = { count: (n: number) => n > 0, message: "for 'in', 'notin' operators, values set can't be empty" }
const none = { count: (n: number) => n === 0, message: 'values set must be empty for exists and does not exist' }
const bound = { count: (n: number) => n === 1, message: "for 'Gt', 'Lt' operators, exactly one value is required" }
const valueCounts: Record<LabelOperator, { count: (n: number) => boolean; message: string }> = {
  '=': one,
  '==': one,
  '!=': one,
  in: some,
  notin: some,
  exists: none,
  '!': none,
  gt: bound,
  lt: bound,
}

// Labels are plain objects, so that a key such as `constructor` finds an inherited function: only strings count.
function matcherOf({ key, operator, values }: LabelRequirement): Matcher {
  const [value] = values
  const set = new Set(values)
  switch (operator) {
    case '=':
    case '==':
      return (labels) => labels !== undefined && labels[key] === value
    case '!=':
      return (labels) => labels === undefined || labels[key] !== value
    case 'in':
      if (set.size === 1) return (labels) => labels !== undefined && labels[key] === value
      return (labels) => labels !== undefined && set.has(labels[key]!)
    case 'notin':
      return (labels) => labels === undefined || !set.has(labels[key]!)
    case 'exists':
      return (labels) => labels !== undefined && typeof labels[key] === 'string'
    case '!':
      return (labels) => labels === undefined || typeof labels[key] !== 'string'
    case 'gt':
    case 'lt': {
      const limit = parseInt64(value!)!
      return (labels) => {
        const actual = parseInt64(labels?.[key])
        return actual !== undefined && (operator === 'gt' ? actual > limit : actual < limit)
      }
    }
  }
}

function all(matchers: readonly Matcher[]): Matcher {
  const [a, b] = matchers
  if (matchers.length === 1) return a!
  if (matchers.length === 2) return (labels) => a!(labels) && b!(labels)
  return (labels) => {
    for (const matches of matchers) if (!matches(labels)) return false
    return true
  }
}

function parseInt64(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !/^[+-]?\d{1,63}$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function printRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
      return `${key}>${values[0]}`
    case 'lt':
      return `${key}<${values[0]}`
    default:
      return `${key}${operator}${values[0]}`
  }
}

/** What is wrong with a LabelSelector object found at `path`, worded as API validation does. */
export function validateLabelSelector(object: LabelSelectorObject | undefined, path: string): FieldError[] {
  if (!object) return []
  const errors = validateLabels(object.matchLabels, `${path}.matchLabels`)
  for (const [i, { key, operator, values = [] }] of (object.matchExpressions ?? []).entries()) {
    if (errors.length >= MAX_FIELD_ERRORS) break
    const at = `${path}.matchExpressions[${i}]`
    const needsValues = operator === 'In' || operator === 'NotIn'
    if (!objectOperators.has(operator)) {
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    } else if (needsValues && values.length === 0) {
      const message = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
      errors.push({ type: 'Required', field: `${at}.values`, message })
    } else if (!needsValues && values.length > 0) {
      const message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
      errors.push({ type: 'Forbidden', field: `${at}.values`, message })
    }
    for (const message of labelKeyErrors(key)) errors.push(invalid(`${at}.key`, key, message))
    for (const [j, value] of values.entries()) {
      for (const message of labelValueErrors(value)) errors.push(invalid(`${at}.values[${j}]`, value, message))
    }
  }
  return errors
}

/** What is wrong with a map of labels found at `path`. */
export function validateLabels(labels: Labels | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (errors.length >= MAX_FIELD_ERRORS) break
    for (const message of labelKeyErrors(key)) errors.push(invalid(path, key, message))
    for (const message of labelValueErrors(value)) errors.push(invalid(path, value, message))
  }
  return errors
}

function invalid(field: string, value: string, message: string): FieldError {
  return { type: 'Invalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${message}` }
}
