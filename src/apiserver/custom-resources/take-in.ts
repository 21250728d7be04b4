/**
 * Objects on their way in, by a structural schema and in one walk that copies: what the schema does not know is dropped
 * and told of, nulls that mean nothing too, the metadata of embedded objects is checked, and defaults are filled in.
 * Upstream: the packages `pruning`, `defaulting` and `objectmeta` of `apiextensions-apiserver/pkg/apiserver/schema`.
 */
import { decode, DecodeError, isTakenOver, pathText } from '#api/decode.ts'
import { ObjectMeta } from '#api/meta/v1.ts'
import type { DecodeOptions } from '#api/schema.ts'
import { copyJson, setMember } from '#base/json.ts'
import { goJson } from './field-errors.ts'
import type { Structural } from './structural.ts'

type Json = Record<string, unknown>

export interface TakeInOptions {
  withDefaults: boolean
  /** Metadata that is malformed is dropped, as far as it is; a DecodeError otherwise. For what is stored already. */
  dropsMalformed?: boolean
  /** Nulls that the schema does not allow stay, for validation to find: what is applied loses nothing silently. */
  keepsNulls?: boolean
  /** What the object shares with this complete one is taken over; see `decode`. */
  known?: DecodeOptions['known']
}

export interface TakenIn {
  object: Json
  /** Paths of fields that the schema does not have, in the order met, at most MAX_UNKNOWN. */
  unknown: string[]
}

/** Of fields in one object that nobody knows only so many are told. */
const MAX_UNKNOWN = 100

interface Walk extends TakeInOptions {
  path: (string | number)[]
  unknown: string[]
}

/** Throws DecodeError. `schema` is of whole objects; apiVersion, kind and metadata need not be in it. */
export function takeIn(schema: Structural, input: Json, options: TakeInOptions): TakenIn {
  const walk: Walk = { path: [], unknown: [], ...options }
  // Metadata comes first in what is told, whatever the order of the object.
  const metadata = takeMetadata(input.metadata, walk)
  const unknown = walk.unknown.splice(0)
  const object = takeObject(schema, input, false, true, walk)
  if (metadata !== undefined) object.metadata = metadata
  return { object, unknown: [...unknown, ...walk.unknown.toSorted()] }
}

/** A part of an object by itself. Throws DecodeError. */
export function takeInValue(
  schema: Structural,
  input: unknown,
  options: TakeInOptions,
): { value: unknown; unknown: string[] } {
  const walk: Walk = { path: [], unknown: [], ...options }
  return { value: take(schema, input, false, walk), unknown: walk.unknown }
}

/** `skips`: unknown fields are kept here, as the list says that this is an element of. */
function take(schema: Structural | undefined, value: unknown, skips: boolean, walk: Walk): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return takeList(schema, value, skips, walk)
  if (schema) return takeObject(schema, value as Json, skips, schema.isEmbedded, walk)
  if (skips) return copyJson(value)
  for (const key in value) unknownField(key, walk)
  return {}
}

function takeList(schema: Structural | undefined, list: readonly unknown[], skips: boolean, walk: Walk): unknown[] {
  if (!schema && skips) return copyJson(list) as unknown[]
  const items = schema?.items
  const keeps = skips || schema?.preservesUnknown === true
  const out = new Array<unknown>(list.length)
  for (let i = 0; i < list.length; i++) {
    const element = list[i]
    if (element === null && items && !items.isNullable) out[i] = (walk.withDefaults ? defaultOf(items) : null) ?? null
    else {
      walk.path.push(i)
      out[i] = take(items, element, keeps, walk)
      walk.path.pop()
    }
  }
  return out
}

