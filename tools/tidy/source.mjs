/**
 * Reads a source file for the checks beside this one: its text, the same text without comments, and without comments and
 * the contents of strings, so that a rule about code does not trip over prose. Blanked characters become spaces and
 * newlines stay, so an offset means the same place in all three.
 *
 * This is a scanner, not a parser: it knows comments, strings, templates and regular expressions, and nothing else.
 */

/**
 * @typedef {object} Source
 * @property {string} path relative to the repository, with `/`
 * @property {string} text as it is on disk
 * @property {string} statements without comments and without the contents of templates
 * @property {string} code without comments and without the contents of strings, templates and regular expressions
 */

/** @typedef {{ line: number, message: string }} Finding */

/** What may come before a regular expression; after anything else a slash divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|in|of|await|yield))\s*$/

/** @returns {Source} */
export function readSource(path, text) {
  if (!/\.[cm]?[jt]s$/.test(path)) return { path, text, statements: text, code: text }
  const statements = text.split('')
  const code = text.split('')
  const blank = (chars, from, to) => {
    for (let i = from; i < to; i++) if (chars[i] !== '\n') chars[i] = ' '
  }
  const blankTemplate = (from, to) => {
    blank(statements, from, to)
    blank(code, from, to)
  }
  /** Scans code from `i` until `end` (a closing brace of a template's substitution) or the end of the file. */
  function scan(i, end) {
    let depth = 0
    while (i < text.length) {
      const c = text[i]
      if (c === end && depth === 0) return i
      if (c === '{') depth++
      else if (c === '}') depth--
      const next = text[i + 1]
      if (c === '/' && (next === '/' || next === '*')) {
        const close = next === '/' ? text.indexOf('\n', i) : text.indexOf('*/', i + 2) + 2
        const stop = close <= 1 ? text.length : close
        blank(statements, i, stop)
        blank(code, i, stop)
        i = stop
      } else if (c === "'" || c === '"') {
        const start = ++i
        while (i < text.length && text[i] !== c && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1
        blank(code, start, i++)
      } else if (c === '`') {
        i = template(i + 1)
      } else if (c === '/' && BEFORE_REGEX.test(code.slice(Math.max(0, i - 12), i).join(''))) {
        const start = ++i
        for (let inClass = false; i < text.length && text[i] !== '\n' && (inClass || text[i] !== '/'); i++) {
          if (text[i] === '\\') i++
          else if (text[i] === '[') inClass = true
          else if (text[i] === ']') inClass = false
        }
        blank(code, start, i++)
      } else i++
    }
    return i
  }
  function template(i) {
    let start = i
    while (i < text.length && text[i] !== '`') {
      if (text[i] === '$' && text[i + 1] === '{') {
        blankTemplate(start, i)
        i = start = scan(i + 2, '}') + 1
      } else i += text[i] === '\\' ? 2 : 1
    }
    blankTemplate(start, i)
    return i + 1
  }
  scan(0)
  return { path, text, statements: statements.join(''), code: code.join('') }
}

/** The line, from 1, of an offset. */
export function lineAt(text, offset) {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** One finding for every match of a global pattern. `message` may depend on the match. */
export function findAll(text, pattern, message) {
  return [...text.matchAll(pattern)].map((match) => ({
    line: lineAt(text, match.index),
    message: typeof message === 'string' ? message : message(match),
  }))
}

export const isTest = (path) => /\.test\.(ts|mjs)$/.test(path)
export const isUnder = (path, ...folders) => folders.some((folder) => path.startsWith(`${folder}/`))
