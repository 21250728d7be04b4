/**
 * The values that expressions work on.
 *
 * What JavaScript has is used as it is: booleans, strings, null. An `int` is a number while it is a safe integer and a
 * bigint beyond that (never a bigint within, so that `===` compares); a `double` and a `uint` are boxed, since they are
 * rare in the API and must be told from ints. Lists and maps are interfaces, so that JSON of the API is read in place.
 * Values are immutable.
 */
import type { EvaluationError } from './errors.ts'
import type { Type } from './types.ts'

/** An int64: a number if `Number.isSafeInteger`, else a bigint. */
export type Int = number | bigint

export class Double {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A uint64, held as an `Int`. */
export class Uint {
  readonly value: Int
  constructor(value: Int) {
    this.value = value
  }
}

/** A span of nanoseconds that fits into an int64. */
export class Duration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A moment from year 1 to year 9999. */
export class Timestamp {
  /** Whole seconds since 1970, negative before. */
  readonly seconds: number
  /** From 0 to 999,999,999, counted onwards from `seconds`. */
  readonly nanos: number
  /** East of UTC, of the time zone that it was written with. Only matters where it is printed. */
  readonly offsetSeconds: number
  constructor(seconds: number, nanos: number, offsetSeconds = 0) {
    this.seconds = seconds
    this.nanos = nanos
    this.offsetSeconds = offsetSeconds
  }
}

/** A type as a value: what `type(x)` returns and what names like `int` mean. Equal by `type.name`. */
export class TypeValue {
  readonly type: Type
  constructor(type: Type) {
    this.type = type
  }
}

/** `optional.of(value)`, or `optional.none()` where `value` is undefined. */
export class Optional {
  readonly value: Value | undefined
  constructor(value: Value | undefined) {
    this.value = value
  }
}

/** A list. Subclasses decide where the elements come from. */
export abstract class List {
  abstract readonly size: number
  /** `index` is within the list. */
  abstract at(index: number): Result
  /** Where lists of this kind are compared in a way of their own. */
  equals?(other: Value): boolean | EvaluationError
  /** Where `list + other` is something of its own. */
  concat?(other: Value): Result
}

/** A map, or an object with fields. */
export abstract class Dictionary {
  abstract readonly size: number
  /** undefined where there is no such key; an error where it cannot be a key. */
  abstract find(key: Value): Result | undefined
  /** Every key, in the order in which macros see them. */
  abstract keys(): Value[]
  /** Where maps of this kind are compared in a way of their own. */
  equals?(other: Value): boolean | EvaluationError
}

/**
 * A value that only functions of some library look into: a quantity, an address, the authorizer.
 * Subclasses carry the data.
 */
export abstract class Opaque {
  abstract readonly type: Type
  abstract equals(other: Value): boolean | EvaluationError
  /** What `size()` of cost accounting is; 1 where it has no size. */
  readonly costSize: number = 1
}

/** What an expression has constructed: `Name{field: value}`. */
export abstract class Struct extends Opaque {
  /** Those that the expression gave. */
  abstract readonly fields: ReadonlyMap<string, Value>
  /** Whether `optional.ofNonZeroValue` takes it for nothing. */
  abstract readonly isZero: boolean
  /** `struct.name` */
  abstract get(name: string): Result
  /** `has(struct.name)` */
  abstract has(name: string): boolean | EvaluationError
}

export type Value =
  | boolean
  | null
  | string
  | Int
  | Double
  | Uint
  | Uint8Array
  | Duration
  | Timestamp
  | TypeValue
  | Optional
  | List
  | Dictionary
  | Opaque

/** What evaluating something yields. */
export type Result = Value | EvaluationError
