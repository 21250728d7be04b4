/**
 * Whom the subjects of a binding stand for, as texts to be looked up by: a service account is a user like others, and one
 * without a namespace is of the binding's. Upstream: `appliesToUser` of `pkg/registry/rbac/validation`.
 */
import type { Subject } from './v1.ts'

export interface Somebody {
  readonly name: string
  readonly groups: readonly string[]
}

const userKey = (name: string) => `user:${name}`
const groupKey = (name: string) => `group:${name}`

/** The keys of all subjects that `user` is. */
export const keysOf = ({ name, groups }: Somebody): string[] => [userKey(name), ...groups.map(groupKey)]

/** `bindingNamespace` is '' for a cluster-wide binding. Undefined for a subject that nobody can be. */
export function subjectKey({ kind, name, namespace: own }: Subject, bindingNamespace: string): string | undefined {
  if (kind === 'User') return userKey(name)
  if (kind === 'Group') return groupKey(name)
  const namespace = own || bindingNamespace
  return kind === 'ServiceAccount' && namespace ? userKey(`system:serviceaccount:${namespace}:${name}`) : undefined
}

/** The first of a binding's subjects that `user` is. */
export function subjectOf(
  { subjects = [], metadata }: { subjects?: Subject[]; metadata: { namespace?: string } },
  user: Somebody,
): Subject | undefined {
  const keys = keysOf(user)
  return subjects.find((subject) => {
    const key = subjectKey(subject, metadata.namespace ?? '')
    return key !== undefined && keys.includes(key)
  })
}
