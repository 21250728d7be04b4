/**
 * Lists that are sets or maps: no element, or no set of keys, may stand twice. Upstream:
 * `apiextensions-apiserver/pkg/apiserver/schema/listtype`.
 */
import { isObject } from '#base/json.ts'
import { own } from '#base/own.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { child, duplicateAt, goJson, invalidAt, keyed } from './field-errors.ts'
import type { Structural } from './structural.ts'

type Json = Record<string, unknown>

/** Whether there is anything to look for. */
export const hasListTypes = (schema: Structural): boolean =>
  schema.some(({ listType }) => listType === 'set' || listType === 'map')

export function checkListTypes(schema: Structural, value: unknown, path = ''): FieldError[] {
  const errors: FieldError[] = []
  check(schema, value, path, errors)
  return errors
}

function check(schema: Structural, value: unknown, path: string, errors: FieldError[]) {
  if (Array.isArray(value)) {
    if (schema.listType === 'set') checkSet(value, path, errors)
    else if (schema.listType === 'map') checkMap(schema.listMapKeys, value, path, errors)
    const { items } = schema
    if (items) value.forEach((element, i) => check(items, element, `${path}[${i}]`, errors))
  } else if (isObject(value)) {
    const { properties, others } = schema
    for (const name in value) {
      if (others) check(others, value[name], keyed(path, name), errors)
      const property = properties.get(name)
      if (property) check(property, value[name], child(path, name), errors)
    }
  }
}

/** Equal for what is equal. Only texts begin with a quote, so that most need not be encoded. */
const identity = (value: unknown) => (typeof value === 'string' ? `"${value}` : goJson(value))

function checkSet(list: readonly unknown[], path: string, errors: FieldError[]) {
  for (const i of repeated(list.map(identity))) errors.push(duplicateAt(`${path}[${i}]`, list[i]))
}

function checkMap(keys: readonly string[], list: readonly unknown[], path: string, errors: FieldError[]) {
  const wrong = list.findIndex((element) => element !== null && !isObject(element))
  if (wrong >= 0) {
    errors.push(invalidAt(`${path}[${wrong}]`, list[wrong], 'must be an object for an array of list-type map'))
    return
  }
  const keysOf = (element: unknown) => {
    const found = keys.filter((key) => isObject(element) && Object.hasOwn(element, key))
    return Object.fromEntries(found.map((key) => [key, (element as Json)[key]]))
  }
  const [key = ''] = keys
  const identityOf = (element: unknown) => {
    const only = keys.length === 1 && isObject(element) ? own(element, key) : undefined
    return identity(typeof only === 'string' ? only : keysOf(element))
  }
  for (const i of repeated(list.map(identityOf))) errors.push(duplicateAt(`${path}[${i}]`, keysOf(list[i])))
}

/** Positions of second occurrences; third and further ones are not told. */
function repeated(texts: readonly string[]): number[] {
  if (texts.length < 2) return []
  const times = new Map<string, number>()
  const out: number[] = []
  texts.forEach((text, i) => {
    const before = times.get(text) ?? 0
    if (before === 1) out.push(i)
    times.set(text, before + 1)
  })
  return out
}
