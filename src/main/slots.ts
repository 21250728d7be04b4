/**
 * Which cluster of this machine has which private network, and which name in /run and among the cgroups. Each takes its own
 * by a file that only one can make, so two clusters never share one: not from different data directories, and not when both
 * are started at the same moment. The files are worth nothing after a restart of the machine; a cluster takes what is its
 * own again when it is started.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemCode } from '#base/errors.ts'
import { CliError } from '#cli/cli-error.ts'
import type { NetworkHost } from '#network/host.ts'
import { findSlotConflicts, listClusterNetworks } from '#network/machine.ts'
import { MAX_SLOTS } from '#network/slot.ts'
import { ClusterDirectory, listClusters } from './cluster-directory.ts'

/** No name of a cluster has a dot in it, so this is no cluster's directory. */
const CLAIMS = '/run/rostrum/.claims'

interface Claim {
  /** Directory of the cluster. */
  path: string
  /** Who made the claim: it counts while this process runs, and afterwards while the cluster is there. */
  pid: number
}

/** Takes a slot that nothing on this machine uses. Throws CliError when there is none. */
export async function takeFreeSlot(host: NetworkHost, directory: ClusterDirectory): Promise<number> {
  // Clusters that are down keep their networks.
  const taken = new Set(
    listClusters(directory.root).map((name) => new ClusterDirectory(directory.root, name).load().slot),
  )
  for (const { slot } of await listClusterNetworks(host)) taken.add(slot)
  for (let slot = 0; slot < MAX_SLOTS; slot++) {
    if (taken.has(slot) || !claim(slotClaim(slot), directory.path)) continue
    if ((await findSlotConflicts(host, slot)).length === 0) return slot
    release(slotClaim(slot), directory.path)
  }
  throw new CliError('failed', `all ${MAX_SLOTS} private networks of this machine are in use`, {
    hint: 'end a cluster with: rostrum down --name NAME',
  })
}

/** Takes the slot that the cluster has had. Throws CliError when another cluster has it now. */
export async function takeSlotAgain(host: NetworkHost, slot: number, directory: ClusterDirectory): Promise<void> {
  const present = (await listClusterNetworks(host)).find((network) => network.slot === slot)
  const isOther = present?.cluster !== undefined && present.cluster !== directory.name
  if (!isOther && claim(slotClaim(slot), directory.path)) return
  const other = isOther ? present.cluster : readClaim(slotClaim(slot))?.path
  throw new CliError('failed', `the network of cluster ${directory.name} is used by cluster ${other ?? '?'} now`, {
    hint: `end that one first, or make this one anew: rostrum down --purge --name ${directory.name}`,
  })
}

/** Takes the cluster's name among those that have nodes here. Throws CliError when a cluster kept elsewhere has it. */
export function takeName(directory: ClusterDirectory): void {
  if (claim(nameClaim(directory), directory.path)) return
  throw new CliError(
    'failed',
    `a cluster ${directory.name} runs already, from ${readClaim(nameClaim(directory))?.path ?? '?'}`,
    {
      hint: 'name this one differently with --name',
    },
  )
}

/** Whether another cluster has taken what would be this one's, so that nothing found under these names is its own. */
export function isTakenByAnother(slot: number, directory: ClusterDirectory): { slot: boolean; name: boolean } {
  const isOther = (key: string) => ![undefined, directory.path].includes(readClaim(key)?.path)
  return { slot: isOther(slotClaim(slot)), name: isOther(nameClaim(directory)) }
}

/** Gives the slot and the name back; harmless where they are another cluster's. */
export function releaseClaims(slot: number, directory: ClusterDirectory): void {
  for (const key of [slotClaim(slot), nameClaim(directory)]) release(key, directory.path)
  for (const dir of [CLAIMS, dirname(CLAIMS)]) removeEmpty(dir)
}

const slotClaim = (slot: number) => `slot-${slot}`
const nameClaim = ({ name }: ClusterDirectory) => `name-${name}`
const fileOf = (key: string) => join(CLAIMS, key)

function release(key: string, path: string) {
  if (readClaim(key)?.path === path) rmSync(fileOf(key), { force: true })
}

function removeEmpty(dir: string) {
  try {
    rmdirSync(dir)
  } catch (err) {
    if (!['ENOTEMPTY', 'ENOENT'].includes(systemCode(err) ?? '')) throw err
  }
}

function claim(key: string, path: string): boolean {
  const mine: Claim = { path, pid: process.pid }
  for (;;) {
    // Whoever gave back the last claim has removed the directory.
    mkdirSync(CLAIMS, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(fileOf(key), JSON.stringify(mine), { flag: 'wx', mode: 0o600 })
      return true
    } catch (err) {
      if (systemCode(err) === 'ENOENT') continue
      if (systemCode(err) !== 'EEXIST') throw err
    }
    const holder = readClaim(key)
    if (holder?.path === path) return true
    if (holder && (existsSync(join(holder.path, 'cluster.json')) || isAlive(holder.pid))) return false
    rmSync(fileOf(key), { force: true })
  }
}

function readClaim(key: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(key), 'utf8')) as Claim
  } catch {
    return undefined
  }
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)
