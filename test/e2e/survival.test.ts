/** What a cluster survives: the loss of a container, of the agent, of the runtime, of the server, of a node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, isRoot, run, WholeCluster } from './whole-cluster.ts'

const pod = (name: string, extra = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: rostrum.test/sleep:1
    imagePullPolicy: Never
    args: ["100000"]
${extra}`

describe.skipIf(!isRoot)('a cluster', () => {
  const cluster = new WholeCluster('survival')
  const container = async (name: string) => (await cluster.object(`pod ${name}`)).status.containerStatuses[0]
  const running = (name: string) =>
    eventually(
      `${name} to run`,
      () => cluster.object(`pod ${name}`),
      (p) => p.status.phase === 'Running' && p.status.containerStatuses?.[0]?.ready,
    )

  beforeAll(async () => {
    await cluster.up('--nodes', '2')
    await cluster.rostrum(
      'image from-host',
      'rostrum.test/sleep:1',
      '/bin/sleep',
      '/bin/sh',
      '--entrypoint',
      '/bin/sleep',
    )
  })
  afterAll(() => cluster.down())

  it('restarts a container that is killed, with its reason and count, and backs off when it happens again', async () => {
    await cluster.apply(pod('killed'))
    await running('killed')
    const kill = async () => {
      const { containerID } = await container('killed')
      const { stdout } = await run('pgrep', ['-x', 'sleep', '-a'])
      expect(stdout).toContain('100000')
      await cluster.kubectl(['exec', 'killed', '--', '/bin/sh', '-c', 'kill -9 1; :'])
      return containerID as string
    }
    // From inside a PID namespace its first process can't be killed, so the kill comes from the host.
    const first = (await container('killed')).containerID
    expect(await kill()).toBe(first)
    const node = (await cluster.object('pod killed')).spec.nodeName
    const victims = (await run('pgrep', ['-f', 'sleep 100000'])).stdout.split('\n').filter(Boolean)
    expect(victims.length).toBeGreaterThan(0)
    for (const victim of victims) process.kill(Number(victim), 'SIGKILL')
    const after = await eventually(
      'the restart',
      () => container('killed'),
      (status) => status.restartCount === 1 && status.ready,
    )
    expect(after.containerID).not.toBe(first)
    expect(after.lastState.terminated).toMatchObject({ exitCode: 137, reason: 'Error' })
    expect((await cluster.object('pod killed')).spec.nodeName).toBe(node)
    for (const victim of (await run('pgrep', ['-f', 'sleep 100000'])).stdout.split('\n').filter(Boolean))
      process.kill(Number(victim), 'SIGKILL')
    const waiting = await eventually(
      'the back-off',
      () => container('killed'),
      (status) => status.state.waiting?.reason === 'CrashLoopBackOff',
    )
    expect(waiting.state.waiting.message).toMatch(/^back-off 10s restarting failed container=c pod=killed_default/)
    await cluster.ask('delete pod killed --now')
  })

  it('keeps containers running when an agent is killed, and goes on with them', async () => {
    await cluster.apply(pod('kept'))
    await running('kept')
    const before = await container('kept')
    const node = (await cluster.object('pod kept')).spec.nodeName as string
    const agent = cluster.pid(`${node}-agent`)
    process.kill(agent, 'SIGKILL')
    await eventually(
      'a new agent',
      async () => cluster.pid(`${node}-agent`),
      (pid) => pid > 0 && pid !== agent,
    )
    // The new agent works: it takes a command for the old container.
    await eventually(
      'the agent to answer',
      () => cluster.kubectl(['exec', 'kept', '--', '/bin/sh', '-c', 'echo alive']),
      (result) => result.stdout === 'alive\n',
    )
    const after = await container('kept')
    expect(after.containerID).toBe(before.containerID)
    expect(after.restartCount).toBe(0)
    await cluster.ask('delete pod kept --now')
  })

  it('keeps containers running when the container runtime is killed', async () => {
    await cluster.apply(pod('outlives'))
    await running('outlives')
    const before = await container('outlives')
    const node = (await cluster.object('pod outlives')).spec.nodeName as string
    const daemon = cluster.pid(`${node}-cri`)
    process.kill(daemon, 'SIGKILL')
    await eventually(
      'a new daemon',
      async () => cluster.pid(`${node}-cri`),
      (pid) => pid > 0 && pid !== daemon,
    )
    await eventually(
      'it to answer',
      () => cluster.kubectl(['exec', 'outlives', '--', '/bin/sh', '-c', 'echo alive']),
      (result) => result.stdout === 'alive\n',
    )
    const after = await container('outlives')
    expect(after.containerID).toBe(before.containerID)
    expect(after.restartCount).toBe(0)
    await cluster.ask('delete pod outlives --now')
  })

  it('loses nothing when the server is killed', async () => {
    await cluster.apply(pod('through'))
    await running('through')
    await cluster.ask('create configmap kept --from-literal=a=b')
    const uid = (await cluster.object('configmap kept')).metadata.uid
    const server = cluster.pid('server')
    process.kill(server, 'SIGKILL')
    await eventually(
      'a new server',
      () => cluster.object('configmap kept'),
      (object) => object.metadata.uid === uid,
    )
    expect(cluster.pid('server')).not.toBe(server)
    await cluster.ask('create deployment after --image=rostrum.test/sleep:1 --replicas=2 -- /bin/sleep 1000')
    await cluster.ask([
      'patch',
      'deployment',
      'after',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/spec/template/spec/containers/0/imagePullPolicy","value":"Never"}]',
    ])
    await cluster.ask('rollout status deployment after --timeout=60s')
    expect((await container('through')).restartCount).toBe(0)
    await cluster.ask('delete deployment after')
    await cluster.ask('delete pod through --now')
  })

  it('moves the pods of a node that disappears', async () => {
    await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: moved }
spec:
  replicas: 2
  selector: { matchLabels: { app: moved } }
  template:
    metadata: { labels: { app: moved } }
    spec:
      terminationGracePeriodSeconds: 0
      tolerations:
      - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1 }
      - { key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1 }
      containers:
      - { name: c, image: "rostrum.test/sleep:1", imagePullPolicy: Never, args: ["100000"] }`)
    await cluster.ask('rollout status deployment moved --timeout=60s')
    const placed = (await cluster.object('pods -l app=moved')).items.map((p: any) => p.spec.nodeName).sort()
    expect(placed).toEqual(['survival-0', 'survival-1'])
    // Unplug the node: its agent lives, but reaches nobody.
    const netns = (await run('ip', ['netns'])).stdout
      .split('\n')
      .find((line) => line.includes('survival-n1'))!
      .split(' ')[0]!
    await run('ip', ['-n', netns, 'link', 'set', 'eth0', 'down'])
    try {
      await eventually(
        'the node to be missed',
        () => cluster.object('node survival-1'),
        (node) => node.status.conditions.some((c: any) => c.type === 'Ready' && c.status === 'Unknown'),
        120_000,
      )
      await eventually(
        'its pod to be replaced',
        () => cluster.object('pods -l app=moved'),
        (list) =>
          list.items.filter(
            (p: any) =>
              p.spec.nodeName === 'survival-0' && p.status.phase === 'Running' && !p.metadata.deletionTimestamp,
          ).length === 2,
        60_000,
      )
    } finally {
      await run('ip', ['-n', netns, 'link', 'set', 'eth0', 'up'])
    }
    await eventually(
      'the node to come back',
      () => cluster.object('node survival-1'),
      (node) => node.status.conditions.some((c: any) => c.type === 'Ready' && c.status === 'True'),
      120_000,
    )
    await eventually(
      'the old pod to be gone',
      () => cluster.object('pods -l app=moved'),
      (list) => list.items.length === 2,
      60_000,
    )
  })
})
