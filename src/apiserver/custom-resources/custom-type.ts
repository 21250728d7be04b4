/** One version of a custom resource as a type of the API. */
import type { SelectableField } from '#api/apiextensions/v1.ts'
import { kind } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import { publishedSchema } from './published-schema.ts'
import type { Structural } from './structural.ts'
import { takeIn } from './take-in.ts'

export interface CustomTypeOptions {
  group: string
  version: string
  kind: string
  schema: Structural
  selectableFields: readonly SelectableField[]
}

export function customType(options: CustomTypeOptions): Message {
  const { group, version, schema, selectableFields } = options
  const type = kind(group, version, options.kind, schema.source.description ?? '', {})
  const selectable = selectableFields.map(({ jsonPath }) => ({ fieldPath: jsonPath.replace(/^\./, '') }))
  type.schema = {
    source: schema.source,
    decode: (input, options) => takeIn(schema, input, options),
    published: (dialect, metadata) => ({
      ...publishedSchema(schema.source, dialect, metadata),
      'x-kubernetes-group-version-kind': [{ group, kind: options.kind, version }],
      ...(selectable.length > 0 && { 'x-kubernetes-selectable-fields': selectable }),
    }),
  }
  return type
}
