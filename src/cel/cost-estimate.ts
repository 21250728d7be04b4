/**
 * What an expression can cost, before it runs: bounds from the sizes that literals and schemas give (cel-go:
 * `checker/cost.go`). Custom resources are refused by these numbers, so they are upstream's, its oddities included.
 */
import { ACCUMULATOR } from './ast.ts'
import type { Call, Comprehension, Expression, ListLiteral, MapLiteral } from './ast.ts'
import { LIST_COST, MAP_COST, STRUCT_COST } from './call-costs.ts'
import { estimateCall } from './call-estimates.ts'
import type { EstimatedNode } from './call-estimates.ts'
import type { Checked } from './checker.ts'
import { codePointLength } from './code-points.ts'
import { MAX, UNKNOWN, ZERO, add, exactly, finished, multiply, union } from './ranges.ts'
import type { CostEstimate, Range } from './ranges.ts'
import { DYN, isOptional } from './types.ts'
import type { Type } from './types.ts'

/**
 * How many elements what is found at `path` can have, undefined where that isn't known. A path begins with the name of a
 * variable; `@items`, `@keys` and `@values` stand for all elements: `['self', 'spec', 'ports', '@items', 'name']`.
 */
export type SizeHints = (path: readonly string[]) => CostEstimate | undefined

/** Sizes of what a list or map contains. */
interface EntrySizes {
  readonly container: 'list' | 'map'
  readonly key: Range
  readonly value: Range
}

interface LocalVariable {
  readonly path: readonly string[]
  readonly size: Range | undefined
  readonly entries: EntrySizes | undefined
}

export function estimateCost(checked: Checked, hints: SizeHints): CostEstimate {
  return finished(new Estimator(checked, hints).cost(checked.root))
}

class Estimator {
  readonly #checked: Checked
  readonly #hints: SizeHints
  readonly #paths = new Map<Expression, readonly string[]>()
  readonly #sizes = new Map<Expression, Range>()
  readonly #entrySizes = new Map<Expression, EntrySizes>()
  /** Innermost last. */
  readonly #locals = new Map<string, LocalVariable[]>()

