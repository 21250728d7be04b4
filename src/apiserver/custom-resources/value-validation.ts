/**
 * Whether a value fits a schema, and what is wrong with it where it does not: types, bounds, patterns, formats, `anyOf` and
 * the rest of JSON Schema that CustomResourceDefinitions may use. A schema is compiled once. Most values fit, so that is
 * found out first (`accepts`), and without making anything; only a value that does not fit is walked through again for
 * its errors.
 *
 * Invariant: `accepts` says yes exactly if `errors` finds none.
 * Upstream: `kube-openapi/pkg/validation/validate`, with `apiextensions-apiserver/pkg/apiserver/validation`.
 */
import { jsonEqual } from '#base/equal.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { isSchema } from './structural.ts'
import type { Correlation } from './correlation.ts'
import { formatCheck, formatOf } from './formats.ts'
import { Pattern } from './pattern.ts'
import { Findings } from './findings.ts'
import { checkNumber, isWithinRange, type NumberBounds } from './number-validation.ts'
import type { SchemaProps } from './structural.ts'

type Json = Record<string, unknown>
type Kind = 'null' | 'boolean' | 'string' | 'integer' | 'number' | 'array' | 'object'

function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as 'boolean' | 'string' | 'object'
}

/** What Go calls the type of a number that it has decoded. */
const goFormats: Partial<Record<Kind, string>> = { integer: 'int64', number: 'float64' }

export class ValueValidator {
  /** Of which the value must have one; any will do where there is none. */
  readonly #types: readonly string[]
  readonly #isNullable: boolean
  /** A format that is not of numbers is all that is asked of strings, and lists are let through with them, as ever. */
  readonly #isAnyTextOrList: boolean
  readonly #format: string
  readonly #checkFormat: ((text: string) => boolean) | undefined
  readonly #enum: readonly unknown[]
  /** Those of its values that are texts, of which there may be many. */
  readonly #enumTexts: ReadonlySet<unknown>
  readonly #bounds: NumberBounds
  readonly #hasBounds: boolean
  readonly #maxLength: number | undefined
  readonly #minLength: number | undefined
  readonly #patternText: string
  readonly #pattern: Pattern | undefined
  readonly #items: ValueValidator | undefined
  readonly #maxItems: number | undefined
  readonly #minItems: number | undefined
  readonly #hasUniqueItems: boolean
  readonly #properties: ReadonlyMap<string, ValueValidator>
  /** Of the fields that have no property: a validator, or whether there may be any. */
  readonly #others: ValueValidator | boolean
  readonly #required: readonly string[]
  readonly #maxProperties: number | undefined
  readonly #minProperties: number | undefined
  readonly #anyOf: readonly ValueValidator[]
  readonly #oneOf: readonly ValueValidator[]
  readonly #allOf: readonly ValueValidator[]
  readonly #not: ValueValidator | undefined

