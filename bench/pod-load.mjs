/** Real pods on real nodes: how fast they run, end, answer and speak. Works against any cluster that has the image. */
import { performance } from 'node:perf_hooks'
import { benchNamespace, inParallel, median, seconds } from './kube-api.mjs'
import { cpuSeconds, proportionalMegabytes, sumOf } from './processes.mjs'

const SINGLE_PODS = 20
const BURST_PODS = 50
const EXECS = 10
const LOG_BYTES = 10_000_000
const LOG_READS = 3
const TIMEOUT_MS = 120_000

/**
 * @param {object} target
 * @param {import('./kube-api.mjs').KubeApi} target.api
 * @param {string} target.image has /bin/sh, /bin/sleep, /bin/true, /usr/bin/yes and /usr/bin/head, and is there
 * @param {(args: string[]) => string} target.kubectl
 * @param {() => number[]} [target.clusterPids] processes whose CPU counts for a pod
 * @param {() => number[]} [target.nodePids] processes of the node alone
 */
export async function measurePods({ api, image, kubectl, clusterPids, nodePids }, wants, say) {
  const namespace = await benchNamespace(api)
  const { pods } = namespace
  const watch = await watchPods(api, pods)
  const values = {}
  const done = (id, value) => {
    if (!wants(id)) return
    values[id] = value
    say(id, value)
  }
  const create = (name, command = ['/bin/sleep', '100000']) =>
    api.call('POST', pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 1,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        restartPolicy: 'Never',
        containers: [{ name: 'c', image, imagePullPolicy: 'Never', command }],
      },
    })
  const remove = async (name) => {
    await api.call('DELETE', `${pods}/${name}?gracePeriodSeconds=0`)
    await watch.until(`${name} to be gone`, (phases) => !phases.has(name))
  }
  const names = (kind, count) => Array.from({ length: count }, (_, i) => `${kind}-${i}`)
  const start = async (podNames, command) => {
    await inParallel(podNames.length, (i) => create(podNames[i], command))
    await watch.until('all pods to run', (phases) => podNames.every((name) => phases.get(name) === 'Running'), {
      runs: true,
    })
  }
  const kubectlIn = (...args) => kubectl(['-n', namespace.name, ...args])
  try {
    // The first pod of a node loads code and sets up what all pods share.
    await start(['first'])
    if (wants('pod-start')) {
      const times = []
      for (const name of names('one', SINGLE_PODS)) {
        const from = performance.now()
        await start([name])
        times.push(seconds(from))
        await remove(name)
      }
      done('pod-start', median(times))
    }
    if (wants('exec')) {
      const times = Array.from({ length: EXECS + 1 }, () => {
        const from = performance.now()
        kubectlIn('exec', 'first', '--', '/bin/true')
        return seconds(from)
      })
      // The first one also learns what the API has.
      done('exec', median(times.slice(1)))
    }
    for (const [id, lineBytes] of [
      ['logs-100', 100],
      ['logs-1k', 1000],
    ]) {
      if (!wants(id) && !wants(`${id}-api`)) continue
      const script = `/usr/bin/yes ${'x'.repeat(lineBytes - 1)} | /usr/bin/head -n ${LOG_BYTES / lineBytes}; /bin/sleep 100000`
      await start([id], ['/bin/sh', '-c', script])
      const length = () => kubectlIn('logs', id).length
      const deadline = performance.now() + TIMEOUT_MS
      while (length() < LOG_BYTES) if (performance.now() > deadline) throw new Error(`${id}: the log stays incomplete`)
      const times = []
      const apiTimes = []
      for (let i = 0; i < LOG_READS; i++) {
        let from = performance.now()
        length()
        times.push(seconds(from))
        from = performance.now()
        await api.call('GET', `${pods}/${id}/log`)
        apiTimes.push(seconds(from))
      }
      done(id, LOG_BYTES / 1e6 / median(times))
      done(`${id}-api`, LOG_BYTES / 1e6 / median(apiTimes))
      await remove(id)
    }
    if (['pods-50', 'pods-50-cpu', 'delete-50', 'memory-node', 'memory-pod'].some(wants)) {
      const memoryBefore = nodePids && sumOf(nodePids(), proportionalMegabytes)
      const cpuBefore = clusterPids && sumOf(clusterPids(), cpuSeconds)
      const burst = names('burst', BURST_PODS)
      const from = performance.now()
      await start(burst)
      done('pods-50', seconds(from))
      if (clusterPids) done('pods-50-cpu', (sumOf(clusterPids(), cpuSeconds) - cpuBefore) / BURST_PODS)
      if (nodePids) {
        const memory = sumOf(nodePids(), proportionalMegabytes)
        done('memory-node', memory)
        done('memory-pod', Math.max(0, memory - memoryBefore) / BURST_PODS)
      }
      const removedFrom = performance.now()
      await inParallel(BURST_PODS, (i) => api.call('DELETE', `${pods}/${burst[i]}?gracePeriodSeconds=1`))
      await watch.until('all pods to be gone', (phases) => burst.every((name) => !phases.has(name)))
      done('delete-50', seconds(removedFrom))
    }
    await remove('first')
  } finally {
    watch.stop()
    await namespace.remove()
  }
  return values
}

/** The phases of a namespace's pods by name, as a watch tells them. */
async function watchPods(api, path) {
  const phases = new Map()
  let look = () => {}
  const stop = await api.watch(path, ({ type, object }) => {
    const { name } = object.metadata
    if (type === 'DELETED') phases.delete(name)
    else {
      const { phase, reason, message, containerStatuses = [] } = object.status
      const why = containerStatuses.map(({ state }) => state?.terminated?.message ?? state?.terminated?.reason)
      phases.set(name, phase === 'Failed' ? [phase, reason, message, ...why].filter(Boolean).join(': ') : phase)
    }
    look()
  })
  return {
    stop,
    /** With `runs`, a pod that fails ends the wait, with its reason. */
    until: (what, isSo, { runs = false } = {}) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const seen = JSON.stringify(Object.fromEntries(phases)).slice(0, 500)
          reject(new Error(`waited ${TIMEOUT_MS / 1000} s for ${what}: ${seen}`))
        }, TIMEOUT_MS)
        look = () => {
          const failed = runs && [...phases].find(([, phase]) => phase.startsWith('Failed'))
          if (!failed && !isSo(phases)) return
          clearTimeout(timer)
          look = () => {}
          if (failed) reject(new Error(`pod ${failed.join(': ')}`))
          else resolve()
        }
        look()
      }),
  }
}