  constructor(checked: Checked, hints: SizeHints) {
    this.#checked = checked
    this.#hints = (path) => {
      const hint = hints(path)
      return hint && { min: hint.min, max: Math.min(hint.max, MAX) }
    }
  }

  cost(expression: Expression): Range {
    switch (expression.kind) {
      case 'literal':
        return ZERO
      case 'identifier':
        return this.#identifier(expression, this.#checked.referenceOf(expression)?.name ?? expression.name)
      case 'select': {
        const reference = this.#checked.referenceOf(expression)
        if (reference) return this.#identifier(expression, reference.name)
        if (expression.testOnly) return this.cost(expression.operand)
        const operand = this.cost(expression.operand)
        this.#paths.set(expression, [...this.#pathOf(expression.operand), expression.field])
        const { kind } = this.#typeOf(expression.operand)
        return kind === 'map' || kind === 'object' || kind === 'parameter' ? add(operand, exactly(1)) : operand
      }
      case 'call':
        return this.#call(expression)
      case 'list':
        return this.#list(expression)
      case 'map':
        return this.#map(expression)
      case 'struct': {
        const fields = expression.fields.map(({ value }) => this.cost(value))
        return add(...fields, exactly(STRUCT_COST))
      }
      case 'comprehension':
        return isBinding(expression) ? this.#binding(expression) : this.#comprehension(expression)
    }
  }

  #identifier(expression: Expression, name: string): Range {
    this.#paths.set(expression, this.#local(name)?.path ?? [name])
    return exactly(1)
  }

  #call(call: Call): Range {
    const resolved = this.#checked.callOf(call)!
    const { name } = resolved.declaration
    if (name === 'dyn') {
      const [arg] = call.args
      const cost = add(exactly(1), this.cost(arg!))
      this.#copySizes(call, arg!)
      return cost
    }
    const argCosts = call.args.map((arg) => this.cost(arg))
    const args = call.args.map((arg) => this.#node(arg))
    let target: EstimatedNode | undefined
    let sum = ZERO
    if (resolved.target) {
      sum = this.cost(resolved.target)
      target = this.#node(resolved.target)
    }
    // Logic of many terms is, to upstream, a tree of pairs.
    if (name === '_&&_' || name === '_||_') {
      this.#setSize(call, this.#sizeOf(call))
      return { min: argCosts[0]!.min, max: add(...argCosts).max }
    }
    let cost: Range = { min: MAX, max: 0 }
    let size: Range | undefined
    for (const { id } of resolved.overloads) {
      const estimate = estimateCall({ name, id, target, args, argCosts })
      cost = union(cost, estimate.cost)
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size
      this.#trackEntries(call, id)
      if ((id === 'index_list' || id === 'index_map') && args.length > 0) {
        size = this.#entriesOf(call.args[0]!)?.value
        this.#paths.set(call, [...this.#pathOf(call.args[0]!), id === 'index_list' ? '@items' : '@values'])
      }
      size ??= this.#sizeOf(call)
    }
    this.#setSize(call, size)
    return add(sum, cost)
  }

  /** What the elements of a result are like, where that follows from the arguments. */
  #trackEntries(call: Call, overloadId: string): void {
    const [first, second, third] = call.args
    if (overloadId === 'conditional') this.#setEntries(call, this.#entriesOf(second!), this.#entriesOf(third!))
    else if (/^add_(string|bytes|list)$/.test(overloadId))
      this.#setEntries(call, this.#entriesOf(first!), this.#entriesOf(second!))
  }

  #setEntries(expression: Expression, a: EntrySizes | undefined, b: EntrySizes | undefined): void {
    if (!a || !b) return
    const entries = { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) }
    this.#entrySizes.set(expression, entries)
  }

  #list(list: ListLiteral): Range {
    let value: Range = list.elements.length === 0 ? ZERO : { min: MAX, max: 0 }
    let sum = ZERO
    for (const element of list.elements) {
      sum = add(sum, this.cost(element))
      value = union(value, this.#sizeOrUnknown(element))
    }
    this.#entrySizes.set(list, { container: 'list', key: exactly(1), value })
    return add(sum, exactly(LIST_COST))
  }

  #map(map: MapLiteral): Range {
    const nothing: Range = map.entries.length === 0 ? ZERO : { min: MAX, max: 0 }
    let [keys, values, sum] = [nothing, nothing, ZERO]
    for (const { key, value } of map.entries) {
      sum = add(sum, this.cost(key), this.cost(value))
      keys = union(keys, this.#sizeOrUnknown(key))
      values = union(values, this.#sizeOrUnknown(value))
    }
    this.#entrySizes.set(map, { container: 'map', key: keys, value: values })
    return add(sum, exactly(MAP_COST))
  }

  #comprehension(loop: Comprehension): Range {
    let sum = add(this.cost(loop.range), this.cost(loop.initial))
    this.#pushLocal(loop.accumulator, {
      path: this.#pathOf(loop.initial),
      size: this.#sizeOf(loop.initial),
      entries: this.#entriesOf(loop.initial),
    })
    this.#pushLoopVariables(loop)
    const each = add(this.cost(loop.condition), this.cost(loop.step))
    this.#popLocal(loop.variable)
    if (loop.variable2 !== undefined) this.#popLocal(loop.variable2)
    sum = add(sum, this.cost(loop.result))
    this.#popLocal(loop.accumulator)
    const times = this.#sizeOrUnknown(loop.range)
    if (loop.initial.kind === 'literal') this.#setSize(loop, this.#sizeOf(loop.initial))
    else if (loop.initial.kind === 'list' || loop.initial.kind === 'map') {
      this.#setSize(loop, times)
      const entries = this.#entriesOf(loop.step)
      if (entries) this.#entrySizes.set(loop, entries)
    }
    return add(sum, multiply(times, each))
  }

  #pushLoopVariables({ range, variable, variable2 }: Comprehension): void {
    const entries = this.#entriesOf(range)
    const path = this.#pathOf(range)
    const isList = (entries?.container ?? this.#typeOf(range).kind) === 'list'
    const value = { path: [...path, isList ? '@items' : '@values'], size: entries?.value, entries: undefined }
    if (variable2 !== undefined) {
      this.#pushLocal(variable, {
        path: [...path, isList ? '@indices' : '@keys'],
        size: entries?.key,
        entries: undefined,
      })
      this.#pushLocal(variable2, value)
    } else if (isList) this.#pushLocal(variable, value)
    else this.#pushLocal(variable, { path: [...path, '@keys'], size: entries?.key, entries: undefined })
  }

  /** A loop that never runs and only gives a name to a value. */
  #binding(loop: Comprehension): Range {
    const before = add(this.cost(loop.range), this.cost(loop.initial))
    this.#pushLocal(loop.accumulator, {
      path: this.#pathOf(loop.initial),
      size: this.#sizeOf(loop.initial),
      entries: this.#entriesOf(loop.initial),
    })
    const sum = add(before, this.cost(loop.result))
    this.#popLocal(loop.accumulator)
    this.#copySizes(loop, loop.result)
    return sum
  }

  #node(expression: Expression): EstimatedNode {
    const path = this.#pathOf(expression)
    const root = path[0]
    const known = this.#sizeOf(expression)
    // The accumulator is nothing that a schema describes.
    const fromRoot = root === ACCUMULATOR || root === '__result__' ? [] : path
    return {
      expression,
      type: this.#typeOf(expression),
      size: known,
      hint: (more) => (fromRoot.length === 0 ? undefined : this.#hints([...fromRoot, ...more])),
    }
  }

  #typeOf(expression: Expression): Type {
    return this.#checked.typeOf(expression) ?? DYN
  }

  #pathOf(expression: Expression): readonly string[] {
    const local = expression.kind === 'identifier' ? this.#local(expression.name) : undefined
    return local?.path ?? this.#paths.get(expression) ?? []
  }

  #local(name: string): LocalVariable | undefined {
    return this.#locals.get(name)?.at(-1)
  }

  #pushLocal(name: string, local: LocalVariable): void {
    const stack = this.#locals.get(name)
    if (stack) stack.push(local)
    else this.#locals.set(name, [local])
  }

  #popLocal(name: string): void {
    this.#locals.get(name)!.pop()
  }

  #setSize(expression: Expression, size: Range | undefined): void {
    if (size) this.#sizes.set(expression, size)
  }

  #copySizes(to: Expression, from: Expression): void {
    this.#setSize(to, this.#sizeOf(from))
    const entries = this.#entriesOf(from)
    if (entries) this.#entrySizes.set(to, entries)
  }

  #sizeOrUnknown(expression: Expression): Range {
    return this.#sizeOf(expression) ?? UNKNOWN
  }

  #sizeOf(expression: Expression): Range | undefined {
    const known = this.#sizes.get(expression) ?? literalSize(expression)
    if (known) return known
    const path = this.#pathOf(expression)
    const hint = path.length > 0 ? this.#hints(path) : undefined
    if (hint) {
      this.#sizes.set(expression, hint)
      return hint
    }
    if (isScalar(this.#typeOf(expression))) return exactly(1)
    return expression.kind === 'identifier' ? this.#local(expression.name)?.size : undefined
  }

  #entriesOf(expression: Expression): EntrySizes | undefined {
    const known = this.#entrySizes.get(expression)
    if (known) return known
    return expression.kind === 'identifier' ? this.#local(expression.name)?.entries : undefined
  }
}

function isBinding({ range, condition, accumulator }: Comprehension): boolean {
  return (
    range.kind === 'list' &&
    range.elements.length === 0 &&
    condition.kind === 'literal' &&
    condition.value === false &&
    accumulator !== '__result__'
  )
}

function literalSize(expression: Expression): Range | undefined {
  switch (expression.kind) {
    case 'list':
      return exactly(expression.elements.length)
    case 'map':
      return exactly(expression.entries.length)
    case 'literal': {
      const { value } = expression
      if (typeof value === 'string') return exactly(codePointLength(value))
      return exactly(value instanceof Uint8Array ? value.length : 1)
    }
    default:
      return undefined
  }
}

const SCALARS: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])

function isScalar(type: Type): boolean {
  return SCALARS.has(type.kind) || (isOptional(type) && type.parameters.length > 0 && isScalar(type.parameters[0]!))
}
