/**
 * DefaultPreemption, as far as it goes: says for each node whether evicting pods could help a pod that fits nowhere, in
 * upstream's words. Where it could, which takes pods of lower priority on the node, nothing is evicted yet, and the
 * message says so.
 */
import { fitErrorMessage } from '../framework/diagnosis.ts'
import type { PluginHandle, PostFilterPlugin } from '../framework/plugin.ts'
import { UNSCHEDULABLE } from '../framework/status.ts'

const NO_VICTIMS = 'No preemption victims found for incoming pod'
const NOT_HELPFUL = 'Preemption is not helpful for scheduling'
const NOT_IMPLEMENTED = 'Preemption is not implemented'

export function defaultPreemption({ nodes }: PluginHandle): PostFilterPlugin {
  return {
    name: 'DefaultPreemption',
    postFilter({ pod, priority }, outcome) {
      if (pod.spec.preemptionPolicy === 'Never') {
        return { message: 'preemption: not eligible due to preemptionPolicy=Never.' }
      }
      const mayHaveVictims = nodes.lowestPriority < priority
      const reasons = new Map<string, number>()
      for (let node = 0; node < nodes.end; node++) {
        if (nodes.exists[node] === 0) continue
        let reason = NOT_HELPFUL
        if (outcome.code(node) === UNSCHEDULABLE) {
          const hasVictims = mayHaveVictims && nodes.podsOn(node).some((other) => other.priority < priority)
          reason = hasVictims ? NOT_IMPLEMENTED : NO_VICTIMS
        }
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      }
      const why = { nodeCount: nodes.count, preFilterMessage: '', reasons, postFilterMessage: '' }
      return { nominatedNodeName: '', message: `preemption: ${fitErrorMessage(why)}` }
    },
  }
}
