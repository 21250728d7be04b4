/** A rule that cannot fail is no rule: each is shown what it must find, and what it must leave alone. */
import { describe, expect, it } from 'vitest'
import { houseRules } from './house-rules.mjs'
import { readSource } from './source.mjs'

/** The lines that a rule objects to. */
const lines = (rule, path, text) => houseRules[rule](readSource(path, text)).map(({ line }) => line)

/** For each rule: files that it must object to, and files that it must not. */
const cases = {
  noAmbientTime: {
    bad: {
      'src/dns/a.ts': 'const now = Date.now()',
      'src/dns/b.ts': 'const now = new Date()',
      'src/dns/c.ts': 'setTimeout(f, 5)',
      'src/dns/d.ts': "import { setTimeout as wait } from 'node:timers/promises'",
      'src/dns/e.ts': 'const t = performance.now()',
      'src/dns/f.ts': 'const signal = AbortSignal.timeout(5)',
      'src/dns/g.test.ts': 'setInterval(f, 5)',
      'test/sim/h.test.ts': 'const now = Date.now()',
    },
    good: {
      'src/dns/a.ts': '// Date.now() is forbidden\nconst at = new Date(clock.now())',
      'src/dns/b.ts': "socket.setTimeout(5); log('setTimeout(5)')",
      'src/base/clock.ts': 'const now = Date.now()',
      'src/main/up.ts': 'setTimeout(f, 5)',
      'test/e2e/a.test.ts': 'const now = Date.now()',
    },
  },
  noAmbientRandomness: {
    bad: { 'src/dns/a.ts': 'Math.random()', 'src/dns/b.ts': "import { randomUUID } from 'node:crypto'" },
    good: { 'src/base/random.ts': 'Math.random()', 'src/dns/a.ts': 'random.float()' },
  },
  noModuleState: {
    bad: {
      'src/dns/a.ts': 'let count = 0',
      'src/dns/b.ts': 'export let count = 0',
      'src/dns/c.ts': 'const seen = new Map()',
      'src/dns/d.ts': 'const seen: Map<string, string> = new Map<string, string>()',
      'src/dns/e.ts': 'const all: string[] = []',
    },
    good: {
      'src/dns/a.ts': 'function f() {\n  let count = 0\n}',
      'src/dns/b.ts': "const table = new Map([['a', 1]])",
      'src/dns/c.ts': 'const NONE: ReadonlySet<string> = new Set()\nconst none: readonly string[] = []',
      'src/dns/d.test.ts': 'let count = 0',
    },
  },
  opensWithComment: {
    bad: { 'src/dns/a.ts': "import a from 'b'", 'tools/a.mjs': '#!/usr/bin/env node\nlet a' },
    good: {
      'src/dns/a.ts': '/** A. */\n',
      'tools/a.mjs': '#!/usr/bin/env node\n// A.\n',
      'src/dns/a.test.ts': 'import a',
    },
  },
  notTooLong: {
    bad: { 'src/dns/a.ts': '\n'.repeat(601) },
    good: { 'src/dns/a.ts': '\n'.repeat(600), 'docs/a.md': '\n'.repeat(601) },
  },
  explainedToDo: {
    bad: { 'src/dns/a.ts': '// TO' + 'DO', 'src/dns/b.ts': '// FIX' + 'ME: later', 'docs/a.md': 'TO' + 'DO fix this' },
    good: { 'src/dns/a.ts': '// TO' + 'DO: answers over UDP are cut at 512 bytes', 'src/dns/b.ts': 'const TODOS = 1' },
  },
  noShell: {
    bad: {
      'src/base/a.ts': "spawn('ls', { shell: true })",
      'tools/b.mjs': "import { exec } from 'node:child_process'",
      'src/main/c.ts': "import {\n  execSync,\n} from 'node:child_process'",
    },
    good: {
      'src/base/a.ts': "import { exec } from './exec.ts'\nconst m = /a/.exec(b)",
      'tools/b.mjs': "import { execFile, execFileSync } from 'node:child_process'",
    },
  },
  programsThroughExec: {
    bad: { 'src/dns/a.ts': "import { spawn } from 'node:child_process'" },
    good: {
      'src/base/exec.ts': "import { spawn } from 'node:child_process'",
      'src/main/a.ts': "import { spawn } from 'node:child_process'",
      'src/dns/a.test.ts': "import { spawn } from 'node:child_process'",
    },
  },
  noBarrels: {
    bad: {
      'src/dns/index.ts': '',
      'src/dns/a.ts': "export { b } from './b.ts'",
      'src/dns/c.ts': "export * from './d.ts'",
    },
    good: { 'src/main/index.ts': "export { b } from './b.ts'", 'src/dns/a.ts': 'export const b = 1' },
  },
  meaningfulName: {
    bad: {
      'src/dns/utils.ts': '',
      'src/dns/string-helpers.ts': '',
      'src/common/a.ts': '',
      'src/dns/pod-manager.ts': '',
    },
    good: { 'src/dns/zone.ts': '', 'src/dns/utility-belt.ts': '' },
  },
  speaksOfItself: {
    bad: {
      'docs/a.md': `see /ho${'me'}/jo/rostrum`,
      'src/dns/a.ts': `// from /wo${'rk'}/main`,
      'docs/b.md': `Co-authored-${'by'}: a program`,
    },
    good: { 'docs/a.md': '`/var/lib/rostrum`, `$HOME/work/x`, https://example.org/home/a' },
  },
}

describe('every house rule', () => {
  it('is tested', () => {
    expect(Object.keys(cases)).toEqual(Object.keys(houseRules))
  })
})

describe.each(Object.entries(cases))('%s', (rule, { bad, good }) => {
  it.each(Object.entries(bad))('objects to %s: %j', (path, text) => {
    expect(lines(rule, path, text)).not.toEqual([])
  })

  it.each(Object.entries(good))('leaves alone %s: %j', (path, text) => {
    expect(lines(rule, path, text)).toEqual([])
  })
})

it('says the line', () => {
  expect(lines('noAmbientTime', 'src/dns/a.ts', '\n\nDate.now()\nDate.now()')).toEqual([3, 4])
})
