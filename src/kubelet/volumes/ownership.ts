/**
 * Gives a volume to a pod's group (`fsGroup`): everything in it belongs to the group, the group may read and write, and
 * what is created in its directories inherits the group. Upstream: `volume_linux.go`.
 */
import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '#base/errors.ts'

const READ_WRITE = 0o660
const READ_ONLY = 0o440
const ENTER = 0o110
const SET_GID = 0o2000
/** The id that leaves an owner as it is, as chown(2) takes it. */
const KEEP = -1 >>> 0

export interface OwnershipOptions {
  gid: number
  readOnly?: boolean
  /** `fsGroupChangePolicy`: with OnRootMismatch nothing is touched when the root directory is right already. */
  changePolicy?: string
}

/** Throws the system error of the first entry that cannot be changed; entries that vanish meanwhile are skipped. */
export async function giveToGroup(root: string, options: OwnershipOptions): Promise<void> {
  if (options.changePolicy === 'OnRootMismatch' && (await isRight(root, options))) return
  // The root last: an interrupted change must not look complete.
  await changeBelow(root, options)
  await changeOne(root, options)
}

async function changeBelow(dir: string, options: OwnershipOptions) {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) await changeBelow(path, options)
    await changeOne(path, options)
  }
}

async function changeOne(path: string, { gid, readOnly }: OwnershipOptions) {
  try {
    await lchown(path, KEEP, gid)
    const info = await lstat(path)
    // chmod would follow a link, and out of the volume.
    if (info.isSymbolicLink()) return
    const bits = (readOnly ? READ_ONLY : READ_WRITE) | (info.isDirectory() ? SET_GID | ENTER : 0)
    await chmod(path, (info.mode & 0o7777) | bits)
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
  }
}

async function isRight(root: string, { gid, readOnly }: OwnershipOptions): Promise<boolean> {
  const info = await lstat(root)
  const bits = (readOnly ? READ_ONLY : READ_WRITE) | ENTER | SET_GID
  return info.isDirectory() && info.gid === gid && (info.mode & bits) === bits
}
