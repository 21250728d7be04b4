/**
 * How a client reaches the API: a Transport turns an ApiRequest into an answer. There are two, in-process (calls the API
 * server's handler chain directly, nothing is serialised) and HTTPS; a component runs unchanged on either.
 */
import type { KubeObject, Resource, Verb } from '#api/kind.ts'
import type { Status } from '#machinery/status-error.ts'

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export const patchContentTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

/** Query parameters by their own names (metav1 GetOptions, ListOptions, CreateOptions, ...). */
export interface RequestOptions {
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
  resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  timeoutSeconds?: number
  allowWatchBookmarks?: boolean
  sendInitialEvents?: boolean
  dryRun?: 'All'
  fieldManager?: string
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict'
  force?: boolean
}

/** metav1.DeleteOptions, the body of a delete. */
export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: string[]
}

export interface ApiRequest {
  verb: Verb
  resource: Resource
  /** Absent for cluster-scoped resources, and for lists and watches across all namespaces. */
  namespace?: string
  name?: string
  subresource?: string
  options?: RequestOptions
  /** The object (create, update), the patch document (patch) or DeleteOptions (delete, deletecollection). Not written to by the callee. */
  body?: unknown
  patchType?: PatchType
}

export type WatchEvent<T = KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }
  | { type: 'ERROR'; object: Status }

/** Receives a watch. Called synchronously in the order of events; must neither throw nor block. */
export interface WatchSink<T = KubeObject> {
  onEvents(events: readonly WatchEvent<T>[]): void
  /** The watch is over: the server closed it (no error), or it failed. Called once, not after `cancel`. */
  onEnd(error?: Error): void
}

export interface Transport {
  /**
   * Performs anything but a watch. Resolves to the object, the list, or a Status of success. Objects may be shared and
   * are immutable. Rejects with StatusError for what the server refuses; with another Error where it can't be reached.
   */
  call(request: ApiRequest, signal?: AbortSignal): Promise<unknown>
  /** Starts a watch; the returned function cancels it. Refusals arrive at `sink.onEnd` as StatusError. */
  watch(request: ApiRequest, sink: WatchSink): () => void
}
