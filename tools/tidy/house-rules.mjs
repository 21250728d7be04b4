/**
 * The house rules that no general linter knows, one small function each: it takes a source and returns what it finds. Why
 * each rule is there is said in CONTRIBUTING.md; that each can fail is shown in house-rules.test.mjs.
 */
import { basename } from 'node:path'
import { findAll, isTest, isUnder } from './source.mjs'
import { importsOf } from './imports.mjs'

const LINE_LIMIT = 600

/** Longer files that are one thing, with what that is. */
const LONG_FILES = {
  'src/api/core/v1/container.ts': 'the fields of one type are one table',
  'src/api/core/v1/volume.ts': 'the fields of one type are one table',
  'src/runtime/init/supervisor.pl': 'one program, started as one file',
}

/** Files besides base/exec.ts and main/ that start programs themselves, with what exec cannot do for them. */
const SPAWNING_FILES = {
  'src/runtime/images/image-store.ts': 'streams layers through a decompressor',
  'src/runtime/supervisor/supervisor.ts': 'starts a program that outlives this one',
}

const isProgram = (path) => /\.(ts|mjs)$/.test(path)

/** Time and randomness come in as arguments, so that a simulation can own them and a failure can be replayed. */
export function noAmbientTime({ path, code, statements }) {
  if (!isUnder(path, 'src', 'test/sim') || isUnder(path, 'src/base', 'src/main')) return []
  const use = 'take a Clock (#base/clock.ts) as an argument'
  return [
    ...findAll(
      code,
      /\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()|(?<![.\w])Date\(\s*\)/g,
      `the time of day: ${use}`,
    ),
    ...findAll(code, /\bperformance\.now\b|\bprocess\.(hrtime|uptime)\b/g, `a running clock: ${use}`),
    ...findAll(code, /(?<![.\w])(setTimeout|setInterval)\s*\(|\bAbortSignal\.timeout\b/g, `a timer: ${use}`),
    ...findAll(statements, /['"](node:)?timers(\/promises)?['"]/g, `a timer: ${use}`),
  ]
}

export function noAmbientRandomness({ path, code }) {
  if (!isUnder(path, 'src', 'test/sim') || isUnder(path, 'src/base', 'src/main')) return []
  const pattern = /\bMath\.random\b|\b(randomUUID|randomInt|getRandomValues)\b/g
  return findAll(code, pattern, 'randomness: take a Random (#base/random.ts) as an argument')
}

/** A hundred clusters live in one process, so nothing may live in a module. */
export function noModuleState({ path, code }) {
  if (!isUnder(path, 'src') || isTest(path)) return []
  return [
    ...findAll(code, /^(export )?(let|var) /gm, 'a variable of the module: keep it in an object that somebody owns'),
    ...findAll(
      code,
      /^(export )?const \w+(: (?!Readonly|readonly)[^=\n]+)? = (new (Weak)?(Map|Set)(<[^\n]*>)?\(\)|\[\]|\{\})\s*$/gm,
      'a collection of the module: keep it in an object that somebody owns, or type it readonly',
    ),
  ]
}

/** The first lines of a file say what it is for. Tests are said by what they test. */
export function opensWithComment({ path, text }) {
  if (!isProgram(path) || isTest(path)) return []
  if (/^(#![^\n]*\n)?(\/\*|\/\/)/.test(text)) return []
  if (/^#![^\n]*\n/.test(text) && isUnder(path, 'bin')) return []
  return [{ line: 1, message: 'opens without a comment: say its job, its invariant, the concept it implements' }]
}

export function notTooLong({ path, text }) {
  if (!/\.(ts|mjs|pl)$/.test(path) || path in LONG_FILES) return []
  const lines = text.split('\n').length - 1
  return lines > LINE_LIMIT
    ? [{ line: LINE_LIMIT, message: `${lines} lines; past ${LINE_LIMIT} something wants to be split` }]
    : []
}

export function explainedToDo({ text }) {
  const pattern = /\b(TO[D]O|FIX[M]E|X[X]X)\b(?!(\([^)\n]*\))?:?( [\w'`-]+[,.:;]?){4})/g
  return findAll(
    text,
    pattern,
    ([what]) => `${what} without an explanation: say what is missing, and why it may stay so`,
  )
}

/** Programs of the host get argument vectors; a shell would make commands of input. */
export function noShell({ path, code, statements }) {
  if (!isProgram(path)) return []
  const importsExec = /^import\s*\{[^}]*\bexec(Sync)?\b[^}]*\}\s*from\s*['"]node:child_process['"]/gm
  return [
    ...findAll(code, /\bshell:\s*true\b/g, 'a shell: pass an argument vector'),
    ...findAll(statements, importsExec, 'exec runs a shell: use #base/exec.ts'),
  ]
}

/** Bounds on time and output are in base/exec.ts. */
export function programsThroughExec(source) {
  const { path } = source
  if (
    !isUnder(path, 'src') ||
    isTest(path) ||
    isUnder(path, 'src/main') ||
    path === 'src/base/exec.ts' ||
    path in SPAWNING_FILES
  )
    return []
  return importsOf(source)
    .filter(({ specifier }) => specifier === 'node:child_process')
    .map(({ line }) => ({ line, message: 'starts programs itself: use #base/exec.ts' }))
}

/** A name is imported from where it is defined. */
export function noBarrels(source) {
  if (!isUnder(source.path, 'src') || source.path === 'src/main/index.ts') return []
  const findings = importsOf(source)
    .filter(({ reExport }) => reExport)
    .map(({ line, specifier }) => ({ line, message: `passes on ${specifier}: import it from there` }))
  if (basename(source.path) === 'index.ts') findings.push({ line: 1, message: 'a file is named for its main export' })
  return findings
}

/** Names say what a thing is, not that it helps. */
export function meaningfulName({ path }) {
  const vague = path.split('/').find((part) => /(^|-)(utils?|helpers?|common|misc|manager)(-|\.|$)/.test(part))
  return vague ? [{ line: 1, message: `${JSON.stringify(vague)} says nothing: name it for its main export` }] : []
}

/** The project speaks of itself only: no paths of somebody's machine, nobody's tools. */
export function speaksOfItself({ path, text }) {
  if (isUnder(path, 'tools/tidy')) return []
  return [
    ...findAll(
      text,
      /(?<![\w.$}/-])\/(home|Users|work|mnt\/[a-z])\/\w+/g,
      ([match]) => `${match}... is a path of one machine`,
    ),
    ...findAll(
      text,
      /\bas an AI\b|\bgenerated (by|with) (an? )?(AI|assistant)|co-authored-by:/gi,
      'speaks of how it was written',
    ),
  ]
}

/** @type {Record<string, (source: import('./source.mjs').Source) => import('./source.mjs').Finding[]>} */
export const houseRules = {
  noAmbientTime,
  noAmbientRandomness,
  noModuleState,
  opensWithComment,
  notTooLong,
  explainedToDo,
  noShell,
  programsThroughExec,
  noBarrels,
  meaningfulName,
  speaksOfItself,
}
