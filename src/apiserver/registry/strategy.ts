/**
 * What a kind does beyond the generic registry. Every member is optional: a kind without a Strategy is still fully
 * served. Upstream: the `Strategy` types of `pkg/registry/<group>/<kind>`.
 */
import type { KubeObject } from '#api/kind.ts'
import type { FieldError } from '#machinery/status-error.ts'
import type { NameCheck } from '#machinery/names.ts'
import type { User } from '../user.ts'

/**
 * A freshly decoded object on its way in, that may be written to. Of an update, whole members such as `spec` may be the
 * stored object's, which are frozen: they are replaced rather than written into.
 */
export type Draft = KubeObject & Record<string, any>
/** A stored object; nobody writes to it. */
export type Stored = KubeObject & Record<string, any>

export interface StrategyContext {
  /** Milliseconds since the epoch. */
  now: number
  /** The subresource that is being written, or '' for the object itself. */
  subresource: string
  dryRun: boolean
  /** Takes what the client is to be told besides errors. */
  warnings?: string[]
  /** Who asks, where the kind records it (certificate requests). */
  user?: User
}

export interface Strategy {
  /** What names must look like. Default: DNS subdomain. */
  name?: NameCheck
  /** `metadata.generation` counts changes of `spec` (and of what `generationOf` returns). */
  countsGeneration?: boolean
  generationOf?(object: Stored): unknown
  /** The client's `status` is kept on create (Node and few others). Default: dropped. */
  keepsStatusOnCreate?: boolean
  /** The object has a status that only the subresource may write. Default: if the type has a status. */
  separatesStatus?: boolean
  /** A PUT to a name that does not exist creates it. */
  createsOnUpdate?: boolean
  /** A finished deletion answers with the object rather than a Status. */
  returnsDeleted?: boolean
  /** A deletion without a policy leaves the dependents alone; others leave them to the garbage collector. */
  orphansByDefault?: boolean
  /** Said to those who delete without a policy. */
  deletionWarning?: string
  /** A PUT without a resourceVersion is refused. */
  needsResourceVersion?: boolean

  prepareForCreate?(object: Draft, context: StrategyContext): void
  prepareForUpdate?(object: Draft, old: Stored, context: StrategyContext): void
  /** Called after prepare, with the object complete. */
  validate?(object: Stored): FieldError[]
  validateUpdate?(object: Stored, old: Stored, context: StrategyContext): FieldError[]
  /** Messages for the client in `Warning` headers. */
  warnings?(object: Stored, old?: Stored): string[]
  /**
   * Takes what belongs to the object elsewhere (cluster IPs, node ports), filling it in. The answer is called once it is
   * known whether the write happened.
   */
  allocate?(object: Draft, old: Stored | undefined, context: StrategyContext): ((written: boolean) => void) | undefined
  /** Gives back what `allocate` took, once the object is gone. */
  release?(object: Stored): void
  /** Seconds of grace for a deletion that asks for `asked`; undefined where this kind is deleted at once. */
  gracePeriod?(object: Stored, asked: number | undefined): number | undefined
  /** Whether the object may be removed now; e.g. a namespace waits for its finalizers. Default: yes. */
  blocksDeletion?(object: Stored): boolean
  /** Changes an object that begins to be deleted, which then has no grace period, and no new generation for it. */
  beginDeletion?(object: Draft): void
  /** Fields that selectors may name besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: Stored) => string>>
  /** How others are refused, where the kind has words of its own for it. */
  refuseField?(field: string): string
}
