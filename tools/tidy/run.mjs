/** Holds every file of the repository against the house's own checks: `node tools/tidy/run.mjs imports|rules`. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { commandsExist, linksLeadSomewhere, pinnedVersions } from './docs-rules.mjs'
import { houseRules } from './house-rules.mjs'
import { importCycles, importDirections } from './imports.mjs'
import { readSource } from './source.mjs'

const TEXT = /\.(ts|mjs|js|pl|md|json|ya?ml|sh|toml)$|(^|\/)(run|\.editorconfig|\.gitattributes|\.gitignore|\.npmrc)$/

/** What is committed or could be. Files that vanish meanwhile are left out. */
function sources() {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
  const paths = [...new Set(listed.split('\0'))].filter((path) => TEXT.test(path) && path !== 'package-lock.json')
  return paths.flatMap((path) => {
    const text = read(path)
    return text === undefined ? [] : [readSource(path, text)]
  })
}

function read(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return undefined
  return stat.isFile() ? readFileSync(path, 'utf8') : ''
}

const isProgram = ({ path }) => /\.(ts|mjs)$/.test(path)

const checks = {
  imports(all) {
    const programs = all.filter(isProgram)
    const inSrc = programs.filter(({ path }) => path.startsWith('src/'))
    return [
      ...programs.flatMap((source) => importDirections(source).map((finding) => ({ path: source.path, ...finding }))),
      ...importCycles(inSrc),
    ]
  },
  rules(all) {
    const scripts = new Set(Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).scripts))
    const rules = {
      ...houseRules,
      linksLeadSomewhere: (source) => linksLeadSomewhere(source, read),
      commandsExist: (source) => commandsExist(source, scripts),
      pinnedVersions,
    }
    return all.flatMap((source) =>
      Object.entries(rules).flatMap(([name, rule]) =>
        rule(source).map(({ line, message }) => ({ path: source.path, line, message: `${message} [${name}]` })),
      ),
    )
  },
}

const check = checks[process.argv[2]]
if (!check) throw new Error(`expected one of ${Object.keys(checks).join(', ')}, got ${process.argv[2]}`)
const findings = check(sources())
for (const { path, line, message } of findings) console.log(`${path}:${line}: ${message}`)
process.exitCode = findings.length > 0 ? 1 : 0
