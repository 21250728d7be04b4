/**
 * The small language that rules of validity are written in. A Check looks at one value and reports to Problems; tables of
 * Checks by field make up the rules of a type, so that most of what upstream has as code is data here. Places are built only
 * as far down as there is something to look at, and turned into text only for problems.
 * Upstream: `apimachinery/pkg/util/validation/field`.
 */
import type { NameCheck } from '#machinery/names.ts'
import { type FieldError, isAllThatIsTold } from '#machinery/status-error.ts'
import { Quantity } from '#machinery/quantity.ts'
import {
  duplicateValue,
  forbiddenValue,
  invalidValue,
  quoted,
  requiredValue,
  unsupportedValue,
} from '../../registry/object-meta.ts'

/** Where in the object a value is: `spec.containers[0].name`. */
export class Path {
  readonly #parent: Path | undefined
  readonly #text: string

  constructor(text: string, parent?: Path) {
    this.#text = text
    this.#parent = parent
  }

  at(...names: string[]): Path {
    return names.reduce<Path>((path, name) => new Path(`.${name}`, path), this)
  }

  index(i: number): Path {
    return new Path(`[${i}]`, this)
  }

  key(key: string): Path {
    return new Path(`[${key}]`, this)
  }

  toString(): string {
    const text = this.#text
    if (this.#parent === undefined) return text
    const before = this.#parent.toString()
    return before === '' && text.startsWith('.') ? text.slice(1) : before + text
  }
}

export const ROOT = new Path('')
export const SPEC = new Path('spec')
export const STATUS = new Path('status')
export const METADATA = new Path('metadata')

/** Says of expressions why they are not valid; undefined for those that are. */
export interface ExpressionCompiler {
  /** A match condition. */
  condition(source: string, options: { hasParams: boolean }): string | undefined
  /** The expressions of one policy, which share its variables. */
  policy(options: { hasParams: boolean; variables: readonly { name: string; expression: string }[] }): PolicyCompiler
}

export interface PolicyCompiler {
  /** By its place among the policy's variables. */
  variable(index: number): string | undefined
  validation(source: string): string | undefined
  message(source: string): string | undefined
  annotation(source: string): string | undefined
  applyConfiguration(source: string): string | undefined
  jsonPatch(source: string): string | undefined
}

/** There is more wrong than is told. */
class TooManyProblems extends Error {
  override readonly name = 'TooManyProblems'
}

/** What `look` finds wrong; it is stopped when that is more than is told. */
export function problemsOf(look: (to: Problems) => void, expressions?: ExpressionCompiler): FieldError[] {
  const to = new Problems(expressions)
  try {
    look(to)
  } catch (err) {
    if (!(err instanceof TooManyProblems) || !to.isFull) throw err
  }
  return to.errors
}

/** Collects what is wrong. Every method throws when that is too much, which ends `problemsOf`. */
export class Problems {
  readonly errors: FieldError[] = []
  /** Without it, expressions are not looked into. */
  readonly expressions: ExpressionCompiler | undefined
  #length = 0

  constructor(expressions?: ExpressionCompiler) {
    this.expressions = expressions
  }

  add(errors: readonly FieldError[]) {
    for (const error of errors) this.#add(error)
  }

  #add(error: FieldError) {
    this.errors.push(error)
    this.#length += error.message.length
    if (this.isFull) throw new TooManyProblems()
  }

