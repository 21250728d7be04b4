/** SchedulingGates: a pod with gates is not considered before all of them are gone. */
import type { Pod } from '#api/core/v1/pod.ts'
import { action } from '../framework/cluster-event.ts'
import type { PreEnqueuePlugin } from '../framework/plugin.ts'

export function schedulingGates(): PreEnqueuePlugin {
  return {
    name: 'SchedulingGates',
    events: [
      {
        event: { resource: 'Pod', actions: action.updatePodSchedulingGatesEliminated },
        mayHelp: (pod, _before, after) => (after as Pod).metadata.uid === pod.uid,
      },
    ],
    preEnqueue(pod) {
      const gates = pod.spec.schedulingGates ?? []
      return gates.length > 0 ? `waiting for scheduling gates: [${gates.map((g) => g.name).join(' ')}]` : undefined
    },
  }
}