  /** Throws PatternError for a pattern that is no regular expression. */
  constructor(schema: SchemaProps) {
    const all = (schemas: readonly unknown[] | undefined) =>
      (schemas ?? []).map((inner) => new ValueValidator(inner as SchemaProps))
    const type = schema['x-kubernetes-int-or-string'] ? '' : (schema.type ?? '')
    this.#types = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : type === '' ? [] : [type]
    this.#isNullable = schema.nullable === true
    this.#format = formatOf({ ...schema, type })
    this.#isAnyTextOrList = this.#format !== '' && !this.#types.some((one) => one === 'integer' || one === 'number')
    this.#checkFormat = formatCheck(this.#format)
    this.#enum = schema.enum ?? []
    this.#enumTexts = new Set(this.#enum.filter((one) => typeof one === 'string'))
    this.#bounds = {
      type: type === 'integer' || type === 'number' ? type : '',
      format: this.#checkFormat ? '' : this.#format,
      multipleOf: schema.multipleOf,
      maximum: schema.maximum,
      isMaximumExclusive: schema.exclusiveMaximum === true,
      minimum: schema.minimum,
      isMinimumExclusive: schema.exclusiveMinimum === true,
    }
    this.#hasBounds = [schema.multipleOf, schema.maximum, schema.minimum].some((bound) => bound !== undefined)
    this.#maxLength = schema.maxLength
    this.#minLength = schema.minLength
    this.#patternText = schema.pattern ?? ''
    this.#pattern = this.#patternText === '' ? undefined : new Pattern(this.#patternText)
    this.#items = isSchema(schema.items) ? new ValueValidator(schema.items) : undefined
    this.#maxItems = schema.maxItems
    this.#minItems = schema.minItems
    this.#hasUniqueItems = schema.uniqueItems === true
    this.#properties = new Map(
      Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, new ValueValidator(inner as SchemaProps)]),
    )
    const others: unknown = schema.additionalProperties
    this.#others = isSchema(others) ? new ValueValidator(others) : others !== false
    this.#required = schema.required ?? []
    this.#maxProperties = schema.maxProperties
    this.#minProperties = schema.minProperties
    this.#anyOf = all(schema.anyOf)
    this.#oneOf = all(schema.oneOf)
    this.#allOf = all(schema.allOf)
    this.#not = schema.not && new ValueValidator(schema.not as SchemaProps)
  }

  #isInEnum(value: unknown): boolean {
    if (this.#enum.length === 0 || this.#enumTexts.has(value)) return true
    return typeof value !== 'string' && this.#enum.some((one) => one !== null && jsonEqual(one, value))
  }

  accepts(value: unknown): boolean {
    const kind = kindOf(value)
    if (!this.#hasType(value, kind)) return false
    if (!this.#isInEnum(value)) return false
    if (kind === 'null') return true
    if (kind === 'string') {
      if (!this.#acceptsText(value as string)) return false
    } else if (kind === 'integer' || kind === 'number') {
      const number = value as number
      if (!isWithinRange(number, this.#bounds.type, this.#bounds.format)) return false
      if (this.#hasBounds && checkNumber(number, this.#bounds, '').length > 0) return false
    } else if (kind === 'array') {
      if (!this.#acceptsList(value as unknown[])) return false
    } else if (kind === 'object' && !this.#acceptsObject(value as Json)) return false
    return this.#acceptsJunctors(value)
  }

  /** Of a value that is not accepted. What has not changed since `correlation`'s old value is let through. */
  errors(value: unknown, path: string, correlation?: Correlation): FieldError[] {
    return this.#find(value, '', correlation).errors(path)
  }

  #hasType(value: unknown, kind: Kind): boolean {
    const types = this.#types
    if (kind === 'null') return types.length === 0 || this.#isNullable
    if (this.#isAnyTextOrList && (kind === 'string' || kind === 'array')) return true
    if (types.length === 0 && this.#format === '') return true
    if (types.includes(kind) || (kind === 'integer' && types.includes('number'))) return true
    return kind === 'number' && types.includes('integer') && isJsonInteger(value as number)
  }

  #acceptsText(text: string): boolean {
    if (this.#maxLength !== undefined && text.length > this.#maxLength && runes(text) > this.#maxLength) return false
    if (this.#minLength !== undefined && runes(text) < this.#minLength) return false
    if (this.#pattern && !this.#pattern.test(text)) return false
    return !this.#checkFormat || this.#checkFormat(text)
  }

  #acceptsList(list: readonly unknown[]): boolean {
    if (this.#maxItems !== undefined && list.length > this.#maxItems) return false
    if (this.#minItems !== undefined && list.length < this.#minItems) return false
    if (this.#items) for (const element of list) if (!this.#items.accepts(element)) return false
    return !this.#hasUniqueItems || !hasRepeated(list)
  }

  #acceptsObject(object: Json): boolean {
    const properties = this.#properties
    const others = this.#others
    let members = 0
    for (const name in object) {
      members++
      const property = properties.get(name)
      if (property) {
        if (!property.accepts(object[name])) return false
      } else if (others !== true && (others === false || !others.accepts(object[name]))) return false
    }
    if (this.#maxProperties !== undefined && members > this.#maxProperties) return false
    if (this.#minProperties !== undefined && members < this.#minProperties) return false
    for (const name of this.#required) if (!Object.hasOwn(object, name)) return false
    return true
  }

  #acceptsJunctors(value: unknown): boolean {
    if (this.#anyOf.length > 0 && !this.#anyOf.some((one) => one.accepts(value))) return false
    if (this.#oneOf.length > 0 && this.#oneOf.filter((one) => one.accepts(value)).length !== 1) return false
    for (const one of this.#allOf) if (!one.accepts(value)) return false
    return !this.#not?.accepts(value)
  }

  #find(value: unknown, path: string, correlation: Correlation | undefined): Findings {
    const found = this.#findAll(value, path, correlation)
    return !found.isEmpty && correlation?.isEqual ? new Findings() : found
  }

  #findAll(value: unknown, path: string, correlation: Correlation | undefined): Findings {
    const found = new Findings()
    const kind = kindOf(value)
    this.#findType(value, kind, path, found)
    if (kind === 'null') {
      this.#findEnum(value, path, found)
      return found
    }
    found.matched()
    this.#findJunctors(value, path, correlation, found)
    if (kind === 'string') this.#findText(value as string, path, found)
    else if (kind === 'integer' || kind === 'number') {
      found.addAll(checkNumber(value as number, this.#bounds, path))
      found.matched(2)
    } else if (kind === 'array') this.#findList(value as unknown[], path, correlation, found)
    this.#findEnum(value, path, found)
    if (kind === 'object') this.#findObject(value as Json, path, correlation, found)
    found.matched()
    return found
  }

  #findType(value: unknown, kind: Kind, path: string, found: Findings) {
    const format = this.#format
    const isAsked = this.#types.length > 0 || format !== ''
    if (isAsked && kind !== 'null') found.matched()
    if (this.#hasType(value, kind)) {
      if (isAsked || kind === 'null') found.matched()
    } else if (format !== '' && kind !== 'null' && kind !== 'string' && kind !== 'array')
      found.addType(path, format, goFormats[kind] ?? '')
    else found.addType(path, this.#types.join(','), kind)
  }

  #findEnum(value: unknown, path: string, found: Findings) {
    if (!this.#isInEnum(value)) found.addEnum(path, value, this.#enum)
  }

  #findText(text: string, path: string, found: Findings) {
    found.matched(this.#checkFormat ? 2 : 1)
    if (this.#maxLength !== undefined && runes(text) > this.#maxLength) found.addTooLong(path, this.#maxLength)
    else if (this.#minLength !== undefined && runes(text) < this.#minLength)
      found.addInvalid(path, text, `should be at least ${this.#minLength} chars long`)
    else if (this.#pattern && !this.#pattern.test(text))
      found.addInvalid(path, text, `should match '${this.#patternText}'`)
    if (this.#checkFormat && !this.#checkFormat(text)) found.addType(path, this.#format, text)
  }

  #findList(list: readonly unknown[], path: string, correlation: Correlation | undefined, found: Findings) {
    if (this.#items)
      list.forEach((element, i) => found.merge(this.#items!.#find(element, `${path}[${i}]`, correlation?.index(i))))
    if (this.#minItems !== undefined && list.length < this.#minItems)
      found.addInvalid(path, list.length, `should have at least ${this.#minItems} items`)
    if (this.#maxItems !== undefined && list.length > this.#maxItems)
      found.addTooMany(path, list.length, this.#maxItems)
    if (this.#hasUniqueItems && hasRepeated(list)) found.addInvalid(path, '', "shouldn't contain duplicates")
    found.matched(2)
  }

  #findObject(object: Json, path: string, correlation: Correlation | undefined, found: Findings) {
    const members = Object.keys(object).length
    if (this.#minProperties !== undefined && members < this.#minProperties)
      found.addInvalid(path, members, `should have at least ${this.#minProperties} properties`)
    if (this.#maxProperties !== undefined && members > this.#maxProperties)
      found.addTooMany(path, members, this.#maxProperties)
    // What tells the version of the object is not seen to change, and never let through.
    const fieldOf = (name: string) =>
      path === '' && (name === 'apiVersion' || name === 'kind') ? undefined : correlation?.field(name)
    for (const [name, value] of Object.entries(object)) {
      if (this.#properties.has(name)) continue
      if (this.#others === false) found.addForbidden(path, name)
      else if (this.#others !== true) found.merge(this.#others.#find(value, `${path}.${name}`, fieldOf(name)))
    }
    for (const [name, property] of this.#properties) {
      const place = path === '' ? name : `${path}.${name}`
      if (Object.hasOwn(object, name)) found.merge(property.#find(object[name], place, fieldOf(name)))
    }
    for (const name of this.#required) if (!Object.hasOwn(object, name)) found.addRequired(`${path}.${name}`)
    found.matched()
  }

  /** Alternatives are compared by how much of them fits; what is wrong with the best of them is told. */
  #findJunctors(value: unknown, path: string, correlation: Correlation | undefined, found: Findings) {
    const of = (one: ValueValidator) => one.#findAll(value, path, correlation)
    if (this.#anyOf.length > 0) {
      const all = this.#anyOf.map(of)
      const success = all.find(({ isEmpty }) => isEmpty)
      if (!success) found.addSentence(`${JSON.stringify(path)} must validate at least one schema (anyOf)`)
      found.merge(success ?? best(all))
    }
    if (this.#oneOf.length > 0) {
      const all = this.#oneOf.map(of)
      const valid = all.filter(({ isEmpty }) => isEmpty)
      if (valid.length === 1) found.merge(valid[0]!)
      else {
        const many = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`
        found.addSentence(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${many}`)
        if (valid.length === 0) found.merge(best(all))
      }
    }
    if (this.#allOf.length > 0) {
      const all = this.#allOf.map(of)
      for (const one of all) found.merge(one)
      const valid = all.filter(({ isEmpty }) => isEmpty).length
      if (valid < all.length) {
        const none = valid === 0 ? '. None validated' : ''
        found.addSentence(`${JSON.stringify(path)} must validate all the schemas (allOf)${none}`)
      }
    }
    if (this.#not && of(this.#not).isEmpty)
      found.addSentence(`${JSON.stringify(path)} must not validate the schema (not)`)
    found.matched(2)
  }
}

const best = (all: readonly Findings[]) => all.reduce((before, one) => (one.matches > before.matches ? one : before))

/** Whether a number is as good as whole, to JSON's precision. */
function isJsonInteger(value: number): boolean {
  const rounded = Math.round(value)
  if (value === rounded) return Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return rounded !== 0 && Math.abs(value - rounded) < 1e-9 * Math.abs(rounded)
}

/** Characters, of which those outside of the basic plane are two units of a JavaScript string. */
function runes(text: string): number {
  let pairs = 0
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) pairs++
  return text.length - pairs
}

const hasRepeated = (list: readonly unknown[]) =>
  list.some((element, i) => list.findIndex((other) => jsonEqual(other, element)) < i)
