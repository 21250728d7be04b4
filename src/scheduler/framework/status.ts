/** What plugins answer (upstream: `framework.Status` and its codes). */

/** Of one node in Filter. */
export const FITS = 0
/** Not now; evicting pods from the node may help. */
export const UNSCHEDULABLE = 1
/** Not now, and evicting pods does not help. */
export const UNRESOLVABLE = 2
export type FilterCode = typeof FITS | typeof UNSCHEDULABLE | typeof UNRESOLVABLE

/** A plugin refuses the pod, for now, whatever the node (or, from Reserve and Permit on, on the chosen node). */
export class Rejection {
  readonly plugin: string
  readonly reasons: readonly string[]
  /** `pending`: the plugin waits for something, and the pod is to be retried without back-off once that happened. */
  readonly code: 'unschedulable' | 'unresolvable' | 'pending'

  constructor(plugin: string, reasons: readonly string[], code: Rejection['code'] = 'unschedulable') {
    this.plugin = plugin
    this.reasons = reasons
    this.code = code
  }

  get message(): string {
    return this.reasons.join(', ')
  }
}

/** The plugin has nothing to say about this pod in this cycle. */
export const SKIP: unique symbol = Symbol('skip')
export type Skip = typeof SKIP
