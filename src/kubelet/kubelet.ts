/**
 * The node agent: runs the pods that are bound to this node in a container runtime, and tells the API about them. Here its
 * parts are put together; each has a file of its own. All state is rebuilt from the runtime and the API, so the agent may
 * be restarted at any time and containers run on. Upstream: kubelet.
 */
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cgroups, detectCgroups } from '#base/cgroup.ts'
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { createAuthority, type KeyPair } from '#base/x509.ts'
import type { ConfigMap, Secret } from '#api/core/v1/config.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Taint } from '#api/core/v1/shared.ts'
import { configMaps, nodes, pods, runtimeClasses, secrets, services } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import type { Informers } from '#client/informer.ts'
import { createInformers } from '#client/informers.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import { AccountTokens } from './account-tokens.ts'
import type { CertificateStore } from './certificates/certificate-store.ts'
import { servingCertificateOf } from './certificates/node-certificates.ts'
import { RotatingCertificate } from './certificates/rotating-certificate.ts'
import { configReferences } from './config-references.ts'
import { ContainerKiller } from './container-killer.ts'
import { ContainerStarter } from './container-starter.ts'
import { parseResolvConf } from './dns-config.ts'
import { defaultThresholds, Eviction, type Thresholds } from './eviction.ts'
import { Garbage } from './garbage.ts'
import { Housekeeping } from './housekeeping.ts'
import { ImageGarbage } from './image-garbage.ts'
import { ImagePuller } from './image-puller.ts'
import { PodEvents } from './kubelet-events.ts'
import { kubeletFamilies } from './kubelet-metrics.ts'
import { diskSpace, readMachineInfo } from './machine-info.ts'
import { NodeAgent } from './node-agent.ts'
import { nodeCapacity, type NodeIdentity, type NodeObservation } from './node-object.ts'
import { PodCgroups } from './pod-cgroups.ts'
import { PodExecutor } from './pod-executor.ts'
import { PodSet } from './pod-set.ts'
import type { PodWorkerContext } from './pod-worker.ts'
import { Prober } from './prober.ts'
import { RuntimeState } from './runtime-state.ts'
import { RuntimeView } from './runtime-view.ts'
import { RuntimeWatch } from './runtime-watch.ts'
import { type KubeletServer, startKubeletServer } from './server/server.ts'
import { SummarySource } from './stats/summary.ts'
import { StatusWriter } from './status-writer.ts'
import { MountTable } from './volumes/mount-table.ts'
import { PodVolumes } from './volumes/pod-volumes.ts'
import { WatchedObjects } from './watched-objects.ts'

export interface KubeletOptions {
  nodeName: string
  client: Client
  /** Shared with other components of the process; default: the agent's own. */
  informers?: Informers
  cri: CriClient
  /** Volumes and other files of pods. */
  rootDir: string
  /** Container logs, `/var/log/pods` elsewhere. */
  podLogsDir: string
  /** Absolute; `/` is the host's own. */
  cgroupRoot: string
  /** Default: those of this host. `null` leaves control groups to the runtime. */
  cgroups?: Cgroups | null
  /** Addresses of this node, primary first. */
  nodeIps: readonly string[]
  /** Addresses of the cluster's DNS service. */
  clusterDns: readonly string[]
  clusterDomain: string
  serverTls: ServerTls
  /** Port 0 picks a free one. Default 0.0.0.0:10250. */
  listen?: { address: string; port: number }
  /** Default 110. */
  maxPods?: number
  labels?: Readonly<Record<string, string>>
  taints?: readonly Taint[]
  /** Kept from pods. */
  reserved?: { milliCpu: number; memoryBytes: number }
  /** What `nodeInfo.kubeletVersion` says. */
  version: string
  evictionThresholds?: Thresholds
  /** Default `/etc/resolv.conf`. */
  resolvConf?: string
  /** Where `localhostProfile` names of seccomp point. Default `<rootDir>/seccomp`. */
  seccompRoot?: string
  /** Sandboxes and containers that the runtime makes at a time. Default twice the processors, at least 4. */
  parallelStarts?: number
  clock: Clock
  random: Random
  log: Log
  /** Aborting it is `close`. */
  signal?: AbortSignal
}

/** PEM. `clientCa` signs clients' certificates; the server's own is given, or asked for and kept in `store`. */
export type ServerTls = { clientCa: string } & (KeyPair | { store: CertificateStore; lifetimeSeconds?: number })

export interface Kubelet {
  /** Where its server listens. */
  readonly port: number
  /** Resolves when the node has been Ready once. */
  readonly ready: Promise<void>
  /** Stops looking after pods, which run on. */
  close(): Promise<void>
}

const READY_CHECK_MS = 50

