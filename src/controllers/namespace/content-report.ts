/**
 * The conditions of a namespace that is being emptied: what could not be deleted, what remains, and which finalizers
 * hold it back. Upstream: `pkg/controller/namespace/deletion`.
 */
import type { NamespaceCondition } from '#api/core/v1/namespace.ts'
import type { Resource } from '#api/kind.ts'
import { conditionOf, withCondition } from '#machinery/conditions.ts'

/** What was found of one resource after its deletion was asked for. */
export interface ContentReport {
  resource: Resource
  remaining: number
  /** How many objects each finalizer holds back. */
  finalizers: ReadonlyMap<string, number>
  error?: string
}

const fine: readonly NamespaceCondition[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    status: 'False',
    reason: 'ResourcesDiscovered',
    message: 'All resources successfully discovered',
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    status: 'False',
    reason: 'ParsedGroupVersions',
    message: 'All legacy kube types successfully parsed',
  },
  {
    type: 'NamespaceDeletionContentFailure',
    status: 'False',
    reason: 'ContentDeleted',
    message: 'All content successfully deleted, may be waiting on finalization',
  },
  {
    type: 'NamespaceContentRemaining',
    status: 'False',
    reason: 'ContentRemoved',
    message: 'All content successfully removed',
  },
  {
    type: 'NamespaceFinalizersRemaining',
    status: 'False',
    reason: 'ContentHasNoFinalizers',
    message: 'All content-preserving finalizers finished',
  },
]

/**
 * The conditions after a round; the same list where nothing of them changes. Times are RFC 3339. `undiscovered` are group
 * versions whose resources are not known, so that nobody can tell whether anything of them remains.
 */
export function contentConditions(
  previous: readonly NamespaceCondition[] | undefined,
  reports: readonly ContentReport[],
  nowTime: string,
  undiscovered: readonly string[] = [],
): readonly NamespaceCondition[] {
  const found = [...discoveryProblem(undiscovered), ...problemsIn(reports)]
  const problems = new Map(found.map((condition) => [condition.type, condition]))
  let conditions: readonly NamespaceCondition[] = previous ?? []
  for (const good of fine) {
    const next = problems.get(good.type) ?? good
    const existing = conditionOf(conditions, next.type)
    const { status, reason, message } = next
    if (existing?.status === status && existing.reason === reason && existing.message === message) continue
    conditions = withCondition(conditions, next, nowTime)
  }
  return conditions
}

function discoveryProblem(undiscovered: readonly string[]): NamespaceCondition[] {
  if (undiscovered.length === 0) return []
  const list = undiscovered.map((version) => `${version}: stale GroupVersion discovery: ${version}`).join(', ')
  const message = `Discovery failed for some groups, ${undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${list}`
  return [{ type: 'NamespaceDeletionDiscoveryFailure', status: 'True', reason: 'DiscoveryFailed', message }]
}

function problemsIn(reports: readonly ContentReport[]): NamespaceCondition[] {
  const problems: NamespaceCondition[] = []
  const errors = reports.flatMap(({ error }) => error ?? []).sort()
  if (errors.length > 0) {
    const message = `Failed to delete all resource types, ${errors.length} remaining: ${errors.join(', ')}`
    const reason = 'ContentDeletionFailed'
    problems.push({ type: 'NamespaceDeletionContentFailure', status: 'True', reason, message })
  }
  const remaining = reports.filter((report) => report.remaining > 0)
  if (remaining.length > 0) {
    const list = remaining.map((r) => `${r.resource.plural}.${r.resource.group} has ${r.remaining} resource instances`)
    const message = `Some resources are remaining: ${list.sort().join(', ')}`
    problems.push({ type: 'NamespaceContentRemaining', status: 'True', reason: 'SomeResourcesRemain', message })
  }
  const finalizers = new Map<string, number>()
  for (const report of remaining) {
    for (const [name, count] of report.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + count)
  }
  if (finalizers.size > 0) {
    const list = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort()
    const message = `Some content in the namespace has finalizers remaining: ${list.join(', ')}`
    problems.push({ type: 'NamespaceFinalizersRemaining', status: 'True', reason: 'SomeFinalizersRemain', message })
  }
  return problems
}
