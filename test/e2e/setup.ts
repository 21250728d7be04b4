/**
 * Once before the end-to-end tests: builds the program, and as root on Debian installs what the tests need and this
 * machine lacks. Where that cannot be, it says so; the tests that need it are skipped and say why.
 */
import { existsSync } from 'node:fs'
import { exec, execAny } from '#base/exec.ts'
import { isInstalled, lacking, type Program, programs } from './programs.ts'

const APT_TIMEOUT_MS = 5 * 60_000

export async function setup(): Promise<void> {
  await exec([process.execPath, 'tools/build.mjs'], { timeoutMs: 60_000 })
  const needs = Object.keys(programs) as Program[]
  const missing = needs.filter((program) => !isInstalled(program))
  if (missing.length > 0 && !lacking('root') && existsSync('/etc/debian_version')) await install(missing)
  const still = lacking('root', ...needs)
  if (still) say(`tests that need ${still} will be skipped: this machine lacks it`)
}

async function install(missing: readonly Program[]): Promise<void> {
  say(`installing what this machine lacks: apt-get install ${missing.map((program) => programs[program][0]).join(' ')}`)
  for (const program of missing) {
    for (const name of programs[program]) if (!isInstalled(program)) await aptInstall(name)
  }
}

/** Tries with the package lists as they are, then with fresh ones. Says why where it can't. */
async function aptInstall(name: string): Promise<void> {
  const apt = (...args: string[]) =>
    execAny(['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      timeoutMs: APT_TIMEOUT_MS,
      // At this run level the packages' own services are not started.
      env: { ...(process.env as Record<string, string>), DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    })
  const installIt = () => apt('install', '-y', '--no-install-recommends', name)
  try {
    let result = await installIt()
    if (result.code !== 0 && (await apt('update')).code === 0) result = await installIt()
    if (result.code !== 0) say(`cannot install ${name}: ${result.stderr.trim().split('\n').at(-1)}`)
  } catch (err) {
    say(`cannot install ${name}: ${(err as Error).message}`)
  }
}

function say(line: string) {
  process.stdout.write(`e2e: ${line}\n`)
}
