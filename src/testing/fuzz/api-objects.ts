/** Nearly right objects of any described type, as JSON. */
import type { Field, Message } from '#api/schema.ts'
import type { Choices } from './choices.ts'

const MAX_DEPTH = 6

/** Each optional field is there or not; the deeper, the rarer. */
export function objectLike(choices: Choices, type: Message, depth = 0): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(type.fields)) {
    if (!field.isRequired && choices.chance(depth < 1 ? 30 : depth < 2 ? 60 : 85)) continue
    out[name] = choices.chance(choices.damage) ? choices.junk() : valueOf(choices, field, depth)
  }
  if (choices.chance(choices.damage)) out[choices.key()] = choices.junk()
  return out
}

function valueOf(choices: Choices, field: Field, depth: number): unknown {
  const { type, shape, allowed } = field
  const one = (): unknown => {
    if (typeof type !== 'string') return depth > MAX_DEPTH ? {} : objectLike(choices, type, depth + 1)
    if (allowed && choices.chance(80)) return choices.one(allowed)
    return {
      string: () => choices.mostly(choices.one(['a', 'b', 'x']), 'x/y', 'constructor', choices.text()),
      int32: () => choices.mostly(choices.one([1, 2, 80]), 0, -1, 2 ** 31, 1.5),
      int64: () => choices.mostly(choices.one([1, 30]), 0, -1, 2 ** 53),
      double: () => choices.mostly(0.5, 0, 1e300),
      bool: () => choices.chance(50),
      bytes: () => choices.mostly('YQ==', '', 'Y', '%'),
      quantity: () => choices.mostly<unknown>(choices.one(['1', '100m', '1Gi']), '', '1e99', '-5', 'x', 1.5),
      time: () => choices.mostly('2026-01-31T12:00:00Z', choices.text()),
      microTime: () => choices.mostly('2026-01-31T12:00:00.000000Z', choices.text()),
      intOrString: () => choices.mostly<unknown>(choices.one<unknown>([1, '25%']), 'x', ''),
      object: () => choices.junk(),
      json: () => choices.junk(),
    }[type]()
  }
  if (shape === 'one') return one()
  if (shape === 'list') return choices.some(2, one)
  const member = () => (shape === 'map' ? one() : choices.some(2, one))
  return Object.fromEntries(
    choices.some(2, (): [string, unknown] => [
      choices.one(['a', 'cpu', choices.mostly('b', '__proto__', 'constructor', choices.text())]),
      member(),
    ]),
  )
}
