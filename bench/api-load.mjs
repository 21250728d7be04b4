/**
 * Requests to any Kubernetes API: 5,000 pods of 3.4 KB are there, 64 connections ask. The load comes from `wrk`, which
 * costs little beside the server, and from a client that only counts for watches.
 */
import { EventCounter } from './event-counter.mjs'
import { benchNamespace, inParallel, pause, seconds } from './kube-api.mjs'
import { cpuSeconds } from './processes.mjs'
import { luaText, wrk } from './wrk.mjs'

const PODS = 5000
const APPS = 20
const WATCHERS = 500
const WATCHERS_PER_CONNECTION = 20
const WATCHED_PATCHES = 500
const PATCHERS = 8
const WATCH_TIMEOUT_MS = 60_000

/** What wrk sends: Lua that makes one request, given `n` (counts up) and `id` (of the thread); connections. */
const requestsOf = (pods) => {
  const get = (query) => ({ lua: `request("GET", "${pods}${query}", "application/json")` })
  return {
    get: get(`/f-"..((n*7919+id*31)%${PODS}).."`),
    list: { ...get(''), connections: 2 },
    'list-label': { ...get('?labelSelector=app%3Da3&resourceVersion=0'), connections: 4 },
    'list-limit': { ...get('?limit=500'), connections: 4 },
    patch: {
      lua: `request("PATCH", "${pods}/f-"..((n*2+id)%${PODS}), "application/strategic-merge-patch+json", '{"metadata":{"labels":{"v":"'..id..'-'..n..'"}}}')`,
    },
    create: {
      lua: `request("POST", "${pods}", "application/json", ${luaText(podText('NAME', 'APP'))
        .replace('NAME', `"..("p-"..id.."-"..n).."`)
        .replace('APP', `"..("a"..(n%${APPS})).."`)})`,
    },
    delete: { lua: `request("DELETE", "${pods}/p-"..id.."-"..n.."?gracePeriodSeconds=0", "application/json")` },
  }
}

const podText = (name, app) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app, tier: 'front' }, annotations: { note: 'x'.repeat(1600) } },
    spec: {
      schedulerName: 'nobody',
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'c',
          image: 'registry.example/app:1.2.3',
          ports: [{ containerPort: 8080, name: 'http' }],
          env: Array.from({ length: 6 }, (_, i) => ({ name: `VAR_${i}`, value: `value-${i}` })),
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' } },
        },
      ],
    },
  })

/**
 * Measures the rows that `wants` names. `say` hears of each as it is done. Returns values by id, and details, among them
 * the CPU that the process `pid` spent on a request, where it is given: a busy machine changes that less than the rate.
 */
export async function measureApi(api, wants, { seconds: duration, say, pid }) {
  const namespace = await benchNamespace(api)
  const { pods } = namespace
  const values = {}
  const details = {}
  const requests = requestsOf(pods)
  const load = async (id, options) => {
    const cpuBefore = pid && cpuSeconds(pid)
    const result = await wrk(api, { ...requests[id], duration, ...options })
    details[id] = { ...result, ...(pid && { cpuUs: ((cpuSeconds(pid) - cpuBefore) / result.requests) * 1e6 }) }
    values[id] = result.perSecond
    say(id, result.perSecond)
    if (result.failed > 0) say(`  of ${id}, ${result.failed} of ${result.requests} requests failed`)
    return result
  }
  try {
    await inParallel(PODS, (i) => api.call('POST', pods, podText(`f-${i}`, `a${i % APPS}`)))
    for (const id of ['get', 'list', 'list-label', 'list-limit']) if (wants(id)) await load(id)
    if (wants('watch')) {
      const cpuBefore = pid && cpuSeconds(pid)
      const result = await watchFanOut(api, pods)
      details.watch = { ...result, ...(pid && { cpuUs: ((cpuSeconds(pid) - cpuBefore) / result.events) * 1e6 }) }
      values.watch = details.watch.perSecond
      say('watch', values.watch)
    }
    if (wants('patch')) await load('patch')
    if (wants('create') || wants('delete')) {
      const created = await load('create')
      // What was created is what there is to delete; a run of half the time finds enough of it.
      if (wants('delete')) await load('delete', { duration: Math.max(1, Math.floor(duration / 3)) })
      if (!wants('create')) delete values.create
      details.created = created.requests
    }
  } finally {
    await namespace.remove()
  }
  return { values, details }
}

/** Patches pods that `WATCHERS` watches see, and counts how many events a second arrive. */
async function watchFanOut(api, pods) {
  const { resourceVersion } = (await api.call('GET', `${pods}?limit=1`)).metadata
  const wanted = WATCHERS * WATCHED_PATCHES
  let events = 0
  let finish
  const all = new Promise((resolve) => (finish = resolve))
  const counters = Array.from({ length: Math.ceil(WATCHERS / WATCHERS_PER_CONNECTION) }, () => {
    return new EventCounter((more) => {
      events += more
      if (events >= wanted) finish()
    })
  })
  try {
    const path = `${pods}?watch=1&resourceVersion=${resourceVersion}`
    const opened = counters.map((counter) => counter.open(api, path, WATCHERS_PER_CONNECTION))
    await Promise.race([Promise.all(opened), pause(WATCH_TIMEOUT_MS)])
    const start = performance.now()
    let next = 0
    const patcher = async () => {
      while (next < WATCHED_PATCHES) {
        const i = next++
        const patch = { metadata: { annotations: { seen: String(i) } } }
        await api.call('PATCH', `${pods}/f-${i % PODS}`, patch, 'application/merge-patch+json')
      }
    }
    await Promise.all(Array.from({ length: PATCHERS }, patcher))
    await Promise.race([all, pause(WATCH_TIMEOUT_MS)])
    const closedByServer = counters.reduce((sum, { ended }) => sum + ended, 0)
    return { perSecond: events / seconds(start), events, wanted, closedByServer }
  } finally {
    for (const counter of counters) counter.close()
  }
}
