/** The plugins of upstream's default profile, in its order and with its weights. */
import type { Client } from '#client/client.ts'
import type { PluginHandle, Profile } from './framework/plugin.ts'
import { defaultBinder } from './plugins/default-binder.ts'
import { defaultPreemption } from './plugins/default-preemption.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { podTopologySpread } from './plugins/pod-topology-spread.ts'
import { prioritySort } from './plugins/priority-sort.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration.ts'

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler'

export function defaultProfile(handle: PluginHandle, client: Client, schedulerName = DEFAULT_SCHEDULER_NAME): Profile {
  const taints = taintToleration(handle)
  const affinity = nodeAffinity(handle)
  const fit = nodeResourcesFit(handle)
  const spread = podTopologySpread(handle)
  const company = interPodAffinity(handle)
  return {
    schedulerName,
    preEnqueue: [schedulingGates()],
    queueSort: prioritySort(),
    filters: [nodeUnschedulable(handle), nodeName(handle), taints, affinity, nodePorts(handle), fit, spread, company],
    postFilters: [defaultPreemption(handle)],
    scores: [
      { plugin: taints, weight: 3 },
      { plugin: affinity, weight: 2 },
      { plugin: fit, weight: 1 },
      { plugin: spread, weight: 2 },
      { plugin: company, weight: 2 },
      { plugin: nodeResourcesBalancedAllocation(handle), weight: 1 },
      { plugin: imageLocality(handle), weight: 1 },
    ],
    reserve: [],
    permit: [],
    preBind: [],
    bind: defaultBinder(client),
    postBind: [],
  }
}
