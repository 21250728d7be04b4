/** Removes what a node may have left on the host. */
import { systemClock } from '#base/clock.ts'
import { detectCgroups } from '#base/cgroup.ts'

/** Ends whatever still runs below the cgroup, and removes it from every hierarchy. */
export async function removeCgroups(path: string): Promise<void> {
  const cgroups = detectCgroups()
  if (cgroups.exists(path)) await cgroups.remove(path, systemClock)
}
