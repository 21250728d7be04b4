/**
 * The text of an expression with its lines, and complaints about it as users see them: the message, the line, and a
 * mark below the column. Offsets are those of JavaScript strings; lines count from 1, columns from 0 in code points.
 */
import { codePointLength } from './code-points.ts'
import { CelCompileError } from './errors.ts'
import type { Issue } from './errors.ts'

/** More complaints than this are counted rather than shown. */
const MAX_ISSUES = 100
/** Longer lines are not shown. In bytes. */
const MAX_SNIPPET_BYTES = 16_384

/** What is wrong, and where: an offset, or undefined for the expression as a whole. */
export interface Complaint {
  readonly offset: number | undefined
  readonly message: string
}

/** The error for these complaints, in the order of the text. */
export function compileError(source: string, complaints: readonly Complaint[]): CelCompileError {
  const lineStarts = linesOf(source)
  const issues = complaints
    .slice(0, MAX_ISSUES)
    .map(({ offset, message }) => locate(source, lineStarts, offset, message))
  const sorted = issues.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const texts = sorted.map((issue) => display(source, lineStarts, issue))
  if (complaints.length > MAX_ISSUES) texts.push(`${complaints.length - MAX_ISSUES} more errors were truncated`)
  return new CelCompileError(texts.join('\n'), sorted)
}

function linesOf(source: string): number[] {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function locate(source: string, lineStarts: number[], offset: number | undefined, message: string): Issue {
  if (offset === undefined) return { line: -1, column: -1, message }
  if (source === '') return { line: 1, column: -1, message }
  let line = 1
  while (line < lineStarts.length && lineStarts[line]! <= offset) line++
  const start = lineStarts[line - 1]!
  return { line, column: codePointLength(source.slice(start, offset)), message }
}

function display(source: string, lineStarts: number[], { line, column, message }: Issue): string {
  const head = `ERROR: <input>:${line}:${column + 1}: ${message}`
  if (line < 1 || source === '') return head
  const start = lineStarts[line - 1]!
  const end = line < lineStarts.length ? lineStarts[line]! - 1 : source.length
  const text = source.slice(start, end)
  if (Buffer.byteLength(text) > MAX_SNIPPET_BYTES) return head
  const snippet = text.replaceAll('\t', ' ')
  const characters = [...snippet]
  let mark = ''
  for (const character of characters.slice(0, column)) mark += isWide(character) ? '\uff0e' : '.'
  const marked = characters[column]
  mark += marked !== undefined && isWide(marked) ? '\uff3e' : '^'
  return `${head}\n | ${snippet}\n | ${mark}`
}

/** Takes more than one byte of UTF-8. */
const isWide = (character: string): boolean => character.codePointAt(0)! > 0x7f
