/** kubectl's own questions and commands about who may do what, against the API server alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execAny } from '#base/exec.ts'
import { kubeconfigFor } from '#cli/kubeconfig-file.ts'
import { createClusterRoleAggregationController } from '#controllers/rbac/cluster-role-aggregation.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { lacking } from './programs.ts'

const lacks = lacking('kubectl')

describe.skipIf(lacks)(lacks ? `kubectl auth (skipped: needs ${lacks})` : 'kubectl auth', () => {
  let server: TestServer
  let dir: string

  beforeAll(async () => {
    server = await startTestServer({ controllers: [createClusterRoleAggregationController()] })
    dir = mkdtempSync(join(tmpdir(), 'rostrum-kubectl-'))
    writeFileSync(join(dir, 'admin'), server.kubeconfig, { mode: 0o600 })
    const { cert: clientCert, key: clientKey } = server.issueClient('ann', ['dev'])
    const ann = { name: 'test', server: server.url, ca: server.pki.authority.cert, clientCert, clientKey }
    writeFileSync(join(dir, 'ann'), kubeconfigFor(ann), { mode: 0o600 })
    await server.createNamespace('team')
  })
  afterAll(async () => {
    await server.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const run = async (who: 'admin' | 'ann', command: string, input?: string) => {
    const env = { PATH: process.env.PATH!, HOME: dir, KUBECONFIG: join(dir, who) }
    const result = await execAny(['kubectl', ...command.split(' ')], { env, ...(input !== undefined && { input }) })
    return { code: result.code, text: `${result.stdout}${result.stderr}`.trim() }
  }
  const ask = async (who: 'admin' | 'ann', command: string, input?: string) => {
    const { code, text } = await run(who, command, input)
    expect(code, text).toBe(0)
    return text
  }

  it('whoami says who one is', async () => {
    const told = await ask('ann', 'auth whoami -o json')
    expect(JSON.parse(told).status.userInfo).toMatchObject({ username: 'ann', groups: ['dev', 'system:authenticated'] })
    const other = await ask('admin', 'auth whoami --as=bob --as-group=x -o json')
    expect(JSON.parse(other).status.userInfo).toEqual({ username: 'bob', groups: ['x', 'system:authenticated'] })
  })

  it('can-i says what one may do, by answer and exit code', async () => {
    expect(await ask('admin', 'auth can-i * *')).toBe('yes')
    expect(await run('ann', 'auth can-i get pods')).toMatchObject({ code: 1, text: 'no' })
    expect((await run('ann', 'auth can-i get pods --as=bob')).text).toContain('cannot impersonate')
    await ask('admin', 'create rolebinding ann --clusterrole=edit --user=ann -n team')
    expect(await ask('ann', 'auth can-i create deployments.apps -n team')).toBe('yes')
    expect(await ask('ann', 'auth can-i get pods --subresource=log -n team')).toBe('yes')
    expect(await run('ann', 'auth can-i create rolebindings -n team')).toMatchObject({ code: 1, text: 'no' })
    expect(await run('ann', 'auth can-i list pods -A')).toMatchObject({ code: 1 })
    expect(await ask('ann', 'auth can-i get /version')).toBe('yes')
    expect(await run('ann', 'auth can-i get /metrics')).toMatchObject({ code: 1 })
    expect(await ask('admin', 'auth can-i delete pods -n team --as=ann --as-group=dev')).toBe('yes')
    expect((await run('admin', 'auth can-i create pods -n team --as=system:serviceaccount:team:default')).code).toBe(1)
  })

  it('can-i --list lists it', async () => {
    const list = await ask('ann', 'auth can-i --list -n team')
    expect(list).toMatch(/^deployments\.apps +\[\] +\[\] +\[.*create.*\]/m)
    expect(list).toMatch(/^selfsubjectreviews\.authentication\.k8s\.io +\[\] +\[\] +\[create\]/m)
    expect(list).toMatch(/\[\/version\]/)
    expect(list).not.toContain('rolebindings')
    expect(await ask('admin', 'auth can-i --list')).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]/m)
  })

  it('reconcile adds what is missing, and removes what is too much when told to', async () => {
    const role = (verbs: string[]) =>
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'reader', namespace: 'team' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
      })
    expect(await ask('admin', 'auth reconcile -f -', role(['get', 'list']))).toContain('reconciled')
    await ask('admin', 'auth reconcile -f -', role(['watch']))
    const verbs = async () =>
      JSON.parse(await ask('admin', 'get role reader -n team -o json')).rules.flatMap(
        (rule: { verbs: string[] }) => rule.verbs,
      )
    expect(await verbs()).toEqual(['get', 'list', 'watch'])
    await ask('admin', 'auth reconcile --remove-extra-permissions -f -', role(['watch']))
    expect(await verbs()).toEqual(['watch'])
  })

  it('roles and bindings are made and shown', async () => {
    await ask('admin', 'create clusterrole pod-reader --verb=get,list,watch --resource=pods,pods/log')
    await ask('admin', 'create clusterrole metrics --verb=get --non-resource-url=/metrics')
    await ask(
      'admin',
      'create clusterrolebinding ann --clusterrole=metrics --user=ann --group=dev --serviceaccount=team:default',
    )
    expect(await ask('ann', 'auth can-i get /metrics')).toBe('yes')
    expect(await ask('admin', 'describe clusterrole pod-reader')).toMatch(/pods\/log +\[\] +\[\] +\[get list watch\]/)
    expect(await ask('admin', 'get clusterrolebindings ann -o wide')).toMatch(
      /ClusterRole\/metrics.*ann.*dev.*team\/default/,
    )
    const token = await ask('admin', 'create token default -n team --duration=1h')
    expect(token.split('.')).toHaveLength(3)
    expect((await run('ann', 'set subject rolebinding ann --user=eve -n team')).text).toContain('orbidden')
  })
})
