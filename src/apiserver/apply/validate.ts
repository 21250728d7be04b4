/**
 * Whether a value fits its schema, said as upstream says it. Upstream: `structured-merge-diff/typed.Validate`.
 */
import { isObject } from '#base/json.ts'
import {
  formOf,
  type ListSchema,
  type MapSchema,
  memberSchema,
  type MergeSchema,
  type ScalarSchema,
} from './merge-schema.ts'
import { elementText, listElement, NoPathElement } from './path-element.ts'

export interface ValidateOptions {
  /** Whether an element of a set or map may be there several times, as it may in objects that are stored. */
  allowDuplicates: boolean
}

/** As many problems as are told of. */
const MAX_PROBLEMS = 100

interface Walk extends ValidateOptions {
  readonly path: string[]
  readonly problems: string[]
}

/** One text for all that is wrong, or undefined. */
export function validationError(schema: MergeSchema, value: unknown, options: ValidateOptions): string | undefined {
  const walk: Walk = { ...options, path: [], problems: [] }
  validate(schema, value, walk)
  const { problems } = walk
  return problems.length > 1 ? ['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n') : problems[0]
}

function problem(walk: Walk, message: string) {
  const path = walk.path.join('')
  if (walk.problems.length < MAX_PROBLEMS) walk.problems.push(path === '' ? message : `${path}: ${message}`)
}

function validate(schema: MergeSchema, value: unknown, walk: Walk): void {
  const form = formOf(schema, value)
  if (form === 'scalar') validateScalar(schema.scalar!, value, walk)
  else if (value === null || value === undefined) return
  else if (form === 'list') validateList(schema.list!, value, walk)
  else validateMap(schema.map!, value, walk)
}

function validateScalar(type: ScalarSchema, value: unknown, walk: Walk): void {
  if (value === null || value === undefined) return
  switch (type) {
    case 'numeric':
      if (typeof value !== 'number') problem(walk, `expected numeric (int or float), got ${goType(value)}`)
      return
    case 'string':
      if (typeof value !== 'string') problem(walk, `expected string, got &${goSyntax(value)}`)
      return
    case 'boolean':
      if (typeof value !== 'boolean') problem(walk, `expected boolean, got &{${goValue(value)}}`)
      return
    case 'untyped':
      if (typeof value === 'object') problem(walk, `expected any scalar, got &{${goValue(value)}}`)
  }
}

function validateList(schema: ListSchema, value: unknown, walk: Walk): void {
  if (!Array.isArray(value)) return problem(walk, `expected list, got &{${goValue(value)}}`)
  const seen = new Set<string>()
  for (const [i, item] of value.entries()) {
    let element = `i:${i}`
    if (schema.relationship !== 'atomic') {
      try {
        element = listElement(schema, item)
      } catch (err) {
        if (!(err instanceof NoPathElement)) throw err
        // Without knowing which element it is, nothing can be said of what is in it.
        return problem(walk, `element ${i}: ${err.message}`)
      }
      if (seen.has(element) && !walk.allowDuplicates) problem(walk, `duplicate entries for key ${elementText(element)}`)
      seen.add(element)
    }
    walk.path.push(elementText(element))
    validate(schema.element, item, walk)
    walk.path.pop()
  }
}

function validateMap(schema: MapSchema, value: unknown, walk: Walk): void {
  if (!isObject(value)) return problem(walk, `expected map, got &{${goValue(value)}}`)
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    const field = memberSchema(schema, name)
    walk.path.push(`.${name}`)
    if (field) validate(field, member, walk)
    else problem(walk, 'field not declared in schema')
    walk.path.pop()
    if (!field) return
  }
}

const goType = (value: unknown): string =>
  typeof value === 'string'
    ? 'string'
    : typeof value === 'boolean'
      ? 'bool'
      : Array.isArray(value)
        ? '[]interface {}'
        : 'map[string]interface {}'

/** As `%v` prints it. */
function goValue(value: unknown): string {
  if (value === null) return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([key, member]) => `${key}:${goValue(member)}`).join(' ')}]`
}

/** As `%#v` prints the value where a string should be. */
const goSyntax = (value: unknown): string => `value.valueUnstructured{Value:${goLiteral(value)}}`

function goLiteral(value: unknown): string {
  if (value === null) return 'interface {}(nil)'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goLiteral).join(', ')}}`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `map[string]interface {}{${members.map(([key, member]) => `${JSON.stringify(key)}:${goLiteral(member)}`).join(', ')}}`
}
