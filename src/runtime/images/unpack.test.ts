import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import type { Header } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Step } from '../supervisor/supervisor.ts'
import { deviceNumber, unpackLayer } from './unpack.ts'

// Owners other than one's own need root; the entries here belong to whoever runs the test.
const own = { uid: process.getuid!(), gid: process.getgid!() }

describe('unpacking a layer', () => {
  let root = ''
  beforeEach(() => void (root = join(mkdtempSync(join(tmpdir(), 'unpack-')), 'layer')))
  afterEach(() => rmSync(join(root, '..'), { recursive: true, force: true }))

  async function unpack(...entries: (Partial<Header> & { name: string; content?: string })[]): Promise<Step[]> {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(root, { recursive: true })
    const tar = pack()
    for (const { content = '', ...header } of entries) tar.entry({ ...own, ...header }, content)
    tar.finalize()
    const steps: Step[] = []
    const { Readable } = await import('node:stream')
    await unpackLayer(Readable.from(tar), root, { runSteps: async (list) => void steps.push(...list) })
    return steps
  }

  it('keeps modes, times, links and set-user-id', async () => {
    const mtime = new Date(1_600_000_000_000)
    await unpack(
      { name: 'd/', type: 'directory', mode: 0o750, mtime },
      { name: 'd/f', mode: 0o4755, mtime, content: 'x' },
      { name: 'd/hard', type: 'link', linkname: 'd/f' },
      { name: 'abs', type: 'symlink', linkname: '/d/f' },
    )
    expect(statSync(join(root, 'd/f')).mode & 0o7777).toBe(0o4755)
    expect(statSync(join(root, 'd/hard')).ino).toBe(statSync(join(root, 'd/f')).ino)
    expect(readlinkSync(join(root, 'abs'))).toBe('/d/f')
    expect(statSync(join(root, 'd')).mtime).toEqual(mtime)
  })

  it('resolves links inside the root: nothing is written outside', async () => {
    const outside = join(root, '..', 'outside')
    await unpack(
      { name: 'evil', type: 'symlink', linkname: join(root, '..') },
      { name: 'evil/outside', content: 'x' },
      { name: 'up', type: 'symlink', linkname: '../../../..' },
      { name: 'up/inside', content: 'y' },
    )
    expect(existsSync(outside)).toBe(false)
    expect(readFileSync(join(root, 'inside'), 'utf8')).toBe('y')
    await expect(unpack({ name: '../x', content: 'z' })).rejects.toThrow('outside of its root')
  })

  it('replaces a link by a file rather than writing through it', async () => {
    await unpack(
      { name: 'target', content: 'old' },
      { name: 'l', type: 'symlink', linkname: 'target' },
      { name: 'l', content: 'new' },
    )
    expect(lstatSync(join(root, 'l')).isFile()).toBe(true)
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('old')
  })

  it('turns whiteouts, opaque directories, devices and file capabilities into steps', async () => {
    const steps = await unpack(
      { name: 'a/', type: 'directory' },
      { name: 'a/.wh.gone' },
      { name: 'a/.wh..wh..opq' },
      { name: 'null', type: 'character-device', mode: 0o666, devmajor: 1, devminor: 3 },
      {
        name: 'p',
        content: 'x',
        pax: { 'SCHILY.xattr.security.capability': 'cap', 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
      },
    )
    expect(steps).toEqual([
      ['mknod', join(root, 'a/gone'), 0o020000, 0, 0, 0],
      ['setxattr', join(root, 'a'), 'trusted.overlay.opaque', 'y'],
      ['mknod', join(root, 'null'), 0o020666, deviceNumber(1, 3), own.uid, own.gid],
      ['setxattr', join(root, 'p'), 'security.capability', Buffer.from('cap')],
    ])
  })
})
