/**
 * Where a cluster of this machine lives on disk, and what is known about it: one directory a cluster under a common root,
 * with a description that says how it was made and everything needed to run, inspect and remove it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CliError } from '#cli/cli-error.ts'

export type RuntimeKind = 'builtin' | 'containerd' | 'none'

export interface NodeDescription {
  name: string
  /** 0, 1, 2, ...: decides its address and pod network. */
  index: number
  address: string
}

export interface ClusterDescription {
  version: 1
  name: string
  /** Which of this machine's private networks it uses. */
  slot: number
  port: number
  runtime: RuntimeKind
  nodes: NodeDescription[]
  simulatedNodes: number
  store: 'lmdb' | 'memory'
  /** Addresses on which the API listens besides 127.0.0.1. */
  hostAddress: string
  clusterCidr: string
  serviceCidr: string
  clusterDomain: string
  dnsIp: string
  /** Port of the DNS server at `hostAddress`; 0 where there is none. */
  dnsPort: number
}

/** Private networks of a machine; each cluster takes one. */
const SLOTS = 64

export interface ClusterNetworks {
  hostAddress: string
  nodeAddress(index: number): string
  clusterCidr: string
  serviceCidr: string
  dnsIp: string
}

/** The networks of a slot; no two slots share an address. */
export function networksOf(slot: number): ClusterNetworks {
  return {
    hostAddress: `172.30.${slot}.1`,
    nodeAddress: (index) => `172.30.${slot}.${10 + index}`,
    clusterCidr: `10.${244 - slot}.0.0/16`,
    serviceCidr: `10.${96 + slot}.0.0/16`,
    dnsIp: `10.${96 + slot}.0.10`,
  }
}

/** The root of all clusters: the system's for root, the user's own otherwise. */
export function defaultDataRoot(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  if (env.ROSTRUM_DATA) return env.ROSTRUM_DATA
  return isRoot
    ? '/var/lib/rostrum'
    : join(env.XDG_DATA_HOME ?? join(env.HOME ?? homedir(), '.local', 'share'), 'rostrum')
}

export class ClusterDirectory {
  readonly root: string
  readonly name: string

  constructor(root: string, name: string) {
    if (!/^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name)) {
      throw new CliError('usage', `${JSON.stringify(name)} can't be the name of a cluster`, {
        hint: 'use up to 30 lower-case letters, digits and dashes',
      })
    }
    this.root = root
    this.name = name
  }

  get path(): string {
    return join(this.root, this.name)
  }

  in(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  node(name: string, ...parts: string[]): string {
    return this.in('nodes', name, ...parts)
  }

  get exists(): boolean {
    return existsSync(this.in('cluster.json'))
  }

  /** Throws CliError where there is no such cluster, or its description can't be read. */
  load(): ClusterDescription {
    if (!this.exists) {
      throw new CliError('notFound', `there is no cluster ${JSON.stringify(this.name)} in ${this.root}`, {
        hint: `start it with: rostrum up${this.name === 'default' ? '' : ` --name ${this.name}`}`,
      })
    }
    try {
      const description = JSON.parse(readFileSync(this.in('cluster.json'), 'utf8')) as ClusterDescription
      if (description.version !== 1) throw new SyntaxError(`version ${String(description.version)} is not known`)
      return description
    } catch (cause) {
      throw new CliError('failed', `cannot read ${this.in('cluster.json')}: ${(cause as Error).message}`, {
        hint: `remove the cluster with: rostrum down --purge --name ${this.name}`,
        cause,
      })
    }
  }

  save(description: ClusterDescription) {
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
    const partial = this.in('.cluster.json.partial')
    writeFileSync(partial, `${JSON.stringify(description, undefined, 2)}\n`, { mode: 0o600 })
    renameSync(partial, this.in('cluster.json'))
  }

  remove() {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Names of the clusters under `root`. */
export function listClusters(root: string): string[] {
  if (!existsSync(root)) return []
  return readdirSync(root).filter((name) => existsSync(join(root, name, 'cluster.json')))
}

/** A slot that no other cluster under `root` uses. Throws CliError where there is none. */
export function freeSlot(root: string, isInUse: (slot: number) => boolean): number {
  const taken = new Set(listClusters(root).map((name) => new ClusterDirectory(root, name).load().slot))
  for (let slot = 0; slot < SLOTS; slot++) if (!taken.has(slot) && !isInUse(slot)) return slot
  throw new CliError('failed', `all ${SLOTS} private networks of this machine are in use`, {
    hint: 'end a cluster with: rostrum down --name NAME',
  })
}
