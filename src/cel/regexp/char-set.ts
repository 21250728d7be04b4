/**
 * Sets of characters in regular expressions: ranges, Unicode properties, the same without regard to case. Membership of
 * ASCII is a table; other characters are asked for one by one, by JavaScript's own classes, which never look at more than
 * that one character.
 */

export interface CharSetItem {
  readonly lo: number
  readonly hi: number
}

/** What a set is made of. `properties` are sources of JavaScript classes, such as `\p{Lu}`. */
export interface CharSetParts {
  readonly ranges: readonly CharSetItem[]
  readonly properties: readonly string[]
  readonly negated: boolean
  readonly ignoreCase: boolean
}

const ASCII = 128
const hasCase = (code: number): boolean => /[a-zA-Z]/.test(String.fromCharCode(code))
const hex = (code: number): string => `\\u{${code.toString(16)}}`

export class CharSet {
  readonly #ascii = new Uint8Array(ASCII)
  readonly #parts: CharSetParts
  /** Decides beyond ranges; undefined where these are all. */
  readonly #pattern: RegExp | undefined

  /** Throws SyntaxError where JavaScript does not know a property. */
  constructor(parts: CharSetParts) {
    this.#parts = parts
    const anyCase = parts.ignoreCase && parts.ranges.some(({ lo, hi }) => lo !== hi || lo >= ASCII || hasCase(lo))
    if (anyCase || parts.properties.length > 0) {
      const ranges = parts.ranges.map(({ lo, hi }) => `${hex(lo)}-${hex(hi)}`)
      this.#pattern = new RegExp(`[${[...ranges, ...parts.properties].join('')}]`, parts.ignoreCase ? 'iu' : 'u')
      for (let code = 0; code < ASCII; code++) this.#ascii[code] = this.#decide(code) ? 1 : 0
      return
    }
    if (parts.negated) this.#ascii.fill(1)
    for (const { lo, hi } of parts.ranges) this.#ascii.fill(parts.negated ? 0 : 1, lo, hi + 1)
  }

  has(code: number): boolean {
    return code < ASCII ? this.#ascii[code] === 1 : this.#decide(code)
  }

  #decide(code: number): boolean {
    const { ranges, negated } = this.#parts
    const within = this.#pattern
      ? this.#pattern.test(String.fromCodePoint(code))
      : ranges.some(({ lo, hi }) => lo <= code && code <= hi)
    return within !== negated
  }
}

const range = (lo: string, hi = lo): CharSetItem => ({ lo: lo.codePointAt(0)!, hi: hi.codePointAt(0)! })
const digits = [range('0', '9')]
const letters = [range('A', 'Z'), range('a', 'z')]

/** `\d`, `\s` and `\w`: ASCII only. */
export const perlClasses: Readonly<Record<string, readonly CharSetItem[]>> = {
  d: digits,
  s: [range('\t', '\n'), range('\f', '\r'), range(' ')],
  w: [...digits, ...letters, range('_')],
}

/** `[[:alpha:]]` and the like. */
export const posixClasses: Readonly<Record<string, readonly CharSetItem[]>> = {
  alnum: [...digits, ...letters],
  alpha: letters,
  ascii: [range('\0', '\x7f')],
  blank: [range('\t'), range(' ')],
  cntrl: [range('\0', '\x1f'), range('\x7f')],
  digit: digits,
  graph: [range('!', '~')],
  lower: [range('a', 'z')],
  print: [range(' ', '~')],
  punct: [range('!', '/'), range(':', '@'), range('[', '`'), range('{', '~')],
  space: [range('\t', '\r'), range(' ')],
  upper: [range('A', 'Z')],
  word: [...digits, ...letters, range('_')],
  xdigit: [...digits, range('A', 'F'), range('a', 'f')],
}

/** All that a set does not have. */
export function complement(items: readonly CharSetItem[]): CharSetItem[] {
  const sorted = items.toSorted((a, b) => a.lo - b.lo)
  const out: CharSetItem[] = []
  let next = 0
  for (const { lo, hi } of sorted) {
    if (lo > next) out.push({ lo: next, hi: lo - 1 })
    next = Math.max(next, hi + 1)
  }
  if (next <= 0x10ffff) out.push({ lo: next, hi: 0x10ffff })
  return out
}
