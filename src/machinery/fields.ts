/**
 * Field selectors: `status.phase=Running,metadata.name!=web`. Which fields exist is each resource's own affair, so a
 * selector is compiled against a table of readers. In values `\`, `,` and `=` are escaped by a backslash.
 * Upstream: `apimachinery/pkg/fields`.
 */
import { own } from '#base/own.ts'
import { SelectorError } from './labels.ts'

export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Reads one field of an object as text, the empty string where it is absent. */
export type FieldReader<T> = (object: T) => string

export class FieldSelector {
  readonly requirements: readonly FieldRequirement[]

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements
  }

  static readonly everything: FieldSelector = new FieldSelector([])

  get isEverything(): boolean {
    return this.requirements.length === 0
  }

  /** The one value that `field` must have for anything to match, or undefined. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === '=')?.value
  }

  /** A function that tells whether an object matches. Throws SelectorError for a field that `readers` does not have. */
  compile<T>(
    readers: Readonly<Record<string, FieldReader<T>>>,
    unknownMessage = (field: string) => `field label not supported: ${field}`,
  ): (object: T) => boolean {
    const tests = this.requirements.map(({ field, operator, value }) => {
      const read = own(readers, field)
      if (!read) throw new SelectorError(unknownMessage(field))
      return operator === '=' ? (object: T) => read(object) === value : (object: T) => read(object) !== value
    })
    const [first] = tests
    if (!first) return () => true
    if (tests.length === 1) return first
    return (object) => tests.every((test) => test(object))
  }

  /** What `parseFieldSelector` reads back to an equal selector. */
  toString(): string {
    return this.requirements.map((r) => `${r.field}${r.operator}${escapeValue(r.value)}`).join(',')
  }
}

/** Throws SelectorError. Empty terms are skipped, as upstream does. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text === '') return FieldSelector.everything
  const requirements: FieldRequirement[] = []
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue
    const operator = /!=|==?/.exec(term)
    if (!operator) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
    requirements.push({
      field: term.slice(0, operator.index),
      operator: operator[0] === '!=' ? '!=' : '=',
      value: unescapeValue(term.slice(operator.index + operator[0].length)),
    })
  }
  return new FieldSelector(requirements)
}

/** Makes any text fit for the right-hand side of a field selector. */
export function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&')
}

/** Reads a dotted path such as `spec.nodeName`: text as it is, numbers and booleans printed, anything else as absent. */
export function readerOf(path: string): FieldReader<object> {
  const names = path.split('.').filter((name) => name !== '')
  return (object) => {
    let value: unknown = object
    for (const name of names) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return ''
      value = (value as Record<string, unknown>)[name]
    }
    if (typeof value === 'string') return value
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  }
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescapeValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === ',' || c === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${c.codePointAt(0)}`)
    }
    if (c !== '\\') {
      out += c
      continue
    }
    const escaped = text[++i] ?? ''
    if (!['\\', ',', '='].includes(escaped)) {
      throw new SelectorError(`invalid field selector: invalid escape sequence: \\${escaped}`)
    }
    out += escaped
  }
  return out
}
