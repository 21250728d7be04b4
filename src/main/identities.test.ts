import { describe, expect, it } from 'vitest'
import type { Log } from '#base/log.ts'
import { defaultPolicy } from '#apiserver/authz/policy/default-policy.ts'
import { SUPERUSERS } from '#apiserver/user.ts'
import { clusterRoles, configMaps, deployments, namespaces, services } from '#api/resources.ts'
import { controllers } from '#controllers/all.ts'
import { serviceAccountOf } from '#controllers/identities.ts'
import { Cluster } from './cluster.ts'

const policy = defaultPolicy()

/** Keeps what is said at `warn` and above, and of the rest what speaks of a refusal. */
function complaintsTo(lines: string[]): Log {
  const keep = (fields: object, message: string) => void lines.push(`${message}: ${JSON.stringify(fields)}`)
  const ifRefused = (fields: object, message: string) => {
    const text = JSON.stringify(fields, (_, value) => (value instanceof Error ? String(value) : value))
    if (text.includes('is forbidden')) lines.push(`${message}: ${text}`)
  }
  const log: Log = { debug: ifRefused, info: ifRefused, warn: keep, error: keep, child: () => log }
  return log
}

describe('every controller', () => {
  it.each(controllers.map(({ name }) => name))('%s has a role of its own', (name) => {
    const account = serviceAccountOf(name)
    const bound = [...policy.clusterRoleBindings, ...policy.roleBindings].filter(({ subjects = [] }) =>
      subjects.some((subject) => subject.kind === 'ServiceAccount' && subject.name === account),
    )
    expect(bound.map(({ roleRef }) => roleRef!.name)).toContain(`system:controller:${account}`)
  })
})

describe('the built-in policy', () => {
  it('gives everything to superusers alone', () => {
    const admins = [...policy.clusterRoleBindings, ...policy.roleBindings].filter(
      ({ roleRef }) => roleRef!.name === 'cluster-admin',
    )
    expect(admins.flatMap(({ subjects }) => subjects)).toEqual([
      { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: SUPERUSERS },
    ])
    const all = policy.clusterRoles.filter(({ rules = [] }) =>
      rules.some(({ verbs, resources }) => verbs.includes('*') && resources?.includes('*')),
    )
    expect(all.map(({ metadata }) => metadata.name)).toEqual(['cluster-admin'])
  })

  it('binds only roles that there are', () => {
    const names = new Set(policy.clusterRoles.map(({ metadata }) => metadata.name))
    for (const { metadata, roleRef } of policy.clusterRoleBindings)
      expect(names, metadata.name).toContain(roleRef!.name)
    const local = new Set(policy.roles.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
    for (const { metadata, roleRef } of policy.roleBindings)
      expect(local, metadata.name).toContain(`${metadata.namespace}/${roleRef!.name}`)
  })
})

describe('a control plane without superusers', () => {
  it('runs workloads, fills in roles and empties namespaces, and is refused nothing', async () => {
    const complaints: string[] = []
    await using cluster = await Cluster.start({ simulatedNodes: 2, log: complaintsTo(complaints) })
    const { client } = cluster
    const until = async (isDone: () => Promise<boolean>) => {
      const deadline = AbortSignal.timeout(20_000)
      while (!(await isDone())) {
        if (deadline.aborted) throw new Error(`it never came to be; ${complaints.join('\n')}`)
        await new Promise(setImmediate)
      }
    }
    await client.create(namespaces, { metadata: { name: 'team' } })
    const labels = { app: 'web' }
    const spec = { containers: [{ name: 'c', image: 'any', ports: [{ containerPort: 80 }] }] }
    await client.create(deployments, {
      metadata: { namespace: 'team', name: 'web' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    } as never)
    await client.create(services, {
      metadata: { namespace: 'team', name: 'web' },
      spec: { selector: labels, ports: [{ port: 80 }] },
    } as never)
    await until(async () => {
      const { status } = await client.get(deployments, { namespace: 'team', name: 'web' })
      return status.availableReplicas === 2
    })
    await until(async () => ((await client.get(clusterRoles, { name: 'edit' })).rules?.length ?? 0) > 10)
    await until(
      async () => (await client.find(configMaps, { namespace: 'team', name: 'kube-root-ca.crt' })) !== undefined,
    )
    await client.delete(namespaces, { name: 'team' })
    await until(async () => (await client.find(namespaces, { name: 'team' })) === undefined)
    expect(complaints).toEqual([])
  }, 60_000)
})
