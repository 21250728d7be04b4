/**
 * Declared types from the API's own Messages, to type-check expressions against built-in kinds (upstream:
 * `apiserver/pkg/cel/openapi` over the generated definitions).
 */
import type { Field, Message, ScalarName } from '#api/schema.ts'
import { declare } from '#cel/declared-type.ts'
import type { DeclaredField, DeclaredType } from '#cel/declared-type.ts'
import { escapeFieldName } from './field-names.ts'

/**
 * Objects are named after where they are: `Pod.spec`, `Pod.spec.containers.@idx`. A message within itself has no fields,
 * because expressions can't look that deep.
 */
export function declareMessage(message: Message): DeclaredType {
  return declareObject(message, message.gvk?.kind ?? message.name, new Set())
}

function declareObject(message: Message, name: string, around: ReadonlySet<Message>): DeclaredType {
  const fields = new Map<string, DeclaredField>()
  if (around.has(message)) return declare.object(name, fields)
  const within = new Set([...around, message])
  for (const [jsonName, field] of Object.entries(message.fields)) {
    const escaped = escapeFieldName(jsonName)
    if (escaped === undefined) continue
    const type = declareField(field, `${name}.${escaped}`, within)
    if (type) fields.set(escaped, { type, required: field.isRequired, jsonName })
  }
  return declare.object(name, fields)
}

/** undefined where expressions can't see it. */
function declareField({ shape, type }: Field, name: string, around: ReadonlySet<Message>): DeclaredType | undefined {
  const one = (at: string) => (typeof type === 'string' ? SCALARS[type](at) : declareObject(type, at, around))
  switch (shape) {
    case 'one':
      return one(name)
    case 'list':
      return listOfThese(one(`${name}.@idx`))
    case 'map':
      return mapOfThese(one(`${name}.@elem`))
    case 'mapOfLists':
      return mapOfThese(listOfThese(one(`${name}.@elem.@idx`)))
  }
}

const listOfThese = (element: DeclaredType | undefined) => element && declare.list(element)
const mapOfThese = (value: DeclaredType | undefined) => value && declare.map(value)
const text = () => declare.string()
const nothing = () => undefined

const SCALARS: Readonly<Record<ScalarName, (name: string) => DeclaredType | undefined>> = {
  string: text,
  int32: () => declare.int(),
  int64: () => declare.int(),
  double: () => declare.double(),
  bool: () => declare.bool(),
  bytes: () => declare.bytes(),
  // Its schema says that it is a text or a number, which expressions can't see.
  quantity: nothing,
  time: () => declare.timestamp(),
  microTime: () => declare.timestamp(),
  intOrString: () => declare.intOrString(),
  object: (name) => declare.object(name, new Map()),
  json: nothing,
}
