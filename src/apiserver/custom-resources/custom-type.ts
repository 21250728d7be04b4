/** One version of a custom resource as a type of the API. */
import { kind } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import type { Structural } from './structural.ts'
import { takeIn } from './take-in.ts'

export function customType(group: string, version: string, kindName: string, schema: Structural): Message {
  const type = kind(group, version, kindName, schema.source.description ?? '', {})
  type.schema = { source: schema.source, decode: (input, withDefaults) => takeIn(schema, input, { withDefaults }) }
  return type
}
