/**
 * runtime.v1.RuntimeService: each CRI method in terms of sandboxes, containers and commands. Names, defaults and what is
 * idempotent are containerd's.
 */
import { CgroupDriver, ContainerEventType, PodSandboxState } from '#contracts/cri/enums.ts'
import type { CriMessage, CriMessageInit } from '#contracts/cri/types.ts'
import { type RUNTIME_SERVICE } from '#contracts/cri/services.ts'
import type { StreamingServer } from '#streaming/streaming-server.ts'
import type { Container, Containers } from './containers.ts'
import { stateOf } from './containers.ts'
import type { EventHub } from './event-hub.ts'
import type { Execs } from './execs.ts'
import type { SandboxRecord } from './records.ts'
import type { RuntimeContext } from './runtime-context.ts'
import { nowNs } from './runtime-context.ts'
import type { Sandboxes } from './sandboxes.ts'
import { summary } from './sandboxes.ts'
import type { ServiceImplementation } from './service.ts'
import type { Stats } from './stats.ts'
import { StatusError } from './status-error.ts'

export interface RuntimeServiceParts {
  context: RuntimeContext
  sandboxes: Sandboxes
  containers: Containers
  execs: Execs
  stats: Stats
  events: EventHub
  streaming: StreamingServer
  version: string
}

