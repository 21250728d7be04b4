/**
 * Names of properties as expressions write them: `foo-bar` as `foo__dash__bar`, `namespace` as `__namespace__`
 * (upstream: `apiserver/pkg/cel.Escape`).
 */

const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
}

/** undefined where no expression can name the property: it begins with a digit, or has other characters. */
export function escapeFieldName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined
  return name.replaceAll(/__|[./-]/g, (part) => ESCAPES[part]!)
}
