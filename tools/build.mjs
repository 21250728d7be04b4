/**
 * Bundles src/ into dist/: one entry per process plus the library, split into chunks so that a command loads only
 * what it runs. Third-party packages stay outside the bundle unless they are pure JavaScript that starts faster inside it.
 */
import { rmSync } from 'node:fs'
import { existsSync } from 'node:fs'
import { build } from 'esbuild'

const entryPoints = Object.fromEntries(
  Object.entries({ cli: 'src/main/cli.ts', index: 'src/main/index.ts' }).filter(([, file]) => existsSync(file)),
)
rmSync('dist', { recursive: true, force: true })
if (Object.keys(entryPoints).length > 0) {
  await build({
    entryPoints,
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  })
}
