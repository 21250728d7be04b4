/**
 * Where the fields of a Message are in protobuf: a table made from it once, that encoder and decoder walk. Upstream keeps
 * the same facts in each group's `generated.proto`.
 */
import type { Field, Message, ScalarName, Union } from './schema.ts'

/** What a value is in protobuf. All but numbers are length-delimited. */
export type Wire = ScalarName | 'message' | 'emptyMessage' | 'union'

export interface TableEntry {
  readonly tag: number
  /** Empty for a message that is only there in protobuf: its fields are the parent's own in JSON. */
  readonly name: string
  readonly shape: Field['shape'] | 'embedded'
  readonly wire: Wire
  readonly type: Message | undefined
  readonly union: Union | undefined
  /** Of an embedded message. */
  readonly inner: Table | undefined
}

export interface Table {
  /** By number, the largest first. */
  readonly descending: readonly TableEntry[]
  /** With the number as index. */
  readonly byTag: readonly (TableEntry | undefined)[]
}

const kTable = Symbol('fields by number')

export function tableOf(type: Message & { [kTable]?: Table }): Table {
  return (type[kTable] ??= tableFor(Object.entries(type.fields), 0))
}

/** The table of fields that are at `depth` of their embedded messages. */
function tableFor(fields: readonly (readonly [string, Field])[], depth: number): Table {
  const entries: TableEntry[] = []
  const embedded = new Map<number, (readonly [string, Field])[]>()
  for (const [name, field] of fields) {
    const within = field.embedTags[depth]
    if (within !== undefined) {
      const group = embedded.get(within)
      if (group) group.push([name, field])
      else embedded.set(within, [[name, field]])
    } else if (field.tag !== 0) entries.push(entryFor(name, field))
  }
  for (const [tag, group] of embedded) {
    const inner = tableFor(group, depth + 1)
    entries.push({ tag, name: '', shape: 'embedded', wire: 'message', type: undefined, union: undefined, inner })
  }
  const byTag: (TableEntry | undefined)[] = []
  for (const entry of entries) byTag[entry.tag] = entry
  // An array with holes is slow to read.
  for (let tag = 0; tag < byTag.length; tag++) byTag[tag] ??= undefined
  return { descending: entries.toSorted((a, b) => b.tag - a.tag), byTag }
}

function entryFor(name: string, { tag, shape, type, union, isEmptyMessage }: Field): TableEntry {
  const wire = typeof type !== 'string' ? 'message' : union ? 'union' : isEmptyMessage ? 'emptyMessage' : type
  return { tag, name, shape, wire, type: typeof type === 'string' ? undefined : type, union, inner: undefined }
}
