/** Bundles bench/store.ts, which needs the bundler for its TypeScript imports, and runs it: `node bench/store.mjs`. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('../node_modules/.cache/rostrum-bench/', import.meta.url))
mkdirSync(folder, { recursive: true })
const outfile = `${folder}store.mjs`
await build({
  entryPoints: [fileURLToPath(new URL('store.ts', import.meta.url))],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
})
await import(pathToFileURL(outfile).href)
