/**
 * CEL's standard library: operators, conversions, sizes and strings (cel-go: `common/stdlib`). The functions of time are
 * in standard-time.ts.
 */
import { NO_SUCH_OVERLOAD, add, divide, modulo, multiply, negate, noSuchFunction, subtract } from '../arithmetic.ts'
import { codePointLength } from '../code-points.ts'
import {
  bytesToString,
  doubleToIntValue,
  doubleToString,
  doubleToUintValue,
  durationToInt,
  durationToString,
  intToTimestamp,
  intToUintValue,
  numberToDouble,
  stringToBool,
  stringToBytes,
  stringToDouble,
  stringToDuration,
  stringToInt,
  stringToTimestamp,
  stringToUint,
  timestampToInt,
  timestampToString,
  uintToIntValue,
} from '../conversions.ts'
import { equal } from '../equality.ts'
import { EvaluationError } from '../errors.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { FunctionDeclaration, Implementation, Library, Overload } from '../library.ts'
import { standardMacros } from '../macros.ts'
import { compare, isOrdered } from '../ordering.ts'
import type { Order } from '../ordering.ts'
import { compileRegExp } from '../regexp/regexp.ts'
import { runtimeType } from '../runtime-types.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  UINT,
  listOf,
  mapOf,
  typeOf,
  typeParameter,
} from '../types.ts'
import type { Type } from '../types.ts'
import { Dictionary, List, TypeValue } from '../values.ts'
import type { Result, Uint, Value } from '../values.ts'
import { timeFunctions } from './standard-time.ts'

const A = typeParameter('A')
const B = typeParameter('B')
const LIST = listOf(A)
const MAP = mapOf(A, B)

/** A function whose one implementation serves all overloads: id, types of the arguments, type of the result. */
function dispatched(
  name: string,
  dispatch: Implementation,
  ...signatures: [string, readonly Type[], Type, 'member'?][]
): FunctionDeclaration {
  const overloads = signatures.map(([id, args, result, member]) =>
    member ? memberOverload(id, args, result) : overload(id, args, result),
  )
  return { name, overloads, dispatch }
}

/** The evaluator knows it itself. */
const special = (name: string, id: string, args: readonly Type[], result: Type): FunctionDeclaration =>
  declareFunction(name, overload(id, args, result))

const ID_NAMES: ReadonlyMap<Type, string> = new Map([
  [BOOL, 'bool'],
  [INT, 'int64'],
  [UINT, 'uint64'],
  [DOUBLE, 'double'],
  [STRING, 'string'],
  [BYTES, 'bytes'],
  [TIMESTAMP, 'timestamp'],
  [DURATION, 'duration'],
])
const NUMBERS = [INT, UINT, DOUBLE]

/** `<` and the like: every type with itself, and numbers with one another. */
function comparison(name: string, id: string, holds: (order: Order) => boolean): FunctionDeclaration {
  const pairs: [Type, Type][] = [
    [BOOL, BOOL],
    ...NUMBERS.flatMap((left) => NUMBERS.map((right): [Type, Type] => [left, right])),
    [STRING, STRING],
    [BYTES, BYTES],
    [TIMESTAMP, TIMESTAMP],
    [DURATION, DURATION],
  ]
  const overloads = pairs.map(([left, right]): Overload => {
    const suffix = left === right ? ID_NAMES.get(left)! : `${ID_NAMES.get(left)}_${ID_NAMES.get(right)}`
    return overload(`${id}_${suffix}`, [left, right], BOOL)
  })
  const dispatch = (a: Value, b: Value): Result => {
    if (!isOrdered(a)) return noSuchFunction(name, a)
    const order = compare(a, b)
    return typeof order === 'number' ? holds(order) : order
  }
  return { name, overloads, dispatch }
}

/** Upstream declares it and can't do it. */
const INT_TO_DURATION = new EvaluationError(
  'conversion',
  "type conversion error from 'int' to 'google.protobuf.Duration'",
)

/** `name(x)`: what to do with each type. */
function conversion(name: string, result: Type, ...from: [string, Type, Implementation][]): FunctionDeclaration {
  return declareFunction(name, ...from.map(([id, type, call]) => overload(id, [type], result, call)))
}

const identity = (value: Value): Result => value

function isIn(element: Value, container: Value): Result {
  if (container instanceof List) return listContains(container, element)
  if (!(container instanceof Dictionary)) return NO_SUCH_OVERLOAD
  const found = container.find(element)
  return found instanceof EvaluationError ? found : found !== undefined
}

