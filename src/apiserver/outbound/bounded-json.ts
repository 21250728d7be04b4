/** JSON from a server that need not be trusted: what passes can be walked through recursively. */
import { countMembers, JsonTooLarge } from '#base/json.ts'

const MAX_DEPTH = 1000
const MAX_VALUES = 2_000_000

/** What upstream's decoder of objects says to a text that is not JSON, which it takes for YAML. */
const wordsOfDecoder = (): string =>
  "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct " +
  '{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** What Go's own decoder says, as far as that can be told from how the text begins. */
export function wordsOfGo(text: string): string {
  const first = text.trimStart()[0]
  if (first === undefined) return 'unexpected end of JSON input'
  const isValue = /[[{"\d-]/.test(first) || /^\s*(true|false|null)/.test(text)
  return isValue ? 'the text is not valid JSON' : `invalid character '${first}' looking for beginning of value`
}

/** Throws Error; `words` tells what is wrong with a text that is not JSON. */
export function parseBounded(text: string, words: (text: string) => string = wordsOfDecoder): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(words(text), { cause })
  }
  try {
    countMembers(value, MAX_DEPTH, MAX_VALUES)
  } catch (cause) {
    throw cause instanceof JsonTooLarge ? new Error(`json parse error: ${cause.message}`, { cause }) : cause
  }
  return value
}
