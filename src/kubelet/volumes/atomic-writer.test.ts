import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import { type FileContent, writeAtomically } from './atomic-writer.ts'
import { openSubPath } from './safe-sub-path.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rostrum-volume-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const random = seededRandom(1)
const write = (files: Record<string, string>, mode = 0o644) =>
  writeAtomically(
    dir,
    new Map(
      Object.entries(files).map(([path, text]): [string, FileContent] => [path, { data: Buffer.from(text), mode }]),
    ),
    { nowMs: Date.UTC(2026, 0, 1), random },
  )

/** What a container sees: everything but the hidden names. */
function visible(at = dir, prefix = ''): Record<string, string> {
  const out: Record<string, string> = {}
  for (const name of readdirSync(at)) {
    if (name.startsWith('..')) continue
    const path = join(at, name)
    if (statSync(path).isDirectory()) Object.assign(out, visible(path, `${prefix}${name}/`))
    else out[prefix + name] = readFileSync(path, 'utf8')
  }
  return out
}

describe('writeAtomically', () => {
  it('publishes files through one link, and swaps it', async () => {
    expect(await write({ a: '1', 'deep/er/b': '2' })).toBe(true)
    expect(visible()).toEqual({ a: '1', 'deep/er/b': '2' })
    expect(readlinkSync(join(dir, 'a'))).toBe('..data/a')
    const before = readlinkSync(join(dir, '..data'))
    expect(await write({ a: '1', 'deep/er/b': '2' })).toBe(false)
    expect(readlinkSync(join(dir, '..data'))).toBe(before)
    expect(await write({ a: 'new' }, 0o400)).toBe(true)
    expect(visible()).toEqual({ a: 'new' })
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o400)
    expect(existsSync(join(dir, before))).toBe(false)
  })

  it.each(['/abs', '../up', 'a/../../b', '..x', ''])('refuses the path %j', async (path) => {
    await expect(write({ [path]: 'x' })).rejects.toThrow(TypeError)
  })

  it('shows exactly the last payload whatever came before, and leaves nothing behind', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd/x', 'd/y', 'e/f/g')
    const payload = fc.dictionary(name, fc.string({ maxLength: 5 }))
    await fc.assert(
      fc.asyncProperty(fc.array(payload, { minLength: 1, maxLength: 4 }), async (payloads) => {
        for (const files of payloads) await write(files)
        expect(visible()).toEqual(payloads.at(-1))
        expect(readdirSync(dir).filter((n) => n.startsWith('..')).length).toBeLessThanOrEqual(2)
      }),
      { numRuns: 30 },
    )
  })
})

describe('openSubPath', () => {
  const inside = async (path: string) => {
    const handle = await openSubPath(dir, path, 0o755)
    const found = readlinkSync(`/proc/self/fd/${handle.fd}`)
    await handle.close()
    return found
  }

  it('makes what is missing, and follows links that stay inside', async () => {
    expect(await inside('a/b')).toBe(join(dir, 'a/b'))
    symlinkSync('a', join(dir, 'link'))
    expect(await inside('link/b')).toBe(join(dir, 'a/b'))
  })

  it.each(['out', 'out/etc', 'abs', 'abs/new'])('does not leave the volume by %s', async (path) => {
    symlinkSync('..', join(dir, 'out'))
    symlinkSync('/tmp', join(dir, 'abs'))
    await mkdir(join(dir, 'x'), { recursive: true })
    await expect(inside(path)).rejects.toThrow('leads out of the volume')
  })

  it('refuses steps back and absolute paths', async () => {
    await expect(inside('a/../b')).rejects.toThrow("must not contain '..'")
    await expect(inside('/etc')).rejects.toThrow('must not be an absolute path')
  })
})
