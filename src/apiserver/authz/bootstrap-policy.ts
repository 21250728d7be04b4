/**
 * Sees to it that the built-in roles and bindings are there and grant at least what they should. Upstream: the post-start
 * hook of `pkg/registry/rbac/rest`.
 */
import type { Draft, KubeObject, Resource } from '#api/kind.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { Grants } from './grants.ts'
import { defaultPolicy, type Policy } from './policy/default-policy.ts'
import { planBinding, planRole, type PolicyAction } from './policy-plan.ts'

/**
 * A function that puts the built-in policy right where any role or binding has changed since it did so last. It throws
 * StatusError for a failure; what could be done is done by then.
 */
export function policyKeeper(client: Client, grants: Grants): () => Promise<void> {
  let seen: number | undefined
  return async () => {
    const { version } = grants
    if (version === seen) return
    await bringAll(client, defaultPolicy())
    seen = version
  }
}

async function bringAll(client: Client, policy: Policy): Promise<void> {
  const results = await Promise.allSettled([
    bring(client, clusterRoles, policy.clusterRoles, planRole),
    bring(client, roles, policy.roles, planRole),
    bring(client, clusterRoleBindings, policy.clusterRoleBindings, planBinding),
    bring(client, roleBindings, policy.roleBindings, planBinding),
  ])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

type Plan<T extends KubeObject> = (existing: T, wanted: Draft<T>) => PolicyAction<T>

async function bring<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  wanted: readonly Draft<T>[],
  plan: Plan<T>,
): Promise<void> {
  const keyOf = ({ namespace = '', name = '' }: { namespace?: string; name?: string }) => `${namespace}/${name}`
  const { items } = await client.list(resource)
  const existing = new Map(items.map((object) => [keyOf(object.metadata), object]))
  await Promise.all(wanted.map((draft) => bringOne(client, resource, existing.get(keyOf(draft.metadata)), draft, plan)))
}

async function bringOne<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  existing: T | undefined,
  wanted: Draft<T>,
  plan: Plan<T>,
): Promise<void> {
  const action: PolicyAction<T> | { kind: 'create' } = existing ? plan(existing, wanted) : { kind: 'create' }
  try {
    if (action.kind === 'update') await client.update(resource, action.object)
    if (action.kind === 'replace') {
      const { uid, ...key } = existing!.metadata
      await client.delete(resource, key, { preconditions: { uid } })
    }
    if (action.kind === 'create' || action.kind === 'replace') await client.create(resource, wanted)
  } catch (err) {
    // Somebody else has just changed it; what is still wrong is put right the next time.
    if (!isStatus(err, 'AlreadyExists', 'Conflict', 'NotFound')) throw err
  }
}
