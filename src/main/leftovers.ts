/** Removes what a node may have left on the host. */
import { readFileSync } from 'node:fs'
import { exec } from '#base/exec.ts'
import { systemClock } from '#base/clock.ts'
import { detectCgroups } from '#base/cgroup.ts'

/** Ends whatever still runs below the cgroup, and removes it from every hierarchy. */
export async function removeCgroups(path: string): Promise<void> {
  const cgroups = detectCgroups()
  if (cgroups.exists(path)) await cgroups.remove(path, systemClock)
}

/** Unmounts everything below a directory, deepest first; what is busy is detached and goes when its last user does. */
export async function unmountBelow(directory: string): Promise<void> {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((point) => point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((point) => point.startsWith(`${directory}/`))
  for (const point of points.toReversed()) await exec(['umount', '--lazy', point])
}
