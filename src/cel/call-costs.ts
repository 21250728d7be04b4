/**
 * What a call costs when it has run, in cost units, by its values (cel-go: `interpreter/runtimecost.go`; Kubernetes:
 * `apiserver/pkg/cel/library.CostEstimator.CallCost`). The estimates made beforehand are in call-estimates.ts, and the two
 * must be changed together: budgets of custom resources and policies are laid down in these units.
 */
import { codePointLength } from './code-points.ts'
import { Dictionary, List, Opaque, Optional } from './values.ts'
import type { Result } from './values.ts'

/** Cost of going through a string once, for each of its characters. */
export const STRING_FACTOR = 0.1
/** Cost of matching, for each character of a regular expression. */
export const REGEXP_FACTOR = 0.25
export const LIST_COST = 10
export const MAP_COST = 30
export const STRUCT_COST = 40
/** An authorization check; two of them fit into what one expression may cost. */
export const CHECK_COST = 350_000

export type CallCost = (args: readonly Result[], result: Result) => number

/** Number of elements, characters or bytes; 1 for everything else. */
export function sizeForCost(value: Result): number {
  if (typeof value === 'string') return codePointLength(value)
  if (typeof value !== 'object' || value === null) return 1
  if (value instanceof List || value instanceof Dictionary) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof Opaque) return value.costSize
  return value instanceof Optional && value.value !== undefined ? sizeForCost(value.value) : 1
}

const traversal = (size: number, times = 1): number => Math.ceil(size * times * STRING_FACTOR)
/** Of the first argument, that many times. */
const firstTimes =
  (times: number): CallCost =>
  ([first]) =>
    traversal(sizeForCost(first!), times)

/** `==` and `!=` cost as much as going through the smaller operand. */
export function equalityCost(a: Result, b: Result): number {
  const scalars = (typeof a === 'number' || typeof a === 'boolean') && typeof a === typeof b
  return scalars ? 1 : traversal(Math.min(sizeForCost(a), sizeForCost(b)))
}

const smallerOperand: CallCost = ([a, b]) => traversal(Math.min(sizeForCost(a!), sizeForCost(b!)))
const regexpCost = (textSize: number, patternSize: number): number =>
  Math.ceil((1 + textSize) * STRING_FACTOR) * Math.ceil(patternSize * REGEXP_FACTOR)
const matching: CallCost = ([text, pattern]) => regexpCost(sizeForCost(text!), sizeForCost(pattern!))

/** A tenth of all characters, element by element and rounded down, and 1 for each other scalar. */
function deepTraversal(value: Result): number {
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * STRING_FACTOR)
  if (value instanceof Uint8Array) return Math.trunc(value.length * STRING_FACTOR)
  let cost = 0
  if (value instanceof List) {
    for (let i = 0; i < value.size; i++) cost += deepTraversal(value.at(i))
    return cost
  }
  if (!(value instanceof Dictionary)) return 1
  for (const key of value.keys()) cost += deepTraversal(key) + deepTraversal(value.find(key)!)
  return cost
}

const wholeList: CallCost = ([list]) => deepTraversal(list!)

function selector([, text]: readonly Result[]): number {
  const size = sizeForCost(text!)
  return LIST_COST + traversal(size) + Math.ceil(Math.ceil(size * 0.5) * (LIST_COST + STRUCT_COST))
}

/** Two ranges are compared byte by byte; what comes as text is parsed first. */
const containment =
  (more: (size: number) => number, textOverload: string) =>
  (overloadId: string): CallCost =>
  ([range, other]) => {
    const size = sizeForCost(range!)
    const parsing = overloadId === textOverload ? traversal(sizeForCost(other!)) : 0
    return traversal(size + size) + more(size) + parsing
  }
const containsIp = containment(() => 0, 'cidr_contains_ip_string')
const containsCidr = containment((size) => traversal(size) + 1, 'cidr_contains_cidr_string')

/** A new list costs its base, the call, and `factor` for each of `size` steps. */
const newList = (size: number, factor = 1): number => Math.trunc(size * factor) + 1 + LIST_COST

const resultList: CallCost = (_, result) => newList(sizeForCost(result))

