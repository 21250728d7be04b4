/** Checks a hostPath volume's type, and creates what it asks to be created. Upstream: `volume/hostpath`. */
import { lstat, mkdir, stat, writeFile } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { systemCode } from '#base/errors.ts'
import { VolumeError } from './payload.ts'

interface PathType {
  is(info: Stats): boolean
  /** What the message calls it. */
  title: string
  create?(path: string): Promise<unknown>
}

const types: Readonly<Record<string, PathType>> = {
  Directory: { is: (i) => i.isDirectory(), title: 'a directory' },
  DirectoryOrCreate: {
    is: (i) => i.isDirectory(),
    title: 'a directory',
    create: (path) => mkdir(path, { recursive: true, mode: 0o755 }),
  },
  File: { is: (i) => i.isFile(), title: 'a file' },
  FileOrCreate: {
    is: (i) => i.isFile(),
    title: 'a file',
    create: (path) => writeFile(path, '', { flag: 'wx', mode: 0o644 }),
  },
  Socket: { is: (i) => i.isSocket(), title: 'a socket file' },
  CharDevice: { is: (i) => i.isCharacterDevice(), title: 'a character device' },
  BlockDevice: { is: (i) => i.isBlockDevice(), title: 'a block device' },
}

/** Throws VolumeError. Without a type the path is taken as it is, and need not exist. */
export async function checkHostPath(path: string, type: string | undefined): Promise<void> {
  if (!type) return
  const expected = types[type]
  if (!expected) throw new VolumeError(`hostPath type "${type}" is not known`)
  const info = await stat(path).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  })
  if (info) {
    if (!expected.is(info)) throw new VolumeError(`hostPath type check failed: ${path} is not ${expected.title}`)
    return
  }
  if (!expected.create) throw new VolumeError(`hostPath type check failed: ${path} is not ${expected.title}`)
  await expected.create(path).catch(async (thrown: unknown) => {
    // Somebody else may have been faster; a dangling link must not be taken for a file.
    if (systemCode(thrown) !== 'EEXIST' || (await lstat(path)).isSymbolicLink()) throw thrown
  })
}
