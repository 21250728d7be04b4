/**
 * `npm run check`: everything that can be said about the code without root and in under a minute, as many checks at once
 * as there are cores. `npm run check -- types lint` runs only those. What a check prints is shown when it fails.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

const LIMIT_MS = 5 * 60_000

/** The longest first. */
const checks = {
  unit: ['node_modules/.bin/vitest', 'run', '--project', 'unit', '--reporter', 'dot'],
  'dead-code': ['node_modules/.bin/knip', '--no-progress', '--no-config-hints'],
  types: ['node_modules/.bin/tsc', '-p', '.'],
  lint: ['node_modules/.bin/oxlint', '--format', 'unix'],
  imports: [process.execPath, 'tools/tidy/run.mjs', 'imports'],
  rules: [process.execPath, 'tools/tidy/run.mjs', 'rules'],
  format: ['node_modules/.bin/oxfmt', '--check', '.'],
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in checks))
if (unknown.length > 0) {
  console.error(`there is no check ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

const waiting = wanted.length > 0 ? wanted : Object.keys(checks)
const results = []
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work))

console.log('')
for (const { name, ok, ms } of results)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(9)} ${(ms / 1000).toFixed(1)} s`)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1

async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const started = performance.now()
    const { ok, output } = await run(checks[name])
    results.push({ name, ok, ms: performance.now() - started })
    if (!ok) console.log(`--- ${name}\n${output.trim()}\n`)
  }
}

function run([file, ...args]) {
  return new Promise((resolve) => {
    const output = []
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS, killSignal: 'SIGKILL' })
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.on('error', (err) => resolve({ ok: false, output: `${file} cannot run: ${err.message}` }))
    child.on('close', (code, signal) => {
      if (signal) output.push(Buffer.from(`\nended by ${signal}; a check may take ${LIMIT_MS / 60_000} minutes`))
      resolve({ ok: code === 0, output: Buffer.concat(output).toString() })
    })
  })
}
