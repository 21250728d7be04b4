/**
 * JSON paths as Kubernetes has them: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `..name`. A path is
 * parsed once and then picks values out of any number of objects; what is not there is nothing rather than an error.
 * Upstream: `client-go/util/jsonpath`, without templates around it.
 */
import { isObject } from '#base/json.ts'

/** A text that is no path, or a path that does not go with what it is applied to. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
}

type Step = (values: readonly unknown[]) => unknown[]
export class JsonPath {
  readonly #steps: readonly Step[]

  /** Throws JsonPathError. */
  constructor(text: string) {
    this.#steps = new Parser(text).steps()
  }

  /** All values that the path leads to, in their order. Throws JsonPathError. */
  find(value: unknown): unknown[] {
    return walk(this.#steps, [value])
  }
}

const walk = (steps: readonly Step[], values: readonly unknown[]): unknown[] =>
  steps.reduce<unknown[]>((found, step) => step(found), [...values])

/** Go's word for what a value is, in errors. */
const goTypeOf = (value: unknown) =>
  isObject(value)
    ? 'map[string]interface {}'
    : typeof value === 'number'
      ? 'float64'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value

const fieldStep =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []))

const contentsOf = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value
  if (isObject(value)) return Object.values(value)
  return typeof value === 'string' ? [...value] : []
}

const wildcardStep: Step = (values) => values.flatMap(contentsOf)

/** Everything that holds something, the values themselves included; their parts follow them. */
const recursiveStep: Step = (values) =>
  values.flatMap((value) => {
    if (typeof value === 'string') return value === '' ? [] : [value]
    const contents = contentsOf(value)
    return contents.length === 0 ? [] : [value, ...recursiveStep(contents)]
  })

interface Slice {
  from: number | undefined
  to: number | undefined
  step: number | undefined
  /** Only one element is meant, so that `to` follows from `from`. */
  isIndex: boolean
}

const sliceStep =
  ({ from = 0, to, step = 1, isIndex }: Slice): Step =>
  (values) =>
    values.flatMap((value) => {
      if (value === null || value === undefined) return []
      if (!Array.isArray(value)) throw new JsonPathError(`${goTypeOf(value)} is not array or slice`)
      const { length } = value
      const start = from < 0 ? from + length : from
      const end = isIndex ? start + 1 : to === undefined ? length : to < 0 ? to + length : to
      if (start === end) return []
      const outOfBounds = (index: number) =>
        new JsonPathError(`array index out of bounds: index ${index}, length ${length}`)
      if (start >= length || start < 0) throw outOfBounds(start)
      if (end > length || end < 0) throw outOfBounds(end - 1)
      if (start > end) throw new JsonPathError(`starting index ${start} is greater than ending index ${end}`)
      if (step <= 0) throw new JsonPathError('step must be > 0')
      return value.slice(start, end).filter((_element, i) => i % step === 0)
    })

const unionStep =
  (paths: readonly (readonly Step[])[]): Step =>
  (values) =>
    paths.flatMap((steps) => walk(steps, values))

const literalStep =
  (literal: unknown): Step =>
  (values) =>
    values.map(() => literal)

type Comparison = (left: unknown, right: unknown) => boolean

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => (left as number) < (right as number),
  '>': (left, right) => (left as number) > (right as number),
  '<=': (left, right) => (left as number) <= (right as number),
  '>=': (left, right) => (left as number) >= (right as number),
}

function filterStep(left: readonly Step[], operator: string | undefined, right: readonly Step[]): Step {
  const compare = operator === undefined ? undefined : comparisons[operator]
  const passes = (element: unknown): boolean => {
    const lefts = walk(left, [element])
    if (operator === undefined) return lefts.length > 0
    const rights = walk(right, [element])
    if (lefts.length === 0 || rights.length === 0) return false
    if (lefts.length > 1 || rights.length > 1) throw new JsonPathError('can only compare one element at a time')
    if (!compare) throw new JsonPathError(`unrecognized filter operator ${operator}`)
    const [a, b] = [lefts[0], rights[0]]
    if (typeof a !== typeof b || typeof a === 'object') throw new JsonPathError('incompatible types for comparison')
    return compare(a, b)
  }
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value))
        throw new JsonPathError(`${goTypeOf(value)} is not array or slice and cannot be filtered`)
      return value.filter(passes)
    })
}

/** Ends the name of a field, unless it is escaped. */
const TERMINATORS = new Set([' ', '\t', '\r', '\n', '.', ',', '[', ']', '$', '@', '{', '}'])
const MAX_NESTING = 20

class Parser {
  readonly #text: string
  readonly #depth: number
  #at = 0

