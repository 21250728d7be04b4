import { describe, expect, it } from 'vitest'
import { clusterRoleBindings, roleBindings } from '#api/resources.ts'
import { startTestServer } from '#testing/test-server.ts'
import { explanationText } from '#cli/why/explanation-text.ts'
import type { Words } from '#cli/why/question.ts'
import { authWhy } from './auth-why.ts'

describe('rostrum auth why, of a real cluster', () => {
  it('explains what the API server decides', async () => {
    await using server = await startTestServer()
    const jane = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }
    const roleRef = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name })
    await server.client.create(roleBindings, {
      metadata: { namespace: 'default', name: 'jane' },
      roleRef: roleRef('system:aggregate-to-view'),
      subjects: [jane],
    })
    await server.client.create(clusterRoleBindings, {
      metadata: { name: 'jane' },
      roleRef: roleRef('system:kube-dns'),
      subjects: [jane],
    })
    const ask = async (verb: string, resource: string, more: Partial<Words> = {}) => {
      const words = {
        user: 'jane',
        verb,
        resource,
        name: undefined,
        namespace: undefined,
        allNamespaces: false,
        groups: [],
      }
      const { question, explanation, verdict } = await authWhy(server.httpsClient, { ...words, ...more })
      expect(verdict.allowed, `${verb} ${resource}`).toBe(explanation.allowedBy.length > 0)
      return explanationText(question, explanation, verdict)
    }
    expect(await ask('get', 'pods/log')).toContain(
      'RoleBinding default/jane gives ClusterRole system:aggregate-to-view',
    )
    expect(await ask('list', 'services', { allNamespaces: true })).toContain('ClusterRoleBinding jane gives')
    expect(await ask('create', 'pods/exec', { name: 'p' })).toContain('ClusterRole system:aggregate-to-edit')
    expect(await ask('get', 'pods', { namespace: 'kube-system' })).toContain('only in namespace default')
    expect(await ask('get', '/healthz')).toContain('system:public-info-viewer')
    expect(await ask('get', '/metrics')).toContain('ClusterRole system:monitoring')
  })
})
