/**
 * Writes a set of files into a directory so that readers see either all old or all new ones, never a mixture: the files
 * live in a fresh hidden directory, and one rename of the `..data` symlink publishes them. Upstream: `AtomicWriter`.
 *
 * ```
 * <dir>/..2026_01_01_12_00_00.123456789/key    the data
 * <dir>/..data -> ..2026_01_01_12_00_00.123456789
 * <dir>/key    -> ..data/key                    what the container sees
 * ```
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { systemCode } from '#base/errors.ts'
import type { Random } from '#base/random.ts'

export interface FileContent {
  data: Buffer
  /** Permission bits, e.g. 0o644. */
  mode: number
  /** Owner; the agent's own where it is not given. */
  uid?: number
}

/** By path relative to the directory. */
export type Payload = ReadonlyMap<string, FileContent>

const DATA = '..data'
const NEW_DATA = '..data_tmp'
const MAX_PATH = 4096

export interface AtomicWriteOptions {
  nowMs: number
  random: Random
  /** Sets the group of the new files before they are published; gets the directory that holds them. */
  own?(directory: string): Promise<void>
}

/** True when anything was written. Throws TypeError for a path that could leave the directory, else system errors. */
export async function writeAtomically(dir: string, payload: Payload, options: AtomicWriteOptions): Promise<boolean> {
  const files = cleanPaths(payload)
  const oldName = await readlink(join(dir, DATA)).catch(absent)
  if (oldName !== undefined && (await holds(join(dir, oldName), files))) {
    // A crash may have come between publishing and linking.
    await linkVisible(dir, files)
    return false
  }
  const name = `..${stamp(options.nowMs)}.${String(options.random.int(1_000_000_000)).padStart(9, '0')}`
  const fresh = join(dir, name)
  await mkdir(fresh, { mode: 0o755 })
  await chmod(fresh, 0o755)
  try {
    for (const [path, file] of files) await writeOne(fresh, path, file)
    await options.own?.(fresh)
    await rm(join(dir, NEW_DATA), { force: true })
    await symlink(name, join(dir, NEW_DATA))
    await rename(join(dir, NEW_DATA), join(dir, DATA))
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true })
    throw thrown
  }
  await linkVisible(dir, files)
  await unlinkStale(dir, files, name)
  return true
}

function cleanPaths(payload: Payload): Map<string, FileContent> {
  const files = new Map<string, FileContent>()
  for (const [path, file] of payload) {
    const clean = normalize(path)
    const parts = path.split('/')
    if (
      path === '' ||
      path.startsWith('/') ||
      path.length > MAX_PATH ||
      parts.includes('..') ||
      clean.startsWith('..')
    ) {
      throw new TypeError(`invalid path in volume: must be relative, without ".." and not begin with "..": "${path}"`)
    }
    files.set(clean, file)
  }
  return files
}

async function writeOne(root: string, path: string, { data, mode, uid }: FileContent) {
  const target = join(root, path)
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await writeFile(target, data, { mode })
  // The process's umask must not decide what a container may read.
  await chmod(target, mode)
  if (uid !== undefined) await chown(target, uid, -1 >>> 0)
}

/** Whether the published files are exactly these, by content and mode. */
async function holds(root: string, files: ReadonlyMap<string, FileContent>): Promise<boolean> {
  const present = await walk(root)
  if (present.length !== files.size) return false
  for (const path of present) {
    const wanted = files.get(path)
    if (!wanted) return false
    const target = join(root, path)
    const { mode, uid, size } = await lstat(target)
    // A volume group adds bits to the mode, so only what is missing makes a difference.
    if ((mode & wanted.mode) !== wanted.mode || size !== wanted.data.length) return false
    if (wanted.uid !== undefined && uid !== wanted.uid) return false
    if (!wanted.data.equals(await readFile(target))) return false
  }
  return true
}

async function walk(root: string, prefix = ''): Promise<string[]> {
  const paths: string[] = []
  for (const entry of (await readdir(join(root, prefix), { withFileTypes: true }).catch(absent)) ?? []) {
    const path = join(prefix, entry.name)
    if (entry.isDirectory()) paths.push(...(await walk(root, path)))
    else paths.push(path)
  }
  return paths
}

const topOf = (path: string) => path.split('/')[0]!

async function linkVisible(dir: string, files: ReadonlyMap<string, FileContent>) {
  for (const top of new Set([...files.keys()].map(topOf))) {
    const link = join(dir, top)
    if ((await readlink(link).catch(absent)) === `${DATA}/${top}`) continue
    await rm(link, { recursive: true, force: true })
    await symlink(`${DATA}/${top}`, link)
  }
}

/** Removes links to files that are gone, and data directories that were replaced or never published. */
async function unlinkStale(dir: string, files: ReadonlyMap<string, FileContent>, current: string) {
  const tops = new Set([...files.keys()].map(topOf))
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const isOldData = entry.isDirectory() && entry.name.startsWith('..') && entry.name !== current
    const isOldLink = entry.isSymbolicLink() && entry.name !== DATA && !tops.has(entry.name)
    if (isOldData || isOldLink) await rm(join(dir, entry.name), { recursive: true, force: true })
  }
}

function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[-T:]/g, '_')
}

/** For `catch`: a file that is not there is undefined, anything else is thrown on. */
function absent(thrown: unknown): undefined {
  if (systemCode(thrown) === 'ENOENT') return undefined
  throw thrown
}
