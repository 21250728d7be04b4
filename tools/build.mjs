/**
 * Bundles src/ into dist/: the command line and the library, split into chunks so that a command loads only what it runs.
 *
 * Packages written in JavaScript go into the bundle: against leaving them outside, `rostrum cri` opens its socket in two
 * thirds of the time and half the CPU, and every process keeps 9 MB less. What has native parts stays outside. Nothing is
 * minified, so a stack trace names the functions and lines of dist/, which the maps beside it lead back to src/.
 *
 * New files are in place before old ones go, so that a build disturbs no process that runs from dist/.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/main/cli.ts', index: 'src/main/index.ts' },
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['lmdb'],
  loader: { '.pl': 'text' },
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
  // Bundled CommonJS packages require Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})

const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]))
files.set('licenses.txt', Buffer.from(licenses(Object.keys(metafile.inputs))))
mkdirSync(dist, { recursive: true })
for (const [name, contents] of files) {
  const partial = join(dist, `.${name}.${process.pid}`)
  writeFileSync(partial, contents)
  renameSync(partial, join(dist, name))
}
for (const name of readdirSync(dist)) {
  // A dot: a file that another build is writing now.
  if (!files.has(name) && !name.startsWith('.')) rmSync(join(dist, name), { recursive: true, force: true })
}

/** The licenses of the packages whose code is in the bundle, as those licenses demand. */
function licenses(inputs) {
  const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  const texts = [...packages].sort().map((path) => {
    const folder = join(root, path)
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = existsSync(folder) && readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`
  })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}
