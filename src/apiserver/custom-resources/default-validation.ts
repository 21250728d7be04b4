/**
 * Whether the defaults of a schema are values that an object could have: known fields only, sound metadata, fitting their
 * schema and keeping its rules. Upstream: `ValidateDefaults` of `apiextensions-apiserver/pkg/apiserver/schema/defaulting`.
 */
import { DecodeError } from '#api/decode.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { RUNTIME_COST_BUDGET } from '../cel/base-environment.ts'
import { checkEmbedded } from './embedded-objects.ts'
import { aggregate, append, child, invalidAt, keyed } from './field-errors.ts'
import type { RuleCompiler } from './rule-compiler.ts'
import { RuleValidator } from './rule-validation.ts'
import type { Structural } from './structural.ts'
import { takeIn, takeInValue } from './take-in.ts'
import { ValueValidator } from './value-validation.ts'

type Json = Record<string, unknown>

/** A schema inside of the schema of an object, which may be an embedded one. */
interface Place {
  readonly path: string
  /** Of the object. */
  readonly root: Structural
  /** The value here is part of the object's apiVersion, kind or metadata. */
  readonly isInMeta: boolean
  /** An object that has the given value here. */
  surround(value: unknown): Json
}

const typed = (value: unknown): Json => ({ apiVersion: 'validation/v1', kind: 'Validation', ...(value as Json) })

/** `schema` is of whole objects. Rules of all defaults share one budget. */
export function defaultErrors(schema: Structural, path: string, compiler: RuleCompiler): FieldError[] {
  const errors: FieldError[] = []
  let budget = RUNTIME_COST_BUDGET

  const walk = (node: Structural, outer: Place) => {
    const isRoot = node.isEmbedded || node === schema
    const place = isRoot ? { path: outer.path, root: node, isInMeta: false, surround: typed } : outer
    if (node.default !== undefined) check(node, isRoot, place)
    const { items, properties } = node
    if (items && budget >= 0)
      walk(items, { ...place, path: child(place.path, 'items'), surround: (value) => place.surround([value]) })
    for (const [name, property] of properties) {
      if (budget < 0) return
      walk(property, {
        ...place,
        path: keyed(child(place.path, 'properties'), name),
        isInMeta: place.isInMeta || (isRoot && (name === 'metadata' || name === 'apiVersion' || name === 'kind')),
        surround: (value) => place.surround({ [name]: value }),
      })
    }
  }

  const check = (node: Structural, isResourceRoot: boolean, place: Place) => {
    const at = child(place.path, 'default')
    const value = node.default
    const meta = place.isInMeta ? metaErrors(value, at, place) : ownErrors(node, value, at)
    append(errors, meta.errors)
    if (!meta.isSound) return
    const validator = new ValueValidator(node.source)
    if (!validator.accepts(value)) {
      append(errors, validator.errors(value, at))
      return
    }
    const rules = RuleValidator.of(node, isResourceRoot, compiler)
    if (!rules) return
    const unchanged = rules.validate(value, { old: value, path: at, budget })
    append(errors, unchanged.errors)
    // Rules may ask whether there was an old value.
    const created = unchanged.errors.length === 0 ? rules.validate(value, { path: at, budget }) : unchanged
    if (created !== unchanged) append(errors, created.errors)
    budget = Math.min(unchanged.budget, created.budget)
  }

  walk(schema, { path, root: schema, isInMeta: false, surround: typed })
  return errors
}

interface MetaFindings {
  errors: FieldError[]
  /** There is no reason not to look at the rest. */
  isSound: boolean
}

const sound = (errors: FieldError[]): MetaFindings => ({ errors, isSound: errors.length === 0 })

/** A value that is metadata is looked at within an object. */
function metaErrors(value: unknown, at: string, { root, surround }: Place): MetaFindings {
  const object = surround(value)
  const failed = (why: string) => sound([invalidAt(at, value, `must result in valid metadata: ${why}`)])
  try {
    takeIn(root, object, { withDefaults: false })
  } catch (err) {
    if (err instanceof DecodeError) return failed(err.message)
    throw err
  }
  const errors = checkEmbedded(root, object, '', true)
  return errors.length > 0 ? failed(aggregate(errors)) : sound([])
}

function ownErrors(node: Structural, value: unknown, at: string): MetaFindings {
  try {
    const { unknown } = takeInValue(node, value, { withDefaults: false })
    const errors = unknown.length > 0 ? [invalidAt(at, value, 'must not have unknown fields')] : []
    const embedded = checkEmbedded(node, value, at)
    return { errors: [...errors, ...embedded], isSound: embedded.length === 0 }
  } catch (err) {
    if (err instanceof DecodeError) return sound([invalidAt(at, value, err.message)])
    throw err
  }
}
