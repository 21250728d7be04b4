/**
 * How a kind is shown as a row: its columns and what stands in them. Upstream: `printers.PrintHandler` with
 * `metav1.TableColumnDefinition`.
 */
import type { Message } from '#api/schema.ts'
import { selectorFromObject } from '#machinery/labels.ts'
import { since } from './human-duration.ts'

export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  /** `name` marks the column that identifies the object. */
  readonly format: string
  readonly description: string
  /** Above 0: shown only with `-o wide`. */
  readonly priority: number
}

export type Cell = string | number | boolean | null | undefined

export interface RowCondition {
  readonly type: 'Completed'
  readonly status: 'True'
  readonly reason: string
  readonly message: string
}

/** Any object, as it is stored. */
export type Printed = Record<string, any> & { metadata: Record<string, any> }

export interface Printer {
  readonly columns: readonly Column[]
  /** As many cells as columns. */
  cells(object: Printed, nowMs: number): Cell[]
  conditions?(object: Printed): RowCondition[] | undefined
}

/** `doc` is a text, or the path of a field that says it, starting at the printer's type (`spec.replicas`). */
export function column(name: string, doc: string, options: Partial<Column> = {}): Column {
  return { name, type: 'string', format: '', description: doc, priority: 0, ...options }
}

export const integer = (name: string, doc: string, options: Partial<Column> = {}) =>
  column(name, doc, { type: 'integer', ...options })
export const boolean = (name: string, doc: string, options: Partial<Column> = {}) =>
  column(name, doc, { type: 'boolean', ...options })
export const wide = (name: string, doc: string, options: Partial<Column> = {}) =>
  column(name, doc, { priority: 1, ...options })

export const NAME = column('Name', 'metadata.name', { format: 'name' })
export const AGE = column('Age', 'metadata.creationTimestamp')

/** Puts the doc lines of the fields that columns name in the place of their paths. */
export function printer(type: Message, definition: Printer): Printer {
  return { ...definition, columns: definition.columns.map((c) => ({ ...c, description: docOf(type, c.description) })) }
}

function docOf(type: Message, text: string): string {
  if (text.includes(' ')) return text
  let current: Message | undefined = type
  let doc = text
  for (const part of text.split('.')) {
    const field: Message['fields'][string] | undefined = current?.fields[part]
    if (!field) return text
    doc = field.doc
    current = typeof field.type === 'string' ? undefined : field.type
  }
  return doc
}

export const age = (object: Printed, nowMs: number) => since(object.metadata.creationTimestamp, nowMs)

/** The first few of a list, and how many there are besides. */
export function firstOf(items: readonly string[], max: number, separator = ','): string {
  const shown = items.slice(0, max).join(separator)
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown
}

export function labelsText(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.toSorted().join(',')
}

/** A selector as one would write it for `-l`; `none` stands for one that selects everything. */
export function selectorText(selector: Parameters<typeof selectorFromObject>[0], none = '<none>'): string {
  try {
    return selectorFromObject(selector).toString() || none
  } catch {
    return '<error>'
  }
}

export const containerNames = (containers: readonly { name: string }[] | undefined) =>
  (containers ?? []).map((container) => container.name).join(',')
export const containerImages = (containers: readonly { image?: string }[] | undefined) =>
  (containers ?? []).map((container) => container.image ?? '').join(',')

export const CONTAINERS = wide('Containers', 'Names of the containers of the template.')
export const IMAGES = wide('Images', 'Images of the containers of the template.')
