/** PrioritySort: higher priority first, then whoever has been waiting longer. */
import type { QueueSortPlugin } from '../framework/plugin.ts'

export function prioritySort(): QueueSortPlugin {
  return {
    name: 'PrioritySort',
    less(a, b) {
      if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority
      if (a.timestampMs !== b.timestampMs) return a.timestampMs < b.timestampMs
      return a.sequence < b.sequence
    },
  }
}
