/** Optional values: `a.?b.orValue(c)`, `optional.of(x)`, `x.optMap(v, ...)` (cel-go: `cel.OptionalTypes`). */
import { NONE } from '../attributes.ts'
import { copyOf } from '../ast.ts'
import type { Expression } from '../ast.ts'
import { EvaluationError } from '../errors.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { ValueList, elementsOf } from '../lists.ts'
import { NodeFactory, complaint } from '../macros.ts'
import type { Macro, MacroCall, MacroComplaint } from '../macros.ts'
import { formatValue } from '../format-value.ts'
import { BOOL, DYN, INT, STRING, listOf, mapOf, opaqueType, optionalOf, typeParameter } from '../types.ts'
import { Dictionary, Double, Duration, List, Optional, Struct, Timestamp, Uint } from '../values.ts'
import type { Result, Value } from '../values.ts'

const K = typeParameter('K')
const V = typeParameter('V')
const OPTIONAL = optionalOf(V)
const LIST = listOf(V)
const MAP = mapOf(K, V)
const DEREFERENCE = new EvaluationError('function', 'optional.none() dereference')

function isZero(value: Value): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true
  if (value instanceof Double || value instanceof Uint) return Number(value.value) === 0
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof Duration) return value.nanos === 0n
  // The zero of Go's time is the begin of year 1.
  if (value instanceof Timestamp) return value.seconds === -62_135_596_800 && value.nanos === 0
  if (value instanceof List || value instanceof Dictionary) return value.size === 0
  if (value instanceof Struct) return value.isZero
  return value instanceof Optional && (value.value === undefined || isZero(value.value))
}

function unwrapAll(list: List): Result {
  const elements = elementsOf(list)
  if (elements instanceof EvaluationError) return elements
  const values: Value[] = []
  for (const element of elements) {
    if (!(element instanceof Optional))
      return new EvaluationError('function', `value ${formatValue(element)} is not optional`)
    if (element.value !== undefined) values.push(element.value)
  }
  return new ValueList(values)
}

const at =
  (index: (list: List) => number) =>
  (list: List): Result => {
    if (list.size === 0) return NONE
    const element = list.at(index(list))
    return element instanceof EvaluationError ? element : new Optional(element)
  }

/** `target.hasValue() ? ... : optional.none()`, with the value bound to a name. */
function optionalMacro(name: 'optMap' | 'optFlatMap'): Macro {
  return {
    name,
    member: true,
    arity: 2,
    expand({ offset, target, args }: MacroCall): Expression | MacroComplaint {
      const [variable, body] = args as [Expression, Expression]
      if (variable.kind !== 'identifier')
        return complaint(variable, `${name}() variable name must be a simple identifier`)
      const nodes = new NodeFactory(offset)
      const bound = nodes.loop({
        range: nodes.list(),
        variable: '#unused',
        accumulator: variable.name,
        initial: nodes.memberCall('value', copyOf(target!)),
        condition: nodes.literal(false),
        step: nodes.identifier(variable.name),
        result: body,
      })
      const mapped = name === 'optMap' ? nodes.call('optional.of', bound) : bound
      return nodes.call('_?_:_', nodes.memberCall('hasValue', target!), mapped, nodes.call('optional.none'))
    },
  }
}

export const optionalLibrary: Library = {
  name: 'optional',
  typeNames: [opaqueType('optional_type')],
  macros: [optionalMacro('optMap'), optionalMacro('optFlatMap')],
  functions: [
    declareFunction(
      'optional.of',
      overload('optional_of', [V], OPTIONAL, (value: Value) => new Optional(value)),
    ),
    declareFunction(
      'optional.ofNonZeroValue',
      overload('optional_ofNonZeroValue', [V], OPTIONAL, (value: Value) =>
        isZero(value) ? NONE : new Optional(value),
      ),
    ),
    declareFunction(
      'optional.none',
      overload('optional_none', [], OPTIONAL, () => NONE),
    ),
    declareFunction(
      'value',
      memberOverload('optional_value', [OPTIONAL], V, ({ value }: Optional) => noneOr(value)),
    ),
    declareFunction(
      'hasValue',
      memberOverload('optional_hasValue', [OPTIONAL], BOOL, ({ value }: Optional) => value !== undefined),
    ),
    declareFunction('or', memberOverload('optional_or_optional', [OPTIONAL, OPTIONAL], OPTIONAL)),
    declareFunction('orValue', memberOverload('optional_orValue_value', [OPTIONAL, V], V)),
    declareFunction('_?._', overload('select_optional_field', [DYN, STRING], OPTIONAL)),
    declareFunction(
      '_[?_]',
      overload('list_optindex_optional_int', [LIST, INT], OPTIONAL),
      overload('optional_list_optindex_optional_int', [optionalOf(LIST), INT], OPTIONAL),
      overload('map_optindex_optional_value', [MAP, K], OPTIONAL),
      overload('optional_map_optindex_optional_value', [optionalOf(MAP), K], OPTIONAL),
    ),
    declareFunction(
      '_[_]',
      overload('optional_list_index_int', [optionalOf(LIST), INT], OPTIONAL),
      overload('optional_map_index_value', [optionalOf(MAP), K], OPTIONAL),
    ),
    declareFunction(
      'last',
      memberOverload(
        'list_last',
        [LIST],
        OPTIONAL,
        at((list) => list.size - 1),
      ),
    ),
    declareFunction(
      'first',
      memberOverload(
        'list_first',
        [LIST],
        OPTIONAL,
        at(() => 0),
      ),
    ),
    declareFunction('optional.unwrap', overload('optional_unwrap', [listOf(OPTIONAL)], LIST, unwrapAll)),
    declareFunction('unwrapOpt', memberOverload('optional_unwrapOpt', [listOf(OPTIONAL)], LIST, unwrapAll)),
  ],
}

/** A null is a value, too. */
const noneOr = (value: Value | undefined): Result => (value === undefined ? DEREFERENCE : value)
