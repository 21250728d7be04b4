/** What users do wrong, through kubectl and the command line: each gets the error it deserves, and nothing else is harmed. */
import { createServer } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, isRoot, program, run, WholeCluster } from './whole-cluster.ts'

const rostrum = (args: string[], env: Record<string, string> = {}) => run(process.execPath, [program, ...args], { env })

describe('the command line', () => {
  const made: string[] = []
  const temporary = (purpose: string) => {
    const dir = mkdtempSync(join(tmpdir(), `rostrum-${purpose}-`))
    made.push(dir)
    return dir
  }
  afterAll(() => {
    for (const dir of made) rmSync(dir, { recursive: true, force: true })
  })

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['up', '--nodes', 'many'], /expected a number/],
    [['up', '--runtime', 'docker'], /docker.*is invalid|Allowed choices/],
    [['up', '--timeout', 'soon'], /expected a duration/],
    [['up', '--name', 'Not A Name'], /can't be the name of a cluster/],
    [['image'], /Usage: rostrum image/],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stderr } = await rostrum(args)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(code).toBe(2)
  })

  it('says that there is no such cluster, with a hint and exit code 3', async () => {
    const dir = temporary('none')
    for (const command of [['status'], ['down'], ['kubeconfig'], ['image', 'list']]) {
      const { code, stderr } = await rostrum([...command, '--data-dir', dir, '--name', 'absent'])
      expect(stderr).toMatch(/^rostrum: there is no cluster "absent"/)
      expect(stderr).toContain('hint: start it with: rostrum up --name absent')
      expect(code).toBe(3)
    }
  })

  it('says that a port is in use', async () => {
    const taken = createServer()
    const port = await new Promise<number>((done) =>
      taken.listen(0, '127.0.0.1', () => done((taken.address() as { port: number }).port)),
    )
    const dir = temporary('port')
    const { code, stderr } = await rostrum(['up', '--runtime', 'none', '--data-dir', dir, '--port', String(port)])
    taken.close()
    expect(stderr).toMatch(new RegExp(`rostrum: port ${port} is in use`))
    expect(stderr).toContain('hint:')
    expect(code).toBe(1)
  })

  it('says that a data file is corrupt, and leaves it as it is', async () => {
    const dir = temporary('corrupt')
    const kubeconfig = join(dir, 'kubeconfig')
    const at = ['--data-dir', dir, '--name', 'corrupt']
    expect((await rostrum(['up', '--runtime', 'none', ...at], { KUBECONFIG: kubeconfig })).code).toBe(0)
    expect((await rostrum(['down', ...at], { KUBECONFIG: kubeconfig })).code).toBe(0)
    const store = join(dir, 'corrupt', 'server', 'store', 'data.mdb')
    writeFileSync(store, 'this is no database at all, but long enough to be looked at '.repeat(200))
    const { code, stderr } = await rostrum(['server', ...at], { KUBECONFIG: kubeconfig })
    expect(code).toBe(1)
    expect(stderr).toMatch(/corrupt|not a|damaged/i)
    expect(stderr).not.toMatch(/\n\s+at /)
    await rostrum(['down', '--purge', ...at], { KUBECONFIG: kubeconfig })
  })

  it('leaves a kubeconfig alone that it can\u2019t read', async () => {
    const dir = temporary('kubeconfig')
    const kubeconfig = join(dir, 'config')
    writeFileSync(kubeconfig, 'clusters: [unclosed')
    const at = ['--data-dir', dir, '--name', 'kc']
    const { code, stderr } = await rostrum(['up', '--runtime', 'none', ...at], { KUBECONFIG: kubeconfig })
    expect(stderr).toMatch(/cannot read the kubeconfig/)
    expect(code).toBe(1)
    await rostrum(['down', '--purge', ...at], { KUBECONFIG: join(dir, 'other') })
  })
})

describe.skipIf(!isRoot)('kubectl', () => {
  const cluster = new WholeCluster('bad')
  beforeAll(() => cluster.up())
  afterAll(() => cluster.down())

  const pod = (spec: string) => `apiVersion: v1\nkind: Pod\nmetadata: { name: wrong }\nspec:\n${spec}`

  it.each([
    ['malformed YAML', 'apiVersion: v1\nkind: [Pod', /error parsing|error converting YAML|mapping values|did not find/],
    [
      'an unknown kind',
      'apiVersion: v1\nkind: Podd\nmetadata: { name: a }',
      /no matches for kind "Podd" in version "v1"/,
    ],
    ['an unknown field', pod('  containerz: []'), /unknown field "spec.containerz"/],
    [
      'a wrong type',
      pod('  containers:\n  - { name: a, image: b, ports: [{ containerPort: "many" }] }'),
      /expected .*|cannot unmarshal|ValidationError|invalid type/,
    ],
    ['no containers', pod('  containers: []'), /spec.containers: Required value/],
    [
      'a bad name',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "No_Good" }',
      /a lowercase RFC 1123 subdomain must consist of/,
    ],
    [
      'a bad label',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, labels: { "a b": c } }',
      /name part must consist of alphanumeric characters/,
    ],
    [
      'a namespace that does not exist',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: nowhere }',
      /namespaces "nowhere" not found/,
    ],
  ])('is told of %s', async (_what, manifest, message) => {
    const { code, stderr } = await cluster.kubectl('apply -f -', { input: manifest })
    expect(stderr).toMatch(message)
    expect(code).not.toBe(0)
  })

  it('is told that a body is too large, and works on', async () => {
    const huge = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'huge' },
      data: { x: 'y'.repeat(10 << 20) },
    })
    const { code, stderr } = await cluster.kubectl('create -f -', { input: huge })
    expect(stderr).toMatch(/Request entity too large: limit is 3145728|request body too large/i)
    expect(code).not.toBe(0)
    expect(await cluster.ask('get ns default -o name')).toBe('namespace/default\n')
  })

  it('sees an image that does not exist', async () => {
    await cluster.apply(
      'apiVersion: v1\nkind: Pod\nmetadata: { name: noimage }\nspec:\n  containers:\n  - { name: c, image: "127.0.0.1:9/no/such:1" }',
    )
    const status = await eventually(
      'the pull to fail',
      async () => (await cluster.object('pod noimage')).status.containerStatuses?.[0]?.state?.waiting,
      (waiting) => ['ErrImagePull', 'ImagePullBackOff'].includes(waiting?.reason),
    )
    expect(status.message).toMatch(/127\.0\.0\.1:9\/no\/such:1/)
    await eventually(
      'the events',
      () => cluster.ask('events --for pod/noimage'),
      (text) => /Failed to pull image/.test(text) && /Back-off pulling image/.test(text),
    )
    await cluster.ask('delete pod noimage --now')
  })

  it('sees a command that does not exist', async () => {
    await cluster.rostrum('image from-host', 'rostrum.test/sleep:1', '/bin/sleep')
    await cluster.apply(
      'apiVersion: v1\nkind: Pod\nmetadata: { name: nocommand }\nspec:\n  restartPolicy: Never\n  containers:\n  - { name: c, image: "rostrum.test/sleep:1", imagePullPolicy: Never, command: [no-such-program] }',
    )
    const state = await eventually(
      'the start to fail',
      async () => (await cluster.object('pod nocommand')).status.containerStatuses?.[0]?.state,
      (s) => s?.terminated || s?.waiting?.reason === 'RunContainerError',
    )
    expect(JSON.stringify(state)).toMatch(/exec: \\"no-such-program\\": executable file not found in \$PATH/)
    await cluster.ask('delete pod nocommand --now')
  })
})
