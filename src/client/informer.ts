/**
 * A local, always current copy of a set of objects (upstream: client-go's shared informer): lists, watches from there,
 * relists after a 410 or a broken connection with a back-off. Objects are shared and immutable.
 */
import type { KubeObject, Resource } from '#api/kind.ts'

export interface InformerHandler<T> {
  added?(object: T): void
  updated?(object: T, previous: T): void
  deleted?(object: T): void
}

/** Reads the copy. All answers are arrays made for the caller of objects that are not. */
export interface Lister<T extends KubeObject> {
  get(namespace: string | undefined, name: string): T | undefined
  /** All, or those of one namespace. */
  list(namespace?: string): T[]
  /** Those for which the index function named `index` gave `value`. Throws RangeError for an unknown index. */
  byIndex(index: string, value: string): T[]
  readonly size: number
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly resource: Resource<T>
  /** Calls back for every object that is there already (as added), then for each change, in order. Returns a function that stops it. */
  handle(handler: InformerHandler<T>): () => void
  /** Adds an index; must be called before the first `byIndex` of that name, at any time. */
  index(name: string, keysOf: (object: T) => readonly string[]): void
  /** Resolves once the first list has been taken in; rejects when `signal` aborts. */
  synced(signal?: AbortSignal): Promise<void>
  readonly isSynced: boolean
}

/** One informer per resource and selector, shared by everybody who asks. Started on first use, stopped together. */
export interface Informers {
  for<T extends KubeObject>(
    resource: Resource<T>,
    options?: { fieldSelector?: string; labelSelector?: string; namespace?: string },
  ): Informer<T>
  stop(): void
}
