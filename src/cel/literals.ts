/** What literals mean: escapes of strings and bytes, and numbers within their range. */
import { makeInt, MAX_INT, MAX_UINT, MIN_INT } from './int64.ts'
import { Double, Uint } from './values.ts'
import type { Int } from './values.ts'

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
}
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, X: 2, u: 4, U: 8 }

/** What is wrong with a literal, in upstream's words. */
export class LiteralError extends Error {
  override readonly name = 'LiteralError'
}

/** The string that a token of kind `string` means. Throws LiteralError. */
export function stringValue(token: string): string {
  let out = ''
  for (const part of unescaped(token)) {
    if (typeof part === 'string') out += part
    else {
      if (part > 0x10ffff || (part >= 0xd800 && part <= 0xdfff)) throw new LiteralError('invalid unicode code point')
      out += String.fromCodePoint(part)
    }
  }
  return out
}

/** The bytes that a token of kind `bytes` means. Throws LiteralError. */
export function bytesValue(token: string): Uint8Array {
  const parts: Buffer[] = []
  for (const part of unescaped(token.slice(1), true))
    parts.push(typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))
  return new Uint8Array(Buffer.concat(parts))
}

/** Text as it stands, and the numbers of hexadecimal and octal escapes. The lexer has seen to the syntax. */
function* unescaped(token: string, bytes = false): Generator<string | number> {
  const raw = /^[rR]/.test(token)
  const quoted = (raw ? token.slice(1) : token).replaceAll(/\r\n?/g, '\n')
  const quote = quoted.length >= 6 && quoted[1] === quoted[0] && quoted[2] === quoted[0] ? 3 : 1
  const text = quoted.slice(quote, -quote)
  if (raw) {
    yield text
    return
  }
  for (let at = 0; at < text.length;) {
    const escape = text.indexOf('\\', at)
    if (escape !== at) yield text.slice(at, escape < 0 ? text.length : escape)
    if (escape < 0) return
    const character = text[escape + 1]!
    const simple = SIMPLE[character]
    const hex = HEX_LENGTH[character]
    if (simple !== undefined) {
      yield simple
      at = escape + 2
    } else if (hex !== undefined) {
      if (bytes && hex > 2) throw new LiteralError('unable to unescape string')
      at = escape + 2 + hex
      yield Number.parseInt(text.slice(escape + 2, at), 16)
    } else {
      at = escape + 4
      yield Number.parseInt(text.slice(escape + 1, at), 8)
    }
  }
}

/** `text` may have a sign before it. Throws LiteralError where it is not an int64. */
export function intValue(text: string): Int {
  const negative = text.startsWith('-')
  const magnitude = BigInt(negative ? text.slice(1) : text)
  const value = negative ? -magnitude : magnitude
  if (value < MIN_INT || value > MAX_INT) throw new LiteralError('invalid int literal')
  return makeInt(value)
}

export function uintValue(text: string): Uint {
  const value = BigInt(text.slice(0, -1))
  if (value > MAX_UINT) throw new LiteralError('invalid uint literal')
  return new Uint(makeInt(value))
}

export function doubleValue(text: string): Double {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new LiteralError('invalid double literal')
  return new Double(value)
}