  constructor(text: string, depth = 0) {
    if (depth > MAX_NESTING) throw new JsonPathError('nested too deeply')
    this.#text = text
    this.#depth = depth
  }

  steps(): Step[] {
    const steps: Step[] = []
    let wasRecursive = false
    while (this.#at < this.#text.length) {
      const rest = this.#text.slice(this.#at)
      const isRecursive = rest.startsWith('..')
      if (isRecursive && wasRecursive) throw new JsonPathError('invalid multiple recursive descent')
      const [first] = rest
      if (rest.startsWith('[?(')) steps.push(this.#filter())
      else if (isRecursive) {
        this.#at += 2
        steps.push(recursiveStep)
        if (/^[\p{L}\p{Nd}_]/u.test(rest.slice(2))) steps.push(this.#field())
      } else if (first === ' ' || first === '@' || first === '$') this.#at++
      else if (first === '[') steps.push(...this.#array())
      else if (first === '"' || first === "'") steps.push(literalStep(this.#quoted(first)))
      else if (first === '.') {
        this.#at++
        steps.push(this.#field())
      } else if (/^[+\-\d]/.test(rest)) steps.push(literalStep(this.#number()))
      else if (/^(?:true|false)(?![^\s.,[\]$@{}])/.test(rest)) steps.push(literalStep(this.#word() === 'true'))
      else if (/^[\p{L}\p{Nd}_]/u.test(rest)) throw new JsonPathError(`unrecognized identifier ${this.#word()}`)
      else throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(first)}`)
      wasRecursive = isRecursive
    }
    return steps
  }

  #word(): string {
    const from = this.#at
    while (this.#at < this.#text.length && !TERMINATORS.has(this.#text[this.#at]!)) {
      if (this.#text[this.#at] === '\\') this.#at++
      this.#at++
    }
    return this.#text.slice(from, this.#at)
  }

  #field(): Step {
    const word = this.#word()
    return word === '*' ? wildcardStep : fieldStep(word.replaceAll('\\', ''))
  }

  #number(): number {
    const [found = ''] = /^[+-]?[.\d]*/.exec(this.#text.slice(this.#at)) ?? []
    const value = Number(found)
    if (found === '' || Number.isNaN(value)) throw new JsonPathError(`cannot parse number ${found}`)
    this.#at += found.length
    return value
  }

  #quoted(quote: string): string {
    const from = this.#at + 1
    for (this.#at = from; this.#text[this.#at] !== quote; this.#at++) {
      if (this.#at >= this.#text.length) throw new JsonPathError('unterminated quoted string')
      if (this.#text[this.#at] === '\\') this.#at++
    }
    this.#at++
    return this.#text.slice(from, this.#at - 1).replace(/\\(.)/g, '$1')
  }

  #array(): Step[] {
    const end = this.#text.indexOf(']', this.#at)
    if (end < 0) throw new JsonPathError('unterminated array')
    const inner = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    const parts = inner.split(',')
    if (parts.length > 1) return [unionStep(parts.map((part) => this.#inner(`[${part.trim()}]`)))]
    const key = /^'([^']*)'$/.exec(inner)
    if (key) return this.#inner(`.${key[1]}`)
    const slice = /^(-?\d*)(?::(-?\d*))?(?::(-?\d*))?$/.exec(inner === '*' ? ':' : inner)
    if (!slice) throw new JsonPathError(`invalid array index ${inner}`)
    const [from, to, step] = slice.slice(1).map((text) => (text ? Number(text) : undefined))
    return [sliceStep({ from, to, step, isIndex: slice[2] === undefined })]
  }

  #filter(): Step {
    const from = this.#at + '[?('.length
    let quote: string | undefined
    for (this.#at = from; quote !== undefined || this.#text[this.#at] !== ')'; this.#at++) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new JsonPathError('unterminated filter')
      if (quote === undefined && (character === '"' || character === "'")) quote = character
      else if (character === quote && this.#text[this.#at - 1] !== '\\') quote = undefined
    }
    const inner = this.#text.slice(from, this.#at)
    if (this.#text[this.#at + 1] !== ']') throw new JsonPathError('unclosed array expect ]')
    this.#at += 2
    const comparison = /^([^!<>=]+)([!<>=]+)(.+)$/.exec(inner)
    if (!comparison) return filterStep(this.#inner(inner), undefined, [])
    return filterStep(this.#inner(comparison[1]!), comparison[2], this.#inner(comparison[3]!))
  }

  #inner(text: string): Step[] {
    return new Parser(text, this.#depth + 1).steps()
  }
}