  /** There is as much as is told. */
  get isFull(): boolean {
    return isAllThatIsTold(this.errors.length, this.#length)
  }

  required(at: Path, why = '') {
    this.#add(requiredValue(String(at), why))
  }

  invalid(at: Path, value: unknown, why: string) {
    this.#add(invalidValue(String(at), value, why))
  }

  /** Invalid, where the value itself is not shown. */
  unfit(at: Path, why: string) {
    this.#add({ type: 'Invalid', field: String(at), message: `Invalid value: ${why}` })
  }

  forbidden(at: Path, why: string) {
    this.#add(forbiddenValue(String(at), why))
  }

  unsupported(at: Path, value: unknown, supported: readonly string[]) {
    this.#add(unsupportedValue(String(at), value, supported))
  }

  duplicate(at: Path, value: unknown, why = '') {
    const error = duplicateValue(String(at), value)
    this.#add(why ? { ...error, message: `${error.message}: ${why}` } : error)
  }

  notFound(at: Path, value: unknown, why = '') {
    this.#add({
      type: 'NotFound',
      field: String(at),
      message: `Not found: ${quoted(value)}${why && `: ${why}`}`,
    })
  }

  /** `maxBytes` as upstream counts strings. */
  tooLong(at: Path, maxBytes: number) {
    this.#add({
      type: 'TooLong',
      field: String(at),
      message: `Too long: may not be more than ${maxBytes} bytes`,
    })
  }

  tooMany(at: Path, count: number, max: number) {
    const items = max === 1 ? 'item' : 'items'
    this.#add({
      type: 'TooMany',
      field: String(at),
      message: `Too many: ${count}: must have at most ${max} ${items}`,
    })
  }

  /** Each of `whys` about the same value. */
  each(at: Path, value: unknown, whys: readonly string[]) {
    for (const why of whys) this.invalid(at, value, why)
  }
}

export interface Check {
  (value: any, at: Path, to: Problems): void
  /** Also called for fields that are not there; others are spared that. */
  seesMissing?: boolean
}

const isMissing = (value: unknown) =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

const onMissing = (check: Check): Check => Object.assign(check, { seesMissing: true })

/** The value has to be there; an empty string or list counts as absent. */
export const must = (why = ''): Check =>
  onMissing((value, at, to) => {
    if (isMissing(value)) to.required(at, why)
  })
export const required = must()

/** Runs the checks in turn until one of them finds something. */
export function first(...checks: Check[]): Check {
  const check: Check = (value, at, to) => {
    for (const one of checks) {
      const before = to.errors.length
      if (value !== undefined || one.seesMissing) one(value, at, to)
      if (to.errors.length > before) return
    }
  }
  return checks.some((one) => one.seesMissing) ? onMissing(check) : check
}

/** Runs all of the checks. */
export function all(...checks: Check[]): Check {
  const check: Check = (value, at, to) => {
    for (const one of checks) if (value !== undefined || one.seesMissing) one(value, at, to)
  }
  return checks.some((one) => one.seesMissing) ? onMissing(check) : check
}

export type FieldChecks = Record<string, Check | readonly Check[]>

/** Checks of the fields of an object, in the order of the table. */
export function fields(table: FieldChecks): Check {
  const entries = Object.entries(table).map(([name, checks]) => {
    const list = Array.isArray(checks) ? (checks as readonly Check[]) : [checks as Check]
    return [name, list.length === 1 ? list[0]! : all(...list)] as const
  })
  return (value, at, to) => {
    for (const [name, check] of entries) {
      const field = value[name]
      if (field !== undefined || check.seesMissing) check(field, at.at(name), to)
    }
  }
}

/** Every element of a list. */
export const each =
  (check: Check): Check =>
  (list: readonly unknown[], at, to) =>
    list.forEach((element, i) => check(element, at.index(i), to))

/** Elements told apart by `key`; the place of the later one is reported, at the key's field. */
export const uniqueBy =
  (key: string): Check =>
  (list: readonly Record<string, unknown>[], at, to) => {
    const seen = new Set<unknown>()
    list.forEach((element, i) => {
      const value = element[key]
      if (value !== undefined && seen.has(value)) to.duplicate(at.index(i).at(key), value)
      seen.add(value)
    })
  }

export const uniqueItems: Check = (list: readonly unknown[], at, to) => {
  const seen = new Set<unknown>()
  list.forEach((value, i) => {
    if (seen.has(value)) to.duplicate(at.index(i), value)
    seen.add(value)
  })
}

/** The check is also made of a value that is not there. */
export const evenAbsent = (check: Check): Check => onMissing((value, at, to) => check(value, at, to))

