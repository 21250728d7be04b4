/** A whole cluster on this machine, as a user starts it: `rostrum up`, an image, an application. Needs root. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { KubeApi, pause, seconds, until } from './kube-api.mjs'
import { cpuSeconds, processesOf, residentMegabytes, run, sumOf } from './processes.mjs'
import { program } from './rostrum-server.mjs'

const IMAGE = 'rostrum.bench/tools:1'
const TOOLS = ['/bin/sh', '/bin/sleep', '/bin/true', '/usr/bin/yes', '/usr/bin/head']
const APP_IMAGE = 'rostrum.bench/node:1'
/** Idle means: nothing was asked for so long; then it is watched for so long. */
const SETTLE_MS = 15_000
const IDLE_MS = 15_000

/** Starts a cluster of one node, and an application on it unless that is not wanted. Times as the budget has them. */
export async function startCluster({ application = true } = {}) {
  const name = `bench-${process.pid}`
  const root = mkdtempSync(join(tmpdir(), 'rostrum-bench-'))
  const directory = join(root, name)
  const env = { KUBECONFIG: join(root, 'kubeconfig') }
  const rostrum = (...args) => run(process.execPath, [program, ...args, '--name', name, '--data-dir', root], { env })
  let api
  const stop = () => {
    api?.close()
    if (existsSync(directory)) rostrum('down', '--purge')
    rmSync(root, { recursive: true, force: true })
  }
  try {
    const start = performance.now()
    const started = runUp(name, root, env)
    const files = { access: join(directory, 'admin.kubeconfig'), agent: join(directory, 'run', `${name}-0-agent.pid`) }
    let failure
    started.catch((err) => (failure = err))
    const whenThere = (file) =>
      until(
        file,
        () => {
          if (failure) throw failure
          return existsSync(file) ? true : undefined
        },
        { timeoutMs: 120_000, everyMs: 1 },
      )
    await whenThere(files.access)
    api = apiOf(files.access)
    const ready = nodeReady(api)
    await whenThere(files.agent)
    const nodeStart = ((await ready) - statSync(files.agent).mtimeMs) / 1000
    await started
    const upSeconds = seconds(start)
    let clusterUp
    if (application) {
      rostrum('image', 'from-host', APP_IMAGE, process.execPath, '--quiet')
      await answersByName(api)
      clusterUp = seconds(start)
      rostrum('image', 'from-host', IMAGE, ...TOOLS, '--quiet')
    }
    const marks = [root, `/run/rostrum/${name}/`]
    const nodePids = () =>
      processesOf(...marks)
        .filter(({ command }) => !/rostrum\.mjs server/.test(command))
        .map(({ pid }) => pid)
    return {
      api,
      stop,
      image: IMAGE,
      times: { 'cluster-up': clusterUp, 'node-start': nodeStart },
      upSeconds,
      kubectl: (args) => run('kubectl', args, { env }),
      clusterPids: () => processesOf(...marks).map(({ pid }) => pid),
      nodePids,
      measureIdle: () => measureIdle(() => processesOf(...marks)),
    }
  } catch (err) {
    stop()
    throw err
  }
}

function runUp(name, root, env) {
  const child = spawn(process.execPath, [program, 'up', '--quiet', '--name', name, '--data-dir', root], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text) => (said += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`rostrum up: ${said.trim()}`))))
  })
}

function apiOf(kubeconfig) {
  const { clusters, users } = load(readFileSync(kubeconfig, 'utf8'))
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user
  return new KubeApi({
    url: clusters[0].cluster.server,
    cert: Buffer.from(cert, 'base64'),
    key: Buffer.from(key, 'base64'),
  })
}

/** Resolves with the time (milliseconds since the epoch) at which the first Ready node was seen. */
function nodeReady(api) {
  return new Promise((resolve, reject) => {
    const watching = api.watch('/api/v1/nodes', ({ object }) => {
      if (!object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return
      resolve(Date.now())
      void watching.then((stop) => stop())
    })
    watching.catch(reject)
  })
}

/** A server with a Service before it, and a pod that asks it by its DNS name until it answers. */
async function answersByName(api) {
  const pods = '/api/v1/namespaces/default/pods'
  const container = (script) => [
    { name: 'c', image: APP_IMAGE, imagePullPolicy: 'Never', command: [process.execPath, '-e', script] },
  ]
  const selector = { app: 'web' }
  const serve = `require('http').createServer((q, s) => s.end('here')).listen(8080)`
  const ask = `const ask = () => fetch('http://web.default.svc.cluster.local/').then(() => process.exit(0), () => setTimeout(ask, 20)); ask()`
  const template = {
    metadata: { labels: selector },
    spec: { terminationGracePeriodSeconds: 0, containers: container(serve) },
  }
  const objects = [
    [
      '/apis/apps/v1/namespaces/default/deployments',
      {
        kind: 'Deployment',
        apiVersion: 'apps/v1',
        metadata: { name: 'web' },
        spec: { selector: { matchLabels: selector }, template },
      },
    ],
    [
      '/api/v1/namespaces/default/services',
      {
        kind: 'Service',
        apiVersion: 'v1',
        metadata: { name: 'web' },
        spec: { selector, ports: [{ port: 80, targetPort: 8080 }] },
      },
    ],
    [
      pods,
      {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { name: 'client' },
        spec: { restartPolicy: 'Never', containers: container(ask) },
      },
    ],
  ]
  // The namespace's service account may be a moment away.
  for (const [path, object] of objects) await until(path, () => api.call('POST', path, object))
  let finish
  const done = new Promise((resolve) => (finish = resolve))
  const stop = await api.watch(pods, ({ object }) => {
    if (object.metadata.name === 'client' && object.status.phase === 'Succeeded') finish(true)
  })
  const answered = await Promise.race([done, pause(60_000)])
  stop()
  if (!answered) throw new Error('the application does not answer by its DNS name')
  await api.call('DELETE', `${objects[0][0]}/web`)
  await api.call('DELETE', `${pods}/client?gracePeriodSeconds=0`)
  await api.call('DELETE', `${objects[1][0]}/web`)
}

/** Memory and CPU of a cluster that nobody asks anything: in all, and of each process. */
async function measureIdle(list) {
  await pause(SETTLE_MS)
  const processes = list()
  const before = processes.map(({ pid }) => cpuSeconds(pid))
  const start = performance.now()
  await pause(IDLE_MS)
  const elapsed = seconds(start)
  const details = processes.map(({ pid, command }, i) => ({
    process: /rostrum-supervisor \/run/.test(command)
      ? 'container supervisor'
      : (/rostrum\.mjs (\w+)/.exec(command)?.[1] ?? command.split(' ')[0]) +
        (command.startsWith('sh ') ? ' (restarts it)' : ''),
    megabytes: residentMegabytes(pid),
    cpuMsPerSecond: ((cpuSeconds(pid) - before[i]) * 1000) / elapsed,
  }))
  const isServer = ({ process: name }) => name === 'server'
  return {
    values: {
      'memory-server': sumOf(details.filter(isServer), ({ megabytes }) => megabytes),
      'memory-all': sumOf(details, ({ megabytes }) => megabytes),
      'idle-cpu': sumOf(details, ({ cpuMsPerSecond }) => cpuMsPerSecond),
    },
    details,
  }
}