function listContains(list: List, element: Value): boolean {
  for (let i = 0; i < list.size; i++) {
    const candidate = list.at(i)
    if (!(candidate instanceof EvaluationError) && equal(element, candidate) === true) return true
  }
  return false
}

/** Upstream asks for `size` of values of other types, too. */
export function sizeOf(value: Value): Result {
  if (typeof value === 'string') return codePointLength(value)
  if (value instanceof List || value instanceof Dictionary) return value.size
  if (value instanceof Uint8Array) return value.length
  return noSuchFunction('size', value)
}

/** Upstream's functions of strings that take anything and complain without saying about what. */
const ofStrings =
  (test: (text: string, other: string) => boolean) =>
  (text: Value, other: Value): Result =>
    typeof text === 'string' && typeof other === 'string' ? test(text, other) : NO_SUCH_OVERLOAD

function matches(text: Value, pattern: Value): Result {
  if (typeof text !== 'string') return noSuchFunction('matches', text)
  if (typeof pattern !== 'string') return NO_SUCH_OVERLOAD
  const compiled = compileRegExp(pattern)
  return 'message' in compiled ? new EvaluationError('function', compiled.message) : compiled.test(text)
}

function prepareMatches(pattern: Value): Implementation | { readonly message: string } | undefined {
  if (typeof pattern !== 'string') return undefined
  const compiled = compileRegExp(pattern)
  if ('message' in compiled) return compiled
  return (text: Value) => (typeof text === 'string' ? compiled.test(text) : NO_SUCH_OVERLOAD)
}

