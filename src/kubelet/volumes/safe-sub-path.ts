/**
 * Opens a path below a volume without ever being led out of it by a symbolic link, even by a container that swaps files
 * while it is being opened. The result is a descriptor, which cannot be swapped any more; it is bind-mounted to a place of
 * the agent's own. Upstream: `volume/util/subpath`.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { systemCode } from '#base/errors.ts'
import { VolumeError } from './payload.ts'

/** Linux's O_PATH, which Node does not name: a descriptor to refer to a file, without the right to read it. */
const O_PATH = 0o10000000
const FOLLOW_NOTHING = O_PATH | constants.O_NOFOLLOW

/** Throws VolumeError for an absolute path or one with "..". */
export function checkSubPath(subPath: string): void {
  if (subPath.startsWith('/')) throw new VolumeError(`error SubPath \`${subPath}\` must not be an absolute path`)
  if (subPath.split('/').includes('..')) {
    throw new VolumeError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`)
  }
}

/**
 * Creates the missing directories of `subPath` below `volume`, with the volume's own mode, and opens the result. The caller
 * closes the handle. Throws VolumeError when the path leads out of the volume.
 */
export async function openSubPath(volume: string, subPath: string, mode: number): Promise<FileHandle> {
  checkSubPath(subPath)
  const root = await realpath(volume)
  // Links inside the volume are allowed to lead elsewhere inside it: resolve first, then open without following any.
  const resolved = await resolveExisting(root, subPath)
  const inside = relative(root, resolved.path)
  if (inside === '..' || inside.startsWith('../') || inside.startsWith('/')) {
    throw new VolumeError(`subPath "${subPath}" leads out of the volume`)
  }
  let handle = await open(root, FOLLOW_NOTHING | constants.O_DIRECTORY)
  const parts = [...inside.split('/'), ...resolved.missing].filter((p) => p !== '' && p !== '.')
  for (const part of parts) {
    const next = await openBelow(handle, part, mode).finally(() => handle.close())
    handle = next
  }
  return handle
}

/** The longest part of the path that exists, with links resolved, and the names that are missing behind it. */
async function resolveExisting(root: string, subPath: string): Promise<{ path: string; missing: string[] }> {
  const parts = subPath.split('/').filter((p) => p !== '' && p !== '.')
  for (let count = parts.length; count >= 0; count--) {
    try {
      return { path: await realpath(join(root, ...parts.slice(0, count))), missing: parts.slice(count) }
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw thrown
    }
  }
  throw new VolumeError(`volume directory ${root} is gone`)
}

/** `/proc/self/fd/<n>/<name>` is openat(2), which Node does not offer: the last component is never followed. */
async function openBelow(parent: FileHandle, name: string, mode: number): Promise<FileHandle> {
  const path = `/proc/self/fd/${parent.fd}/${name}`
  const attempt = () => open(path, FOLLOW_NOTHING)
  const handle = await attempt().catch(async (thrown: unknown) => {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
    await mkdir(path, { mode: mode & 0o7777 }).catch((failed: unknown) => {
      if (systemCode(failed) !== 'EEXIST') throw failed
    })
    const made = await attempt()
    return made
  })
  // With O_PATH a link itself is opened rather than refused.
  if ((await handle.stat()).isSymbolicLink()) {
    await handle.close()
    throw new VolumeError(`subPath component "${name}" is a symbolic link that appeared while it was opened`)
  }
  return handle
}
