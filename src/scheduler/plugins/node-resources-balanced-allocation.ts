/**
 * NodeResourcesBalancedAllocation: nodes whose use of cpu and memory the pod makes more even are better. Pods that
 * request neither are not scored, or they would all gather on one node.
 */
import type { PluginHandle, ScorePlugin } from '../framework/plugin.ts'
import { SKIP } from '../framework/status.ts'

interface State {
  readonly cpu: number
  readonly memory: number
}

export function nodeResourcesBalancedAllocation({ nodes }: PluginHandle): ScorePlugin<State> {
  return {
    name: 'NodeResourcesBalancedAllocation',
    scope: 'node',
    normalization: 'none',
    preScore({ shape: { requests } }) {
      return requests.cpu === 0 && requests.memory === 0 ? SKIP : { cpu: requests.cpu, memory: requests.memory }
    },
    score(state, node) {
      const cpu = nodes.cpu.allocatable[node]!
      const memory = nodes.memory.allocatable[node]!
      const usedCpu = nodes.cpu.requested[node]!
      const usedMemory = nodes.memory.requested[node]!
      const after = balance(usedCpu + state.cpu, cpu, usedMemory + state.memory, memory)
      const before = balance(usedCpu, cpu, usedMemory, memory)
      return 50 + Math.trunc((50 + after - before) / 2)
    },
  }
}

/** 100 where both are used to the same part, less the further these parts are apart. One resource alone is balanced. */
function balance(cpuUsed: number, cpu: number, memoryUsed: number, memory: number): number {
  if (cpu === 0 || memory === 0) return 100
  const apart = Math.abs((Math.min(cpuUsed / cpu, 1) - Math.min(memoryUsed / memory, 1)) / 2)
  return Math.trunc((1 - apart) * 100)
}