/** The check is also made of a string that is not there, as of an empty one. */
export const evenEmpty = (check: Check): Check => onMissing((value = '', at, to) => check(value, at, to))

/** A string of a closed set. An empty one is absent, unless the set has it. */
export const oneOf = (...values: string[]): Check => {
  const accepted = new Set(values)
  return (value, at, to) => {
    if (!accepted.has(value)) to.unsupported(at, value, values)
  }
}

export const named =
  (name: NameCheck): Check =>
  (value: string, at, to) => {
    if (value !== '') to.each(at, value, name(value))
  }
/** As `named`, but an empty string has to fit too. */
export const strictlyNamed =
  (name: NameCheck): Check =>
  (value: string, at, to) =>
    to.each(at, value, name(value))

export const range =
  (low: number, high: number, why = `must be between ${low} and ${high}, inclusive`): Check =>
  (value: number, at, to) => {
    if (value < low || value > high) to.invalid(at, value, why)
  }

export const NEGATIVE = 'must be greater than or equal to 0'
export const nonNegative: Check = (value: number, at, to) => {
  if (value < 0) to.invalid(at, value, NEGATIVE)
}
export const positive = onMissing((value: number | undefined, at, to) => {
  if (value === undefined || value <= 0) to.invalid(at, value ?? 0, 'must be greater than zero')
})
/** As `positive`, where absence is fine. */
export const positiveIfSet: Check = (value: number, at, to) => {
  if (value <= 0) to.invalid(at, value, 'must be greater than zero')
}

export const maxBytes =
  (max: number): Check =>
  (value: string, at, to) => {
    if (Buffer.byteLength(value) > max) to.tooLong(at, max)
  }

export const maxItems =
  (max: number): Check =>
  (value: readonly unknown[], at, to) => {
    if (value.length > max) to.tooMany(at, value.length, max)
  }

/** A list whose elements are looked at only where there are not too many of them. */
export const limited =
  (max: number, ...checks: Check[]): Check =>
  (list: readonly unknown[], at, to) => {
    if (list.length > max) to.tooMany(at, list.length, max)
    else for (const check of checks) check(list, at, to)
  }

/** Elements told apart by what `keyOf` makes of them, which is shown; the place of the later one is reported. */
export const distinct =
  <T>(keyOf: (element: T) => unknown): Check =>
  (list: readonly T[], at, to) => {
    const seen = new Set<unknown>()
    list.forEach((element, i) => {
      const key = keyOf(element)
      if (seen.has(key)) to.duplicate(at.index(i), key)
      seen.add(key)
    })
  }

export const nonNegativeQuantity: Check = (value: string, at, to) => {
  if (Quantity.parse(value).sign < 0) to.invalid(at, value, NEGATIVE)
}

export const positiveQuantity: Check = (value: string, at, to) => {
  if (Quantity.parse(value).sign <= 0) to.invalid(at, value, 'must be greater than zero')
}

/**
 * Exactly one of the members is set; the first that is found, in the order that is given, is checked by its rule, each
 * further one refused.
 */
export function oneSource(
  table: Readonly<Record<string, Check | undefined>>,
  {
    order = Object.keys(table),
    tooMany,
    none,
    alsoChecked = [],
    refusedAs = {},
    placedAs = {},
  }: {
    order?: readonly string[]
    tooMany: string
    none: (at: Path, to: Problems) => void
    /** Those that are checked rather than refused where another one is set. */
    alsoChecked?: readonly string[]
    /** Where upstream names a field otherwise than the API does, when it refuses it or finds fault with it. */
    refusedAs?: Record<string, string>
    placedAs?: Record<string, string>
  },
): Check {
  const entries = order.map((name) => [name, table[name]] as const)
  return (value, at, to) => {
    let found = false
    for (const [name, check] of entries) {
      if (value[name] === undefined) continue
      if (found && !alsoChecked.includes(name)) to.forbidden(at.at(refusedAs[name] ?? name), tooMany)
      else check?.(value[name], at.at(placedAs[name] ?? name), to)
      found = true
    }
    if (!found) none(at, to)
  }
}
