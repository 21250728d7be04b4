/** Why no node can take a pod, in the words of upstream's `framework.FitError`. */

export interface Diagnosis {
  /** How many nodes there are. */
  readonly nodeCount: number
  /** Where a plugin refused all nodes at once. */
  readonly preFilterMessage: string
  /** How many nodes were refused for which reason; one node may have several. */
  readonly reasons: ReadonlyMap<string, number>
  readonly postFilterMessage: string
}

/** `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: ...` */
export function fitErrorMessage(diagnosis: Diagnosis): string {
  let message = `0/${diagnosis.nodeCount} nodes are available:`
  if (diagnosis.preFilterMessage) message += ` ${diagnosis.preFilterMessage}.`
  else if (diagnosis.reasons.size > 0) {
    const counted = [...diagnosis.reasons].map(([reason, count]) => `${count} ${reason}`)
    // As text, so that 10 comes before 9: this is the order that users know.
    message += ` ${counted.sort((a, b) => (a < b ? -1 : 1)).join(', ')}.`
  }
  if (diagnosis.postFilterMessage) message += ` ${diagnosis.postFilterMessage}`
  return message
}
