/**
 * Text into tokens. Never throws and never loops: a character that begins no token becomes a complaint and is skipped,
 * in the words that users know from upstream's generated lexer.
 */
import type { Complaint } from './source.ts'

export type TokenKind =
  | 'integer'
  | 'unsigned'
  | 'float'
  | 'string'
  | 'bytes'
  | 'identifier'
  /** `` `a-b` ``: a field name in backticks. */
  | 'escaped'
  /** Operators, brackets and the words `in`, `true`, `false` and `null`: told by their text. */
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly start: number
  readonly end: number
}

const WORDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null'])
const TWO_CHARACTERS: ReadonlySet<string> = new Set(['==', '!=', '<=', '>=', '&&', '||'])
const ONE_CHARACTER: ReadonlySet<string> = new Set('[]{}().,-!?:+*/%<>')
const SIMPLE_ESCAPES: ReadonlySet<string> = new Set('abfnrtv"\'\\?`')

/** The tokens of `source`, the last of kind `end`, and what could not be read. */
export function tokenize(source: string): { tokens: Token[]; complaints: Complaint[] } {
  const tokens: Token[] = []
  const complaints: Complaint[] = []
  let at = 0
  while (at < source.length) {
    const skipped = skipHidden(source, at)
    if (skipped > at) {
      at = skipped
      continue
    }
    const token = readToken(source, at)
    if (typeof token === 'object') {
      tokens.push(token)
      at = token.end
      continue
    }
    // `token` is the end of what could still have become a token; the character there is what went wrong.
    const end = Math.min(token + (isHighSurrogate(source, token) ? 2 : 1), source.length)
    const text = source.slice(at, end)
    complaints.push({ offset: at, message: `Syntax error: token recognition error at: '${text}'` })
    at = Math.max(end, at + 1)
  }
  tokens.push({ kind: 'end', text: '<EOF>', start: source.length, end: source.length })
  return { tokens, complaints }
}

function skipHidden(source: string, at: number): number {
  const character = source[at]!
  if (character === ' ' || character === '\t' || character === '\n' || character === '\r' || character === '\f')
    return at + 1
  if (character === '/' && source[at + 1] === '/') {
    const end = source.indexOf('\n', at)
    return end < 0 ? source.length : end
  }
  return at
}

/** The longest token at `at`, or where reading it failed. */
function readToken(source: string, at: number): Token | number {
  const character = source[at]!
  const token = (kind: TokenKind, end: number): Token => ({ kind, text: source.slice(at, end), start: at, end })
  if (isLetter(character)) {
    const prefix = stringPrefix(source, at)
    if (prefix > 0) {
      const end = readString(source, at + prefix, /r/i.test(source.slice(at, at + prefix)))
      if (end.closed) return token(/b/i.test(source.slice(at, at + prefix)) ? 'bytes' : 'string', end.at)
    }
    let end = at + 1
    while (end < source.length && (isLetter(source[end]!) || isDigit(source[end]!))) end++
    return token(WORDS.has(source.slice(at, end)) ? 'symbol' : 'identifier', end)
  }
  if (character === '"' || character === "'") {
    const end = readString(source, at, false)
    return end.closed ? token('string', end.at) : end.at
  }
  if (isDigit(character) || (character === '.' && isDigit(source[at + 1] ?? ''))) return readNumber(source, at, token)
  if (character === '`') {
    let end = at + 1
    while (end < source.length && /[a-zA-Z0-9_.\-/ ]/.test(source[end]!)) end++
    return source[end] === '`' && end > at + 1 ? token('escaped', end + 1) : end
  }
  if (TWO_CHARACTERS.has(source.slice(at, at + 2))) return token('symbol', at + 2)
  if (ONE_CHARACTER.has(character)) return token('symbol', at + 1)
  return character === '=' || character === '&' || character === '|' ? at + 1 : at
}

/** Length of `b`, `r`, `br` before a quote; 0 where no string begins here. */
function stringPrefix(source: string, at: number): number {
  let length = 0
  if (/[bB]/.test(source[at]!)) length++
  if (/[rR]/.test(source[at + length] ?? '')) length++
  const quote = source[at + length]
  return length > 0 && (quote === '"' || quote === "'") ? length : 0
}

/** Where the string that opens at `at` ends. Not closed: the first character that cannot be in it. */
function readString(source: string, at: number, raw: boolean): { closed: boolean; at: number } {
  const quote = source[at]!
  if (source.startsWith(quote.repeat(3), at)) {
    const long = readUntil(source, at + 3, quote.repeat(3), raw, true)
    // An unfinished long string is an empty string and the start of another.
    return long.closed ? long : { closed: true, at: at + 2 }
  }
  return readUntil(source, at + 1, quote, raw, false)
}

function readUntil(source: string, from: number, close: string, raw: boolean, multiline: boolean) {
  let at = from
  while (at < source.length) {
    if (source.startsWith(close, at)) return { closed: true, at: at + close.length }
    const character = source[at]!
    if (!multiline && (character === '\n' || character === '\r')) return { closed: false, at }
    if (character === '\\' && !raw) {
      const escape = readEscape(source, at)
      if (!escape.closed) return escape
      at = escape.at
    } else at++
  }
  return { closed: false, at }
}

function readEscape(source: string, at: number): { closed: boolean; at: number } {
  const character = source[at + 1] ?? ''
  if (SIMPLE_ESCAPES.has(character)) return { closed: true, at: at + 2 }
  if (/[xX]/.test(character)) return readDigits(source, at + 2, 2, /[0-9a-fA-F]/)
  if (character === 'u') return readDigits(source, at + 2, 4, /[0-9a-fA-F]/)
  if (character === 'U') return readDigits(source, at + 2, 8, /[0-9a-fA-F]/)
  if (/[0-3]/.test(character)) return readDigits(source, at + 2, 2, /[0-7]/)
  return { closed: false, at: at + 1 }
}

function readDigits(source: string, from: number, count: number, digit: RegExp): { closed: boolean; at: number } {
  for (let i = 0; i < count; i++) if (!digit.test(source[from + i] ?? '')) return { closed: false, at: from + i }
  return { closed: true, at: from + count }
}

function readNumber(source: string, at: number, token: (kind: TokenKind, end: number) => Token): Token {
  if (source[at] === '0' && source[at + 1] === 'x' && /[0-9a-fA-F]/.test(source[at + 2] ?? '')) {
    let end = at + 2
    while (/[0-9a-fA-F]/.test(source[end] ?? '')) end++
    return /[uU]/.test(source[end] ?? '') ? token('unsigned', end + 1) : token('integer', end)
  }
  let end = skipDigits(source, at)
  let float = false
  if (source[end] === '.' && isDigit(source[end + 1] ?? '')) {
    end = skipDigits(source, end + 1)
    float = true
  }
  if (/[eE]/.test(source[end] ?? '')) {
    const digits = /[+-]/.test(source[end + 1] ?? '') ? end + 2 : end + 1
    if (isDigit(source[digits] ?? '')) return token('float', skipDigits(source, digits))
  }
  if (float) return token('float', end)
  return /[uU]/.test(source[end] ?? '') ? token('unsigned', end + 1) : token('integer', end)
}

function skipDigits(source: string, from: number): number {
  let at = from
  while (isDigit(source[at] ?? '')) at++
  return at
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9'
const isLetter = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character === '_'

function isHighSurrogate(source: string, at: number): boolean {
  const code = source.charCodeAt(at)
  return code >= 0xd800 && code <= 0xdbff
}
