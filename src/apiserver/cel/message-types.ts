/** Declared types from the API's own Messages, to type-check expressions against built-in kinds. */
import type { Message } from '#api/schema.ts'
import type { DeclaredType } from '#cel/declared-type.ts'

/** Objects are named after the message. A message that contains itself is `dyn` there. */
export function declareMessage(_message: Message): DeclaredType {
  throw new Error('not there yet')
}
