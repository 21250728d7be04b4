/**
 * What the schema of a kind alone says of validity: required fields are there, strings are of their set. For kinds that have
 * no rules of their own.
 */
import type { Field, Message } from '#api/schema.ts'
import { type Check, type Path, type Problems } from './check.ts'

/** Judged elsewhere, or not written by clients. */
const ASIDE = new Set(['metadata', 'status', 'kind', 'apiVersion'])

/** The rules of a kind; a Message may contain itself. */
export const structuralCheck =
  (kind: Message): Check =>
  (object, at, to) =>
    checkMessage(kind, object, at, to, ASIDE)

const NONE: ReadonlySet<string> = new Set()

function checkMessage(message: Message, value: Record<string, any>, at: Path, to: Problems, except = NONE) {
  for (const [name, field] of Object.entries(message.fields)) {
    if (!except.has(name)) checkField(field, value[name], at.at(name), to)
  }
}

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

function checkField(field: Field, value: any, at: Path, to: Problems) {
  const isCounted = field.type === 'string' || field.shape !== 'one'
  if (field.isRequired && isCounted && isEmpty(value)) return to.required(at)
  if (value === undefined) return
  if (field.shape === 'list')
    value.forEach((element: unknown, i: number) => checkValue(field, element, at.index(i), to))
  else if (field.shape === 'map') for (const key in value) checkValue(field, value[key], at.key(key), to)
  else if (field.shape === 'one') checkValue(field, value, at, to)
}

function checkValue({ type, allowed }: Field, value: any, at: Path, to: Problems) {
  if (typeof type !== 'string') checkMessage(type, value, at, to)
  else if (allowed && !allowed.includes(value)) to.unsupported(at, value, allowed)
}
