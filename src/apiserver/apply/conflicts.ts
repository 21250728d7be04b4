/** Fields that somebody else owns, as the error by which an apply is refused. Upstream: `managedfields/internal/conflict.go`. */
import { StatusError } from '#machinery/status-error.ts'
import { type FieldSet, forEachMember, has, type Path } from './field-set.ts'
import type { ManagerEntry, Managers } from './managers.ts'
import { pathText } from './path-element.ts'

export interface Conflict {
  /** `managerId` of `owner`. */
  readonly id: string
  readonly owner: ManagerEntry
  readonly path: Path
}

/** An apply would change what others own. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
  readonly conflicts: readonly Conflict[]

  constructor(conflicts: readonly Conflict[]) {
    super(messageOf(conflicts))
    this.conflicts = conflicts
  }

  /** Those that are not about fields of `allowed`. */
  without(allowed: FieldSet): readonly Conflict[] {
    return this.conflicts.filter(({ path }) => !has(allowed, path))
  }

  /** What the client is told. */
  toStatusError(): StatusError {
    const causes = this.conflicts.map(({ owner, path }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${ownerText(owner)}`,
      field: pathText(path),
    }))
    return new StatusError('Conflict', this.message, { details: { causes }, cause: this })
  }
}

export function conflictsOf(sets: ReadonlyMap<string, FieldSet>, managers: Managers): Conflict[] {
  const found: Conflict[] = []
  for (const [id, set] of sets)
    forEachMember(set, (path) => found.push({ id, owner: managers.get(id)!, path: [...path] }))
  return found
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${ownerText(first!.owner)}: ${pathText(first!.path)}`
  }
  const byOwner = new Map<string, Conflict[]>()
  for (const conflict of conflicts.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)))
    byOwner.set(conflict.id, [...(byOwner.get(conflict.id) ?? []), conflict])
  const lines = [...byOwner.values()].flatMap((of) => [
    `conflicts with ${ownerText(of[0]!.owner)}:`,
    ...of.map(({ path }) => `- ${pathText(path)}`),
  ])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}

function ownerText({ writer: { manager, subresource, operation, apiVersion } }: ManagerEntry): string {
  const name = JSON.stringify(manager) + (subresource && ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}
