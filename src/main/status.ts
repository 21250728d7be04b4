/** `rostrum status`: what of a cluster runs, and how it is. */
import { readFileSync } from 'node:fs'
import type { Node } from '#api/core/v1/node.ts'
import { nodes, pods } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { ClusterAccess } from '#cli/kubeconfig-file.ts'
import { Client } from '#client/client.ts'
import { createHttpsTransport } from '#client/https-transport.ts'
import { accessOf } from './access.ts'
import type { ClusterDescription, ClusterDirectory } from './cluster-directory.ts'
import { dnsAnswers } from './dns-probe.ts'
import { isSupervised, supervisedPid } from './supervisor.ts'

export interface PartStatus {
  name: string
  running: boolean
  pid?: number
  /** Resident memory in bytes. */
  memoryBytes?: number
}

export interface ClusterStatus {
  name: string
  running: boolean
  server: string
  /** Why the API does not answer. */
  problem?: string
  dns?: boolean
  parts: PartStatus[]
  nodes: { name: string; ready: boolean; address?: string; version: string; simulated: boolean }[]
  pods?: { running: number; total: number }
}

/** A client with the administrator's certificate. */
export function adminClient({ server, ca, clientCert: cert, clientKey: key }: ClusterAccess): Client {
  return new Client(
    createHttpsTransport({ connection: { server, ca, cert, key }, clock: systemClock, callTimeoutMs: 5000 }),
  )
}

export async function clusterStatus(directory: ClusterDirectory): Promise<ClusterStatus> {
  const description = directory.load()
  const names = ['server', ...description.nodes.flatMap((node) => [`${node.name}-cri`, `${node.name}-agent`])]
  const parts = names.map((name) => partStatus(directory, name))
  const status: ClusterStatus = {
    name: description.name,
    running: parts.every((part) => part.running),
    server: `https://127.0.0.1:${description.port}`,
    parts,
    nodes: [],
  }
  if (!parts[0]!.running) return { ...status, problem: 'it is not running' }
  try {
    const client = adminClient(accessOf(directory, description))
    const [nodeList, podList] = await Promise.all([client.list(nodes), client.list(pods)])
    status.nodes = nodeList.items.map((node) => nodeStatus(node, description))
    status.pods = {
      running: podList.items.filter((pod) => pod.status.phase === 'Running').length,
      total: podList.items.length,
    }
    if (description.nodes.length > 0)
      status.dns = await dnsAnswers(description.dnsIp, `kubernetes.default.svc.${description.clusterDomain}`)
  } catch (err) {
    status.problem = messageOf(err)
  }
  return status
}

export function isReady(node: Node): boolean {
  return node.status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
}

function partStatus(directory: ClusterDirectory, name: string): PartStatus {
  const pid = supervisedPid(directory.pids, name)
  if (!isSupervised(directory.pids, name) || pid === undefined) return { name, running: false }
  return { name, running: true, pid, memoryBytes: residentBytes(pid) }
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}

function nodeStatus(node: Node, description: ClusterDescription) {
  const address = node.status.addresses?.find((a) => a.type === 'InternalIP')?.address
  return {
    name: node.metadata.name,
    ready: isReady(node),
    ...(address && { address }),
    version: node.status.nodeInfo?.kubeletVersion ?? '',
    simulated: !description.nodes.some((n) => n.name === node.metadata.name),
  }
}

/** For people. */
export function statusText(status: ClusterStatus): string {
  const lines = [
    `cluster ${status.name}: ${status.problem ?? (status.running ? 'running' : 'incomplete')}`,
    `  API      ${status.server}`,
  ]
  if (status.dns !== undefined) lines.push(`  DNS      ${status.dns ? 'answers' : 'does not answer'}`)
  if (status.pods) lines.push(`  pods     ${status.pods.running} of ${status.pods.total} running`)
  for (const part of status.parts) {
    const detail = part.running ? `pid ${part.pid}, ${Math.round((part.memoryBytes ?? 0) / 1e6)} MB` : 'not running'
    lines.push(`  ${part.name.padEnd(16)} ${detail}`)
  }
  for (const node of status.nodes)
    lines.push(
      `  node ${node.name.padEnd(11)} ${node.ready ? 'Ready' : 'NotReady'} ${node.address ?? ''} ${node.version}`,
    )
  return `${lines.join('\n')}\n`
}
