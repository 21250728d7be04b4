/** NodePorts: nodes on which a host port of the pod is in use are out. */
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle } from '../framework/plugin.ts'
import { FITS, SKIP, UNSCHEDULABLE } from '../framework/status.ts'
import { HostPorts } from '../state/host-ports.ts'
import { hostPortsOf, type HostPort } from '../state/pod-shape.ts'

const REASONS = ["node(s) didn't have free ports for the requested pod ports"]

export function nodePorts({ nodes }: PluginHandle): FilterPlugin<readonly HostPort[]> {
  return {
    name: 'NodePorts',
    scope: 'node',
    events: [
      {
        event: { resource: 'Pod', actions: action.delete },
        mayHelp(pod, before) {
          const { spec, status } = before as Pod
          if (!spec.nodeName && !status.nominatedNodeName) return false
          const freed = new HostPorts()
          freed.add(hostPortsOf(spec))
          return freed.conflictsWith(pod.shape.hostPorts)
        },
      },
      { event: { resource: 'Node', actions: action.add } },
    ],
    preFilter: ({ shape }) => (shape.hostPorts.length === 0 ? SKIP : { state: shape.hostPorts }),
    filter: (wanted, node) => (nodes.hostPorts(node)?.conflictsWith(wanted) ? UNSCHEDULABLE : FITS),
    reasons: () => REASONS,
  }
}
