/** The README's first command: a cluster with the demo, answering over HTTP, and gone without a trace. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, isRoot, WholeCluster } from './whole-cluster.ts'

describe.skipIf(!isRoot)('rostrum up --demo', () => {
  const cluster = new WholeCluster('demo')
  let url = ''

  beforeAll(async () => {
    writeFileSync(
      cluster.kubeconfig,
      'apiVersion: v1\nkind: Config\n# mine, to be kept\nclusters:\n- name: other\n  cluster: {server: "https://other.example"}\n',
    )
    const { stdout } = await cluster.up('--demo', '-o', 'json', '--timeout', '120s')
    url = (JSON.parse(stdout) as { demo: { url: string } }).demo.url
  })
  afterAll(() => cluster.down())

  it('answers over HTTP through its Service', async () => {
    const page = await fetch(url)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<h1>Guestbook</h1>')
    const signed = await fetch(`${url}api/entries`, { method: 'POST', body: 'was here' })
    expect(signed.status).toBe(201)
    const { entries } = await eventually(
      'the entry to reach the replica',
      async () => (await (await fetch(`${url}api/entries`)).json()) as { entries: string[] },
      (answer) => answer.entries.length > 0,
    )
    expect(entries[0]).toBe('was here')
  })

  it('uses Redis with a replica where redis-server is installed', async () => {
    const names = (await cluster.object('deployments -n guestbook')).items.map((d: any) => d.metadata.name).sort()
    const hasRedis = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].some((path) => existsSync(path))
    expect(names).toEqual(
      hasRedis ? ['backend', 'front', 'redis-leader', 'redis-replica'] : ['backend', 'front', 'store'],
    )
  })

  it('is spread over its three fronts', async () => {
    const seen = new Set<string>()
    await eventually(
      'all three to have answered',
      async () => {
        const answer = await fetch(`${url}healthz`, { headers: { connection: 'close' } })
        seen.add(answer.headers.get('x-front')!)
        return seen.size
      },
      (count) => count === 3,
    )
  })

  it('leaves what was in the kubeconfig alone', () => {
    const text = readFileSync(cluster.kubeconfig, 'utf8')
    expect(text).toContain('# mine, to be kept')
    expect(text).toContain('https://other.example')
    expect(text).toContain('current-context: rostrum-demo')
  })

  it('is harmless to run again', async () => {
    const pids = [cluster.pid('server'), cluster.pid('demo-0-agent'), cluster.pid('demo-0-cri')]
    await cluster.up()
    expect([cluster.pid('server'), cluster.pid('demo-0-agent'), cluster.pid('demo-0-cri')]).toEqual(pids)
  })

  it('says how it is', async () => {
    const { code, stdout } = await cluster.rostrum('status', '-o', 'json')
    expect(code).toBe(0)
    const status = JSON.parse(stdout) as {
      running: boolean
      dns: boolean
      parts: { running: boolean }[]
      nodes: { ready: boolean }[]
    }
    expect(status).toMatchObject({ running: true, dns: true, nodes: [{ ready: true }] })
    expect(status.parts.every((part) => part.running)).toBe(true)
  })

  it('is taken away without a trace', async () => {
    await cluster.down()
    expect(cluster.traces()).toEqual({})
  })
})