const functions: readonly FunctionDeclaration[] = [
  special('_?_:_', 'conditional', [BOOL, A, A], A),
  special('_&&_', 'logical_and', [BOOL, BOOL], BOOL),
  special('_||_', 'logical_or', [BOOL, BOOL], BOOL),
  special('@not_strictly_false', 'not_strictly_false', [BOOL], BOOL),
  special('_==_', 'equals', [A, A], BOOL),
  special('_!=_', 'not_equals', [A, A], BOOL),
  dispatched('!_', (value: Value) => (typeof value === 'boolean' ? !value : NO_SUCH_OVERLOAD), [
    'logical_not',
    [BOOL],
    BOOL,
  ]),
  dispatched(
    '_+_',
    add,
    ['add_bytes', [BYTES, BYTES], BYTES],
    ['add_double', [DOUBLE, DOUBLE], DOUBLE],
    ['add_duration_duration', [DURATION, DURATION], DURATION],
    ['add_duration_timestamp', [DURATION, TIMESTAMP], TIMESTAMP],
    ['add_timestamp_duration', [TIMESTAMP, DURATION], TIMESTAMP],
    ['add_int64', [INT, INT], INT],
    ['add_list', [LIST, LIST], LIST],
    ['add_string', [STRING, STRING], STRING],
    ['add_uint64', [UINT, UINT], UINT],
  ),
  dispatched(
    '_/_',
    divide,
    ['divide_double', [DOUBLE, DOUBLE], DOUBLE],
    ['divide_int64', [INT, INT], INT],
    ['divide_uint64', [UINT, UINT], UINT],
  ),
  dispatched('_%_', modulo, ['modulo_int64', [INT, INT], INT], ['modulo_uint64', [UINT, UINT], UINT]),
  dispatched(
    '_*_',
    multiply,
    ['multiply_double', [DOUBLE, DOUBLE], DOUBLE],
    ['multiply_int64', [INT, INT], INT],
    ['multiply_uint64', [UINT, UINT], UINT],
  ),
  dispatched('-_', negate, ['negate_double', [DOUBLE], DOUBLE], ['negate_int64', [INT], INT]),
  dispatched(
    '_-_',
    subtract,
    ['subtract_double', [DOUBLE, DOUBLE], DOUBLE],
    ['subtract_duration_duration', [DURATION, DURATION], DURATION],
    ['subtract_int64', [INT, INT], INT],
    ['subtract_timestamp_duration', [TIMESTAMP, DURATION], TIMESTAMP],
    ['subtract_timestamp_timestamp', [TIMESTAMP, TIMESTAMP], DURATION],
    ['subtract_uint64', [UINT, UINT], UINT],
  ),
  comparison('_<_', 'less', (order) => order < 0),
  comparison('_<=_', 'less_equals', (order) => order <= 0),
  comparison('_>_', 'greater', (order) => order > 0),
  comparison('_>=_', 'greater_equals', (order) => order >= 0),
  declareFunction('_[_]', overload('index_list', [LIST, INT], A), overload('index_map', [MAP, A], B)),
  dispatched('@in', isIn, ['in_list', [A, LIST], BOOL], ['in_map', [A, MAP], BOOL]),
  dispatched(
    'size',
    sizeOf,
    ['size_bytes', [BYTES], INT],
    ['bytes_size', [BYTES], INT, 'member'],
    ['size_list', [LIST], INT],
    ['list_size', [LIST], INT, 'member'],
    ['size_map', [MAP], INT],
    ['map_size', [MAP], INT, 'member'],
    ['size_string', [STRING], INT],
    ['string_size', [STRING], INT, 'member'],
  ),
  dispatched('type', (value: Value) => new TypeValue(runtimeType(value)), ['type', [A], typeOf(A)]),
  dispatched('dyn', identity, ['to_dyn', [A], DYN]),
  conversion('bool', BOOL, ['bool_to_bool', BOOL, identity], ['string_to_bool', STRING, stringToBool]),
  conversion('bytes', BYTES, ['bytes_to_bytes', BYTES, identity], ['string_to_bytes', STRING, stringToBytes]),
  conversion(
    'double',
    DOUBLE,
    ['double_to_double', DOUBLE, identity],
    ['int64_to_double', INT, numberToDouble],
    ['string_to_double', STRING, stringToDouble],
    ['uint64_to_double', UINT, ({ value }: Uint) => numberToDouble(value)],
  ),
  conversion(
    'duration',
    DURATION,
    ['duration_to_duration', DURATION, identity],
    ['int64_to_duration', INT, () => INT_TO_DURATION],
    ['string_to_duration', STRING, stringToDuration],
  ),
  conversion(
    'int',
    INT,
    ['int64_to_int64', INT, identity],
    ['double_to_int64', DOUBLE, doubleToIntValue],
    ['duration_to_int64', DURATION, durationToInt],
    ['string_to_int64', STRING, stringToInt],
    ['timestamp_to_int64', TIMESTAMP, timestampToInt],
    ['uint64_to_int64', UINT, uintToIntValue],
  ),
  conversion(
    'string',
    STRING,
    ['string_to_string', STRING, identity],
    ['bool_to_string', BOOL, String],
    ['bytes_to_string', BYTES, bytesToString],
    ['double_to_string', DOUBLE, doubleToString],
    ['duration_to_string', DURATION, durationToString],
    ['int64_to_string', INT, String],
    ['timestamp_to_string', TIMESTAMP, timestampToString],
    ['uint64_to_string', UINT, ({ value }: Uint) => String(value)],
  ),
  conversion(
    'timestamp',
    TIMESTAMP,
    ['timestamp_to_timestamp', TIMESTAMP, identity],
    ['int64_to_timestamp', INT, intToTimestamp],
    ['string_to_timestamp', STRING, stringToTimestamp],
  ),
  conversion(
    'uint',
    UINT,
    ['uint64_to_uint64', UINT, identity],
    ['double_to_uint64', DOUBLE, doubleToUintValue],
    ['int64_to_uint64', INT, intToUintValue],
    ['string_to_uint64', STRING, stringToUint],
  ),
  dispatched(
    'contains',
    ofStrings((text, part) => text.includes(part)),
    ['contains_string', [STRING, STRING], BOOL, 'member'],
  ),
  dispatched(
    'endsWith',
    ofStrings((text, end) => text.endsWith(end)),
    ['ends_with_string', [STRING, STRING], BOOL, 'member'],
  ),
  dispatched(
    'startsWith',
    ofStrings((text, start) => text.startsWith(start)),
    ['starts_with_string', [STRING, STRING], BOOL, 'member'],
  ),
  {
    ...dispatched(
      'matches',
      matches,
      ['matches', [STRING, STRING], BOOL],
      ['matches_string', [STRING, STRING], BOOL, 'member'],
    ),
    prepare: { argument: 1, prepare: prepareMatches },
  },
  ...timeFunctions,
]

export const standardLibrary: Library = {
  name: 'standard',
  functions,
  macros: standardMacros,
  typeNames: [BOOL, BYTES, DOUBLE, DURATION, INT, LIST, MAP, NULL, STRING, TIMESTAMP, TYPE, UINT],
}
