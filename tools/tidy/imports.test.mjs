/** Each kind of forbidden import must be found, and what is allowed must pass. */
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { importCycles, importDirections, importsOf, layers } from './imports.mjs'
import { readSource } from './source.mjs'

const check = (path, ...specifiers) =>
  importDirections(readSource(path, specifiers.map((s) => `import { a } from '${s}'\n`).join(''))).map(
    ({ line, message }) => `${line}: ${message}`,
  )

describe('the table of layers', () => {
  it('knows every folder of src/', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name).filter((name) => !(name in layers))).toEqual([])
  })

  it('has no circle', () => {
    const below = (layer, seen) => {
      expect(seen).not.toContain(layer)
      for (const other of layers[layer]) below(other, [...seen, layer])
    }
    for (const layer of Object.keys(layers)) below(layer, [])
    expect(existsSync('src/base')).toBe(true)
  })
})

describe('importsOf', () => {
  it('finds static, dynamic, bare, type-only and re-exporting imports', () => {
    const text = [
      "import a, { type B } from '#base/a.ts'",
      'import {',
      '  type C,',
      '  type D,',
      "} from './c.ts'",
      "import type { E } from './e.ts'",
      "import './side-effect.ts'",
      "export { F } from './f.ts'",
      "export * from './g.ts'",
      "const h = await import('./h.ts')",
      "// import { no } from './comment.ts'",
      "const text = `import { no } from 'template'`",
      'export const from = (a) => a',
    ].join('\n')
    expect(importsOf(readSource('src/base/x.ts', text))).toEqual([
      { specifier: '#base/a.ts', line: 1, typeOnly: false, reExport: false },
      { specifier: './c.ts', line: 5, typeOnly: true, reExport: false },
      { specifier: './e.ts', line: 6, typeOnly: true, reExport: false },
      { specifier: './f.ts', line: 8, typeOnly: false, reExport: true },
      { specifier: './g.ts', line: 9, typeOnly: false, reExport: true },
      { specifier: './side-effect.ts', line: 7, typeOnly: false, reExport: false },
      { specifier: './h.ts', line: 10, typeOnly: false, reExport: false },
    ])
  })
})

describe('import directions', () => {
  it('let imports point down, and to the same layer', () => {
    expect(
      check('src/scheduler/queue/x.ts', '#base/clock.ts', '#client/informer.ts', '../y.ts', 'ws', 'node:fs'),
    ).toEqual([])
    expect(check('src/apiserver/x.ts', '#storage/store.ts')).toEqual([])
    expect(check('src/main/x.ts', '#kubelet/kubelet.ts', '#apiserver/server.ts')).toEqual([])
  })

  it('refuse imports that point up', () => {
    expect(check('src/base/x.ts', '#machinery/labels.ts')).toEqual([
      '1: base must not import machinery (it may import nothing)',
    ])
    expect(check('src/client/x.ts', '#base/log.ts', '#apiserver/api.ts')[0]).toMatch(
      /^2: client must not import apiserver/,
    )
  })

  it('refuse components that import one another, or what is below another one', () => {
    expect(check('src/scheduler/x.ts', '#controllers/claim.ts')[0]).toMatch(/scheduler must not import controllers/)
    expect(check('src/kubelet/x.ts', '#storage/store.ts')[0]).toMatch(/kubelet must not import storage/)
  })

  it('refuse main to everyone, and tests to everyone but tests', () => {
    expect(check('src/cli/x.ts', '#main/pki.ts')[0]).toMatch(/cli must not import main/)
    expect(check('src/client/x.ts', '#testing/x.ts')[0]).toMatch(/client must not import testing/)
    expect(check('src/client/x.test.ts', '#testing/x.ts')).toEqual([])
    expect(check('src/client/x.ts', '../../test/sim/x.ts')[0]).toMatch(/nothing in src\/ may import test\/sim\/x.ts/)
  })

  it('refuse another layer by a relative path, from tests too', () => {
    expect(check('src/dns/x.ts', '../base/clock.ts')[0]).toMatch(/by its name: #base\/clock.ts/)
    expect(check('test/e2e/x.test.ts', '../../src/main/pki.ts')[0]).toMatch(/by its name: #main\/pki.ts/)
  })

  it('refuse the private folder of another layer', () => {
    expect(check('src/kubelet/x.ts', '#client/internal/y.ts')[0]).toMatch(/is private to client/)
    expect(check('src/client/x.ts', './internal/y.ts')).toEqual([])
  })

  it('refuse folders that are not in the table, file names without ending, and builtins without node:', () => {
    expect(check('src/client/x.ts', '#helpers/y.ts')[0]).toMatch(/src\/helpers\/ is not in the table/)
    expect(check('src/client/x.ts', './y')[0]).toMatch(/lacks its ending/)
    expect(check('src/client/x.ts', 'fs')[0]).toMatch(/import it as node:fs/)
  })
})

describe('import cycles', () => {
  const files = (contents) => Object.entries(contents).map(([path, text]) => readSource(path, text))

  it('are found, through any number of files', () => {
    const cycles = importCycles(
      files({
        'src/base/a.ts': "import { b } from './b.ts'",
        'src/base/b.ts': "import { c } from './c.ts'",
        'src/base/c.ts': "\nimport { a } from './a.ts'",
      }),
    )
    expect(cycles).toEqual([
      {
        path: 'src/base/c.ts',
        line: 2,
        message: 'imports run in a circle: src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts',
      },
    ])
  })

  it('may exist between types', () => {
    expect(
      importCycles(
        files({ 'src/base/a.ts': "import { b } from './b.ts'", 'src/base/b.ts': "import type { A } from './a.ts'" }),
      ),
    ).toEqual([])
  })
})
