/**
 * What a call can cost and how large its result can be, by the sizes of its arguments (cel-go: `checker/cost.go`;
 * Kubernetes: `apiserver/pkg/cel/library.CostEstimator.EstimateCallCost`). What it costs when it has run is in
 * call-costs.ts.
 */
import type { Expression } from './ast.ts'
import { CHECK_COST, LIST_COST, REGEXP_FACTOR, STRING_FACTOR, STRUCT_COST } from './call-costs.ts'
import { MAX, UNKNOWN, ZERO, add, exactly, multiply, scale, union } from './ranges.ts'
import type { Range } from './ranges.ts'
import { sameType } from './types.ts'
import type { Type } from './types.ts'

/** An argument or a target. */
export interface EstimatedNode {
  readonly expression: Expression
  readonly type: Type
  /** Where it is known. */
  readonly size: Range | undefined
  /** What the schema says about the size of something below it. */
  hint(path: readonly string[]): Range | undefined
}

export interface EstimatedCall {
  readonly name: string
  /** Of the overload. */
  readonly id: string
  readonly target: EstimatedNode | undefined
  readonly args: readonly EstimatedNode[]
  readonly argCosts: readonly Range[]
}

export interface CallEstimate {
  /** With that of the arguments, but not of the target. */
  readonly cost: Range
  /** Of the result, where that is known. */
  readonly size?: Range
}

/** Without the cost of the arguments; undefined where nothing special is known. */
type Estimate = (call: EstimatedCall) => CallEstimate | undefined

const MAX_FORMAT_NAME = 64
const MAX_FORMAT_PATTERN = 128

const sizeOf = (node: EstimatedNode): Range => node.size ?? node.hint([]) ?? UNKNOWN
/** Without asking the schema again. */
const knownSize = (node: EstimatedNode): Range => node.size ?? UNKNOWN
const traversal = (size: Range, times = 1): Range => scale(size, times * STRING_FACTOR)

const nominal: Estimate = () => ({ cost: exactly(1) })

/** Goes through its argument (or its target), that many times. */
const throughArgument =
  (times = 1): Estimate =>
  ({ args: [arg] }) =>
    arg && { cost: traversal(sizeOf(arg), times) }

/** As `throughArgument`, with a result as long. */
const likeTarget: Estimate = ({ target }) => target && { cost: traversal(sizeOf(target)), size: sizeOf(target) }
const likeArgument: Estimate = ({ args }) =>
  args.length === 1 ? { cost: traversal(sizeOf(args[0]!)), size: sizeOf(args[0]!) } : undefined

function regexpCost(text: Range, pattern: Range): Range {
  return multiply(traversal(add(text, exactly(1))), scale(pattern, REGEXP_FACTOR))
}

/** The elements of a list, as far as its type says. */
function elementSize({ type, hint }: EstimatedNode): { type: Type; size: Range } | undefined {
  const element = type.parameters[0]
  return element && { type: element, size: hint(['@items']) ?? UNKNOWN }
}

const searchList: Estimate = ({ target }) => {
  if (!target) return undefined
  const element = elementSize(target)
  // A string has an index of, too.
  if (!element) return { cost: traversal(sizeOf(target)) }
  const texts = element.type.kind === 'string' || element.type.kind === 'bytes'
  return { cost: multiply(sizeOf(target), add(exactly(1), texts ? traversal(element.size) : ZERO)) }
}

const replace: Estimate = ({ target, args: [from, to] }) => {
  if (!target || !from || !to) return undefined
  const [text, replaced, replacement] = [sizeOf(target), sizeOf(from), sizeOf(to)]
  const bound = (size: number, least: number, keeps: boolean): [count: number, kept: number] => {
    if (least === 0) return [size < MAX ? size + 1 : size, size]
    return keeps ? [0, size] : [Math.ceil(size / least), 0]
  }
  const [maxCount, maxKept] = bound(text.max, replaced.min, replacement.max <= replaced.min)
  const [minCount, minKept] = bound(text.min, replaced.max, replaced.max <= replacement.min)
  const inserted = multiply({ min: minCount, max: maxCount }, replacement)
  return { cost: traversal(text, 2), size: add(inserted, { min: minKept, max: maxKept }) }
}

const split: Estimate = ({ target, args }) => {
  if (!target) return undefined
  const text = sizeOf(target)
  const limit = args[1]?.expression
  const isLimited = limit?.kind === 'literal' && (typeof limit.value === 'number' || typeof limit.value === 'bigint')
  // Upstream reads a negative limit as the large number that it is without its sign.
  const asUnsigned = (value: number) => (value < 0 ? MAX : value)
  const max = isLimited ? asUnsigned(Number(limit.value)) : text.max
  return { cost: traversal(text, 2), size: { min: 0, max } }
}

