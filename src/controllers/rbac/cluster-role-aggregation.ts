/**
 * Fills the ClusterRoles that consist of others, as `admin`, `edit` and `view` do. Upstream:
 * `pkg/controller/clusterroleaggregation`.
 */
import type { ClusterRole } from '#api/rbac/v1.ts'
import { clusterRoles } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, reconcileLoop } from '../controller.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { aggregatedRules } from './aggregated-rules.ts'

const NAME = 'clusterrole-aggregation-controller'

export const createClusterRoleAggregationController = (): Controller => ({
  name: NAME,
  start(context) {
    const { client } = context
    const all = context.informers.for(clusterRoles)
    const queue = reconcileLoop(context, {
      name: NAME,
      caches: [all],
      concurrency: 5,
      async reconcile(name, signal) {
        const role = all.get(undefined, name)
        const rules = role && aggregatedRules(role, all.list())
        if (!rules || semanticEqual(rules, role.rules ?? [])) return
        const applied = { apiVersion: role.apiVersion, kind: role.kind, metadata: { name }, rules }
        const options = { type: 'apply', fieldManager: NAME, force: true, signal } as const
        try {
          await client.patch(clusterRoles, { name }, applied, options)
        } catch (err) {
          if (!isStatus(err, 'NotFound')) throw err
        }
      },
    })
    // Which role selects which is not known, and there are few that select any.
    const enqueueAll = () => {
      for (const { aggregationRule, metadata } of all.list()) if (aggregationRule) queue.add(metadata.name)
    }
    const changed = (role: ClusterRole) => {
      enqueueAll()
      if (role.aggregationRule) queue.add(role.metadata.name)
    }
    all.handle({ added: changed, updated: changed, deleted: enqueueAll })
  },
})
