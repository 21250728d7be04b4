/**
 * Every budget of the design, measured on this machine: `npm run bench`.
 *
 *     node bench/run.mjs [--only get,list] [--seconds 5] [--json FILE]
 *                        [--upstream https://host:port --upstream-token TOKEN [--upstream-image IMAGE]]
 *
 * Rostrum is what `npm run build` has built here. With an upstream, its rows are measured in the same minutes, so that
 * the ratio is of this machine; without, the ratio is to the published figures, which are of another hour. Everything
 * that is started or created is removed.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { measureApi } from './api-load.mjs'
import { measureCustom } from './custom-load.mjs'
import { rows, targetOf, timesBetter } from './budget.mjs'
import { bundled } from './bundled.mjs'
import { startCluster } from './cluster.mjs'
import { measureIdleWatches } from './idle-watches.mjs'
import { KubeApi, median } from './kube-api.mjs'
import { measurePods } from './pod-load.mjs'
import { run } from './processes.mjs'
import { startServer } from './rostrum-server.mjs'
import { measureScheduling } from './schedule-load.mjs'

const STARTS = 5
const watchesPerConnection = { 'watches-idle': 100, 'watches-idle-20': 20 }
const scenarios = {
  scheduler: 'one template',
  'scheduler-affinity': 'preferred pod affinity',
  'scheduler-anti': 'required pod anti-affinity',
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
    upstream: { type: 'string' },
    'upstream-token': { type: 'string' },
    'upstream-image': { type: 'string' },
  },
})
const only = options.only?.split(',')
for (const id of only ?? [])
  if (!rows.some((row) => row.id === id)) fail(`no row ${id}; there are: ${rows.map((row) => row.id).join(', ')}`)
if (options.upstream && !options['upstream-token']) fail('--upstream needs --upstream-token')

const wants = (id) => !only || only.includes(id)
const wantsGroup = (group) => rows.some((row) => row.group === group && wants(row.id))
const ours = {}
const theirs = {}
const details = {}
const skipped = []
const startedAt = new Date().toISOString()
const loadBefore = loadavg()
const say = (who) => (id, value) =>
  process.stderr.write(
    value === undefined
      ? `${id}\n`
      : `  ${who} ${id}: ${shown(value)} ${rows.find((row) => row.id === id)?.unit ?? ''}\n`,
  )
const duration = Number(options.seconds)
const upstream = options.upstream && new KubeApi({ url: options.upstream, token: options['upstream-token'] })

/** What runs now. Stopping it twice does no harm. */
let running
function noted(started) {
  running = started
  return started
}
for (const name of ['SIGINT', 'SIGTERM']) {
  process.on(name, async () => {
    await running?.stop()
    process.exit(130)
  })
}

const groups = {
  start: startGroup,
  api: () => requestsGroup('api', measureApi),
  custom: () => requestsGroup('custom', measureCustom),
  watches: watchesGroup,
  schedule: scheduleGroup,
  scheduler: schedulerGroup,
  idle: idleGroup,
  node: nodeGroup,
}
for (const [name, measure] of Object.entries(groups)) {
  if (!wantsGroup(name) && !(name === 'node' && wantsGroup('pods'))) continue
  process.stderr.write(`${name}\n`)
  try {
    await measure()
  } catch (err) {
    skipped.push(`${name}: ${err.message.trim()}`)
  }
}
upstream?.close()
report()

async function startGroup() {
  const times = []
  for (let i = 0; i < STARTS; i++) {
    const server = noted(await startServer())
    times.push(server.startSeconds)
    await server.stop()
  }
  ours.start = median(times)
  details.start = { seconds: times }
  say('Rostrum')('start', ours.start)
}

async function requestsGroup(group, measure) {
  if (spawnSync('wrk', ['-v']).error) throw new Error('wrk is not installed (apt-get install wrk); nothing was asked')
  const server = noted(await startServer())
  try {
    const { api, pid } = server
    const { values, details: more } = await measure(api, wants, { seconds: duration, say: say('Rostrum'), pid })
    Object.assign(ours, values)
    details[group] = more
  } finally {
    await server.stop()
  }
  if (!upstream) return
  const { values, details: more } = await measure(upstream, wants, { seconds: duration, say: say('upstream') })
  Object.assign(theirs, values)
  details[`upstream${group[0].toUpperCase()}${group.slice(1)}`] = more
}

async function watchesGroup() {
  for (const [id, perConnection] of Object.entries(watchesPerConnection)) {
    if (!wants(id)) continue
    const { megabytes, details: more } = await measureIdleWatches(perConnection, noted)
    ours[id] = megabytes
    details[id] = more
    say('Rostrum')(id, megabytes)
  }
}

