/** Documents that went stale must be found. */
import { describe, expect, it } from 'vitest'
import { commandsExist, linksLeadSomewhere, pinnedVersions } from './docs-rules.mjs'
import { readSource } from './source.mjs'

const files = { 'src/base/clock.ts': 'export interface Clock { now(): number }', docs: '', 'README.md': '' }
const links = (path, text) =>
  linksLeadSomewhere(readSource(path, text), (file) => files[file]).map(({ message }) => message)

describe('linksLeadSomewhere', () => {
  it('accepts files, folders, other sites, anchors, and names that are in the file', () => {
    const text =
      '[a](src/base/clock.ts) [b](docs/) [c](https://example.org/x) [d](#e) [`Clock.now()`](src/base/clock.ts)'
    expect(links('README.md', text)).toEqual([])
    expect(links('docs/x.md', '[a](../src/base/clock.ts#L1) [`clock.ts`](../src/base/clock.ts)')).toEqual([])
  })

  it('objects to files that are gone, with the line', () => {
    expect(linksLeadSomewhere(readSource('docs/x.md', '\n[a](gone.ts)'), () => undefined)).toEqual([
      { line: 2, message: 'links to docs/gone.ts, which is not there' },
    ])
  })

  it('objects to names that are no longer in the file', () => {
    expect(links('README.md', '[`tick()`](src/base/clock.ts)')).toEqual(['src/base/clock.ts has nothing named tick'])
    expect(links('README.md', '[`Clock.sleep`](src/base/clock.ts)')).toEqual([
      'src/base/clock.ts has nothing named sleep',
    ])
  })

  it('does not read examples', () => {
    expect(links('README.md', '```\n[a](gone.ts)\n```\n')).toEqual([])
  })
})

describe('commandsExist', () => {
  it('objects to a script that package.json does not have', () => {
    const source = readSource('README.md', 'npm run check\nnpm run -s\nnpm run nothing')
    expect(commandsExist(source, new Set(['check']))).toEqual([
      { line: 3, message: 'package.json has no script nothing' },
    ])
  })
})

describe('pinnedVersions', () => {
  it('objects to ranges', () => {
    const text = '{\n"dependencies": {\n"a": "1.2.3",\n"b": "^1.2.3" } }'
    expect(pinnedVersions(readSource('package.json', text))).toEqual([{ line: 4, message: 'b is not pinned: ^1.2.3' }])
  })
})
