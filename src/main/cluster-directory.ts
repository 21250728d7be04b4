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
  /** Certificates that the cluster signs live no longer. Default: a year. */
  certificateLifetimeMs?: number
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

  /** What a node keeps over restarts of the machine. */
  node(name: string, ...parts: string[]): string {
    return this.in('nodes', name, ...parts)
  }

  /** What is worth nothing after a restart of the machine: sockets, namespaces, addresses. */
  run(...parts: string[]): string {
    return join('/run/rostrum', this.name, ...parts)
  }

  /** Process ids of the cluster's parts. */
  get pids(): string {
    return this.in('run')
  }

  log(part: string): string {
    return this.in('logs', `${part}.log`)
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
