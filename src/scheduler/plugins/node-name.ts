/** NodeName: a pod that names its node goes there or nowhere. (Such pods are normally not scheduled at all.) */
import { action } from '../framework/cluster-event.ts'
import type { FilterPlugin, PluginHandle } from '../framework/plugin.ts'
import { FITS, SKIP, UNRESOLVABLE } from '../framework/status.ts'

const REASONS = ["node(s) didn't match the requested node name"]

export function nodeName({ nodes }: PluginHandle): FilterPlugin<string> {
  return {
    name: 'NodeName',
    scope: 'cluster',
    events: [{ event: { resource: 'Node', actions: action.add } }],
    preFilter: ({ pod }) => (pod.spec.nodeName ? { state: pod.spec.nodeName } : SKIP),
    filter: (wanted, node) => (nodes.name(node) === wanted ? FITS : UNRESOLVABLE),
    reasons: () => REASONS,
  }
}
