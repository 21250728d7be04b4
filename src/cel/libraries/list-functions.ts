/**
 * Functions of lists: Kubernetes' own (`isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`; upstream:
 * `apiserver/pkg/cel/library.Lists`) and those of CEL's extension (`sort`, `distinct`, `slice` and others; cel-go:
 * `ext.Lists`, version 3).
 */
import { add } from '../arithmetic.ts'
import type { Expression } from '../ast.ts'
import { equal } from '../equality.ts'
import { EvaluationError } from '../errors.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { FunctionDeclaration, Implementation, Library, Overload } from '../library.ts'
import { ValueList, elementsOf } from '../lists.ts'
import { NodeFactory, complaint, expandMap } from '../macros.ts'
import type { Macro } from '../macros.ts'
import { compare, isOrdered } from '../ordering.ts'
import type { Order } from '../ordering.ts'
import { runtimeType } from '../runtime-types.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  STRING,
  TIMESTAMP,
  UINT,
  listOf,
  typeName,
  typeParameter,
} from '../types.ts'
import type { Type } from '../types.ts'
import { Double, Duration, List, Uint } from '../values.ts'
import type { Int, Result, Value } from '../values.ts'

const A = typeParameter('T')
const LIST = listOf(A)
/** More elements than any evaluation may pay for. */
const MAX_RANGE = 10_000_000

const error = (message: string): EvaluationError => new EvaluationError('function', message)
const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')

const SUMMABLE: readonly [string, Type, Value][] = [
  ['int', INT, 0],
  ['uint', UINT, new Uint(0)],
  ['double', DOUBLE, new Double(0)],
  ['duration', DURATION, new Duration(0n)],
]
/** Names as Kubernetes' overloads have them, and types. */
const COMPARABLE: readonly [string, Type][] = [
  ['int', INT],
  ['uint', UINT],
  ['double', DOUBLE],
  ['bool', BOOL],
  ['duration', DURATION],
  ['timestamp', TIMESTAMP],
  ['string', STRING],
  ['bytes', BYTES],
]

/** An overload for the list of each comparable type. */
const ofComparables = (make: (name: string, type: Type) => Overload): Overload[] =>
  COMPARABLE.map(([name, type]) => make(name, type))

function isSorted(list: List): Result {
  const elements = elementsOf(list)
  if (elements instanceof EvaluationError) return elements
  for (const [i, element] of elements.entries()) {
    if (!isOrdered(element)) return NO_SUCH_OVERLOAD
    if (i > 0 && compare(elements[i - 1]!, element) === 1) return false
  }
  return true
}

const sumFrom =
  (zero: Value): Implementation =>
  (list: List) => {
    let sum: Result = zero
    for (let i = 0; i < list.size; i++) {
      const element = list.at(i)
      if (element instanceof EvaluationError) return element
      sum = add(sum, element)
      if (sum instanceof EvaluationError) return sum
    }
    return sum
  }

/** The first element that comes `order` the others. */
const extreme =
  (name: string, order: Order): Implementation =>
  (list: List) => {
    const elements = elementsOf(list)
    if (elements instanceof EvaluationError) return elements
    let best: Value | undefined
    for (const element of elements) {
      if (!isOrdered(element)) return NO_SUCH_OVERLOAD
      if (best === undefined || compare(element, best) === order) best = element
    }
    return best === undefined ? error(`${name} called on empty list`) : best
  }

const isEqual = (element: Result, item: Value): boolean =>
  !(element instanceof EvaluationError) && equal(element, item) === true

function indexOf(list: List, item: Value): Result {
  for (let i = 0; i < list.size; i++) if (isEqual(list.at(i), item)) return i
  return -1
}

function lastIndexOf(list: List, item: Value): Result {
  for (let i = list.size - 1; i >= 0; i--) if (isEqual(list.at(i), item)) return i
  return -1
}

export const listLibrary: Library = {
  name: 'lists',
  functions: [
    declareFunction(
      'isSorted',
      ...ofComparables((name, type) => memberOverload(`list_${name}_is_sorted_bool`, [listOf(type)], BOOL, isSorted)),
    ),
    declareFunction(
      'sum',
      ...SUMMABLE.map(([name, type, zero]) =>
        memberOverload(`list_${name}_sum_${name}`, [listOf(type)], type, sumFrom(zero)),
      ),
    ),
    declareFunction(
      'max',
      ...ofComparables((name, type) =>
        memberOverload(`list_${name}_max_${name}`, [listOf(type)], type, extreme('max', 1)),
      ),
    ),
    declareFunction(
      'min',
      ...ofComparables((name, type) =>
        memberOverload(`list_${name}_min_${name}`, [listOf(type)], type, extreme('min', -1)),
      ),
    ),
    declareFunction('indexOf', memberOverload('list_a_index_of_int', [LIST, A], INT, indexOf)),
    declareFunction('lastIndexOf', memberOverload('list_a_last_index_of_int', [LIST, A], INT, lastIndexOf)),
  ],
}

function slice(list: List, start: Int, end: Int): Result {
  const what = `cannot slice(${start}, ${end})`
  if (start < 0 || end < 0) return error(`${what}, negative indexes not supported`)
  if (start > end) return error(`${what}, start index must be less than or equal to end index`)
  if (list.size < end) return error(`${what}, list is length ${list.size}`)
  const elements = elementsOf(list)
  return elements instanceof EvaluationError ? elements : new ValueList(elements.slice(Number(start), Number(end)))
}

