/**
 * Types of data whose shape an API schema declares (upstream: `apiserver/pkg/cel.DeclType`).
 *
 * One DeclaredType serves three readers: the checker (which fields does an object have?), the cost estimator (how long
 * can this list get?) and `adapt` in json-values.ts, which reads JSON in place as values of CEL. Immutable.
 */
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, NULL, STRING, TIMESTAMP, listOf, mapOf, objectType } from './types.ts'
import type { Type } from './types.ts'

export interface DeclaredField {
  readonly type: DeclaredType
  readonly required: boolean
  /** The name in JSON, where expressions must write it otherwise (`__namespace__`, `a__dot__b`). */
  readonly jsonName: string
}

export interface DeclaredType {
  /**
   * How JSON is read: `dyn` by its own shape, `date` and `timestamp` from strings, `intOrString` as either; `preserved`
   * is data of which no more is known than whether it is equal to other data, `untyped` what cannot be read at all.
   */
  readonly kind:
    | 'dyn'
    | 'bool'
    | 'int'
    | 'double'
    | 'string'
    | 'bytes'
    | 'duration'
    | 'date'
    | 'timestamp'
    | 'null'
    | 'intOrString'
    | 'list'
    | 'map'
    | 'object'
    | 'preserved'
    | 'untyped'
  readonly type: Type
  /** Upper bound of the length of a string (in bytes), list or map; Infinity where nothing bounds it. */
  readonly maxElements: number
  /** Least number of bytes of such a value as JSON. */
  readonly minSerializedSize: number
  /** Whether JSON may say null. */
  readonly nullable: boolean
  /** Of an object: by the name that expressions use. */
  readonly fields: ReadonlyMap<string, DeclaredField> | undefined
  /** Of an object: fields by every name that finds them at run time, those included that expressions cannot name. */
  readonly lookup: ReadonlyMap<string, DeclaredField> | undefined
  /** Of a list: its elements; of a map: its values. */
  readonly element: DeclaredType | undefined
  /** Of a list: lists of type `set` and `map` are compared regardless of order, and `+` merges them. */
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listMapKeys: readonly string[]
}

/** What may be said of a declared type beyond its kind. */
export type Declaration = Partial<
  Pick<DeclaredType, 'maxElements' | 'minSerializedSize' | 'nullable' | 'listType' | 'listMapKeys'>
>

/** Kinds that have a length, and none that bounds it unless it is said. */
const UNBOUNDED: ReadonlySet<string> = new Set(['string', 'bytes', 'dyn', 'intOrString', 'list', 'map'])

function declared(
  kind: DeclaredType['kind'],
  type: Type,
  minSerializedSize: number,
  more: Partial<DeclaredType> = {},
): DeclaredType {
  return {
    kind,
    type,
    minSerializedSize,
    maxElements: UNBOUNDED.has(kind) ? Infinity : 0,
    nullable: false,
    fields: undefined,
    lookup: undefined,
    element: undefined,
    listType: 'atomic',
    listMapKeys: [],
    ...more,
  }
}

/** Constructors of declared types. */
export const declare = {
  dyn: (more?: Declaration) => declared('dyn', DYN, 1, more),
  bool: (more?: Declaration) => declared('bool', BOOL, 4, more),
  int: (more?: Declaration) => declared('int', INT, 1, more),
  double: (more?: Declaration) => declared('double', DOUBLE, 1, more),
  string: (more?: Declaration) => declared('string', STRING, 2, more),
  bytes: (more?: Declaration) => declared('bytes', BYTES, 2, more),
  duration: (more?: Declaration) => declared('duration', DURATION, 3, more),
  date: (more?: Declaration) => declared('date', TIMESTAMP, 12, more),
  timestamp: (more?: Declaration) => declared('timestamp', TIMESTAMP, 12, more),
  null: () => declared('null', NULL, 4),
  intOrString: (more?: Declaration) => declared('intOrString', DYN, 1, more),
  list: (element: DeclaredType, more?: Declaration) => declared('list', listOf(element.type), 2, { ...more, element }),
  /** Keys are strings. */
  map: (element: DeclaredType, more?: Declaration) =>
    declared('map', mapOf(STRING, element.type), 2, { ...more, element }),
  /** `name` must be unique in its environment. `hidden` are fields that expressions cannot name. */
  object: (
    name: string,
    fields: ReadonlyMap<string, DeclaredField>,
    more?: Declaration & { readonly hidden?: readonly DeclaredField[] },
  ) => {
    const { hidden = [], ...rest } = more ?? {}
    const all = [...hidden, ...fields.values()]
    const lookup = new Map([...all.map((field): [string, DeclaredField] => [field.jsonName, field]), ...fields])
    return declared('object', objectType(name), 2, { ...rest, fields, lookup })
  },
  preserved: (more?: Declaration) => declared('preserved', DYN, 1, more),
  untyped: () => declared('untyped', DYN, 1),
  /** Of what expressions work out themselves, which is never read from JSON. */
  computed: (type: Type) => declared('untyped', type, 1),
}

/** Fields whose names in JSON and in expressions are the same; `name?` marks one as optional. */
export function fieldsOf(fields: Readonly<Record<string, DeclaredType>>): Map<string, DeclaredField> {
  return new Map(
    Object.entries(fields).map(([key, type]) => {
      const required = !key.endsWith('?')
      const name = required ? key : key.slice(0, -1)
      return [name, { type, required, jsonName: name }]
    }),
  )
}