/** Resolves once the server listens and the node is registered. Rejects when the signal aborts before, or with the system error where the port is taken. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { nodeName, client, cri, clock, random, rootDir, podLogsDir, clusterDomain } = options
  const log = options.log.child({ component: 'kubelet', node: nodeName })
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const informers = options.informers ?? createInformers({ client, clock, random, log, signal })
  const recorder = createEventRecorder({ client, clock, random, log, component: 'kubelet', host: nodeName, signal })
  const events = new PodEvents(recorder)
  const machine = await readMachineInfo()
  const mounts = new MountTable()
  const podsDir = join(rootDir, 'pods')
  const memoryDir = await prepareDirectories(rootDir, podsDir, podLogsDir, mounts, machine.memoryBytes, log)
  const hostDns = parseResolvConf(await readFile(options.resolvConf ?? '/etc/resolv.conf', 'utf8').catch(() => ''))

  const runtime = new RuntimeState({ cri, clock })
  const view = new RuntimeView({ cri, clock, log, onChange: (uid) => podSet.runtimeChanged(uid) })
  const watch = new RuntimeWatch({ cri, view, clock, log, signal })
  const imageFsPath = () => imageFileSystem(cri, rootDir)
  const summaries = new SummarySource({
    cri,
    clock,
    log,
    nodeName,
    nodeFsPath: rootDir,
    imageFsPath,
    pods: () => view.all(),
  })

  let server: KubeletServer | undefined
  let rotation: Promise<void> | undefined
  const identity: NodeIdentity = {
    nodeName,
    hostname: nodeName,
    nodeIps: options.nodeIps,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    maxPods: options.maxPods ?? 110,
    get port() {
      return server?.port ?? 0
    },
    kubeletVersion: options.version,
    reserved: options.reserved ?? { milliCpu: 0, memoryBytes: 0 },
  }
  const diskCapacityBytes = (await diskSpace(rootDir)).capacityBytes
  const observation = (): NodeObservation => ({
    machine,
    diskCapacityBytes,
    runtimeVersion: runtime.version,
    runtimeHandlers: runtime.handlers,
    supportsStrictGroups: runtime.supportsStrictGroups,
    images: runtime.images,
    pressure: eviction.pressure,
    problems: [...runtime.problems, ...(watch.error ? [`PLEG is not healthy: ${watch.error}`] : [])],
  })
  const agent = new NodeAgent({
    client,
    clock,
    random,
    log,
    recorder,
    identity,
    async observe() {
      await runtime.refresh()
      return observation()
    },
    signal,
  })

  const config = {
    configMaps: new WatchedObjects<ConfigMap>({
      resource: configMaps,
      client,
      clock,
      random,
      log,
      onChange: configChanged,
    }),
    secrets: new WatchedObjects<Secret>({ resource: secrets, client, clock, random, log, onChange: configChanged }),
  }
  function configChanged(owners: readonly string[]) {
    for (const uid of owners) {
      volumes.markStale(uid)
      podSet.notify(uid)
    }
  }
  const configSource = {
    configMap: (namespace: string, name: string) => config.configMaps.get(namespace, name),
    secret: (namespace: string, name: string) => config.secrets.get(namespace, name),
  }
  const tokens = new AccountTokens({ client, clock, random })
  const { allocatable } = nodeCapacity(identity, { machine, diskCapacityBytes } as NodeObservation)
  const volumes = new PodVolumes({
    podsDir,
    memoryDir,
    mounts,
    payload: { config: configSource, allocatable, token: (pod, projection) => tokens.get(pod, projection) },
    client,
    clock,
    random,
    log,
  })
  const cgroups = new PodCgroups(
    options.cgroups === undefined ? detectCgroups() : (options.cgroups ?? undefined),
    options.cgroupRoot,
    clock,
  )
  const prober = new Prober({ cri, clock, log, events, onResult: (uid) => podSet.notify(uid) })
  const statuses = new StatusWriter({ client, clock, log })
  const killer = new ContainerKiller({ cri, clock, log, events, view })
  const puller = new ImagePuller({ cri, clock, events })
  const starts = new Limiter(options.parallelStarts ?? Math.max(4, machine.cpuCount * 2))
  const serviceInformer = informers.for(services)
  const starter = new ContainerStarter({
    cri,
    clock,
    random,
    events,
    view,
    killer,
    puller,
    config: configSource,
    volumes,
    mounts,
    starts,
    services() {
      if (serviceInformer.isSynced) return serviceInformer.list()
      throw new Error('services have not yet been read at least once, cannot construct envvars')
    },
    node: () => ({
      hostIps: options.nodeIps,
      allocatable,
      memoryCapacityBytes: machine.memoryBytes,
      supportsRecursiveReadOnly: runtime.supportsRecursiveReadOnly,
    }),
    podLogsDir,
    seccompRoot: options.seccompRoot ?? join(rootDir, 'seccomp'),
    clusterDomain,
  })
  const executor = new PodExecutor({
    cri,
    clock,
    events,
    view,
    killer,
    starter,
    starts,
    dns: () => ({ host: hostDns, clusterDns: options.clusterDns, clusterDomain }),
    hostIps: () => options.nodeIps,
    cgroupParent: (pod) => cgroups.path(pod),
    runtimeHandler: (pod) => runtimeHandler(client, pod),
    podLogsDir,
    clusterDomain,
  })
  const context: PodWorkerContext = {
    clock,
    random,
    log,
    events,
    view,
    prober,
    statuses,
    volumes,
    cgroups,
    executor,
    killer,
    hostIps: () => options.nodeIps,
    runtimeName: () => runtime.name,
    networkError: () => runtime.networkError,
    followConfig(pod) {
      const { uid, namespace = '' } = pod.metadata
      const references = configReferences(pod)
      config.configMaps.want(uid, namespace, references.configMaps)
      config.secrets.want(uid, namespace, references.secrets)
    },
    releaseConfig(pod) {
      const { uid } = pod.metadata
      config.configMaps.release(uid)
      config.secrets.release(uid)
      tokens.forget(uid)
      starter.forget(pod)
      puller.forget(
        uid,
        [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((c) => c.image ?? ''),
      )
    },
    pullSecrets: (pod) => pullSecrets(pod, config.secrets, events),
    volumesRenewAtMs: (uid) => tokens.renewAtMs(uid),
    onGone: (worker) => podSet.gone(worker),
  }
  const garbage = new Garbage({ cri, log, view, volumes, cgroups, podLogsDir })
  const podSet = new PodSet({
    context,
    garbage,
    killer,
    log,
    node: () => agent.node,
    pressure: () => eviction.pressure,
  })
  const imageGarbage = new ImageGarbage({
    cri,
    clock,
    log,
    inUse: () => new Set(view.all().flatMap((pod) => pod.containers.flatMap((c) => [c.imageRef, c.image]))),
    disk: async () => diskSpace(await imageFsPath()),
    onShortage: (message) => agent.node && recorder.event(agent.node, 'Warning', 'FreeDiskSpaceFailed', message),
  })
  const eviction = new Eviction({
    clock,
    log,
    thresholds: options.evictionThresholds ?? defaultThresholds,
    summary: () => summaries.get(),
    nodeDisk: () => diskSpace(rootDir),
    imageDisk: async () => diskSpace(await imageFsPath()),
    pods: () => podSet.active(),
    evict(pod, verdict) {
      events.pod(pod, 'Warning', 'Evicted', verdict.message)
      podSet.end(pod.metadata.uid, verdict)
    },
    removeUnusedImages: () => imageGarbage.removeUnused(),
    onPressure: () => agent.poke(),
    signal,
  })
  const housekeeping = new Housekeeping({
    clock,
    log,
    cri,
    view,
    garbage,
    imageGarbage,
    podSet,
    volumes,
    events,
    signal,
  })

  const tls = options.serverTls
  const serving =
    'store' in tls
      ? new RotatingCertificate({
          ...servingCertificateOf(nodeName, options.nodeIps),
          ...tls,
          client: () => client,
          onCertificate: (pair) => server?.useCertificate(pair),
          onPendingKey: (pair) => server?.proveKey(pair),
          clock,
          random,
          log,
          signal,
        })
      : undefined

  const release = async () => {
    stop.abort(new Error('the node agent ends'))
    podSet.close()
    prober.stop()
    statuses.close()
    config.configMaps.stop()
    config.secrets.stop()
    if (!options.informers) informers.stop()
    await server?.close()
  }
  try {
    await Promise.all([runtime.refresh(), relistUntilDone(view, clock, log, signal)])
    // Nobody trusts a certificate that signs itself, but who asks for the proof of a key has to be answered.
    const shown = 'store' in tls ? (serving?.current ?? selfSigned(nodeName, clock, random)) : tls
    server = await startKubeletServer({
      client,
      nodeName,
      cri,
      clock,
      log,
      tls: { cert: shown.cert, key: shown.key, clientCa: tls.clientCa },
      listen: options.listen ?? { address: '0.0.0.0', port: 10_250 },
      pods: () => podSet.served(),
      pod: (namespace, name) => podSet.servedPod(namespace, name),
      summary: () => summaries.get(),
      metrics: () => kubeletFamilies(nodeName, podSet, view),
      config: () => ({
        kind: 'KubeletConfiguration',
        apiVersion: 'kubelet.config.k8s.io/v1beta1',
        maxPods: identity.maxPods,
        clusterDNS: options.clusterDns,
        clusterDomain,
        podLogsDir,
        cgroupRoot: options.cgroupRoot,
        evictionHard: options.evictionThresholds ?? defaultThresholds,
      }),
      healthError: () => watch.error,
    })
    rotation = serving?.run()
    await agent.register()
  } catch (thrown) {
    await release()
    throw thrown
  }

  if (agent.node) recorder.event(agent.node, 'Normal', 'Starting', 'Starting kubelet.')
  const observeNode = (node: Node) => {
    agent.observe(node)
    const { podCIDR, podCIDRs = podCIDR ? [podCIDR] : [] } = node.spec
    runtime.tellPodCidr(podCIDRs.join(',')).then(
      (isNews) => isNews && agent.poke(),
      (err: unknown) => log.warn({ err }, `cannot tell the runtime its pod network: ${messageOf(err)}`),
    )
  }
  informers.for(nodes, { fieldSelector: `metadata.name=${nodeName}` }).handle({
    added: observeNode,
    updated: observeNode,
  })
  const ownPods = informers.for(pods, { fieldSelector: `spec.nodeName=${nodeName}` })
  const unsubscribe = ownPods.handle({
    added: (pod) => podSet.put(pod),
    updated: (pod) => podSet.put(pod),
    deleted: (pod) => podSet.remove(pod),
  })
  signal.addEventListener('abort', unsubscribe, { once: true })
  void ownPods.synced(signal).then(
    () => podSet.synced(),
    () => {},
  )
  const loops = Promise.all([watch.run(), agent.run(), eviction.run(), housekeeping.run(), rotation])
  loops.catch((err: unknown) => log.error({ err }, 'a loop of the node agent ended'))

  return {
    port: server.port,
    ready: untilReady(agent, clock, signal),
    async close() {
      await release()
      await loops
    },
  }
}

const selfSigned = (nodeName: string, clock: Clock, random: Random) =>
  createAuthority(nodeName, { days: 1, nowMs: clock.now(), random })

/** Resolves to the directory for what must not reach a disk. */
async function prepareDirectories(
  rootDir: string,
  podsDir: string,
  podLogsDir: string,
  mounts: MountTable,
  memoryBytes: number,
  log: Log,
): Promise<string> {
  const memoryDir = join(rootDir, 'memory')
  for (const dir of [rootDir, podsDir, memoryDir]) {
    await mkdir(dir, { recursive: true })
    await chmod(dir, 0o750)
  }
  await mkdir(podLogsDir, { recursive: true, mode: 0o755 })
  if (await mounts.isMountPoint(memoryDir)) return memoryDir
  try {
    await mounts.mountTmpfs(memoryDir, ['mode=0750', 'nosuid', 'nodev', `size=${Math.floor(memoryBytes / 4)}`])
  } catch (thrown) {
    log.warn({ reason: messageOf(thrown) }, 'cannot keep secrets in memory only; they go to the disk of this node')
  }
  return memoryDir
}