export function runtimeService(parts: RuntimeServiceParts): ServiceImplementation<typeof RUNTIME_SERVICE> {
  const { context, sandboxes, containers, execs, stats, events, streaming, version } = parts

  const sandboxList = (filter: CriMessage<'PodSandboxFilter'> | undefined) =>
    sandboxes
      .list()
      .filter((record) => matchesSandbox(record, filter))
      .map(summary)
  const containerList = (filter: CriMessage<'ContainerFilter'> | undefined) =>
    containers
      .list()
      .filter((container) => matchesContainer(container, filter))
      .map((container) => {
        const { id, metadata, image, imageRef, imageId, state, createdAt, labels, annotations } =
          containers.status(container)
        return {
          id,
          podSandboxId: container.record.sandboxId,
          metadata,
          image,
          imageRef,
          imageId,
          state,
          createdAt,
          labels,
          annotations,
        }
      })
  const containerStats = (filter: CriMessage<'ContainerStatsFilter'> | undefined) => {
    const matching = containers
      .list()
      .filter(
        ({ record }) =>
          record.state === 'running' &&
          (!filter?.id || record.id === filter.id) &&
          (!filter?.podSandboxId || record.sandboxId === filter.podSandboxId) &&
          hasLabels(record.config.labels, filter?.labelSelector),
      )
    return Promise.all(matching.map((container) => stats.container(container)))
  }
  const sandboxStats = (filter: CriMessage<'PodSandboxStatsFilter'> | undefined) => {
    const matching = sandboxes
      .list()
      .filter(
        (record) =>
          record.ready &&
          (!filter?.id || record.id === filter.id) &&
          hasLabels(record.config.labels, filter?.labelSelector),
      )
    return Promise.all(matching.map((record) => stats.sandbox(record)))
  }
  const stopSandbox = async (id: string) => {
    await Promise.all(containers.ofSandbox(id).map(({ record }) => containers.stop(record.id, 0)))
    await sandboxes.stop(id)
  }
  const snapshot = (record: SandboxRecord) => ({
    podSandboxStatus: sandboxes.status(record),
    containersStatuses: containers.ofSandbox(record.id).map((container) => containers.status(container)),
  })
  const publish = (record: SandboxRecord, containerEventType: ContainerEventType) => {
    if (events.subscriberCount === 0) return
    events.publish({
      containerId: record.id,
      containerEventType,
      createdAt: Number(nowNs(context.clock)),
      ...snapshot(record),
    })
  }

  return {
    async version() {
      return { version: '0.1.0', runtimeName: 'rostrum-cri', runtimeVersion: version, runtimeApiVersion: 'v1' }
    },

    async runPodSandbox({ config, runtimeHandler }) {
      if (!config) throw new StatusError('INVALID_ARGUMENT', 'sandbox config is required')
      const record = await sandboxes.run(config, runtimeHandler)
      publish(record, ContainerEventType.CONTAINER_CREATED_EVENT)
      publish(record, ContainerEventType.CONTAINER_STARTED_EVENT)
      return { podSandboxId: record.id }
    },
    async stopPodSandbox({ podSandboxId }) {
      const record = sandboxes.find(podSandboxId)
      if (!record) return {}
      const wasReady = record.ready
      await stopSandbox(record.id)
      if (wasReady) publish(record, ContainerEventType.CONTAINER_STOPPED_EVENT)
      return {}
    },
    async removePodSandbox({ podSandboxId }) {
      const record = sandboxes.find(podSandboxId)
      if (!record) return {}
      const wasReady = record.ready
      await stopSandbox(record.id)
      if (wasReady) publish(record, ContainerEventType.CONTAINER_STOPPED_EVENT)
      await Promise.all(containers.ofSandbox(record.id).map((container) => containers.remove(container.record.id)))
      await sandboxes.remove(record.id)
      stats.forget(record.id)
      publish(record, ContainerEventType.CONTAINER_DELETED_EVENT)
      return {}
    },
    async podSandboxStatus({ podSandboxId, verbose }) {
      const record = sandboxes.get(podSandboxId)
      const info: Record<string, string> = verbose
        ? {
            info: JSON.stringify({
              netns: sandboxes.netnsPath(record),
              pid: sandboxes.holderPid(record.id) ?? 0,
              executor: context.executor.name,
            }),
          }
        : {}
      const { podSandboxStatus, containersStatuses } = snapshot(record)
      return { status: podSandboxStatus, info, containersStatuses, timestamp: Number(nowNs(context.clock)) }
    },
    async listPodSandbox({ filter }) {
      return { items: sandboxList(filter) }
    },
    async *streamPodSandboxes({ filter }) {
      for (const podSandboxes of pieces(sandboxList(filter))) yield { podSandboxes }
    },

    async createContainer({ podSandboxId, config }) {
      if (!config) throw new StatusError('INVALID_ARGUMENT', 'container config is required')
      const container = await containers.create(sandboxes.get(podSandboxId), config)
      return { containerId: container.record.id }
    },
    async startContainer({ containerId }) {
      await containers.start(containers.get(containerId).record.id)
      return {}
    },
    async stopContainer({ containerId, timeout }) {
      const container = containers.find(containerId)
      if (container) await containers.stop(container.record.id, timeout * 1000)
      return {}
    },
    async removeContainer({ containerId }) {
      const container = containers.find(containerId)
      if (!container) return {}
      await containers.remove(container.record.id)
      stats.forget(container.record.id)
      return {}
    },
    async listContainers({ filter }) {
      return { containers: containerList(filter) }
    },
    async *streamContainers({ filter }) {
      for (const piece of pieces(containerList(filter))) yield { containers: piece }
    },
    async containerStatus({ containerId, verbose }) {
      const container = containers.get(containerId)
      const { record, process, cgroupPath } = container
      const info: Record<string, string> = verbose
        ? {
            info: JSON.stringify({
              sandboxID: record.sandboxId,
              pid: process?.pid ?? 0,
              cgroup: cgroupPath,
              executor: context.executor.name,
              runtimeSpec: record.state === 'exited' ? undefined : containers.plan(container).spec,
            }),
          }
        : {}
      return { status: containers.status(container), info }
    },
    async updateContainerResources({ containerId, linux }) {
      if (linux) await containers.update(containers.get(containerId).record.id, linux)
      return {}
    },
    async reopenContainerLog({ containerId }) {
      containers.reopenLog(containerId)
      return {}
    },

    async execSync({ containerId, cmd, timeout }, signal) {
      return execs.execSync(containerId, cmd, timeout * 1000, signal)
    },
    async exec(request) {
      containers.running(request.containerId)
      return { url: streaming.urlFor({ kind: 'exec', request }) }
    },
    async attach(request) {
      const { record } = containers.running(request.containerId)
      return {
        url: streaming.urlFor({
          kind: 'attach',
          request: { ...request, stdin: request.stdin && record.config.stdin, tty: record.config.tty },
        }),
      }
    },
    async portForward(request) {
      if (!sandboxes.get(request.podSandboxId).ready)
        throw new StatusError('FAILED_PRECONDITION', `sandbox container "${request.podSandboxId}" is not running`)
      return { url: streaming.urlFor({ kind: 'portforward', request }) }
    },

    async containerStats({ containerId }) {
      return { stats: await stats.container(containers.get(containerId)) }
    },
    async listContainerStats({ filter }) {
      return { stats: await containerStats(filter) }
    },
    async *streamContainerStats({ filter }) {
      for (const piece of pieces(await containerStats(filter))) yield { containerStats: piece }
    },
    async podSandboxStats({ podSandboxId }) {
      return { stats: await stats.sandbox(sandboxes.get(podSandboxId)) }
    },
    async listPodSandboxStats({ filter }) {
      return { stats: await sandboxStats(filter) }
    },
    async *streamPodSandboxStats({ filter }) {
      for (const piece of pieces(await sandboxStats(filter))) yield { podSandboxStats: piece }
    },

    async updateRuntimeConfig({ runtimeConfig }) {
      const podCidr = runtimeConfig?.networkConfig?.podCidr
      if (podCidr) await context.network.updatePodCidr?.(podCidr)
      return {}
    },
    async status({ verbose }) {
      const network = await context.network.status()
      const features = { recursiveReadOnlyMounts: true, userNamespaces: false }
      return {
        status: {
          conditions: [
            { type: 'RuntimeReady', status: true, reason: '', message: '' },
            { type: 'NetworkReady', status: network.ready, reason: network.reason, message: network.message },
          ],
        },
        info: verboseOnly(verbose, {
          config: JSON.stringify({
            stateDir: context.stateDir,
            executor: context.executor.name,
            cgroupVersion: context.cgroups.layout.version,
          }),
        }),
        runtimeHandlers: ['', context.executor.name].map((name) => ({ name, features })),
        features: { supplementalGroupsPolicy: true },
      }
    },
    async runtimeConfig() {
      return { linux: { cgroupDriver: CgroupDriver.CGROUPFS } }
    },
    getContainerEvents: (_, signal) =>
      events.subscribe(signal) as AsyncIterable<CriMessageInit<'ContainerEventResponse'>>,

    async updatePodSandboxResources({ podSandboxId }) {
      // The kubelet changes the pod's cgroup itself; the runtime keeps nothing that depends on it.
      sandboxes.get(podSandboxId)
      return {}
    },
    async listMetricDescriptors() {
      return { descriptors: [] }
    },
    async listPodSandboxMetrics() {
      return { podMetrics: [] }
    },
  }
}

function matchesSandbox(record: SandboxRecord, filter: CriMessage<'PodSandboxFilter'> | undefined): boolean {
  if (!filter) return true
  if (filter.id && !record.id.startsWith(filter.id)) return false
  if (filter.state && (filter.state.state === PodSandboxState.SANDBOX_READY) !== record.ready) return false
  return hasLabels(record.config.labels, filter.labelSelector)
}

function matchesContainer({ record }: Container, filter: CriMessage<'ContainerFilter'> | undefined): boolean {
  if (!filter) return true
  if (filter.id && !record.id.startsWith(filter.id)) return false
  if (filter.podSandboxId && !record.sandboxId.startsWith(filter.podSandboxId)) return false
  if (filter.state && filter.state.state !== stateOf(record)) return false
  return hasLabels(record.config.labels, filter.labelSelector)
}

function hasLabels(labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

/** Lists in messages of at most 100 items. */
function* pieces<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += 100) yield list.slice(at, at + 100)
}

const verboseOnly = (verbose: boolean, info: Record<string, string>): Record<string, string> => (verbose ? info : {})
