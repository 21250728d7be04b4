/** `rostrum up`: brings a cluster to where it answers, from whatever state it is in. */
import { accessSync, constants, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { nodes, services } from '#api/resources.ts'
import { sleep, systemClock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { CliError } from '#cli/cli-error.ts'
import { type ClusterAccess, kubeconfigPath, mergeKubeconfig } from '#cli/kubeconfig-file.ts'
import type { Progress } from '#cli/progress.ts'
import type { UpOptions } from '#cli/program.ts'
import type { Client } from '#client/client.ts'
import { createSystemHost } from '#network/host.ts'
import { createNodeNamespace } from '#network/machine.ts'
import { nodeIpOf, planSlot } from '#network/slot.ts'
import { accessOf } from './access.ts'
import { createToken, deleteToken } from './bootstrap-tokens.ts'
import { type ClusterDescription, ClusterDirectory, type RuntimeKind } from './cluster-directory.ts'
import { dnsAnswers } from './dns-probe.ts'
import { bootstrapTokenFile, startNode } from './node-parts.ts'
import { failureIn, logSize } from './part-failure.ts'
import { ensurePki, pkiDirectory } from './pki.ts'
import { servingHosts } from './server-process.ts'
import { takeFreeSlot, takeName, takeSlotAgain } from './slots.ts'
import { adminClient, isReady } from './status.ts'
import { startSupervised } from './supervisor.ts'

const FIRST_PORT = 6443
const LAST_PORT = 6542
const DNS_PORT = 10053
const CLUSTER_DOMAIN = 'cluster.local'
const POLL_MS = 50
/** In case it is not removed when the nodes have joined. */
const JOIN_TOKEN = { lifetimeMs: 3_600_000, description: 'made by rostrum up for the nodes of this machine' }

/** The program itself, as its own parts are started by it. */
export const program = fileURLToPath(new URL('../bin/rostrum.mjs', import.meta.url))

export interface RunningCluster {
  directory: ClusterDirectory
  description: ClusterDescription
  access: ClusterAccess
  client: Client
}

/** Throws CliError. What was started by then stays: `up` again goes on from there, `down` removes it. */
export async function up(options: UpOptions, root: string, progress: Progress): Promise<RunningCluster> {
  const directory = new ClusterDirectory(root, options.name)
  const signal = AbortSignal.timeout(options.timeout)
  const description = directory.exists ? directory.load() : await describe(options, directory)
  const addresses = ['127.0.0.1', ...(description.hostAddress ? [description.hostAddress] : [])]
  ensurePki(
    pkiDirectory(directory.in('server', 'pki')),
    servingHosts(description, addresses),
    systemClock,
    systemRandom,
  )
  const access = accessOf(directory, description)
  const client = adminClient(access)
  const wait = (what: string, part: string, check: Wait['check']) =>
    waitFor({ what, part, check }, { directory, signal, timeoutMs: options.timeout })

  if (description.nodes.length > 0) {
    await progress.step('network', async () => {
      const host = createSystemHost()
      takeName(directory)
      await takeSlotAgain(host, description.slot, directory)
      for (const node of description.nodes) {
        await createNodeNamespace({
          host,
          slot: description.slot,
          cluster: options.name,
          index: node.index,
          log: silentLog,
        })
      }
    })
  }
  await progress.step('API server', async (detail) => {
    startSupervised({
      name: 'server',
      runDir: directory.pids,
      logFile: directory.log('server'),
      command: [process.execPath, program, 'server', '--name', options.name, '--data-dir', root],
      env: process.env,
    })
    detail(access.server)
    await wait('the API server', 'server', async () => {
      try {
        await client.get(services, { namespace: 'default', name: 'kubernetes' })
        return undefined
      } catch (err) {
        return messageOf(err)
      }
    })
  })
  let token: Promise<string> | undefined
  const makeToken = () => (token ??= createToken(client, JOIN_TOKEN, systemClock, systemRandom))
  await Promise.all(
    description.nodes.map((node) => startNode({ directory, description, node, token: makeToken, program })),
  )
  const wanted = description.nodes.length + description.simulatedNodes
  if (wanted > 0) {
    await progress.step(wanted === 1 ? 'node' : `${wanted} nodes`, (detail) =>
      wait(
        'every node to be Ready',
        description.nodes[0] ? `${description.nodes[0].name}-agent` : 'server',
        async () => {
          const { items } = await client.list(nodes)
          const ready = items.filter(isReady).length
          detail(`${ready} of ${wanted} ready`)
          return ready >= wanted ? undefined : `${ready} of ${wanted} are`
        },
      ),
    )
  }
  // All have joined, so nobody needs it any more.
  if (token) await deleteToken(client, await token)
  for (const node of description.nodes) rmSync(bootstrapTokenFile(directory, node), { force: true })
  if (description.nodes.length > 0) {
    await progress.step('DNS', () =>
      wait('DNS to answer', 'server', async () => {
        const answered = await dnsAnswers(description.dnsIp, `kubernetes.default.svc.${description.clusterDomain}`)
        return answered ? undefined : `no answer from ${description.dnsIp}`
      }),
    )
  }
  mergeKubeconfig(kubeconfigPath(process.env), access)
  return { directory, description, access, client }
}

interface Wait {
  /** What is waited for. */
  what: string
  /** The part on whose work it depends. */
  part: string
  check(): Promise<string | undefined>
}

/** So often a part may end for the same reason before it is taken at its word. */
const MAX_FAILURES = 2

/** Checks until `check` has nothing left to wait for. Throws CliError with its last word when time is up, or the part's when it can't start. */
async function waitFor(
  { what, part, check }: Wait,
  { directory, signal, timeoutMs }: { directory: ClusterDirectory; signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const logFile = directory.log(part)
  let offset = logSize(logFile)
  let failures = 0
  let missing: string | undefined
  for (;;) {
    missing = await check().catch((err: unknown) => {
      if (err instanceof CliError) throw err
      return messageOf(err)
    })
    if (missing === undefined) return
    const failure = failureIn(logFile, offset)
    if (failure && ++failures >= MAX_FAILURES)
      throw new CliError('failed', failure.message, { hint: failure.hint ?? `the log is ${logFile}` })
    if (failure) offset = logSize(logFile)
    try {
      await sleep(systemClock, POLL_MS, signal)
    } catch (cause) {
      throw new CliError('timeout', `waited ${Math.round(timeoutMs / 1000)} s for ${what}: ${missing}`, {
        hint: `the log is ${logFile}`,
        cause,
      })
    }
  }
}

async function describe(options: UpOptions, directory: ClusterDirectory): Promise<ClusterDescription> {
  const isRoot = process.getuid?.() === 0
  const runtime: RuntimeKind = options.runtime === 'auto' ? 'builtin' : options.runtime
  const count = runtime === 'none' ? 0 : options.nodes
  if (count > 0 && !isRoot) {
    throw new CliError(
      'host',
      'real nodes need root, because containers need namespaces, mounts and cgroups that only root may make',
      {
        hint: 'run it as root, or without real containers: rostrum up --runtime none --simulated-nodes 3',
      },
    )
  }
  if (runtime === 'containerd' && !findProgram('containerd')) {
    throw new CliError('host', 'containerd is not installed', {
      hint: 'apt-get install containerd runc, or use --runtime builtin',
    })
  }
  if (count > 0) takeName(directory)
  const slot = count > 0 ? await takeFreeSlot(createSystemHost(), directory) : 0
  const plan = planSlot(slot)
  const port = await choosePort(options.port, slot)
  const description: ClusterDescription = {
    version: 1,
    name: options.name,
    slot: count > 0 ? slot : -1,
    port,
    runtime,
    nodes: Array.from({ length: count }, (_, index) => ({
      name: options.name === 'default' ? `node-${index}` : `${options.name}-${index}`,
      index,
      address: nodeIpOf(slot, index),
    })),
    simulatedNodes: options.simulatedNodes,
    ...(options.clusterSigningDuration && { certificateLifetimeMs: options.clusterSigningDuration }),
    store: 'lmdb',
    hostAddress: count > 0 ? plan.hostIp : '',
    clusterCidr: plan.podCidr,
    serviceCidr: plan.serviceCidr,
    clusterDomain: CLUSTER_DOMAIN,
    dnsIp: plan.dnsServiceIp,
    dnsPort: count > 0 ? DNS_PORT : 0,
  }
  directory.save(description)
  return description
}

/** Clusters that are started at the same moment look at different ports first, because their slots differ. */
async function choosePort(asked: number | undefined, slot: number): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked
    throw new CliError('failed', `port ${asked} is in use`, {
      hint: 'name another one with --port, or none to let rostrum choose',
    })
  }
  for (let port = FIRST_PORT + slot; port <= LAST_PORT; port++) if (await isFree(port)) return port
  throw new CliError('failed', `no port from ${FIRST_PORT} to ${LAST_PORT} is free`, { hint: 'name one with --port' })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where a program of the host is, looked for in the PATH and the sbin directories. */
export function findProgram(name: string): string | undefined {
  const dirs = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':')
  return dirs.map((dir) => `${dir}/${name}`).find((path) => isExecutable(path))
}
