/** Functions of strings, by code point (cel-go: `ext.Strings`, version 2). `format` is in string-format.ts. */
import { codePointLength, offsetOfCodePoint } from '../code-points.ts'
import { EvaluationError } from '../errors.ts'
import { formatValue } from '../format-value.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { ValueList } from '../lists.ts'
import { DYN, INT, STRING, listOf } from '../types.ts'
import type { Int, List, Result } from '../values.ts'
import { checkFormatCalls, formatString } from './string-format.ts'

/** Longer results are not made; what they would cost is far beyond any limit. */
const MAX_LENGTH = 50_000_000

const error = (message: string): EvaluationError => new EvaluationError('function', message)
const outOfRange = (index: Int): EvaluationError => error(`index out of range: ${index}`)
const TOO_LONG = new EvaluationError('costExceeded', 'operation cancelled: actual cost limit exceeded')

function charAt(text: string, index: Int): Result {
  const length = codePointLength(text)
  if (index < 0 || index > length) return outOfRange(index)
  const offset = offsetOfCodePoint(text, Number(index))
  return offset === text.length ? '' : String.fromCodePoint(text.codePointAt(offset)!)
}

/** Number of code points before an offset of JavaScript's. */
const codePointIndex = (text: string, offset: number): number =>
  offset < 0 ? -1 : codePointLength(text.slice(0, offset))

function indexOf(text: string, part: string, from: Int = 0): Result {
  if (part === '') return from
  if (from < 0) return outOfRange(from)
  if (from >= codePointLength(text)) return -1
  return codePointIndex(text, text.indexOf(part, offsetOfCodePoint(text, Number(from))))
}

function lastIndexOf(text: string, part: string, from?: Int): Result {
  const length = codePointLength(text)
  if (part === '') return from ?? length
  if (from !== undefined && from < 0) return outOfRange(from)
  if (from !== undefined && from >= length) return -1
  const last = from === undefined ? text.length : offsetOfCodePoint(text, Number(from))
  return codePointIndex(text, text.lastIndexOf(part, last))
}

function substring(text: string, start: Int, end?: Int): Result {
  const length = codePointLength(text)
  if (end !== undefined && start > end) return error(`invalid substring range. start: ${start}, end: ${end}`)
  if (start < 0 || start > length) return outOfRange(start)
  if (end !== undefined && (end < 0 || end > length)) return outOfRange(end)
  const from = offsetOfCodePoint(text, Number(start))
  return text.slice(from, end === undefined ? undefined : offsetOfCodePoint(text, Number(end)))
}

/** At most `limit` occurrences, all of them where it is negative. */
function replace(text: string, old: string, replacement: string, limit: Int = -1): Result {
  const parts = old === '' ? ['', ...text, ''] : text.split(old)
  const count = limit < 0 || limit >= parts.length ? parts.length - 1 : Number(limit)
  if (text.length + count * replacement.length > MAX_LENGTH) return TOO_LONG
  // Between an empty start and the characters there is nothing to put back.
  return (
    parts
      .slice(0, count)
      .map((part) => part + replacement)
      .join('') + parts.slice(count).join(old)
  )
}

/** At most `limit` parts, all of them where it is negative. */
function split(text: string, separator: string, limit: Int = -1): Result {
  if (limit === 0) return new ValueList([])
  const parts = separator === '' ? [...text] : text.split(separator)
  if (limit < 0 || limit >= parts.length) return new ValueList(parts)
  const kept = parts.slice(0, Number(limit) - 1)
  return new ValueList([...kept, parts.slice(Number(limit) - 1).join(separator)])
}

function join(list: List, separator = ''): Result {
  const parts: string[] = []
  let length = 0
  for (let i = 0; i < list.size; i++) {
    const element = list.at(i)
    if (typeof element !== 'string') return error(`join: invalid input: ${formatValue(element)}`)
    length += element.length + separator.length
    if (length > MAX_LENGTH) return TOO_LONG
    parts.push(element)
  }
  return parts.join(separator)
}

const QUOTED: Readonly<Record<string, string>> = {
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

const quote = (text: string): Result =>
  `"${text.replaceAll(/[\x07\b\f\n\r\t\v\\"]/g, (character) => QUOTED[character]!)}"`

/** Go's white space, which is not JavaScript's: no byte order mark, but the next line. */
const SPACE = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const LEADING = new RegExp(`^${SPACE}+`)
const SPACE_CHARACTER = new RegExp(SPACE)

function trim(text: string): Result {
  const start = LEADING.exec(text)?.[0].length ?? 0
  let end = text.length
  while (end > start && SPACE_CHARACTER.test(text[end - 1]!)) end--
  return text.slice(start, end)
}

const STRINGS = listOf(STRING)

export const stringLibrary: Library = {
  name: 'strings',
  validators: [checkFormatCalls],
  functions: [
    declareFunction('charAt', memberOverload('string_char_at_int', [STRING, INT], STRING, charAt)),
    declareFunction(
      'indexOf',
      memberOverload('string_index_of_string', [STRING, STRING], INT, indexOf),
      memberOverload('string_index_of_string_int', [STRING, STRING, INT], INT, indexOf),
    ),
    declareFunction(
      'lastIndexOf',
      memberOverload('string_last_index_of_string', [STRING, STRING], INT, lastIndexOf),
      memberOverload('string_last_index_of_string_int', [STRING, STRING, INT], INT, lastIndexOf),
    ),
    declareFunction(
      'lowerAscii',
      memberOverload('string_lower_ascii', [STRING], STRING, (text: string) =>
        text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase()),
      ),
    ),
    declareFunction(
      'upperAscii',
      memberOverload('string_upper_ascii', [STRING], STRING, (text: string) =>
        text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase()),
      ),
    ),
    declareFunction(
      'replace',
      memberOverload('string_replace_string_string', [STRING, STRING, STRING], STRING, replace),
      memberOverload('string_replace_string_string_int', [STRING, STRING, STRING, INT], STRING, replace),
    ),
    declareFunction(
      'split',
      memberOverload('string_split_string', [STRING, STRING], STRINGS, split),
      memberOverload('string_split_string_int', [STRING, STRING, INT], STRINGS, split),
    ),
    declareFunction(
      'substring',
      memberOverload('string_substring_int', [STRING, INT], STRING, substring),
      memberOverload('string_substring_int_int', [STRING, INT, INT], STRING, substring),
    ),
    declareFunction('trim', memberOverload('string_trim', [STRING], STRING, trim)),
    declareFunction('format', memberOverload('string_format', [STRING, listOf(DYN)], STRING, formatString)),
    declareFunction('strings.quote', overload('strings_quote', [STRING], STRING, quote)),
    declareFunction(
      'join',
      memberOverload('list_join', [STRINGS], STRING, join),
      memberOverload('list_join_string', [STRINGS, STRING], STRING, join),
    ),
  ],
}
