/**
 * `$(NAME)` references in commands, arguments and environment values: `$$` stands for a dollar sign, and a reference to
 * something unknown stays as it is written. Upstream: `third_party/forked/golang/expansion`.
 */
export type Lookup = (name: string) => string | undefined

/** Replaces the references for which `lookup` knows a value. */
export function expand(text: string, lookup: Lookup): string {
  if (!text.includes('$')) return text
  // One pass, left to right: "$$" first, else a closed reference. A lone "$" or an unclosed "$(" is plain text.
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? match),
  )
}

/** Looks in each of `scopes` in turn. */
export function lookupIn(...scopes: ReadonlyMap<string, string>[]): Lookup {
  return (name) => scopes.find((scope) => scope.has(name))?.get(name)
}

/** `subPathExpr`: here a reference without a value is an error, because it would name another directory. Throws Error. */
export function expandStrictly(text: string, lookup: Lookup): string {
  const missing = new Set<string>()
  const expanded = expand(text, (name) => {
    const value = lookup(name)
    if (!value) missing.add(name)
    return value ?? ''
  })
  if (missing.size > 0) throw new Error(`missing value for ${[...missing].sort().join(', ')}`)
  return expanded
}
