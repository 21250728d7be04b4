/** Starts the parts of one node of this machine: its container runtime and its agent, inside its network namespace. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { systemRandom } from '#base/random.ts'
import type { KeyPair } from '#base/x509.ts'
import { netnsNameOf } from '#network/slot.ts'
import type { ClusterDescription, ClusterDirectory, NodeDescription } from './cluster-directory.ts'
import { type ContainerdPaths, prepareContainerd, readyContainerd } from './containerd.ts'
import { hasIdentity } from './node-identity.ts'
import { issueNodeCertificates } from './pki.ts'
import { startSupervised } from './supervisor.ts'

export interface NodePartsOptions {
  directory: ClusterDirectory
  description: ClusterDescription
  node: NodeDescription
  /** Makes a bootstrap token, where the node needs one to join. */
  token(): Promise<string>
  /** Path of the `rostrum` program. */
  program: string
}

/** Nodes that share one machine are bounded by its memory, not by the number that a machine of its own gets. */
const MAX_PODS = 250

/**
 * A small young generation: what a node's parts allocate is short-lived and little at a time. With 50 pods it saves
 * 15-30 MB in each process and costs no CPU that could be measured.
 */
const NODE_FLAGS = ['--max-semi-space-size=2']

export const criSocket = (directory: ClusterDirectory, node: NodeDescription) => directory.run(node.name, 'cri.sock')
export const containerdPaths = (directory: ClusterDirectory, node: NodeDescription): ContainerdPaths => ({
  socket: criSocket(directory, node),
  stateDir: directory.node(node.name, 'containerd'),
  runDir: directory.run(node.name),
  logFile: directory.log(`${node.name}-cri`),
})
export const cgroupRootOf = (cluster: string, node: string) => `/rostrum-${cluster}-${node}`
export const netnsPathOf = ({ slot, name }: ClusterDescription, index: number) =>
  `/run/netns/${netnsNameOf(slot, name, `n${index}`)}`

/** Where a node finds the token with which it joins, until it has. */
export const bootstrapTokenFile = (directory: ClusterDirectory, node: NodeDescription) =>
  directory.node(node.name, 'agent', 'bootstrap-token')

/** Does nothing for a part that runs. */
export async function startNode({ directory, description, node, token, program }: NodePartsOptions): Promise<void> {
  const enter = ['nsenter', `--net=${netnsPathOf(description, node.index)}`, '--']
  const rootDir = directory.node(node.name, 'agent')
  const caFile = directory.in('server', 'pki', 'ca.crt')
  const tokenFile = bootstrapTokenFile(directory, node)
  if (!hasIdentity({ dir: join(rootDir, 'pki'), nodeName: node.name, ca: readFileSync(caFile, 'utf8') }, systemClock)) {
    mkdirSync(rootDir, { recursive: true, mode: 0o700 })
    writeFileSync(tokenFile, await token(), { mode: 0o600 })
  }
  const self = (command: string) => [process.execPath, ...NODE_FLAGS, program, command]
  const start = (part: string, command: string[]) =>
    startSupervised({
      name: `${node.name}-${part}`,
      runDir: directory.pids,
      logFile: directory.log(`${node.name}-${part}`),
      command,
      env: process.env,
      enter,
    })
  const cgroupRoot = cgroupRootOf(description.name, node.name)
  if (description.runtime === 'containerd') {
    const paths = containerdPaths(directory, node)
    start('cri', prepareContainerd(paths, program))
    await readyContainerd(paths)
  } else {
    start('cri', [
      ...self('cri'),
      ...flags({
        socket: criSocket(directory, node),
        'state-dir': directory.node(node.name, 'cri'),
        'run-dir': directory.run(node.name),
        'cgroup-root': `${cgroupRoot}/unnamed`,
      }),
    ])
  }
  start('agent', [
    ...self('agent'),
    ...flags({
      'node-name': node.name,
      server: `https://${description.hostAddress}:${description.port}`,
      'token-file': tokenFile,
      'ca-file': caFile,
      'cri-endpoint': criSocket(directory, node),
      'node-ip': node.address,
      'root-dir': rootDir,
      'service-cidr': description.serviceCidr,
      'cluster-cidr': description.clusterCidr,
      'cluster-dns': description.dnsIp,
      'cluster-domain': description.clusterDomain,
      'cgroup-root': cgroupRoot,
      'max-pods': String(MAX_PODS),
    }),
  ])
}

const flags = (values: Record<string, string>) =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])

/** Makes new keys for a node and puts them where `rostrum agent --credentials` reads them. */
export function writeCredentials(
  dir: string,
  nodeName: string,
  addresses: readonly string[],
  authority: KeyPair,
): void {
  const { client, serving } = issueNodeCertificates(authority, nodeName, addresses, systemClock, systemRandom)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const files = {
    'ca.crt': authority.cert,
    'client.crt': client.cert,
    'client.key': client.key,
    'serving.crt': serving.cert,
    'serving.key': serving.key,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
}
