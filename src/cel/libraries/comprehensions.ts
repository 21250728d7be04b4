/** Macros with two variables, key and value or index and element (cel-go: `ext.TwoVarComprehensions`). */
import type { Expression } from '../ast.ts'
import { EvaluationError } from '../errors.ts'
import { declareFunction, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { NodeFactory, complaint, quantifier, variableNames } from '../macros.ts'
import type { Macro, MacroCall, MacroComplaint } from '../macros.ts'
import { GrowingMap } from '../maps.ts'
import { mapOf, typeParameter } from '../types.ts'
import type { Dictionary, Result, Value } from '../values.ts'

const K = typeParameter('K')
const V = typeParameter('V')
const MAP = mapOf(K, V)
const INSERT = 'cel.@mapInsert'

/** Both variables, or what is wrong with them. */
function twoNames(args: readonly Expression[]): readonly [string, string] | MacroComplaint {
  const message = 'argument must be a simple name'
  for (const arg of args.slice(0, 2)) if (arg.kind !== 'identifier') return complaint(arg, message)
  const [first, second] = args.slice(0, 2).map((arg) => (arg.kind === 'identifier' ? arg.name : '')) as [string, string]
  if (first === second) return complaint(args[1]!, `duplicate variable name: ${first}`)
  const names = variableNames(args, [message, message])
  return 'kind' in names ? names : [first, second]
}

/** A macro of two variables and `arity - 2` other arguments. */
function twoVariableMacro(
  name: string,
  arity: number,
  build: (
    nodes: NodeFactory,
    range: Expression,
    names: readonly [string, string],
    args: readonly Expression[],
  ) => Expression,
): Macro {
  return {
    name,
    member: true,
    arity,
    expand({ offset, target, args }: MacroCall) {
      const names = twoNames(args)
      return 'kind' in names ? names : build(new NodeFactory(offset), target!, names, args.slice(2))
    },
  }
}

const quantifierMacro = (name: string, kind: 'all' | 'exists' | 'existsOne'): Macro =>
  twoVariableMacro(name, 3, (nodes, range, [variable, variable2], [predicate]) =>
    quantifier(kind, nodes, { range, variable, variable2 }, predicate!),
  )

/** `name(k, v, transform)` and `name(k, v, filter, transform)`, which differ in how a transformed value is added. */
function transformMacros(
  name: string,
  initial: (nodes: NodeFactory) => Expression,
  added: (nodes: NodeFactory, key: string, transform: Expression) => Expression,
): Macro[] {
  return [3, 4].map((arity) =>
    twoVariableMacro(name, arity, (nodes, range, [variable, variable2], args) => {
      const addition = added(nodes, variable, args.at(-1)!)
      const step = arity === 3 ? addition : nodes.call('_?_:_', args[0]!, addition, nodes.accumulator())
      return nodes.loop({ range, variable, variable2, initial: initial(nodes), step })
    }),
  )
}

/** The map to insert into: the one that grows, or a copy of another. */
function growing(map: Dictionary): GrowingMap | EvaluationError {
  if (map instanceof GrowingMap) return map
  const copy = new GrowingMap()
  for (const key of map.keys()) {
    const value = map.find(key)!
    if (value instanceof EvaluationError) return value
    copy.set(key, value)
  }
  return copy
}

function insert(map: Dictionary, key: Value, value: Value): Result {
  const target = growing(map)
  return target instanceof EvaluationError ? target : target.insert(key, value)
}

function insertAll(map: Dictionary, entries: Dictionary): Result {
  let result: Result = map
  for (const key of entries.keys()) {
    const value = entries.find(key)!
    if (value instanceof EvaluationError) return value
    result = insert(result as Dictionary, key, value)
    if (result instanceof EvaluationError) return result
  }
  return result
}

export const twoVariableLibrary: Library = {
  name: 'two-variable comprehensions',
  macros: [
    quantifierMacro('all', 'all'),
    quantifierMacro('exists', 'exists'),
    quantifierMacro('existsOne', 'existsOne'),
    quantifierMacro('exists_one', 'existsOne'),
    ...transformMacros(
      'transformList',
      (nodes) => nodes.list(),
      (nodes, _, transform) => nodes.call('_+_', nodes.accumulator(), nodes.list(transform)),
    ),
    ...transformMacros(
      'transformMap',
      (nodes) => nodes.map(),
      (nodes, key, transform) => nodes.call(INSERT, nodes.accumulator(), nodes.identifier(key), transform),
    ),
    ...transformMacros(
      'transformMapEntry',
      (nodes) => nodes.map(),
      (nodes, _, transform) => nodes.call(INSERT, nodes.accumulator(), transform),
    ),
  ],
  functions: [
    declareFunction(
      INSERT,
      overload('@mapInsert_map_key_value', [MAP, K, V], MAP, insert),
      overload('@mapInsert_map_map', [MAP, MAP], MAP, insertAll),
    ),
  ],
}