const join: Estimate = ({ target, args: [separator] }) => {
  if (!target) return undefined
  const list = sizeOf(target)
  const element = elementSize(target)
  let size = element ? multiply(list, element.size) : ZERO
  if (separator) {
    const gaps = { min: Math.max(0, list.min - 1), max: list.max >= MAX ? MAX : Math.max(0, list.max - 1) }
    size = add(size, multiply(sizeOf(separator), gaps))
  }
  return { cost: traversal(size), size }
}

const find: Estimate = ({ target, args: [pattern] }) => {
  if (!target || !pattern) return undefined
  const text = sizeOf(target)
  return { cost: regexpCost(text, sizeOf(pattern)), size: { min: 0, max: text.max } }
}

const selector: Estimate = ({ args }) => {
  if (args.length !== 1) return undefined
  const size = sizeOf(args[0]!)
  const requirements = scale(scale(size, 0.5), LIST_COST + STRUCT_COST)
  return { cost: add(exactly(LIST_COST), traversal(size), requirements) }
}

/** Addresses have 4 or 16 bytes. */
const ADDRESS: Range = { min: 4, max: 16 }
const comparedAddresses = traversal(add(ADDRESS, ADDRESS))

const contains =
  (more: Range, textOverload: string): Estimate =>
  ({ id, args: [other] }) =>
    other && {
      cost: add(comparedAddresses, more, id === textOverload ? traversal(sizeOf(other)) : ZERO),
    }

const validate: Estimate = ({ args: [text] }) =>
  text && { cost: scale(traversal(sizeOf(text)), MAX_FORMAT_PATTERN * REGEXP_FACTOR) }

const CHEAP_EQUALITY: ReadonlySet<string> = new Set([
  'net.IP',
  'net.CIDR',
  'kubernetes.Quantity',
  'kubernetes.Semver',
  'kubernetes.authorization.Authorizer',
  'kubernetes.authorization.PathCheck',
  'kubernetes.authorization.GroupCheck',
  'kubernetes.authorization.ResourceCheck',
  'kubernetes.authorization.Decision',
])

const equality: Estimate = ({ args: [left, right] }) => {
  if (!left || !right || !sameType(left.type, right.type)) return undefined
  const { name } = left.type
  if (CHEAP_EQUALITY.has(name)) return { cost: exactly(1) }
  if (name === 'kubernetes.NamedFormat') return { cost: traversal({ min: 1, max: MAX_FORMAT_NAME }) }
  if (name === 'kubernetes.URL') return { cost: traversal({ min: 1, max: right.size?.max ?? 1 }) }
  return undefined
}

const named = (names: string, estimate: Estimate): [string, Estimate][] =>
  names.split(' ').map((name) => [name, estimate])

/** What Kubernetes says about functions, whichever overload it is. */
const byFunction: ReadonlyMap<string, Estimate> = new Map([
  ...named('check', () => ({ cost: exactly(CHECK_COST) })),
  ...named('serviceAccount path group resource subresource namespace name allowed reason error errored', nominal),
  ...named('fieldSelector labelSelector', selector),
  ...named('isSorted sum max min indexOf lastIndexOf', searchList),
  ...named('url jsonpatch.escapeKey', likeArgument),
  ...named('lowerAscii upperAscii substring trim', likeTarget),
  ...named('replace', replace),
  ...named('split', split),
  ...named('join', join),
  ...named('find findAll', find),
  ...named('cidr isIP isCIDR quantity isQuantity semver isSemver', throughArgument()),
  ...named('ip', (call) => (call.id === 'cidr_ip' ? nominal(call) : throughArgument()(call))),
  ...named('ip.isCanonical', throughArgument(2)),
  ...named(
    'masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast',
    nominal,
  ),
  ...named('containsIP', contains(ZERO, 'cidr_contains_ip_string')),
  ...named('containsCIDR', contains(add(traversal(ADDRESS), exactly(1)), 'cidr_contains_cidr_string')),
  ...named('validate', validate),
  ...named('format.named', nominal),
  ...named(
    'sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch',
    nominal,
  ),
  ...named('getScheme getHostname getHost getPort getEscapedPath getQuery', nominal),
  ...named('_==_', equality),
])

const newList = (size: Range, factor = 1): CallEstimate => ({
  cost: add(scale(size, factor), exactly(1 + LIST_COST)),
  size,
})

/** A literal int, 0 where it is negative. */
function literalInt({ expression }: EstimatedNode, otherwise: number): number {
  if (expression.kind !== 'literal') return otherwise
  const { value } = expression
  return typeof value === 'number' || typeof value === 'bigint' ? Math.max(0, Number(value)) : otherwise
}

const slice: Estimate = ({ target, args: [from, to] }) => {
  if (!target || !from || !to) return undefined
  const length = literalInt(to, sizeOf(target).max) - literalInt(from, 0)
  // Upstream's difference of unsigned numbers wraps around.
  return newList(exactly(length < 0 ? MAX : length))
}

