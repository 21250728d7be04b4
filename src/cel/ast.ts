/**
 * The syntax tree of an expression. The parser makes it with macros already expanded; nobody changes it afterwards.
 * Nodes are told apart by identity, so that what the checker finds out about them is kept in maps.
 */
import type { Value } from './values.ts'

interface Node {
  /** Where complaints about it point: the operator of a call, the bracket of a list, the start of a literal. */
  readonly offset: number
}

export interface Literal extends Node {
  readonly kind: 'literal'
  readonly value: Value
}

export interface Identifier extends Node {
  readonly kind: 'identifier'
  /** With a leading dot where it was written so. */
  readonly name: string
}

export interface Select extends Node {
  readonly kind: 'select'
  readonly operand: Expression
  readonly field: string
  /** `has(operand.field)`. */
  readonly testOnly: boolean
}

export interface Call extends Node {
  readonly kind: 'call'
  /** Operators have names like `_+_`. `_&&_` and `_||_` take two arguments or more. */
  readonly function: string
  readonly target: Expression | undefined
  readonly args: readonly Expression[]
}

export interface ListLiteral extends Node {
  readonly kind: 'list'
  readonly elements: readonly Expression[]
  /** Indices of the elements written `?x`, which are optional values. */
  readonly optionals: ReadonlySet<number>
}

export interface MapEntry extends Node {
  readonly key: Expression
  readonly value: Expression
  readonly optional: boolean
}

export interface MapLiteral extends Node {
  readonly kind: 'map'
  readonly entries: readonly MapEntry[]
}

export interface StructField extends Node {
  readonly name: string
  readonly value: Expression
  readonly optional: boolean
}

export interface StructLiteral extends Node {
  readonly kind: 'struct'
  readonly typeName: string
  readonly fields: readonly StructField[]
}

/**
 * A loop, which is what macros become: `accumulator` starts as `initial`; for each element of `range` while `condition`
 * holds it becomes `step`; the value is that of `result`.
 */
export interface Comprehension extends Node {
  readonly kind: 'comprehension'
  readonly range: Expression
  /** The element of a list, or the key of a map; with a second variable the index of a list. */
  readonly variable: string
  /** The element of a list, or the value of a map. */
  readonly variable2: string | undefined
  readonly accumulator: string
  readonly initial: Expression
  readonly condition: Expression
  readonly step: Expression
  readonly result: Expression
}

export type Expression = Literal | Identifier | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension

/** The accumulator of macros: not a name that an expression can write. */
export const ACCUMULATOR = '@result'

/** `a.b.c` as text where the expression is nothing but names and selections; undefined otherwise. */
export function qualifiedName(expression: Expression): string | undefined {
  if (expression.kind === 'identifier') return expression.name
  if (expression.kind !== 'select' || expression.testOnly) return undefined
  const operand = qualifiedName(expression.operand)
  return operand === undefined ? undefined : `${operand}.${expression.field}`
}

/** The expressions directly below, in the order of evaluation. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'identifier':
      return []
    case 'select':
      return [expression.operand]
    case 'call':
      return expression.target ? [expression.target, ...expression.args] : expression.args
    case 'list':
      return expression.elements
    case 'map':
      return expression.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return expression.fields.map(({ value }) => value)
    case 'comprehension':
      return [expression.range, expression.initial, expression.condition, expression.step, expression.result]
  }
}

/** The same expression as other nodes, for macros that use one twice. */
export function copyOf(expression: Expression): Expression {
  switch (expression.kind) {
    case 'literal':
    case 'identifier':
      return { ...expression }
    case 'select':
      return { ...expression, operand: copyOf(expression.operand) }
    case 'call':
      return {
        ...expression,
        target: expression.target && copyOf(expression.target),
        args: expression.args.map(copyOf),
      }
    case 'list':
      return { ...expression, elements: expression.elements.map(copyOf) }
    case 'map': {
      const entries = expression.entries.map((entry) => ({
        ...entry,
        key: copyOf(entry.key),
        value: copyOf(entry.value),
      }))
      return { ...expression, entries }
    }
    case 'struct':
      return { ...expression, fields: expression.fields.map((field) => ({ ...field, value: copyOf(field.value) })) }
    case 'comprehension':
      return {
        ...expression,
        range: copyOf(expression.range),
        initial: copyOf(expression.initial),
        condition: copyOf(expression.condition),
        step: copyOf(expression.step),
        result: copyOf(expression.result),
      }
  }
}
