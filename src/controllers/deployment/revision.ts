/**
 * Names and annotations by which a Deployment and its ReplicaSets find each other: the revision, what it was before,
 * and how large the set was meant to be. `kubectl rollout history` and `undo` read them.
 */
import type { Deployment, ReplicaSet } from '#api/apps/v1.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
export const TEMPLATE_HASH_LABEL = 'pod-template-hash'

const MAX_HISTORY_CHARACTERS = 2000

/** Annotations of a Deployment that its ReplicaSets do not take over. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
])

export type Annotations = Readonly<Record<string, string>>

/** The revision of a ReplicaSet; 0 where it has none, undefined where it is not a number. */
export function revisionOf(annotations: Annotations | undefined): number | undefined {
  const text = annotations?.[REVISION]
  if (text === undefined) return 0
  return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}

export function maxRevision(replicaSets: readonly { annotations: Annotations }[]): number {
  return Math.max(0, ...replicaSets.map(({ annotations }) => revisionOf(annotations) ?? 0))
}

/**
 * The annotations of the ReplicaSet that is to be current: those of the Deployment, `newRevision` if it is higher than
 * its own, which then joins its history.
 */
export function currentAnnotations(deployment: Deployment, own: Annotations, newRevision: number): Annotations {
  const next: Record<string, string> = { ...own }
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(key)) next[key] = value
  }
  const revision = revisionOf(own)
  if (revision === undefined || revision >= newRevision) return next
  next[REVISION] = String(newRevision)
  const previous = own[REVISION]
  if (previous !== undefined) next[REVISION_HISTORY] = appendRevision(own[REVISION_HISTORY] ?? '', previous)
  return next
}

/** Drops the oldest revisions where the list would grow too long. */
function appendRevision(history: string, revision: string): string {
  const revisions = [...(history === '' ? [] : history.split(',')), revision]
  while (revisions.length > 1 && revisions.join(',').length > MAX_HISTORY_CHARACTERS) revisions.shift()
  return revisions.join(',')
}

/** How many replicas the Deployment wanted and allowed when it last set the size of this ReplicaSet. */
export function sizeAnnotations(own: Annotations, desired: number, max: number): Annotations {
  return { ...own, [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) }
}

export function countAnnotation(annotations: Annotations, key: string): number | undefined {
  const text = annotations[key]
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const count = Number(text)
  return count < 2 ** 31 ? count : undefined
}

/** By creation, the oldest first, then by name. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata, b.metadata]
  if (x.creationTimestamp !== y.creationTimestamp) return x.creationTimestamp < y.creationTimestamp ? -1 : 1
  return x.name < y.name ? -1 : x.name > y.name ? 1 : 0
}
