/**
 * What watches cost that nothing happens to: how much the resident memory of a server grows by them, after their first
 * bookmark, as they are asked for by client-go: with bookmarks and a time-out. Nothing is collected for the occasion.
 */
import { connect } from 'node:http2'
import { inParallel, pause } from './kube-api.mjs'
import { cpuSeconds, residentMegabytes } from './processes.mjs'
import { startServer } from './rostrum-server.mjs'

const WATCHES = 10_000
/** What a server that has just started does goes on for a while. */
const SETTLE_MS = 15_000
/** A little more than the period of bookmarks. */
const IDLE_MS = 70_000
const LONG_SECONDS = 3000
const PATH = '/api/v1/namespaces/default/configmaps'

/** Starts a server of its own. `onStart` is given it, so that it is stopped whatever happens. */
export async function measureIdleWatches(perConnection, onStart) {
  const server = onStart(await startServer())
  const { api, pid } = server
  const sessions = []
  try {
    // What a server needs that is in use, whoever uses it.
    await inParallel(2000, () => api.call('GET', PATH))
    const { resourceVersion } = (await api.call('GET', PATH)).metadata
    await pause(SETTLE_MS)
    const before = residentMegabytes(pid)
    const headers = {
      ':path': `${PATH}?allowWatchBookmarks=true&resourceVersion=${resourceVersion}&timeoutSeconds=${LONG_SECONDS}&watch=true`,
      authorization: `Bearer ${api.token}`,
      accept: 'application/json, */*',
      'user-agent': 'bench/v0.0.0 (linux/amd64) kubernetes/$Format',
    }
    let open = 0
    let bookmarks = 0
    const openWatch = (session) =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers)
        stream.on('error', reject)
        stream.on('data', () => bookmarks++)
        stream.on('close', () => open--)
        stream.on('response', ({ ':status': code }) => {
          if (code !== 200) return reject(new Error(`a watch is answered ${code}`))
          open++
          resolve()
        })
      })
    for (let opened = 0; opened < WATCHES; opened += perConnection) {
      const session = connect(api.url, { rejectUnauthorized: false })
      session.on('error', () => {})
      sessions.push(session)
      await Promise.all(Array.from({ length: perConnection }, () => openWatch(session)))
    }
    const opened = residentMegabytes(pid)
    const cpuBefore = cpuSeconds(pid)
    await pause(IDLE_MS)
    const cpuMsPerSecond = ((cpuSeconds(pid) - cpuBefore) / IDLE_MS) * 1e6
    if (open < WATCHES) throw new Error(`only ${open} of ${WATCHES} watches are still open`)
    const after = residentMegabytes(pid)
    const details = { connections: sessions.length, before, opened, after, bookmarks, cpuMsPerSecond }
    return { megabytes: after - before, details }
  } finally {
    for (const session of sessions) session.destroy()
    await server.stop()
  }
}
