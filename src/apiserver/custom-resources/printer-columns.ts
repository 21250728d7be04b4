/**
 * Custom resources as rows of a table, by the columns that their definition gives. Upstream:
 * `apiextensions-apiserver/pkg/registry/customresource/tableconvertor`.
 */
import type { CustomResourceColumnDefinition } from '#api/apiextensions/v1.ts'
import { ObjectMeta } from '#api/meta/v1.ts'
import { JsonPath, JsonPathError } from '#machinery/json-path.ts'
import { humanDuration } from '../table/human-duration.ts'
import { type Cell, column, NAME, type Printed, type Printer } from '../table/printer.ts'
import { goFloat, goJson } from './field-errors.ts'

type Column = Pick<CustomResourceColumnDefinition, 'name' | 'type' | 'jsonPath'> &
  Partial<CustomResourceColumnDefinition>

const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: ObjectMeta.fields.creationTimestamp.doc,
}

/** Columns from one on whose path can't be read are left out. */
export function customPrinter(definitions: readonly CustomResourceColumnDefinition[] = []): Printer {
  const readable: { definition: Column; path: JsonPath }[] = []
  for (const definition of definitions.length > 0 ? definitions : [AGE]) {
    const path = pathOf(definition.jsonPath)
    if (!path) break
    readable.push({ definition, path })
  }
  return {
    columns: [
      { ...NAME, description: ObjectMeta.fields.name.doc },
      ...readable.map(({ definition: { name, type, format, description, priority, jsonPath } }) =>
        column(name, description || `Custom resource definition column (in JSONPath format): ${jsonPath}`, {
          type: type as 'string',
          format: format ?? '',
          priority: priority ?? 0,
        }),
      ),
    ],
    cells: (object, nowMs) => [
      object.metadata.name,
      ...readable.map(({ definition, path }) => cellOf(definition.type, path, object, nowMs)),
    ],
  }
}

function pathOf(text: string): JsonPath | undefined {
  try {
    return new JsonPath(text)
  } catch (err) {
    if (err instanceof JsonPathError) return undefined
    throw err
  }
}

function cellOf(type: string, path: JsonPath, object: Printed, nowMs: number): Cell {
  let value: unknown
  try {
    value = path.find(object)[0]
  } catch (err) {
    if (err instanceof JsonPathError) return null
    throw err
  }
  if (value === undefined) return null
  // Whatever there is can be shown as text.
  if (type === 'string') return textOf(value)
  if (type === 'integer') return typeof value === 'number' ? Math.trunc(value) : null
  if (type === 'number') return typeof value === 'number' ? value : null
  if (type === 'boolean') return typeof value === 'boolean' ? value : null
  return type === 'date' && typeof value === 'string' ? dateOf(value, nowMs) : null
}

function textOf(value: unknown): string {
  if (typeof value === 'object') return value === null ? '<nil>' : goJson(value)
  return typeof value === 'number' && !Number.isInteger(value) ? goFloat(value) : String(value)
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

function dateOf(text: string, nowMs: number): string {
  if (text === '' || text === 'null') return '<unknown>'
  const time = RFC3339.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? '<invalid>' : humanDuration(nowMs - time)
}
