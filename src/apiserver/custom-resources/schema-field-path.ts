/**
 * Paths into a schema, such as `.spec.replicas` or `.metadata['a.b']`, as rules and selectable fields name places.
 * Upstream: `ValidFieldPath` of `apiextensions-apiserver/pkg/apiserver/schema/cel`.
 */
import { keyed } from './field-errors.ts'
import { isSchema, type SchemaProps } from './structural.ts'

/** A path that leads nowhere, or is none. */
export class SchemaPathError extends Error {
  override readonly name = 'SchemaPathError'
}

export interface SchemaPlace {
  /** As errors name it: `spec.replicas`, `labels[a.b]`. */
  readonly path: string
  readonly schema: SchemaProps
  /** The name of the first field on the way. */
  readonly root: string
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
}

/** Delimiters, quoted texts (as far as they go), and what is between. */
const TOKEN = /[.[\]]|'(?:[^'\\]|\\[^])*'|'(?:[^'\\]|\\[^])*|[^.[\]']+[^.[\]]*/y

/** Throws SchemaPathError. */
export function placeAt(text: string, schema: SchemaProps, { allowsBrackets = true } = {}): SchemaPlace {
  const tokens = tokensOf(text)
  const next = (): string => {
    const token = tokens.shift()
    if (token === undefined) throw new SchemaPathError('unexpected end of JSON path')
    return token
  }
  let place: SchemaPlace = { path: '', schema, root: '' }
  while (tokens.length > 0) {
    const token = next()
    if (token === '.') place = step(place, next())
    else if (token === '[') {
      if (!allowsBrackets) throw new SchemaPathError('array notation is not allowed')
      const quoted = next()
      if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'"))
        throw new SchemaPathError(`expected single quoted string but got ${quoted}`)
      place = step(place, unescaped(quoted.slice(1, -1)))
      const end = next()
      if (end !== ']') throw new SchemaPathError(`expected ] but got ${end}`)
    } else throw new SchemaPathError(`expected [ or . but got: ${token}`)
  }
  return place
}

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text)
    if (!found) break
    tokens.push(found[0])
  }
  return tokens
}

function unescaped(text: string): string {
  return text.replace(/\\([^])/g, (whole, character: string) => {
    const meant = escapes[character]
    if (meant === undefined) throw new SchemaPathError(`invalid string literal: invalid escape char ${whole}`)
    return meant
  })
}

function step({ path, schema, root }: SchemaPlace, name: string): SchemaPlace {
  const properties = schema.properties as Record<string, SchemaProps> | undefined
  if (properties) {
    if (!Object.hasOwn(properties, name)) throw new SchemaPathError('does not refer to a valid field')
    return { path: path === '' ? name : `${path}.${name}`, schema: properties[name]!, root: root || name }
  }
  const others: unknown = schema.additionalProperties
  if (!isSchema(others)) throw new SchemaPathError('does not refer to a valid field')
  return { path: keyed(path, name), schema: others, root: root || name }
}
