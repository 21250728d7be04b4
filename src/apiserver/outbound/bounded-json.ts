/** JSON from a server that need not be trusted: what passes can be walked through recursively. */
import { countMembers, JsonTooLarge } from '#base/json.ts'

const MAX_DEPTH = 1000
const MAX_VALUES = 2_000_000

/** Throws Error with the words of upstream's decoder. */
export function parseBounded(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error("couldn't get version/kind; json parse error: the text is not valid JSON", { cause })
  }
  try {
    countMembers(value, MAX_DEPTH, MAX_VALUES)
  } catch (cause) {
    throw cause instanceof JsonTooLarge ? new Error(`json parse error: ${cause.message}`, { cause }) : cause
  }
  return value
}
