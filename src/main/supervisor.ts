/**
 * Keeps a part of a cluster running in the background: a small shell loop that starts it again when it ends. The loop and
 * what it runs form one process group, which `stop` ends; containers are not in it, so they stay.
 *
 * A shell, because it costs under a megabyte where another Node process would cost forty. The script is constant; what is
 * run comes in as arguments.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import { systemCode } from '#base/errors.ts'

/** Back-off between starts: 0.2 s, doubling up to 5 s, forgotten after a run of 30 s. */
const SCRIPT = `
pidfile=$1; shift
delay=2
while :; do
  started=$(date +%s)
  "$@" &
  child=$!
  echo "$child" > "$pidfile"
  trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; rm -f "$pidfile"; exit 0' TERM INT
  wait "$child"
  trap 'exit 0' TERM INT
  [ $(( $(date +%s) - started )) -ge 30 ] && delay=2
  sleep "$((delay / 10)).$((delay % 10))"
  delay=$((delay * 2)); [ "$delay" -gt 50 ] && delay=50
done
`

export interface SupervisedOptions {
  /** Name of the part; its files are called after it. */
  name: string
  /** Where pid files are kept. */
  runDir: string
  /** Where its output goes. */
  logFile: string
  command: readonly string[]
  env: NodeJS.ProcessEnv
  /** Prefix that puts it into another namespace, e.g. `nsenter --net=...`. */
  enter?: readonly string[]
}

const supervisorFile = (runDir: string, name: string) => join(runDir, `${name}.supervisor.pid`)
const childFile = (runDir: string, name: string) => join(runDir, `${name}.pid`)

/** Starts the part unless it runs already. Returns whether it was started. */
export function startSupervised({ name, runDir, logFile, command, env, enter = [] }: SupervisedOptions): boolean {
  if (isSupervised(runDir, name)) return false
  for (const dir of [runDir, dirname(logFile)]) mkdirSync(dir, { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  try {
    const [file, ...args] = [...enter, 'sh', '-c', SCRIPT, 'rostrum-supervisor', childFile(runDir, name), ...command]
    const child = spawn(file!, args, { detached: true, stdio: ['ignore', log, log], env, cwd: '/' })
    if (child.pid === undefined) throw new Error(`cannot start ${name}: ${file} can't be run`)
    writeFileSync(supervisorFile(runDir, name), `${child.pid} ${startTimeOf(child.pid) ?? ''}\n`, { mode: 0o600 })
    child.unref()
    return true
  } finally {
    closeSync(log)
  }
}

export function isSupervised(runDir: string, name: string): boolean {
  return supervisorPid(runDir, name) !== undefined
}

/** The process that does the work now; undefined between two starts. */
export function supervisedPid(runDir: string, name: string): number | undefined {
  const file = childFile(runDir, name)
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8'))
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined
}

/** Ends the part and its supervisor: asks, waits up to `graceMs`, then kills the group. */
export async function stopSupervised(runDir: string, name: string, clock: Clock, graceMs = 10_000): Promise<void> {
  const pid = supervisorPid(runDir, name)
  if (pid !== undefined) {
    const members = [pid, supervisedPid(runDir, name)].filter((member) => member !== undefined)
    signal(-pid, 'SIGTERM')
    const deadline = clock.monotonic() + graceMs
    while (members.some(isAlive) && clock.monotonic() < deadline) await sleep(clock, 10)
    signal(-pid, 'SIGKILL')
  }
  rmSync(supervisorFile(runDir, name), { force: true })
  rmSync(childFile(runDir, name), { force: true })
}

/** The supervisor's pid, if the process of that number is still the one that was started. */
function supervisorPid(runDir: string, name: string): number | undefined {
  const file = supervisorFile(runDir, name)
  if (!existsSync(file)) return undefined
  const [pidText, startTime] = readFileSync(file, 'utf8').trim().split(' ')
  const pid = Number(pidText)
  return Number.isInteger(pid) && pid > 0 && startTimeOf(pid) === startTime ? pid : undefined
}

/** When a process was started, in clock ticks since boot: with the pid it names a process for good. Undefined for a dead one. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** A process that has ended but was not collected by its parent yet counts as gone. */
const isAlive = (pid: number) => startTimeOf(pid) !== undefined

function signal(pid: number, name: NodeJS.Signals) {
  try {
    process.kill(pid, name)
  } catch (err) {
    if (systemCode(err) !== 'ESRCH') throw err
  }
}
