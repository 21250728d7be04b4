/**
 * Objects inside of custom resources that have apiVersion, kind and metadata of their own. Upstream:
 * `apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go`.
 */
import type { Resource } from '#api/kind.ts'
import { dns1035Label, pathSegment } from '#machinery/names.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { validateMeta } from '../registry/object-meta.ts'
import type { Stored } from '../registry/strategy.ts'
import { append, child, invalidAt, keyed, requiredAt } from './field-errors.ts'
import type { Structural } from './structural.ts'

type Json = Record<string, unknown>

/** Whether there is anything to look for. */
export const hasEmbedded = (schema: Structural): boolean => schema.some(({ isEmbedded }) => isEmbedded)

/** `isRoot`: the value itself counts as such an object, whatever its schema says. */
export function checkEmbedded(schema: Structural, value: unknown, path = '', isRoot = false): FieldError[] {
  const errors: FieldError[] = []
  check(schema, value, path, isRoot, errors)
  return errors
}

function check(schema: Structural, value: unknown, path: string, isRoot: boolean, errors: FieldError[]) {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const { items } = schema
    if (items) value.forEach((element, i) => check(items, element, `${path}[${i}]`, false, errors))
    return
  }
  if (schema.isEmbedded || isRoot) checkObject(value as Json, path, errors)
  for (const [name, field] of Object.entries(value)) {
    const property = schema.properties.get(name)
    if (property) check(property, field, child(path, name), false, errors)
    else if (schema.others) check(schema.others, field, keyed(path, name), false, errors)
  }
}

function checkObject(object: Json, path: string, errors: FieldError[]) {
  const { apiVersion, kind, metadata } = object
  const [versionAt, kindAt, metadataAt] = [child(path, 'apiVersion'), child(path, 'kind'), child(path, 'metadata')]
  if (apiVersion === undefined) errors.push(requiredAt(versionAt))
  if (kind === undefined) errors.push(requiredAt(kindAt))
  if (apiVersion !== undefined) {
    if (typeof apiVersion !== 'string') errors.push(invalidAt(versionAt, apiVersion, 'must be a string'))
    else if (apiVersion === '') errors.push(invalidAt(versionAt, apiVersion, 'must not be empty'))
    else if (apiVersion.split('/').length > 2)
      errors.push(invalidAt(versionAt, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  }
  if (kind !== undefined) {
    if (typeof kind !== 'string') errors.push(invalidAt(kindAt, kind, 'must be a string'))
    else if (kind === '') errors.push(invalidAt(kindAt, kind, 'must not be empty'))
    else {
      const whys = dns1035Label(kind.toLowerCase())
      const mixed = 'may have mixed case, but should otherwise match: '
      if (whys.length > 0) errors.push(invalidAt(kindAt, kind, mixed + whys.join(',')))
    }
  }
  if (metadata !== undefined) append(errors, metadataErrors(metadata as Json, metadataAt))
}

function metadataErrors(metadata: Json, path: string): FieldError[] {
  // A name is not asked for, so an absent one counts as some name.
  const object = { metadata: { ...metadata, name: metadata.name || 'fakename' } } as Stored
  const resource = { namespaced: Boolean(metadata.namespace) } as Resource
  return validateMeta(object, resource, pathSegment, true).map((error) => ({
    ...error,
    field: error.field.replace(/^metadata/, path),
  }))
}