function noSuchFlatten(list: Value, depth?: Value): Result {
  const argument = depth === undefined ? '' : typeName(runtimeType(depth))
  return new EvaluationError('noSuchOverload', `no such overload: ${typeName(runtimeType(list))}.flatten(${argument})`)
}

function flatten(list: Value, levels?: Value): Result {
  const depth = levels === undefined ? 1 : levels
  const isInt = typeof depth === 'number' || typeof depth === 'bigint'
  if (!(list instanceof List) || !isInt) return noSuchFlatten(list, levels)
  if (depth < 0) return error('level must be non-negative')
  const out: Value[] = []
  const visit = (from: List, left: Int): EvaluationError | undefined => {
    for (let i = 0; i < from.size; i++) {
      const element = from.at(i)
      if (element instanceof EvaluationError) return element
      if (element instanceof List && left > 0) {
        const failed = visit(element, typeof left === 'bigint' ? left - 1n : left - 1)
        if (failed) return failed
      } else out.push(element)
    }
    return undefined
  }
  return visit(list, depth) ?? new ValueList(out)
}

/** The elements of `list` in the order of their keys, which are as many. */
function sortByKeys(list: Value, keys: Value): Result {
  if (!(list instanceof List) || !(keys instanceof List)) return NO_SUCH_OVERLOAD
  const elements = elementsOf(list)
  if (elements instanceof EvaluationError) return elements
  const order = elementsOf(keys)
  if (order instanceof EvaluationError) return order
  if (elements.length !== order.length) {
    const counts = `${elements.length} and ${order.length} elements respectively`
    const message = `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${counts}`
    return error(message)
  }
  if (order.length === 0) return list
  const [first] = order
  if (!isOrdered(first!)) return error('list elements must be comparable')
  const { name } = runtimeType(first!)
  if (order.some((key) => runtimeType(key).name !== name)) return error('list elements must have the same type')
  const indices = order.map((_, i) => i).toSorted((a, b) => Number(compare(order[a]!, order[b]!)) || 0)
  return new ValueList(indices.map((i) => elements[i]!))
}

function range(count: Int): Result {
  if (count > MAX_RANGE) return new EvaluationError('costExceeded', 'operation cancelled: actual cost limit exceeded')
  return new ValueList(Array.from({ length: Math.max(0, Number(count)) }, (_, i) => i))
}

function reverse(list: List): Result {
  const elements = elementsOf(list)
  return elements instanceof EvaluationError ? elements : new ValueList(elements.toReversed())
}

function distinct(list: List): Result {
  const elements = elementsOf(list)
  if (elements instanceof EvaluationError) return elements
  const seen: Value[] = []
  const scalars = new Set<Value>()
  for (const element of elements) {
    // Strings and booleans equal nothing but themselves.
    if (typeof element === 'string' || typeof element === 'boolean') {
      if (scalars.has(element)) continue
      scalars.add(element)
    } else if (seen.some((other) => equal(element, other) === true)) continue
    seen.push(element)
  }
  return new ValueList(seen)
}

const INPUT = '@__sortBy_input__'

/** `list.sortBy(e, key)`: the list by the list of its keys. */
const sortBy: Macro = {
  name: 'sortBy',
  member: true,
  arity: 2,
  expand({ offset, target, args }) {
    const nodes = new NodeFactory(offset)
    if (!['list', 'select', 'identifier', 'comprehension', 'call'].includes(target!.kind)) {
      const allowed = 'a list, identifier, comprehension, call or select expression'
      return complaint(target!, `sortBy can only be applied to ${allowed}`)
    }
    const keys = expandMap({ offset, target: nodes.identifier(INPUT), args })
    if (keys.kind === 'complaint') return keys
    const sorted: Expression = nodes.memberCall('@sortByAssociatedKeys', nodes.identifier(INPUT), keys)
    return nodes.loop({
      range: nodes.list(),
      variable: '#unused',
      accumulator: INPUT,
      initial: target!,
      condition: nodes.literal(false),
      step: nodes.identifier(INPUT),
      result: sorted,
    })
  },
}

/** One implementation for the lists of all comparable types. */
function sorting(
  name: string,
  dispatch: Implementation,
  make: (type: Type) => [string, Type[], Type],
): FunctionDeclaration {
  const overloads = COMPARABLE.map(([, type]) => memberOverload(...make(type)))
  return { name, overloads, dispatch }
}

const LISTS = listOf(LIST)

export const extendedListLibrary: Library = {
  name: 'lists extension',
  macros: [sortBy],
  functions: [
    declareFunction('slice', memberOverload('list_slice', [LIST, INT, INT], LIST, slice)),
    {
      name: 'flatten',
      dispatch: flatten,
      overloads: [
        memberOverload('list_flatten', [LISTS], LIST),
        memberOverload('list_flatten_int', [listOf(DYN), INT], listOf(DYN)),
      ],
    },
    sorting(
      'sort',
      (list: Value) => sortByKeys(list, list),
      (type) => [`list_${type.name}_sort`, [listOf(type)], listOf(type)],
    ),
    sorting('@sortByAssociatedKeys', sortByKeys, (type) => [
      `list_${type.name}_sortByAssociatedKeys`,
      [LIST, listOf(type)],
      LIST,
    ]),
    declareFunction('lists.range', overload('lists_range', [INT], listOf(INT), range)),
    declareFunction('reverse', memberOverload('list_reverse', [LIST], LIST, reverse)),
    declareFunction('distinct', memberOverload('list_distinct', [LIST], LIST, distinct)),
  ],
}
