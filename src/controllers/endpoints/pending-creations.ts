/**
 * Objects with generated names that were created and that the informer has not shown yet: as long as there are some,
 * the owner must not be worked on, or more would be created. Given up after a while, since an object may be deleted
 * before the informer ever sees it.
 */
import type { Clock } from '#base/clock.ts'
import type { KubeObject } from '#api/kind.ts'
import type { Lister } from '#client/informer.ts'

const GIVE_UP_MS = 30_000

export class PendingCreations {
  readonly #clock: Clock
  readonly #pending = new Map<string, { namespace: string | undefined; name: string; sinceMs: number }[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  created(owner: string, { metadata }: KubeObject): void {
    const { namespace, name } = metadata
    const list = this.#pending.get(owner) ?? []
    list.push({ namespace, name, sinceMs: this.#clock.monotonic() })
    this.#pending.set(owner, list)
  }

  /** Whether the copy shows all that was created for the owner. */
  areSeen(owner: string, copy: Lister<KubeObject>): boolean {
    const pending = this.#pending.get(owner)
    if (!pending) return true
    const nowMs = this.#clock.monotonic()
    const missing = pending.filter(({ namespace, name, sinceMs }) => {
      return nowMs - sinceMs < GIVE_UP_MS && !copy.get(namespace, name)
    })
    if (missing.length > 0) this.#pending.set(owner, missing)
    else this.#pending.delete(owner)
    return missing.length === 0
  }

  forget(owner: string): void {
    this.#pending.delete(owner)
  }
}