async function scheduleGroup() {
  const server = noted(await startServer())
  try {
    details.schedule = await measureScheduling(server.api)
    ours.schedule = details.schedule.perSecond
    say('Rostrum')('schedule', ours.schedule)
  } finally {
    await server.stop()
  }
  if (!upstream) return
  details.upstreamSchedule = await measureScheduling(upstream)
  theirs.schedule = details.upstreamSchedule.perSecond
  say('upstream')('schedule', theirs.schedule)
}

async function schedulerGroup() {
  const file = await bundled('scheduler')
  for (const [id, scenario] of Object.entries(scenarios)) {
    if (!wants(id)) continue
    const lines = run(process.execPath, [file, '5000', scenario])
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { perSecond, placed, pods } = lines.find(({ nodes }) => nodes === 5000)
    if (placed < pods) throw new Error(`${scenario}: only ${placed} of ${pods} pods found a node`)
    ours[id] = perSecond
    say('Rostrum')(id, perSecond)
  }
}

/** A cluster that nothing was asked of since it came up. */
async function idleGroup() {
  if (process.getuid() !== 0) throw new Error('real nodes need root; nothing was started')
  const cluster = noted(await startCluster({ application: false }))
  try {
    const idle = await cluster.measureIdle()
    details.idle = idle.details
    for (const [id, value] of Object.entries(idle.values)) {
      if (!wants(id)) continue
      ours[id] = value
      say('Rostrum')(id, value)
    }
  } finally {
    cluster.stop()
  }
}

async function nodeGroup() {
  if (process.getuid() !== 0) throw new Error('real nodes need root; nothing was started')
  if (wantsGroup('pods') && spawnSync('kubectl', ['version', '--client']).error)
    throw new Error('kubectl is not installed; nothing was started')
  const cluster = noted(await startCluster())
  try {
    for (const [id, value] of Object.entries(cluster.times)) {
      if (!wants(id)) continue
      ours[id] = value
      say('Rostrum')(id, value)
    }
    details.upSeconds = cluster.upSeconds
    if (wantsGroup('pods')) Object.assign(ours, await measurePods(cluster, wants, say('Rostrum')))
  } finally {
    cluster.stop()
  }
  const image = options['upstream-image']
  if (!upstream || !image || !wantsGroup('pods')) return
  const access = ['--server', upstream.url, '--token', upstream.token, '--insecure-skip-tls-verify']
  const kubectl = (args) => run('kubectl', [...access, ...args])
  Object.assign(theirs, await measurePods({ api: upstream, image, kubectl }, wants, say('upstream')))
}

function report() {
  const machine = {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    loadBefore: loadBefore[0],
    loadAfter: loadavg()[0],
    startedAt,
  }
  const results = rows
    .filter((row) => ours[row.id] !== undefined)
    .map((row) => {
      const measured = theirs[row.id]
      const other = measured ?? row.upstream
      const target = targetOf(row, other)
      return {
        id: row.id,
        name: row.name,
        unit: row.unit,
        rostrum: ours[row.id],
        upstream: other,
        upstreamIs: other === undefined ? undefined : measured === undefined ? 'published' : 'measured',
        ratio: other === undefined ? undefined : timesBetter(row, ours[row.id], other),
        target,
        // 1 and more: met.
        reached: target === undefined ? undefined : timesBetter(row, ours[row.id], target),
      }
    })
  console.log(
    `\n${machine.cores} cores of ${machine.cpu}, ${machine.memoryGigabytes} GB, Linux ${machine.kernel}, Node ${machine.node}, ${startedAt}; ` +
      `load average ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after\n`,
  )
  const head = ['row', 'Rostrum', 'upstream', 'times better', 'target', '']
  const lines = results.map(({ name, unit, rostrum, upstream: other, upstreamIs, ratio, target, reached }) => [
    name,
    `${shown(rostrum)} ${unit}`,
    other === undefined ? '' : `${shown(other)} (${upstreamIs})`,
    ratio === undefined ? '' : `${shown(ratio)}`,
    target === undefined ? '' : shown(target),
    reached === undefined ? '' : reached >= 1 ? 'met' : `${Math.round((1 - reached) * 100)} % short`,
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)))
  const print = (line) => console.log(`| ${line.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`)
  print(head)
  print(widths.map((width) => '-'.repeat(width)))
  lines.forEach(print)
  for (const why of skipped) console.log(`\nnot measured: ${why}`)
  if (options.json)
    writeFileSync(options.json, `${JSON.stringify({ machine, results, skipped, details }, undefined, 2)}\n`)
  if (skipped.length > 0) process.exitCode = 1
}

function shown(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(value >= 10 ? 3 : 2)
}

function fail(why) {
  process.stderr.write(`bench: ${why}\n`)
  process.exit(2)
}
