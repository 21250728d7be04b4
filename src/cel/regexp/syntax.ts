/**
 * The syntax of regular expressions as Go (RE2) has it, into a tree. Back references and look-around do not exist in it,
 * which is why matching never has to go back. Errors have Go's words.
 */
import { own } from '#base/own.ts'
import { CharSet, complement, perlClasses, posixClasses } from './char-set.ts'
import type { CharSetItem } from './char-set.ts'

export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  /** `max` is Infinity without an upper bound. */
  | {
      readonly kind: 'repeat'
      readonly node: Node
      readonly min: number
      readonly max: number
      readonly greedy: boolean
    }

export type Assertion = 'beginText' | 'endText' | 'beginLine' | 'endLine' | 'wordBoundary' | 'noWordBoundary'

const MAX_REPEAT = 1000
const MAX_DEPTH = 1000

/** Not a regular expression. `message` is Go's, from `error parsing regexp:` on. */
export class RegExpSyntaxError extends Error {
  override readonly name = 'RegExpSyntaxError'

  constructor(problem: string, where: string) {
    super(`error parsing regexp: ${problem}: \`${where}\``)
  }
}

interface Flags {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly lazy: boolean
}

/** An open group: the alternatives so far, and the sequence being read. */
interface Group {
  readonly flags: Flags
  readonly choices: Node[][]
}

/** Throws RegExpSyntaxError. */
export function parsePattern(pattern: string): Node {
  return new PatternParser(pattern).parse()
}

