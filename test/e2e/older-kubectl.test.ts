/**
 * A kubectl from long ago, as Debian ships it (1.20): it reads OpenAPI v2 as protobuf, discovery group by group, and streams
 * by SPDY alone. What people did with it must go on working.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacking } from './programs.ts'
import { makeToolsImage, TOOLS, toolsPod } from './tools-image.ts'
import { run, WholeCluster } from './whole-cluster.ts'

const DOWNLOAD_TIMEOUT_MS = 120_000
const dir = mkdtempSync(join(tmpdir(), 'rostrum-older-kubectl-'))
const older = join(dir, 'root/usr/bin/kubectl')

/** Unpacks Debian's package without installing it, beside the kubectl that may be there. */
async function unpack(): Promise<string> {
  if (!existsSync('/etc/debian_version')) return 'no Debian packages here'
  const at = { timeoutMs: DOWNLOAD_TIMEOUT_MS }
  const script = `cd '${dir}' && { apt-get -q download kubernetes-client || { apt-get -q update && apt-get -q download kubernetes-client; }; }`
  await run('sh', ['-c', script], at)
  const file = readdirSync(dir).find((name) => name.endsWith('.deb'))
  if (!file) return "Debian's package kubernetes-client can't be downloaded"
  await run('dpkg', ['-x', join(dir, file), join(dir, 'root')], at)
  return existsSync(older) ? '' : 'the package kubernetes-client has no kubectl'
}

const missing = lacking('root', 'kubectl', 'curl') || (await unpack())

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: ${TOOLS}
        imagePullPolicy: Never
        command: [sh, -c, "echo serving; exec sleep 100000"]
`

describe.skipIf(missing)(missing ? `an older kubectl (skipped: ${missing})` : 'an older kubectl', () => {
  const cluster = new WholeCluster('older')

  /** What the older kubectl prints. Throws unless it succeeds. */
  async function ask(args: string | readonly string[], input?: string): Promise<string> {
    const words = typeof args === 'string' ? args.split(' ') : args
    const env = { KUBECONFIG: cluster.kubeconfig, KUBECTL_EXTERNAL_DIFF: 'diff -u' }
    const result = await run(older, words, { env, ...(input !== undefined && { input }) })
    if (result.code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${result.stderr}`)
    return result.stdout
  }

  beforeAll(async () => {
    await cluster.up()
    await makeToolsImage(cluster)
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    await cluster.down()
  })

  it('is one', async () => {
    expect(await ask('version --client --short')).toMatch(/v1\.20\./)
  })

  it('applies, rolls out, scales, patches and deletes', async () => {
    await ask('apply -f -', WEB + '\n---\n' + toolsPod('box', {}))
    expect(await ask('rollout status deployment/web --timeout=60s')).toContain('successfully rolled out')
    expect(await ask('apply -f -', WEB)).toBe('deployment.apps/web unchanged\n')
    await ask('scale deployment web --replicas=2')
    await ask(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}'])
    await ask('rollout status deployment/web --timeout=60s')
    expect(await ask('rollout history deployment web')).toMatch(/^2 /m)
    await ask('rollout undo deployment web')
    await ask('label pod box shape=square')
    expect(await ask('get pods -l shape=square -o name')).toBe('pod/box\n')
    await ask('expose deployment web --port 80')
    await ask('delete service,deployment web --timeout=60s')
    expect(await ask('get deployments')).toBe('')
  })

  it('shows, describes and explains', async () => {
    expect(await ask('get pods -o wide')).toMatch(/^box +1\/1 +Running +0 +\S+ +10\./m)
    expect(await ask('get all -A')).toContain('service/kubernetes')
    expect(await ask('describe pod box')).toMatch(/^Status: +Running$/m)
    expect(await ask('explain pod.spec.containers.image')).toMatch(/FIELD: +image <string>/)
    expect(await ask('api-resources --verbs=list -o name')).toMatch(/^deployments\.apps$/m)
    expect(await ask('auth can-i create pods')).toBe('yes\n')
  })

  it('is told what it got wrong by the schema that it reads', async () => {
    const wrong = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'wrong' }, spec: { containerz: [] } }
    const result = await run(older, ['apply', '-f', '-'], {
      input: JSON.stringify(wrong),
      env: { KUBECONFIG: cluster.kubeconfig },
    })
    expect(result.code).not.toBe(0)
    expect(result.stderr).toContain('unknown field "containerz" in io.k8s.api.core.v1.PodSpec')
  })

  it('streams', async () => {
    expect(await ask(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2'])).toBe('out\n')
    expect(await ask(['exec', '-i', 'box', '--', 'cat'], 'through\n')).toBe('through\n')
    writeFileSync(join(dir, 'file'), 'a file\n'.repeat(10_000))
    await ask(['cp', join(dir, 'file'), 'box:/tmp/file'])
    await ask(['cp', 'box:/tmp/file', join(dir, 'back')])
    expect(readFileSync(join(dir, 'back'), 'utf8')).toBe('a file\n'.repeat(10_000))
    await ask([
      'run',
      'talker',
      '--image',
      TOOLS,
      '--image-pull-policy=Never',
      '--restart=Never',
      '--',
      'sh',
      '-c',
      'echo hi',
    ])
    await cluster.ask(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/talker', '--timeout=60s'])
    expect(await ask('logs talker')).toBe('hi\n')
  })

  it('sees the difference', async () => {
    const changed = toolsPod('box', {}).replace('app: box', 'app: other')
    const result = await run(older, ['diff', '-f', '-'], { input: changed, env: { KUBECONFIG: cluster.kubeconfig } })
    expect(result.code).toBe(1)
    expect(result.stdout).toMatch(/^-.* app: box$/m)
    expect(result.stdout).toMatch(/^\+.* app: other$/m)
  })
})
