/**
 * Unpacks the tar stream of an image layer into a directory that overlayfs can use as a lower layer. Every path is resolved
 * inside that directory: an archive cannot write through its own symbolic links or `..`. Whiteouts become what overlayfs
 * understands (a 0/0 character device, an "opaque" attribute). What Node cannot do (device nodes, extended attributes) is
 * collected as supervisor steps and run at the end.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import type { Header } from 'tar-stream'
import type { Step } from '../supervisor/supervisor.ts'

export interface UnpackOptions {
  /** Runs the steps that need system calls. */
  runSteps(steps: readonly Step[]): Promise<void>
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** A device number as the kernel encodes it (makedev). */
export const deviceNumber = (major: number, minor: number) =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0

/** Throws Error for archives that are malformed or try to leave the directory. */
export async function unpackLayer(tar: Readable, root: string, { runSteps }: UnpackOptions): Promise<void> {
  const scope = new Scope(root)
  const steps: Step[] = []
  const directories: { path: string; mtime: Date | undefined }[] = []
  const extractor = extract()
  tar.on('error', (cause) => extractor.destroy(cause))
  tar.pipe(extractor)
  for await (const entry of extractor) {
    const header = entry.header
    const name = cleanName(header.name)
    const base = basename(name)
    if (base.startsWith(WHITEOUT)) {
      const parent = scope.directory(dirname(name))
      if (base === OPAQUE) steps.push(['setxattr', parent, 'trusted.overlay.opaque', 'y'])
      else if (!base.startsWith(`${WHITEOUT}${WHITEOUT}`)) {
        const target = join(parent, base.slice(WHITEOUT.length))
        rmSync(target, { recursive: true, force: true })
        steps.push(['mknod', target, 0o020000, 0, 0, 0])
      }
      entry.resume()
      continue
    }
    if (header.type === 'file' || header.type === 'contiguous-file') {
      const target = scope.leaf(name)
      const fd = openSync(target, 'wx', 0o600)
      try {
        for await (const chunk of entry) writeSync(fd, chunk as Uint8Array)
      } finally {
        closeSync(fd)
      }
      finish(target, header)
    } else {
      entry.resume()
      makeEntry(scope, name, header, steps, directories)
    }
    attributes(scope, name, header, steps)
  }
  if (steps.length > 0) await runSteps(steps)
  // Last, because every file made inside changes it.
  for (const { path, mtime } of directories.toReversed()) if (mtime) utimesSync(path, mtime, mtime)
}

function makeEntry(
  scope: Scope,
  name: string,
  header: Header,
  steps: Step[],
  directories: { path: string; mtime: Date | undefined }[],
) {
  switch (header.type) {
    case 'directory': {
      const path = scope.directory(name)
      chownSync(path, header.uid ?? 0, header.gid ?? 0)
      chmodSync(path, (header.mode ?? 0o755) & 0o7777)
      directories.push({ path, mtime: header.mtime })
      return
    }
    case 'symlink': {
      const target = scope.leaf(name)
      symlinkSync(header.linkname!, target)
      lchownSync(target, header.uid ?? 0, header.gid ?? 0)
      if (header.mtime) lutimesSync(target, header.mtime, header.mtime)
      return
    }
    case 'link': {
      const existing = scope.existing(cleanName(header.linkname!))
      linkSync(existing, scope.leaf(name))
      return
    }
    case 'character-device':
    case 'block-device':
    case 'fifo': {
      const kind = { 'character-device': 0o020000, 'block-device': 0o060000, fifo: 0o010000 }[header.type]
      const device = deviceNumber(header.devmajor ?? 0, header.devminor ?? 0)
      steps.push(['mknod', scope.leaf(name), kind | (header.mode & 0o7777), device, header.uid ?? 0, header.gid ?? 0])
      return
    }
    default:
    // Global and unknown headers carry nothing that a file system could hold.
  }
}

/** Owner before mode: changing the owner clears set-user-id. */
function finish(target: string, header: Header) {
  chownSync(target, header.uid ?? 0, header.gid ?? 0)
  chmodSync(target, (header.mode ?? 0o644) & 0o7777)
  if (header.mtime) utimesSync(target, header.mtime, header.mtime)
}

function attributes(scope: Scope, name: string, header: Header, steps: Step[]) {
  for (const [key, value] of Object.entries(header.pax ?? {})) {
    if (!key.startsWith('SCHILY.xattr.')) continue
    const attribute = key.slice('SCHILY.xattr.'.length)
    // Attributes of overlayfs itself would let an image rewrite the meaning of its layers.
    if (!/^(user\.|security\.capability$)/.test(attribute) || header.type === 'link') continue
    steps.push(['setxattr', scope.existing(name), attribute, Buffer.from(String(value), 'latin1')])
  }
}

function cleanName(name: string): string {
  if (name.includes('\0')) throw new Error('the archive has a name with a zero byte')
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') throw new Error(`the archive has an entry outside of its root: "${name}"`)
    parts.push(part)
  }
  return parts.join('/')
}

/** Resolves names below a root without ever leaving it: symbolic links are followed as if the root were `/`. */
class Scope {
  readonly #root: string
  readonly #known = new Set<string>([''])

  constructor(root: string) {
    this.#root = root
  }

  /** The directory, made if missing. */
  directory(name: string): string {
    return join(this.#root, this.#walk(name === '.' ? '' : name, true))
  }

  /** Where a new entry goes; what is there already is removed. */
  leaf(name: string): string {
    const relative = this.#place(name)
    const path = join(this.#root, relative)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat) {
      if (relative === '') throw new Error('the archive replaces its own root')
      rmSync(path, { recursive: true, force: true })
      for (const known of this.#known)
        if (known === relative || known.startsWith(`${relative}/`)) this.#known.delete(known)
    }
    return path
  }

  /** The path of an entry that is there; its last part is not followed. */
  existing(name: string): string {
    return join(this.#root, this.#place(name))
  }

  #place(name: string): string {
    const parent = dirname(name)
    return join(this.#walk(parent === '.' ? '' : parent, true), basename(name))
  }

  #walk(name: string, create: boolean): string {
    if (this.#known.has(name)) return name
    let at = ''
    const rest = name.split('/').filter(Boolean)
    for (let links = 0; rest.length > 0;) {
      const part = rest.shift()!
      if (part === '.') continue
      if (part === '..') {
        at = dirname(at) === '.' ? '' : dirname(at)
        continue
      }
      const next = at ? `${at}/${part}` : part
      const path = join(this.#root, next)
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (stat?.isSymbolicLink()) {
        if (++links > 40) throw new Error(`too many symbolic links in "${name}"`)
        const target = readlinkSync(path)
        if (target.startsWith('/')) at = ''
        rest.unshift(...target.split('/').filter(Boolean))
        continue
      }
      if (stat && !stat.isDirectory()) rmSync(path, { force: true })
      if (!stat?.isDirectory() && create) mkdirSync(path, { mode: 0o755 })
      at = next
      this.#known.add(at)
    }
    return at
  }
}
