/** Load over HTTPS by `wrk`, which costs little beside the server. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CONNECTIONS = 64

/** As a literal of Lua. */
export const luaText = (text) => `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`

/**
 * Asks for `duration` seconds. `lua` makes one request, given `n` (counts up) and `id` (of the thread). `failed` requests
 * count as none. Times in milliseconds.
 */
export async function wrk({ url, token }, { lua, duration, connections = CONNECTIONS }) {
  const directory = mkdtempSync(join(tmpdir(), 'rostrum-bench-'))
  const script = join(directory, 'requests.lua')
  writeFileSync(
    script,
    `local n = 0
function setup(thread) threads = (threads or 0) + 1; thread:set("id", threads) end
local function send(method, path, kind, body)
  return wrk.format(method, path, {["Authorization"]="Bearer ${token}", ["Accept"]="application/json", ["Content-Type"]=kind}, body)
end
function request() n = n + 1; return ${lua.replace(/^request/, 'send')} end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"failed":%d,"bytes":%d,"p50":%.2f,"p99":%.2f}\\n', summary.requests, summary.duration,
    e.status + e.connect + e.read + e.write + e.timeout, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`,
  )
  try {
    const child = spawn('wrk', ['-t2', `-c${connections}`, `-d${duration}s`, '--timeout', '30s', '-s', script, url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    for await (const chunk of child.stdout) out += chunk
    const { requests, us, failed, bytes, p50, p99 } = JSON.parse(out.trim().split('\n').pop())
    const perSecond = ((requests - failed) / us) * 1e6
    return { requests, failed, perSecond, p50Ms: p50, p99Ms: p99, megabytesPerSecond: bytes / us }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
