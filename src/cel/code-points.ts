/** Strings by code point, which is how CEL counts them. Most have no surrogates, and then JavaScript's count is right. */

/** Number of code points. */
export function codePointLength(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length - 1; i++) if (startsPair(text, i)) length--
  return length
}

/** Whether a pair of surrogates begins at `index`. */
function startsPair(text: string, index: number): boolean {
  const code = text.charCodeAt(index)
  if (code < 0xd800 || code > 0xdbff) return false
  const next = text.charCodeAt(index + 1)
  return next >= 0xdc00 && next <= 0xdfff
}

/** Where the code point of this number begins; the string's length for the number of all of them. */
export function offsetOfCodePoint(text: string, index: number): number {
  let offset = 0
  for (let i = 0; i < index; i++) offset += startsPair(text, offset) ? 2 : 1
  return offset
}
