/** Strings as Go quotes them (`%q`, `strconv.Quote`), which messages show. */

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** Go's idea of printable: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

export function quoteGo(text: string): string {
  let out = ''
  for (const character of text) {
    const escape = ESCAPES[character]
    if (escape !== undefined) out += escape
    else if (PRINTABLE.test(character)) out += character
    else out += escaped(character.codePointAt(0)!)
  }
  return `"${out}"`
}

function escaped(code: number): string {
  const hex = code.toString(16)
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
