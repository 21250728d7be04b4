/**
 * Macros: calls that the parser rewrites, such as `list.all(x, p)` into a loop. Each is a function from the call to the
 * expression that takes its place, or to a complaint about one of its arguments. What they produce decides what an
 * evaluation costs, so it is, node for node, what cel-go produces.
 */
import { ACCUMULATOR } from './ast.ts'
import type { Comprehension, Expression } from './ast.ts'
import type { Value } from './values.ts'

export interface MacroCall {
  /** Where generated nodes are said to be. */
  readonly offset: number
  readonly target: Expression | undefined
  readonly args: readonly Expression[]
}

export interface MacroComplaint {
  readonly kind: 'complaint'
  readonly at: Expression
  readonly message: string
}

export interface Macro {
  readonly name: string
  /** Called on something: `target.name(...)`. */
  readonly member: boolean
  /** How many arguments it takes; a call with another number is an ordinary call. */
  readonly arity: number
  /** undefined: an ordinary call after all. */
  expand(call: MacroCall): Expression | MacroComplaint | undefined
}

/** Makes nodes, all of them at one place. */
export class NodeFactory {
  readonly #offset: number

  constructor(offset: number) {
    this.#offset = offset
  }

  literal(value: Value): Expression {
    return { kind: 'literal', offset: this.#offset, value }
  }

  identifier(name: string): Expression {
    return { kind: 'identifier', offset: this.#offset, name }
  }

  accumulator(): Expression {
    return this.identifier(ACCUMULATOR)
  }

  call(name: string, ...args: Expression[]): Expression {
    return { kind: 'call', offset: this.#offset, function: name, target: undefined, args }
  }

  memberCall(name: string, target: Expression, ...args: Expression[]): Expression {
    return { kind: 'call', offset: this.#offset, function: name, target, args }
  }

  list(...elements: Expression[]): Expression {
    return { kind: 'list', offset: this.#offset, elements, optionals: new Set() }
  }

  map(): Expression {
    return { kind: 'map', offset: this.#offset, entries: [] }
  }

  /** A loop over a range that ends in what it has accumulated, unless told otherwise. */
  loop(
    parts: Pick<Comprehension, 'range' | 'variable' | 'initial' | 'step'> &
      Partial<Pick<Comprehension, 'variable2' | 'accumulator' | 'condition' | 'result'>>,
  ): Expression {
    const { range, variable, variable2, initial, step } = parts
    return {
      kind: 'comprehension',
      offset: this.#offset,
      range,
      variable,
      variable2,
      accumulator: parts.accumulator ?? ACCUMULATOR,
      initial,
      condition: parts.condition ?? this.literal(true),
      step,
      result: parts.result ?? this.accumulator(),
    }
  }
}

export const complaint = (at: Expression, message: string): MacroComplaint => ({ kind: 'complaint', at, message })

/** The names of loop variables, or what is wrong with them. */
export function variableNames(
  args: readonly Expression[],
  messages: readonly string[],
): readonly string[] | MacroComplaint {
  const names: string[] = []
  for (const [i, message] of messages.entries()) {
    const arg = args[i]!
    if (arg.kind !== 'identifier') return complaint(arg, message)
    names.push(arg.name)
  }
  for (const [i, name] of names.entries())
    if (name === ACCUMULATOR || name === '__result__')
      return complaint(args[i]!, 'iteration variable overwrites accumulator variable')
  return names
}

const isComplaint = (value: readonly string[] | MacroComplaint): value is MacroComplaint => 'kind' in value

/** The three ways of folding a predicate over a range, shared by one- and two-variable macros. */
export function quantifier(
  kind: 'all' | 'exists' | 'existsOne',
  nodes: NodeFactory,
  loop: Pick<Comprehension, 'range' | 'variable' | 'variable2'>,
  predicate: Expression,
): Expression {
  if (kind === 'all')
    return nodes.loop({
      ...loop,
      initial: nodes.literal(true),
      condition: nodes.call('@not_strictly_false', nodes.accumulator()),
      step: nodes.call('_&&_', nodes.accumulator(), predicate),
    })
  if (kind === 'exists')
    return nodes.loop({
      ...loop,
      initial: nodes.literal(false),
      condition: nodes.call('@not_strictly_false', nodes.call('!_', nodes.accumulator())),
      step: nodes.call('_||_', nodes.accumulator(), predicate),
    })
  return nodes.loop({
    ...loop,
    initial: nodes.literal(0),
    step: nodes.call('_?_:_', predicate, nodes.call('_+_', nodes.accumulator(), nodes.literal(1)), nodes.accumulator()),
    result: nodes.call('_==_', nodes.accumulator(), nodes.literal(1)),
  })
}

function quantifierMacro(name: string, kind: 'all' | 'exists' | 'existsOne'): Macro {
  return {
    name,
    member: true,
    arity: 2,
    expand({ offset, target, args }) {
      const names = variableNames(args, ['argument must be a simple name'])
      if (isComplaint(names)) return names
      const loop = { range: target!, variable: names[0]!, variable2: undefined }
      return quantifier(kind, new NodeFactory(offset), loop, args[1]!)
    },
  }
}

export function expandMap({ offset, target, args }: MacroCall): Expression | MacroComplaint {
  const names = variableNames(args, ['argument is not an identifier'])
  if (isComplaint(names)) return names
  const nodes = new NodeFactory(offset)
  const [predicate, transform] = args.length === 3 ? [args[1], args[2]!] : [undefined, args[1]!]
  const added = nodes.call('_+_', nodes.accumulator(), nodes.list(transform))
  const step = predicate ? nodes.call('_?_:_', predicate, added, nodes.accumulator()) : added
  return nodes.loop({ range: target!, variable: names[0]!, initial: nodes.list(), step })
}

function expandFilter({ offset, target, args }: MacroCall): Expression | MacroComplaint {
  const names = variableNames(args, ['argument is not an identifier'])
  if (isComplaint(names)) return names
  const nodes = new NodeFactory(offset)
  const added = nodes.call('_+_', nodes.accumulator(), nodes.list(args[0]!))
  const step = nodes.call('_?_:_', args[1]!, added, nodes.accumulator())
  return nodes.loop({ range: target!, variable: names[0]!, initial: nodes.list(), step })
}

/** The macros that every environment has. */
export const standardMacros: readonly Macro[] = [
  {
    name: 'has',
    member: false,
    arity: 1,
    expand({ offset, args }) {
      const [arg] = args
      if (arg!.kind !== 'select') return complaint(arg!, 'invalid argument to has() macro')
      return { kind: 'select', offset, operand: arg!.operand, field: arg!.field, testOnly: true }
    },
  },
  quantifierMacro('all', 'all'),
  quantifierMacro('exists', 'exists'),
  quantifierMacro('exists_one', 'existsOne'),
  { name: 'map', member: true, arity: 2, expand: expandMap },
  { name: 'map', member: true, arity: 3, expand: expandMap },
  { name: 'filter', member: true, arity: 2, expand: expandFilter },
]
