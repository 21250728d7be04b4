/**
 * Objects with generated names that were created and that the informer has not shown yet: as long as there are some,
 * the owner must not be worked on, or more would be created. Given up after a while, since an object may be deleted
 * before the informer ever sees it.
 */
import type { Clock } from '#base/clock.ts'
import type { KubeObject } from '#api/kind.ts'

const GIVE_UP_MS = 30_000

export class PendingCreations {
  readonly #clock: Clock
  /** Since when (monotonic milliseconds) an object is awaited, by owner and then by the object's uid. */
  readonly #pending = new Map<string, Map<string, number>>()
  /** Uids that the informer told of while a creation was under way. */
  readonly #seenMeanwhile = new Map<string, Set<string>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Creates an object for the owner, one at a time. The informer may show it, and even its end, before this resolves. */
  async create<T extends KubeObject>(owner: string, create: () => Promise<T>): Promise<T> {
    const seen = new Set<string>()
    this.#seenMeanwhile.set(owner, seen)
    try {
      const object = await create()
      const { uid } = object.metadata
      if (!seen.has(uid)) {
        const awaited = this.#pending.get(owner) ?? new Map<string, number>()
        this.#pending.set(owner, awaited.set(uid, this.#clock.monotonic()))
      }
      return object
    } finally {
      this.#seenMeanwhile.delete(owner)
    }
  }

  /** The informer has told of the object: that it is there, or that it is gone. */
  seen(owner: string, { metadata }: KubeObject): void {
    this.#seenMeanwhile.get(owner)?.add(metadata.uid)
    const awaited = this.#pending.get(owner)
    if (awaited?.delete(metadata.uid) && awaited.size === 0) this.#pending.delete(owner)
  }

  /** Whether the copy shows all that was created for the owner. */
  areSeen(owner: string): boolean {
    const awaited = this.#pending.get(owner)
    if (!awaited) return true
    const nowMs = this.#clock.monotonic()
    for (const [uid, sinceMs] of awaited) if (nowMs - sinceMs >= GIVE_UP_MS) awaited.delete(uid)
    if (awaited.size === 0) this.#pending.delete(owner)
    return awaited.size === 0
  }

  forget(owner: string): void {
    this.#pending.delete(owner)
  }
}
