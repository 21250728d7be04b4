/**
 * Collects programs of this host with everything they need to run elsewhere: interpreter, shared libraries (found as the
 * dynamic linker finds them), script interpreters, and the symbolic links on the way. The result is a list of paths to copy;
 * file systems are only read.
 */
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { readElf } from './elf.ts'

/** Where a path inside the image comes from: a host path to copy (as it is: links stay links). */
export type HostEntries = Map<string, string>

const DEFAULT_DIRECTORIES = ['/lib', '/usr/lib', '/lib64', '/usr/lib64']
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A program or library was not found on this host. */
export class HostFileMissingError extends Error {
  override readonly name = 'HostFileMissingError'
}

export class HostFiles {
  /** Image path -> host path. */
  readonly entries: HostEntries = new Map()
  readonly #libraryDirectories: string[]

  constructor(loaderConfig = '/etc/ld.so.conf') {
    // Where /bin is a link to usr/bin, programs must be found under both names.
    for (const dir of ['/bin', '/sbin', '/lib', '/lib64'])
      if (existsSync(dir) && lstatSync(dir).isSymbolicLink()) this.#addPath(dir)
    this.#libraryDirectories = [...new Set([...readLoaderConfig(loaderConfig), ...DEFAULT_DIRECTORIES])]
  }

  /** Adds a program by path, or by name looked up in PATH, with all it needs. Returns its path in the image. */
  addProgram(program: string, searchPath = process.env.PATH || DEFAULT_PATH): string {
    const path = program.includes('/')
      ? resolve(program)
      : searchPath
          .split(':')
          .map((dir) => join(dir, program))
          .find((candidate) => existsSync(candidate))
    if (!path || !existsSync(path)) throw new HostFileMissingError(`program "${program}" is not on this host`)
    this.#addBinary(path, new Set())
    return path
  }

  /** Adds a file, or a directory with all below it, under the path `to`. */
  addTree(from: string, to: string): void {
    const stat = lstatSync(from, { throwIfNoEntry: false })
    if (!stat) throw new HostFileMissingError(`"${from}" is not on this host`)
    // What was asked for by name is wanted, not the link that leads to it.
    this.#addTree(stat.isSymbolicLink() ? realpathSync(from) : from, resolve('/', to))
  }

  #addTree(from: string, to: string) {
    this.#addParents(to)
    this.entries.set(to, from)
    if (!lstatSync(from).isDirectory()) return
    for (const name of readdirSync(from)) this.#addTree(join(from, name), join(to, name))
  }

  /** The path with every symbolic link that leads to it, at the same places in the image. Returns the real path. */
  #addPath(path: string): string {
    let at = '/'
    const rest = path.split('/').filter(Boolean)
    for (let links = 0; rest.length > 0;) {
      const part = rest.shift()!
      if (part === '..') {
        at = dirname(at)
        continue
      }
      const next = join(at, part)
      const stat = lstatSync(next)
      if (!this.entries.has(next)) this.entries.set(next, next)
      if (!stat.isSymbolicLink()) {
        at = next
        continue
      }
      if (++links > 40) throw new Error(`too many symbolic links in "${path}"`)
      const target = readlinkSync(next)
      if (target.startsWith('/')) at = '/'
      rest.unshift(...target.split('/').filter((p) => p && p !== '.'))
    }
    return at
  }

  #addParents(path: string) {
    for (let dir = dirname(path); dir !== '/'; dir = dirname(dir)) {
      if (!this.entries.has(dir)) this.entries.set(dir, '')
    }
  }

  #addBinary(path: string, inherited: ReadonlySet<string>) {
    const known = this.entries.has(path)
    const real = this.#addPath(path)
    if (known) return
    const content = readFileSync(real)
    const script = /^#!\s*(\S+)(?:[ \t]+(\S+))?/.exec(content.toString('latin1', 0, 256))
    if (script) {
      this.#addBinary(script[1]!, inherited)
      if (basename(script[1]!) === 'env' && script[2]) this.addProgram(script[2])
      return
    }
    const elf = readElf(content)
    if (!elf) return
    if (elf.interpreter && existsSync(elf.interpreter)) this.#addBinary(elf.interpreter, inherited)
    const own = elf.searchPaths.map((dir) => dir.replaceAll(/\$\{?ORIGIN\}?/g, dirname(real)))
    for (const name of elf.needed) {
      const library = this.#findLibrary(name, [...own, ...inherited], elf.machine)
      if (!library) throw new HostFileMissingError(`"${path}" needs the library "${name}", which is not on this host`)
      this.#addBinary(library, new Set([...own, ...inherited]))
    }
  }

  /** The first library of that name for the same machine, in the dynamic linker's order. */
  #findLibrary(name: string, searchPaths: readonly string[], machine: number): string | undefined {
    if (name.includes('/')) return existsSync(name) ? name : undefined
    for (const dir of [...searchPaths, ...this.#libraryDirectories]) {
      const candidate = join(dir, name)
      if (
        statSync(candidate, { throwIfNoEntry: false })?.isFile() &&
        readElf(readFileSync(candidate))?.machine === machine
      )
        return candidate
    }
    return undefined
  }
}

/** Directories of ld.so.conf, with its `include` patterns. */
function readLoaderConfig(file: string): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const text = line.replace(/#.*/, '').trim()
      const include = /^include\s+(\S+)$/.exec(text)
      if (!include) return text.startsWith('/') ? [text] : []
      const pattern = resolve(dirname(file), include[1]!)
      const matcher = new RegExp(
        `^${basename(pattern)
          .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
      )
      if (!existsSync(dirname(pattern))) return []
      return readdirSync(dirname(pattern))
        .filter((name) => matcher.test(name))
        .toSorted()
        .flatMap((name) => readLoaderConfig(join(dirname(pattern), name)))
    })
}