const flatten: Estimate = ({ target, args: [depth] }) =>
  target && newList(sizeOf(target), depth ? literalInt(depth, MAX) : 1)

const range: Estimate = ({ args: [count] }) => count && newList(exactly(literalInt(count, MAX)))
const reverse: Estimate = ({ target }) => target && newList(sizeOf(target))

/** Each element is compared with each. */
const allPairs = (node: EstimatedNode | undefined, factor: number): CallEstimate | undefined =>
  node && newList(multiply(sizeOf(node), sizeOf(node)), factor)

const twoLists =
  (factor: number): Estimate =>
  ({ args: [a, b] }) =>
    a && b && { cost: add(scale(multiply(sizeOf(a), sizeOf(b)), factor), exactly(1)) }

/** What CEL's extensions say about their overloads, which comes before everything else. */
const byExtension: ReadonlyMap<string, Estimate> = new Map([
  ...named('list_slice', slice),
  ...named('list_flatten list_flatten_int', flatten),
  ...named('lists_range', range),
  ...named('list_reverse', reverse),
  ...named('list_distinct', ({ target }) => allPairs(target, 2)),
  ...'int uint double bool string bytes google.protobuf.Duration google.protobuf.Timestamp'
    .split(' ')
    .flatMap((name) => {
      const factor = name === 'string' || name === 'bytes' ? 2 + STRING_FACTOR : 2
      return [
        ...named(`list_${name}_sort`, ({ target }) => allPairs(target, factor)),
        ...named(`list_${name}_sortByAssociatedKeys`, ({ args }) => allPairs(args[0], factor)),
      ]
    }),
  ...named('list_sets_contains_list list_sets_intersects_list', twoLists(1)),
  ...named('list_sets_equivalent_list', twoLists(2)),
])

const overArgument: Estimate = ({ args }) => (args.length === 1 ? { cost: traversal(knownSize(args[0]!)) } : undefined)

function comparison({ args: [left, right] }: EstimatedCall): CallEstimate {
  const max = Math.min(knownSize(left!).max, knownSize(right!).max)
  return { cost: traversal({ min: max > 0 ? 1 : 0, max }) }
}

function concatenation({ id, args }: EstimatedCall): CallEstimate | undefined {
  if (args.length !== 2) return undefined
  const size = add(knownSize(args[0]!), knownSize(args[1]!))
  return { cost: id === 'add_list' ? exactly(1) : traversal(size), size }
}

/** What CEL says about overloads. */
const byOverload: ReadonlyMap<string, Estimate> = new Map([
  ...named('string_format', ({ target }) => target && { cost: traversal(knownSize(target)) }),
  ...named('string_to_bytes', ({ args }) => {
    const size = knownSize(args[0]!)
    return { cost: traversal(size), size: { min: size.min, max: Math.min(size.max * 4, MAX) } }
  }),
  ...named('bytes_to_string', ({ args }) => {
    const size = knownSize(args[0]!)
    return { cost: traversal(size), size: { min: Math.trunc(size.min / 4), max: size.max } }
  }),
  ...named('strings_quote', ({ args }) => {
    const size = knownSize(args[0]!)
    // Of a text of any length upstream's sum overflows, to 0.
    return { cost: traversal(size), size: { min: size.min + 2, max: size.max >= MAX ? 0 : size.max * 2 + 2 } }
  }),
  ...named('starts_with_string ends_with_string', overArgument),
  ...named('in_list', ({ args }) => (args.length === 2 ? { cost: knownSize(args[1]!) } : undefined)),
  ...named('matches_string', ({ target, args }) =>
    target && args.length === 1 ? { cost: regexpCost(knownSize(target), knownSize(args[0]!)) } : undefined,
  ),
  ...named('contains_string', ({ target, args }) =>
    target && args.length === 1
      ? { cost: multiply(traversal(knownSize(target)), traversal(knownSize(args[0]!))) }
      : undefined,
  ),
  ...named('add_string add_bytes add_list', concatenation),
  ...named(
    'less_string greater_string less_equals_string greater_equals_string less_bytes greater_bytes less_equals_bytes greater_equals_bytes equals not_equals',
    comparison,
  ),
])

export function estimateCall(call: EstimatedCall): CallEstimate {
  const { name, id, args, argCosts } = call
  if (id === 'conditional') {
    const [condition, yes, no] = argCosts as readonly [Range, Range, Range]
    const size = union(knownSize(args[1]!), knownSize(args[2]!))
    return { cost: add(condition, union(yes, no)), size }
  }
  const estimate = byExtension.get(id)?.(call) ??
    byFunction.get(name)?.(call) ??
    byOverload.get(id)?.(call) ?? { cost: exactly(1) }
  return { ...estimate, cost: add(estimate.cost, ...argCosts) }
}