/** Each element is compared with each. */
const allPairs =
  (argument: number): CallCost =>
  (args) => {
    const list = args[argument]
    if (!(list instanceof List) || list.size === 0) return newList(0)
    const first = list.at(0)
    const texts = typeof first === 'string' || first instanceof Uint8Array
    return newList(list.size * list.size, texts ? 2 + STRING_FACTOR : 2)
  }

/** Upstream's counter is unsigned, so that less than nothing is more than all limits. */
function flattened([list, depth]: readonly Result[]): number {
  const cost = newList(sizeForCost(list!), depth === undefined ? 1 : Number(depth))
  return cost < 0 ? Infinity : cost
}

const twoLists =
  (factor: number): CallCost =>
  ([a, b]) =>
    1 + Math.trunc(sizeForCost(a!) * sizeForCost(b!) * factor)

/** Of overloads of CEL's extensions, which come before everything else. */
const byExtension: Readonly<Record<string, CallCost>> = {
  list_slice: resultList,
  list_flatten: flattened,
  list_flatten_int: flattened,
  lists_range: resultList,
  list_reverse: resultList,
  list_distinct: allPairs(0),
  ...Object.fromEntries(
    [
      'int',
      'uint',
      'double',
      'bool',
      'string',
      'bytes',
      'google.protobuf.Duration',
      'google.protobuf.Timestamp',
    ].flatMap((name) => [
      [`list_${name}_sort`, allPairs(0)],
      [`list_${name}_sortByAssociatedKeys`, allPairs(1)],
    ]),
  ),
  list_sets_contains_list: twoLists(1),
  list_sets_intersects_list: twoLists(1),
  list_sets_equivalent_list: twoLists(2),
}

/** Of functions, whichever overload it is. */
const byFunction: Readonly<Record<string, CallCost>> = {
  check: () => CHECK_COST,
  fieldSelector: selector,
  labelSelector: selector,
  ...Object.fromEntries(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, wholeList])),
  ...Object.fromEntries(
    [
      'url lowerAscii upperAscii substring trim jsonpatch.escapeKey cidr isIP isCIDR quantity isQuantity semver isSemver',
    ].flatMap((names) => names.split(' ').map((name) => [name, firstTimes(1)])),
  ),
  replace: firstTimes(2),
  split: firstTimes(2),
  'ip.isCanonical': firstTimes(2),
  join: (_, result) => traversal(sizeForCost(result), 2),
  find: matching,
  findAll: matching,
  // The size of a format is that of the expression it stands for.
  validate: ([format, text]) => (format instanceof Opaque ? regexpCost(sizeForCost(text!), format.costSize) : 1),
}

/** Of overloads, where the function alone does not decide. */
const byOverload: Readonly<Record<string, CallCost>> = {
  starts_with_string: firstTimes(1),
  ends_with_string: firstTimes(1),
  string_to_bytes: firstTimes(1),
  bytes_to_string: firstTimes(1),
  strings_quote: firstTimes(1),
  string_format: firstTimes(1),
  in_list: ([, list]) => sizeForCost(list!),
  ...Object.fromEntries(
    ['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [
      [`${name}_string`, smallerOperand],
      [`${name}_bytes`, smallerOperand],
    ]),
  ),
  add_string: ([a, b]) => traversal(sizeForCost(a!) + sizeForCost(b!)),
  add_bytes: ([a, b]) => traversal(sizeForCost(a!) + sizeForCost(b!)),
  matches_string: matching,
  contains_string: ([text, part]) => traversal(sizeForCost(text!)) * traversal(sizeForCost(part!)),
}

/** undefined: 1. `overloadId` is empty where the types did not decide. */
export function callCost(functionName: string, overloadId: string): CallCost | undefined {
  if (Object.hasOwn(byExtension, overloadId)) return byExtension[overloadId]
  if (functionName === 'ip') return overloadId === 'cidr_ip' ? undefined : firstTimes(1)
  if (functionName === 'containsIP') return containsIp(overloadId)
  if (functionName === 'containsCIDR') return containsCidr(overloadId)
  if (Object.hasOwn(byFunction, functionName)) return byFunction[functionName]
  return Object.hasOwn(byOverload, overloadId) ? byOverload[overloadId] : undefined
}