function takeObject(schema: Structural, input: Json, skips: boolean, isEmbedded: boolean, walk: Walk): Json {
  const out: Json = {}
  const keeps = skips || schema.preservesUnknown
  for (const key in input) {
    const value = input[key]
    if (value === undefined) continue
    if (isEmbedded && (key === 'metadata' || key === 'apiVersion' || key === 'kind')) {
      takeMetaField(key, value, out, walk)
      continue
    }
    if (walk.path.length === 0 && isTakenOver(walk.known, key, value)) {
      setMember(out, key, value)
      continue
    }
    const property = schema.properties.get(key)
    const known = property ?? schema.others
    if (property === undefined && !schema.hasOthers) {
      if (keeps) setMember(out, key, copyJson(value))
      else unknownField(key, walk)
    } else if (value === null && known && !known.isNullable) {
      if (known.default !== undefined) setMember(out, key, walk.withDefaults ? defaultOf(known) : null)
      else if (walk.keepsNulls) setMember(out, key, null)
    } else {
      walk.path.push(key)
      setMember(out, key, take(known, value, false, walk))
      walk.path.pop()
    }
  }
  if (walk.withDefaults) {
    for (const [name, property] of schema.defaulted) if (!Object.hasOwn(out, name)) out[name] = defaultOf(property)
  }
  return out
}

/** A copy of the default, with what is missing in it. */
function defaultOf(schema: Structural): unknown {
  const value = copyJson(schema.default)
  fillIn(schema, value)
  return value
}

/** Fills in what is missing in a value that is otherwise left as it is. */
function fillIn(schema: Structural, value: unknown) {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const { items } = schema
    if (!items) return
    value.forEach((element, i) => {
      if (element === null && !items.isNullable) value[i] = copyJson(items.default) ?? null
      fillIn(items, value[i])
    })
    return
  }
  const object = value as Json
  for (const [name, property] of schema.defaulted) {
    const found = object[name]
    if (found === undefined || (found === null && !property.isNullable)) object[name] = copyJson(property.default)
  }
  for (const key in object) {
    const field = schema.field(key)
    if (!field) continue
    if (object[key] === null && !field.isNullable && field.default !== undefined) object[key] = copyJson(field.default)
    fillIn(field, object[key])
  }
}

function unknownField(key: string, walk: Walk) {
  if (walk.unknown.length >= MAX_UNKNOWN) return
  walk.path.push(key)
  walk.unknown.push(pathText(walk.path))
  walk.path.pop()
}

function takeMetaField(key: string, value: unknown, out: Json, walk: Walk) {
  if (key === 'metadata') {
    // The object's own has been looked at before.
    const metadata = walk.path.length === 0 ? undefined : takeMetadata(value, walk)
    if (metadata !== undefined) out.metadata = metadata
    else if (walk.path.length === 0) out.metadata = undefined
  } else if (typeof value === 'string') out[key] = value
  else if (!walk.dropsMalformed) {
    walk.path.push(key)
    throw new DecodeError(`${pathText(walk.path)}: Invalid value: ${goJson(value)}: must be a string`)
  }
}

function takeMetadata(value: unknown, walk: Walk): Json | undefined {
  if (value === undefined) return undefined
  const path = pathText([...walk.path, 'metadata'])
  try {
    // Metadata has no defaults, but what is empty in it is the same as absent.
    return known(decode(ObjectMeta, value ?? {}), path, walk)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    if (!walk.dropsMalformed) {
      if (walk.path.length === 0) throw cause
      throw new DecodeError(`${path}: Invalid value: ${goJson(value)}: ${cause.message}`, { cause })
    }
  }
  if (typeof value !== 'object' || value === null) return undefined
  const out: Json = {}
  for (const [key, field] of Object.entries(value)) {
    try {
      Object.assign(out, decode(ObjectMeta, { [key]: field }).object)
    } catch (err) {
      if (!(err instanceof DecodeError)) throw err
    }
  }
  return out
}

function known({ object, unknown }: { object: Json; unknown: string[] }, path: string, walk: Walk): Json {
  for (const field of unknown) if (walk.unknown.length < MAX_UNKNOWN) walk.unknown.push(`${path}.${field}`)
  return object
}
