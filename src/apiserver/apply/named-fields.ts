/**
 * Field sets seen through a schema: fields of structs are members along with what is in them, and fields that have become
 * atomic are members as a whole. Upstream: `fieldpath.EnsureNamedFieldsAreMembers`, `typed.ReconcileFieldSetWithSchema`.
 */
import { EMPTY, type FieldSet, FieldSetBuilder, hasChildren, isEmpty, recursiveDifference, union } from './field-set.ts'
import { memberSchema, type MergeSchema, untypedAtomic, untypedDeduced } from './merge-schema.ts'
import { SELF } from './path-element.ts'

type Node = { [element: string]: FieldSet }

/** `set`, and with everything below a field of a struct that field too. Elements of maps and lists are as they are. */
export function withNamedFields(set: FieldSet, schema: MergeSchema | undefined): FieldSet {
  const out: Node = {}
  for (const element in set) {
    const node = set[element]!
    if (element === SELF || !hasChildren(node)) {
      out[element] = node
      continue
    }
    const field = element.startsWith('f:') ? schema?.map?.fields.get(element.slice(2)) : undefined
    const below = withNamedFields(node, field?.schema ?? schemaBelow(schema, element))
    out[element] = field && !below[SELF] ? { [SELF]: EMPTY, ...below } : below
  }
  return out
}

/** The schema of a place that an element leads to. */
function schemaBelow(schema: MergeSchema | undefined, element: string): MergeSchema | undefined {
  if (element.startsWith('f:')) return schema?.map && memberSchema(schema.map, element.slice(2))
  return schema?.list?.element
}

/** `set` where the schema may have changed since: who owned parts of what is atomic now owns all of it. */
export function reconciled(set: FieldSet, schema: MergeSchema): FieldSet {
  const whole = new FieldSetBuilder()
  const path: string[] = []
  const walk = (node: FieldSet, at: MergeSchema | undefined) => {
    if (!at || at === untypedDeduced || at === untypedAtomic) return
    // With several forms the schema's first is the one that counts.
    if (at.map ? at.map.isAtomic : !at.scalar && at.list?.relationship === 'atomic') {
      if (hasChildren(node)) whole.add(path)
      return
    }
    if (!at.map && at.scalar) return
    for (const element in node) {
      if (element === SELF || isEmpty(node[element]!)) continue
      path.push(element)
      walk(node[element]!, at.map ? memberSchema(at.map, element.slice(2)) : at.list!.element)
      path.pop()
    }
  }
  walk(set, schema)
  const changed = whole.build()
  return isEmpty(changed) ? set : union(recursiveDifference(set, changed), changed)
}
