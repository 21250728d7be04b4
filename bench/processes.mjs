/** What processes use, from /proc. Memory in megabytes (10^6), CPU in seconds. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_A_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Processes whose command line has one of `marks` in it, this one left out. */
export function processesOf(...marks) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }))
    .filter(({ command }) => marks.some((mark) => command.includes(mark)))
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

export function residentMegabytes(pid) {
  return kilobytes(`/proc/${pid}/status`, 'VmRSS') / 1e3
}

/** The process's own memory, and its share of what it has in common with others. */
export function proportionalMegabytes(pid) {
  return kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss') / 1e3
}

function kilobytes(file, name) {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1.024
  } catch {
    return 0
  }
}

/** Of the process and of its children that have ended. */
export function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND
  } catch {
    return 0
  }
}

export const sumOf = (pids, measure) => pids.reduce((sum, pid) => sum + measure(pid), 0)

/** Runs a program to its end. Throws with what it said where it fails. */
export function run(file, args, { env = {}, input } = {}) {
  return execFileSync(file, args, {
    env: { ...process.env, ...env },
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: 180_000,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}
