/**
 * Import directions: the layers of ARCHITECTURE.md as a table, held against every import. Imports point downwards only;
 * components never import one another, they meet in the API.
 */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { isTest, lineAt } from './source.mjs'

const belowApi = ['base', 'machinery']
const belowContracts = [...belowApi, 'api']
/** What every component may use. */
const belowComponents = [...belowContracts, 'contracts', 'cel', 'client', 'streaming']
const components = ['controllers', 'scheduler', 'kubelet', 'runtime', 'network', 'dns', 'cli']

/** For each folder of src/, the layers that it may import besides itself. */
export const layers = {
  base: [],
  machinery: ['base'],
  api: belowApi,
  contracts: belowContracts,
  cel: belowApi,
  storage: belowContracts,
  client: belowContracts,
  streaming: belowContracts,
  ...Object.fromEntries(components.map((name) => [name, belowComponents])),
  apiserver: [...belowComponents, 'storage'],
  main: [...belowComponents, 'storage', 'apiserver', ...components],
  // The test kit wires parts together, as main does.
  testing: [...belowComponents, 'storage', 'apiserver', ...components, 'main'],
}

/** @typedef {{ specifier: string, line: number, typeOnly: boolean, reExport: boolean }} Import */

const STATEMENT = /^[ \t]*(import|export)\b(\s+type\b)?([^'"`;()=]*?)\bfrom\s*['"]([^'"\n]+)['"]/gm
const BARE = /^[ \t]*import\s*['"]([^'"\n]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g

/** Every import of a file, static and dynamic. @returns {Import[]} */
export function importsOf({ statements }) {
  const found = []
  for (const match of statements.matchAll(STATEMENT)) {
    const [whole, keyword, type, names, specifier] = match
    const typeOnly = Boolean(type) || /^\s*\{\s*(type\s+[^,}]+,?\s*)+\}\s*$/.test(names)
    found.push({
      specifier,
      line: lineAt(statements, match.index + whole.length),
      typeOnly,
      reExport: keyword === 'export',
    })
  }
  for (const pattern of [BARE, DYNAMIC])
    for (const match of statements.matchAll(pattern))
      found.push({ specifier: match[1], line: lineAt(statements, match.index), typeOnly: false, reExport: false })
  return found
}

/** `src/base/clock.ts` is in layer `base`; what is outside src/ is in none. */
export const layerOf = (path) => (path.startsWith('src/') ? path.split('/')[1] : undefined)

/** The file that a specifier means, relative to the repository; undefined for a package. */
export function targetOf(path, specifier) {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  return undefined
}

/** Why `path` must not import this; undefined where it may. */
export function objection(path, { specifier }) {
  const target = targetOf(path, specifier)
  if (target === undefined) {
    if (isBuiltin(specifier) && !specifier.startsWith('node:')) return `import it as node:${specifier}`
    return undefined
  }
  const own = layerOf(path)
  const other = layerOf(target)
  if (own !== undefined && !(own in layers)) return `src/${own}/ is not in the table of layers (tools/tidy/imports.mjs)`
  if (other !== undefined && !(other in layers))
    return `src/${other}/ is not in the table of layers (tools/tidy/imports.mjs)`
  if (!/\.(ts|mjs|js|json|pl)$/.test(target)) return `imports name the file: ${specifier} lacks its ending`
  if (own === other) return undefined
  if (own !== undefined && other === undefined) return `nothing in src/ may import ${target}`
  if (other === undefined) return undefined
  if (!specifier.startsWith('#')) return `import another layer by its name: #${target.slice('src/'.length)}`
  if (target.includes('/internal/')) return `${target} is private to ${other}`
  // Tests, benchmarks and tools stand above everything.
  if (own === undefined) return undefined
  if (layers[own].includes(other) || (other === 'testing' && isTest(path))) return undefined
  return `${own} must not import ${other} (it may import ${layers[own].join(', ') || 'nothing'})`
}

/** @returns {import('./source.mjs').Finding[]} */
export function importDirections(source) {
  return importsOf(source).flatMap((one) => {
    const message = objection(source.path, one)
    return message ? [{ line: one.line, message }] : []
  })
}

/** Groups of files that import one another in a circle, types aside: which runs first would be an accident. */
export function importCycles(sources) {
  const graph = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier, line }) => ({ to: targetOf(source.path, specifier), line })),
    ]),
  )
  const findings = []
  const state = new Map()
  const visit = (path, trail) => {
    state.set(path, 'open')
    for (const { to, line } of graph.get(path)) {
      if (!graph.has(to)) continue
      if (state.get(to) === 'open') {
        const circle = [...trail.slice(trail.indexOf(to)), to]
        findings.push({ path, line, message: `imports run in a circle: ${circle.join(' -> ')}` })
      } else if (!state.has(to)) visit(to, [...trail, to])
    }
    state.set(path, 'done')
  }
  for (const path of graph.keys()) if (!state.has(path)) visit(path, [path])
  return findings
}