async function relistUntilDone(view: RuntimeView, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    try {
      return await view.relist()
    } catch (thrown) {
      signal.throwIfAborted()
      log.warn({ reason: messageOf(thrown) }, 'the container runtime does not answer yet')
      await sleep(clock, pauseMs, signal)
    }
  }
}

async function untilReady(agent: NodeAgent, clock: Clock, signal: AbortSignal): Promise<void> {
  const isReady = () => agent.node?.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  while (!isReady() && !signal.aborted) await sleep(clock, READY_CHECK_MS, signal).catch(() => {})
}

/** Where the runtime keeps images; the agent's own directory where it doesn't say. */
async function imageFileSystem(cri: CriClient, fallback: string): Promise<string> {
  try {
    const { imageFilesystems } = await cri.image.imageFsInfo({})
    return imageFilesystems[0]?.fsId?.mountpoint || fallback
  } catch {
    return fallback
  }
}

async function runtimeHandler(client: Client, pod: Pod): Promise<string> {
  const name = pod.spec.runtimeClassName
  if (!name) return ''
  const found = await client.find(runtimeClasses, { name })
  if (!found) throw new Error(`RuntimeClass "${name}" not found`)
  return found.handler
}

async function pullSecrets(pod: Pod, source: WatchedObjects<Secret>, events: PodEvents): Promise<Secret[]> {
  const found: Secret[] = []
  const missing: string[] = []
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (!name) continue
    const secret = await source.get(pod.metadata.namespace ?? '', name).catch(() => undefined)
    if (secret) found.push(secret)
    else missing.push(name)
  }
  if (missing.length > 0) {
    events.pod(
      pod,
      'Warning',
      'FailedToRetrieveImagePullSecret',
      `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    )
  }
  return found
}
