/**
 * `npm test`: every test there is. First the unit tests, then the simulations, then the built program with real kubectl
 * and real containers. `npm test -- sim` runs one project, `npm test -- e2e network` its files of that name.
 *
 * Ends with one line that counts them all, and with an exit code other than 0 unless every test passed or was skipped.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closingLine, countTests } from './test-report.mjs'

/** Minutes that a project may take before it is ended. */
const projects = { unit: 4, sim: 5, e2e: 25 }
const KILL_AFTER_MS = 30_000

const args = process.argv.slice(2)
const wanted = args.filter((arg) => arg in projects)
const filters = args.filter((arg) => !(arg in projects))
const folder = mkdtempSync(join(tmpdir(), 'rostrum-test-report-'))
const all = []
try {
  for (const project of wanted.length > 0 ? wanted : Object.keys(projects)) {
    console.log(`\n=== ${project}`)
    all.push(await run(project))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const groups = all.flatMap(({ skippedGroups }) => skippedGroups)
if (groups.length > 0) console.log(`\nskipped:\n${groups.map((group) => `  ${group}`).join('\n')}`)
console.log(`\n${closingLine(all)}`)
process.exitCode = all.some(({ failed }) => failed > 0) ? 1 : 0

function run(project) {
  const file = join(folder, `${project}.json`)
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...filters]
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${file}`, '--passWithNoTests']
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...vitest, ...reporters], { stdio: ['ignore', 'inherit', 'inherit'] })
    const limit = setTimeout(() => {
      console.error(`${project}: not done after ${projects[project]} minutes; ending it`)
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref()
    }, projects[project] * 60_000)
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve(countTests(readReport(file), code))
    })
  })
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (err) {
    console.error(`there is no report: ${err.message}`)
    return undefined
  }
}
