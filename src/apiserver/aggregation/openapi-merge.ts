/**
 * OpenAPI v2 documents of several servers as one: paths that an extension server has been given, and the definitions that
 * these use. A definition whose name is taken by another one gets a name of its own. Pure. Upstream:
 * `kube-openapi/pkg/aggregator`.
 */
import { jsonEqual } from '#base/equal.ts'

export type Json = Record<string, any>

export interface OpenApiV2 extends Json {
  paths?: Json
  definitions?: Json
}

const REF = '#/definitions/'

/** The part of a document that is below `prefix`. */
export function filterPaths(document: OpenApiV2, prefix: string): OpenApiV2 {
  const paths = Object.fromEntries(Object.entries(document.paths ?? {}).filter(([path]) => path.startsWith(prefix)))
  const all = document.definitions ?? {}
  const used = new Set<string>()
  const queue = refsIn(paths)
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (used.has(name) || !Object.hasOwn(all, name)) continue
    used.add(name)
    queue.push(...refsIn(all[name]))
  }
  return { paths, definitions: Object.fromEntries([...used].map((name) => [name, all[name]])) }
}

/** `base` with what `parts` have beside it; where both have a path, that of `base` stays. */
export function mergeDocuments(base: OpenApiV2, parts: readonly OpenApiV2[]): OpenApiV2 {
  const paths = { ...base.paths }
  const definitions = { ...base.definitions }
  for (const part of parts) {
    const names = new Map<string, string>()
    for (const [name, definition] of Object.entries(part.definitions ?? {})) {
      const taken = Object.hasOwn(definitions, name) && !jsonEqual(definitions[name], definition)
      names.set(name, taken ? freeName(name, definitions) : name)
    }
    for (const [name, definition] of Object.entries(part.definitions ?? {}))
      definitions[names.get(name)!] ??= renamed(definition, names)
    for (const [path, item] of Object.entries(part.paths ?? {})) paths[path] ??= renamed(item, names)
  }
  return { ...base, paths, definitions }
}

function freeName(name: string, taken: Json): string {
  for (let i = 2; ; i++) if (!Object.hasOwn(taken, `${name}_v${i}`)) return `${name}_v${i}`
}

function refsIn(value: unknown, found: string[] = []): string[] {
  if (typeof value !== 'object' || value === null) return found
  for (const [key, member] of Object.entries(value)) {
    if (key === '$ref' && typeof member === 'string' && member.startsWith(REF)) found.push(member.slice(REF.length))
    else refsIn(member, found)
  }
  return found
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => renamed(one, names))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const isRef = key === '$ref' && typeof member === 'string' && member.startsWith(REF)
      const name = isRef ? names.get(member.slice(REF.length)) : undefined
      return [key, name === undefined ? renamed(member, names) : REF + name]
    }),
  )
}
