/** Bundles a benchmark written in TypeScript, whose imports need the bundler. Returns the path of what Node can run. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('../node_modules/.cache/rostrum-bench/', import.meta.url))

export async function bundled(name) {
  mkdirSync(folder, { recursive: true })
  const outfile = `${folder}${name}.mjs`
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
  return outfile
}
