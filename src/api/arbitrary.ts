/**
 * Random API objects for property tests, made from their description: each field is there or not, with values that its
 * type can hold and, where it has a closed set of them, one of these. Nothing is promised about validity beyond that.
 */
import fc from 'fast-check'
import type { Field, Message, ScalarName } from './schema.ts'

const scalars: Record<ScalarName, fc.Arbitrary<unknown>> = {
  string: fc.constantFrom('', 'a', 'b.c', 'x/y', 'TCP', 'RollingUpdate', 'Container', 'cpu'),
  int32: fc.constantFrom(0, 1, 2, 80, 65_536),
  int64: fc.constantFrom(0, 1, 30, 3600),
  double: fc.constantFrom(0, 0.5, 1),
  bool: fc.boolean(),
  bytes: fc.constantFrom('', 'YQ=='),
  quantity: fc.constantFrom('0', '1', '100m', '1Gi', '1500m', '1n', '0.5'),
  time: fc.constant('2026-01-31T12:00:00Z'),
  microTime: fc.constant('2026-01-31T12:00:00.000000Z'),
  intOrString: fc.constantFrom<unknown>(0, 1, '25%', ''),
  object: fc.constant({}),
  json: fc.constantFrom<unknown>(null, 1, 'a', {}),
}

const MAX_DEPTH = 7
/** How many fields of a message are drawn at most, so that objects stay small whatever the type. */
const MAX_FIELDS = 6

/** Any value of `type`, as JSON. */
export function anyOf(type: Message, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const names = Object.keys(type.fields).filter(
    (name) => depth < MAX_DEPTH || typeof type.fields[name]!.type === 'string',
  )
  return fc
    .subarray(names, { maxLength: Math.min(MAX_FIELDS, names.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, anyField(type.fields[name]!, depth)]))))
}

function anyField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one = anyOne(field, depth)
  if (field.shape === 'one') return one
  if (field.shape === 'list') return fc.array(one, { maxLength: 2 })
  const keys = fc.constantFrom('cpu', 'memory', 'example.com/a', 'k')
  return fc.dictionary(keys, field.shape === 'map' ? one : fc.array(one, { maxLength: 2 }), { maxKeys: 2 })
}

function anyOne({ type, union, allowed }: Field, depth: number): fc.Arbitrary<unknown> {
  if (union) return depth < MAX_DEPTH ? anyOf(union.type, depth + 1) : fc.constant({})
  if (typeof type !== 'string') return anyOf(type, depth + 1)
  return allowed ? fc.constantFrom(...allowed) : scalars[type]
}
