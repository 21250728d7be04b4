/** `rostrum down`: ends a cluster so that nothing of it is left on this machine, from whatever state it is in. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { kubeconfigPath, removeFromKubeconfig } from '#cli/kubeconfig-file.ts'
import type { Progress } from '#cli/progress.ts'
import { createBridgeNetwork } from '#network/bridge.ts'
import { createSystemHost } from '#network/host.ts'
import { removeClusterNetwork } from '#network/machine.ts'
import { purge } from '#runtime/cri-server.ts'
import { contextName } from './access.ts'
import type { ClusterDescription, ClusterDirectory, NodeDescription } from './cluster-directory.ts'
import { removeCgroups, unmountBelow } from './leftovers.ts'
import { endPods } from './containerd.ts'
import { cgroupRootOf, containerdPaths, criSocket } from './node-parts.ts'
import { isTakenByAnother, releaseClaims } from './slots.ts'
import { stopSupervised } from './supervisor.ts'

/** `removeData` also forgets the cluster's objects, images and keys. */
export async function down(directory: ClusterDirectory, removeData: boolean, progress: Progress): Promise<void> {
  const description = directory.load()
  const host = createSystemHost()
  // Agents first, that nobody starts again what is being ended.
  await progress.step('agents', () =>
    Promise.all(description.nodes.map((node) => stopSupervised(directory.pids, `${node.name}-agent`, systemClock))),
  )
  const hasNodes = description.nodes.length > 0
  const taken = isTakenByAnother(description.slot, directory)
  if (hasNodes && !taken.name) {
    await progress.step('containers', async () => {
      for (const node of description.nodes) await endNode(directory, description, node, removeData)
    })
  }
  await progress.step('API server', () => stopSupervised(directory.pids, 'server', systemClock))
  if (hasNodes) {
    await progress.step('network', async () => {
      if (!taken.slot) await removeClusterNetwork(host, description.slot, silentLog)
    })
    if (!taken.name) rmSync(directory.run(), { recursive: true, force: true })
    releaseClaims(description.slot, directory)
  }
  rmSync(directory.pids, { recursive: true, force: true })
  removeFromKubeconfig(kubeconfigPath(process.env), contextName(directory.name))
  if (removeData) directory.remove()
}

async function endNode(
  directory: ClusterDirectory,
  description: ClusterDescription,
  node: NodeDescription,
  removeData: boolean,
): Promise<void> {
  if (description.runtime === 'containerd') await endPods(containerdPaths(directory, node)).catch(() => {})
  await stopSupervised(directory.pids, `${node.name}-cri`, systemClock)
  const cgroupRoot = cgroupRootOf(description.name, node.name)
  const runDir = directory.run(node.name)
  const network = createBridgeNetwork({
    host: createSystemHost(),
    stateDirectory: join(runDir, 'network'),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  await purge({
    socketPath: criSocket(directory, node),
    stateDir: directory.node(node.name, 'cri'),
    runtimeDir: join(runDir, 'cri'),
    network,
    cgroupRoot: `${cgroupRoot}/unnamed`,
    keepImages: !removeData,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  network.stop()
  await removeCgroups(cgroupRoot)
  await unmountBelow(runDir)
  await unmountBelow(directory.node(node.name))
}
