/** A control plane of this checkout, started for a measurement: durable store, authentication, authorisation, admission. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KubeApi, seconds, until } from './kube-api.mjs'

export const program = fileURLToPath(new URL('../bin/rostrum.mjs', import.meta.url))

/** Resolves once /readyz says so; `startSeconds` is how long that took. */
export async function startServer() {
  const directory = mkdtempSync(join(tmpdir(), 'rostrum-bench-'))
  const token = randomBytes(24).toString('hex')
  const tokens = join(directory, 'tokens.csv')
  writeFileSync(tokens, `${token},bench,1,"system:masters"\n`, { mode: 0o600 })
  const port = await freePort()
  const start = performance.now()
  const child = spawn(
    process.execPath,
    [
      program,
      // 1,000 nodes need more than 256 networks.
      ...`server --name bench --log-level error --cluster-cidr 10.128.0.0/10 --port ${port}`.split(' '),
      '--data-dir',
      directory,
      '--token-file',
      tokens,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const api = new KubeApi({ url: `https://127.0.0.1:${port}`, token })
  const stop = async () => {
    api.close()
    child.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const ready = until('/readyz', async () => ((await api.call('GET', '/readyz')) === 'ok' ? true : undefined), {
      everyMs: 2,
    })
    ready.catch(() => {})
    if (!(await Promise.race([ready, ended.then(() => false)]))) throw new Error('the server ended, see above')
    return { api, pid: child.pid, startSeconds: seconds(start), stop }
  } catch (err) {
    await stop()
    throw err
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
