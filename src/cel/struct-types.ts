/** Object types that expressions can make (cel-go: `types.Provider`). */
import type { Type } from './types.ts'
import type { Result, Value } from './values.ts'

/** Types that expressions can construct: `Name{field: value}`. */
export interface StructTypes {
  /** Whether there is a type of this name. */
  has(typeName: string): boolean
  /** undefined where the type has no such field. */
  fieldType(typeName: string, field: string): Type | undefined
  create(typeName: string, fields: ReadonlyMap<string, Value>): Result
}