class PatternParser {
  readonly #pattern: string
  #at = 0
  #flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, lazy: false }
  readonly #groups: Group[] = [{ flags: this.#flags, choices: [[]] }]
  /** Where the repetition just read begins: another one must not follow. */
  #lastRepeat: number | undefined

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  parse(): Node {
    while (this.#at < this.#pattern.length) {
      const before = this.#at
      const repeated = this.#item()
      this.#lastRepeat = repeated ? before : undefined
    }
    if (this.#groups.length > 1) throw new RegExpSyntaxError('missing closing )', this.#pattern)
    return choiceOf(this.#groups[0]!)
  }

  /** Reads one thing; whether it was a repetition. */
  #item(): boolean {
    const rest = this.#pattern.slice(this.#at, this.#at + 2)
    switch (rest[0]) {
      case '(':
        this.#open()
        return false
      case ')':
        this.#close()
        return false
      case '|':
        this.#at++
        this.#groups.at(-1)!.choices.push([])
        return false
      case '^':
        return this.#push(1, { kind: 'assert', assertion: this.#flags.multiline ? 'beginLine' : 'beginText' })
      case '$':
        return this.#push(1, { kind: 'assert', assertion: this.#flags.multiline ? 'endLine' : 'endText' })
      case '.': {
        const ranges = this.#flags.dotAll ? [] : [{ lo: 10, hi: 10 }]
        return this.#push(1, {
          kind: 'set',
          set: new CharSet({ ranges, properties: [], negated: true, ignoreCase: false }),
        })
      }
      case '[':
        return this.#push(0, { kind: 'set', set: this.#class() })
      case '*':
        return this.#repeat(this.#at + 1, 0, Infinity)
      case '+':
        return this.#repeat(this.#at + 1, 1, Infinity)
      case '?':
        return this.#repeat(this.#at + 1, 0, 1)
      case '{':
        return this.#counted()
      case '\\':
        return this.#escape()
      default:
        return this.#literal(this.#character())
    }
  }

  /** Adds a node after `length` characters of pattern. Never a repetition. */
  #push(length: number, node: Node): false {
    this.#at += length
    this.#groups.at(-1)!.choices.at(-1)!.push(node)
    return false
  }

  #literal(code: number): false {
    const { ignoreCase } = this.#flags
    const set = new CharSet({ ranges: [{ lo: code, hi: code }], properties: [], negated: false, ignoreCase })
    return this.#push(0, { kind: 'set', set })
  }

  /** The code point at hand. */
  #character(): number {
    const code = this.#pattern.codePointAt(this.#at)!
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #open(): void {
    if (this.#pattern[this.#at + 1] === '?') {
      this.#perlGroup()
      return
    }
    this.#at++
    this.#openGroup(this.#flags)
  }

  /** `flags` hold again after the group. */
  #openGroup(flags: Flags): void {
    if (this.#groups.length > MAX_DEPTH) throw new RegExpSyntaxError('expression nests too deeply', this.#pattern)
    this.#groups.push({ flags, choices: [[]] })
  }

  #close(): void {
    if (this.#groups.length === 1) throw new RegExpSyntaxError('unexpected )', this.#pattern)
    this.#at++
    const group = this.#groups.pop()!
    this.#flags = group.flags
    this.#push(0, choiceOf(group))
  }

  /** `(?:`, `(?i)`, `(?P<name>`. */
  #perlGroup(): void {
    const rest = this.#pattern.slice(this.#at)
    const named = /^\(\?P?</.exec(rest)
    if (named && rest.length > 3) {
      const end = rest.indexOf('>')
      if (end < 0) throw new RegExpSyntaxError('invalid named capture', rest)
      const name = rest.slice(named[0].length, end)
      if (!/^[A-Za-z0-9_]+$/.test(name)) throw new RegExpSyntaxError('invalid named capture', rest.slice(0, end + 1))
      this.#at += end + 1
      this.#openGroup(this.#flags)
      return
    }
    const flags = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
    if (!flags) {
      const read = /^\(\?[imsU]*(?:-[imsU]*)?/.exec(rest)![0].length
      if (read === rest.length) throw new RegExpSyntaxError('missing closing )', this.#pattern)
      throw new RegExpSyntaxError('invalid or unsupported Perl syntax', rest.slice(0, read + widthAt(rest, read)))
    }
    const before = this.#flags
    const [whole, on, off = '', end] = flags as unknown as [string, string, string | undefined, string]
    const flag = (letter: string, value: boolean) => !off.includes(letter) && (on.includes(letter) || value)
    this.#flags = {
      ignoreCase: flag('i', before.ignoreCase),
      multiline: flag('m', before.multiline),
      dotAll: flag('s', before.dotAll),
      lazy: flag('U', before.lazy),
    }
    this.#at += whole.length
    if (end === ':') this.#openGroup(before)
  }

  #counted(): boolean {
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 64))
    if (!match) {
      this.#at++
      return this.#literal(0x7b)
    }
    const min = Number(match[1])
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3])
    const end = this.#at + match[0].length
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || min > max)
      throw new RegExpSyntaxError('invalid repeat count', this.#pattern.slice(this.#at, end))
    return this.#repeat(end, min, max)
  }

  /** A repetition that is written up to `end`, or one further where it is marked as lazy. */
  #repeat(end: number, min: number, max: number): true {
    const lazy = this.#pattern[end] === '?'
    const after = lazy ? end + 1 : end
    if (this.#lastRepeat !== undefined)
      throw new RegExpSyntaxError('invalid nested repetition operator', this.#pattern.slice(this.#lastRepeat, after))
    const nodes = this.#groups.at(-1)!.choices.at(-1)!
    const node = nodes.pop()
    const text = this.#pattern.slice(this.#at, after)
    if (!node) throw new RegExpSyntaxError('missing argument to repetition operator', text)
    const repeat: Node = { kind: 'repeat', node, min, max, greedy: lazy === this.#flags.lazy }
    if ((min >= 2 || (max >= 2 && max !== Infinity)) && !repeatsAtMost(repeat, MAX_REPEAT))
      throw new RegExpSyntaxError('invalid repeat count', text)
    nodes.push(repeat)
    this.#at = after
    return true
  }

  #escape(): false {
    const letter = this.#pattern[this.#at + 1]
    const assertion = ASSERTIONS[letter ?? '']
    if (assertion) return this.#push(2, { kind: 'assert', assertion })
    if (letter === 'C') throw new RegExpSyntaxError('invalid escape sequence', '\\C')
    if (letter === 'Q') {
      const end = this.#pattern.indexOf('\\E', this.#at + 2)
      const stop = end < 0 ? this.#pattern.length : end
      this.#at += 2
      while (this.#at < stop) this.#literal(this.#character())
      if (end >= 0) this.#at += 2
      return false
    }
    const parts = this.#classEscape()
    if (parts) return this.#push(0, { kind: 'set', set: this.#setOf(parts, false) })
    return this.#literal(this.#escapedCharacter())
  }

  #setOf({ ranges, properties }: ClassParts, negated: boolean): CharSet {
    return new CharSet({ ranges, properties, negated, ignoreCase: this.#flags.ignoreCase })
  }

  /** `\d`, `\pL`, `\p{Greek}`; undefined where it is another escape. */
  #classEscape(): ClassParts | undefined {
    const rest = this.#pattern.slice(this.#at)
    const letter = rest[1] ?? ''
    const perl = /[dDsSwW]/.test(letter) ? perlClasses[letter.toLowerCase()] : undefined
    if (perl) {
      this.#at += 2
      return { ranges: letter === letter.toLowerCase() ? perl : complement(perl), properties: [] }
    }
    if (!/^\\[pP]./su.test(rest)) return undefined
    const braces = rest[2] === '{'
    const end = braces ? rest.indexOf('}') + 1 : 2 + widthAt(rest, 2)
    if (end === 0) throw new RegExpSyntaxError('invalid character class range', rest)
    const text = rest.slice(0, end)
    const name = braces ? text.slice(3, -1) : text.slice(2)
    const inverted = name.startsWith('^')
    const property = propertyNamed(inverted ? name.slice(1) : name)
    if (property === undefined) throw new RegExpSyntaxError('invalid character class range', text)
    this.#at += end
    const negative = (letter === 'P') !== inverted
    return { ranges: [], properties: [`\\${negative ? 'P' : 'p'}{${property}}`] }
  }

  /** One character that is written with a backslash. */
  #escapedCharacter(): number {
    const rest = this.#pattern.slice(this.#at)
    if (rest.length === 1) throw new RegExpSyntaxError('trailing backslash at end of expression', '')
    const number = /^\\(?:(0[0-7]{0,2}|[1-7][0-7]{1,2})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]+)\})/.exec(rest)
    if (number) {
      const code = number[1] ? Number.parseInt(number[1], 8) : Number.parseInt(number[2] ?? number[3]!, 16)
      if (code <= 0x10ffff) {
        this.#at += number[0].length
        return code
      }
    }
    const letter = rest[1]!
    const control = CONTROLS[letter]
    if (control !== undefined || /^[!-/:-@[-`{-~ ]$/.test(letter) || letter < ' ') {
      this.#at += 2
      return control ?? letter.charCodeAt(0)
    }
    throw new RegExpSyntaxError('invalid escape sequence', rest.slice(0, invalidEscapeLength(rest)))
  }

  #class(): CharSet {
    const start = this.#at
    const whole = this.#pattern.slice(start)
    this.#at++
    const negated = this.#pattern[this.#at] === '^'
    if (negated) this.#at++
    const ranges: CharSetItem[] = []
    const properties: string[] = []
    for (let first = true; first || this.#pattern[this.#at] !== ']'; first = false) {
      const parts = this.#posixClass() ?? (this.#pattern[this.#at] === '\\' ? this.#classEscape() : undefined)
      if (parts) {
        ranges.push(...parts.ranges)
        properties.push(...parts.properties)
        continue
      }
      const from = this.#at
      const lo = this.#classCharacter(whole)
      let hi = lo
      if (
        this.#pattern[this.#at] === '-' &&
        this.#at + 1 < this.#pattern.length &&
        this.#pattern[this.#at + 1] !== ']'
      ) {
        this.#at++
        hi = this.#classCharacter(whole)
        if (hi < lo) throw new RegExpSyntaxError('invalid character class range', this.#pattern.slice(from, this.#at))
      }
      ranges.push({ lo, hi })
    }
    this.#at++
    return this.#setOf({ ranges, properties }, negated)
  }

  #classCharacter(whole: string): number {
    if (this.#at >= this.#pattern.length) throw new RegExpSyntaxError('missing closing ]', whole)
    return this.#pattern[this.#at] === '\\' ? this.#escapedCharacter() : this.#character()
  }

  #posixClass(): ClassParts | undefined {
    const rest = this.#pattern.slice(this.#at)
    if (!rest.startsWith('[:')) return undefined
    const end = rest.indexOf(':]', 2)
    if (end < 0) return undefined
    const text = rest.slice(0, end + 2)
    const negated = text[2] === '^'
    const ranges = own(posixClasses, text.slice(negated ? 3 : 2, -2))
    if (!ranges) throw new RegExpSyntaxError('invalid character class range', text)
    this.#at += text.length
    return { ranges: negated ? complement(ranges) : ranges, properties: [] }
  }
}

interface ClassParts {
  readonly ranges: readonly CharSetItem[]
  readonly properties: readonly string[]
}

const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'beginText',
  b: 'wordBoundary',
  B: 'noWordBoundary',
  z: 'endText',
}
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

/** Length of the character at `index`; 0 at the end. */
function widthAt(text: string, index: number): number {
  const code = text.codePointAt(index)
  return code === undefined ? 0 : code > 0xffff ? 2 : 1
}

/** How much of a wrong escape Go shows: up to where it stopped reading. */
function invalidEscapeLength(rest: string): number {
  if (rest[1] !== 'x') return 1 + widthAt(rest, 1)
  const read = /^\\x(?:\{[0-9a-fA-F]*|[0-9a-fA-F]?)/.exec(rest)![0].length
  return Math.min(rest.length, read + widthAt(rest, read))
}

function choiceOf({ choices }: Group): Node {
  const nodes = choices.map((sequence): Node => {
    if (sequence.length === 1) return sequence[0]!
    return sequence.length === 0 ? { kind: 'empty' } : { kind: 'sequence', nodes: sequence }
  })
  return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes }
}

/** Whether repetitions within one another make no more than `limit` copies of anything. */
function repeatsAtMost(node: Node, limit: number): boolean {
  if (node.kind === 'sequence' || node.kind === 'choice') return node.nodes.every((one) => repeatsAtMost(one, limit))
  if (node.kind !== 'repeat') return true
  const counted = node.min >= 2 || (node.max >= 2 && node.max !== Infinity)
  const times = node.max === Infinity ? node.min : node.max
  if (!counted || times === 0) return times === 0 || repeatsAtMost(node.node, limit)
  return times <= limit && repeatsAtMost(node.node, Math.trunc(limit / times))
}

/** A category or script as JavaScript writes it; undefined where there is none of this name. */
function propertyNamed(name: string): string | undefined {
  if (!/^[A-Za-z_]+$/.test(name)) return undefined
  const canonical = name
    .split('_')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
    .join('_')
  const special = { Any: 'Any', Assigned: 'Assigned', Ascii: 'ASCII', Lc: 'LC' }[canonical]
  for (const property of special ? [special] : [`General_Category=${canonical}`, `Script=${canonical}`]) {
    try {
      new RegExp(`\\p{${property}}`, 'u')
      return property
    } catch {
      // No such property; perhaps the next one.
    }
  }
  return undefined
}
