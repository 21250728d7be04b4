/** Pods and nodes for the tests and benchmarks of this folder, as the API server would return them. */
import type { Node, NodeSpec, NodeStatus } from '#api/core/v1/node.ts'
import type { Pod, PodSpec, PodStatus } from '#api/core/v1/pod.ts'
import type { ReplicaSet, StatefulSet } from '#api/apps/v1.ts'
import type { Namespace } from '#api/core/v1/namespace.ts'
import type { ReplicationController } from '#api/core/v1/replication-controller.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { KubeObject } from '#api/kind.ts'
import type { Client } from '#client/client.ts'
import type { Lister } from '#client/informer.ts'
import { defaultProfile } from './default-profile.ts'
import type { Random } from '#base/random.ts'
import type { PluginListers, Profile } from './framework/plugin.ts'
import { SchedulingAlgorithm } from './scheduling-algorithm.ts'
import { ClusterCache } from './state/cluster-cache.ts'
import { type PodInfo, podInfo } from './state/pod-info.ts'
import { PodShapes } from './state/pod-shape.ts'

export interface NodeFixture {
  cpu?: string
  memory?: string
  pods?: string
  /** More of `status.allocatable`. */
  resources?: Record<string, string>
  labels?: Record<string, string>
  spec?: NodeSpec
  status?: Partial<NodeStatus>
}

export function testNode(name: string, fixture: NodeFixture = {}): Node {
  const { cpu = '4', memory = '32Gi', pods = '110', resources, labels, spec, status } = fixture
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `node-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: { ...spec },
    status: { allocatable: { cpu, memory, pods, ...resources }, ...status },
  } as Node
}

export interface PodFixture {
  namespace?: string
  labels?: Record<string, string>
  requests?: Record<string, string>
  nodeName?: string
  priority?: number
  /** More of `spec`; may replace the one container. */
  spec?: Partial<PodSpec>
  status?: PodStatus
  terminating?: boolean
}

export function testPod(name: string, fixture: PodFixture = {}): Pod {
  const { namespace = 'default', labels, requests, nodeName, priority, spec, status, terminating } = fixture
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `pod-${namespace}-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(labels && { labels }),
      ...(terminating && { deletionTimestamp: '2026-01-01T00:00:01Z' }),
    },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'main', image: 'registry.example/app:1', ...(requests && { resources: { requests } }) }],
      ...(nodeName && { nodeName }),
      ...(priority !== undefined && { priority }),
      ...spec,
    },
    status: { ...status },
  } as Pod
}

/** Objects by namespace and name. */
export class TestLister<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>()

  put(object: { metadata: { name: string; namespace?: string } }): void {
    const { namespace, name } = object.metadata
    this.#objects.set(`${namespace ?? ''}/${name}`, object as unknown as T)
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(`${namespace ?? ''}/${name}`)
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()]
    return namespace === undefined ? all : all.filter((o) => o.metadata.namespace === namespace)
  }

  byIndex(index: string): T[] {
    throw new RangeError(`there is no index ${index}`)
  }

  get size(): number {
    return this.#objects.size
  }
}

export function testListers() {
  return {
    namespaces: new TestLister<Namespace>(),
    services: new TestLister<Service>(),
    replicationControllers: new TestLister<ReplicationController>(),
    replicaSets: new TestLister<ReplicaSet>(),
    statefulSets: new TestLister<StatefulSet>(),
  } satisfies PluginListers
}

/** A cache with the algorithm of the default profile over it. */
export class TestCluster {
  readonly cache = new ClusterCache()
  readonly shapes = new PodShapes()
  readonly listers = testListers()
  readonly profile: Profile
  readonly algorithm: SchedulingAlgorithm

  /** Without `postFilters` messages end with what the filters say. */
  constructor(random: Random, { postFilters = false } = {}) {
    const handle = { nodes: this.cache.nodes, listers: this.listers }
    const profile = defaultProfile(handle, undefined as unknown as Client)
    this.profile = postFilters ? profile : { ...profile, postFilters: [] }
    this.algorithm = new SchedulingAlgorithm(this.cache.nodes, this.profile, random)
  }

  info(pod: Pod): PodInfo {
    return podInfo(pod, this.shapes)
  }

  /** The weighted total of each feasible node, by name. */
  scores(pod: Pod): Record<string, number> {
    return Object.fromEntries(this.algorithm.explain(this.info(pod)))
  }

  /** The chosen node, or the message that says why there is none. */
  decide(pod: Pod): string {
    const decision = this.algorithm.decide(this.info(pod))
    return 'misfit' in decision ? decision.misfit.message : decision.placement.nodeName
  }
}
