/**
 * What selections held when they were last asked for, so that whoever asks again pays for what has changed since and not
 * for all objects. Kept for as long as memory is not needed for something else.
 */
import { firstNotBefore } from '#base/sorted-list.ts'
import type { Revision } from '#storage/store.ts'
import { byKey, type CacheEvent, type Listed, type Selection } from './object-cache.ts'

/** Where entries come from. */
export interface SelectedSource<O extends Listed> {
  /** Revision of the newest change that is here. */
  readonly changedAt: Revision
  list(prefix: string): readonly O[]
  recent(prefix: string, after: Revision): readonly CacheEvent<O>[] | undefined
}

interface Held<O extends Listed> {
  readonly changedAt: Revision
  /** In order of keys; never written to once it has been handed out. */
  readonly entries: readonly O[]
}

const MAX_SELECTIONS = 256
/** Longer ones are asked for once. */
const MAX_SIGNATURE_LENGTH = 1024

export class SelectedEntries<O extends Listed> {
  readonly #source: SelectedSource<O>
  /** By signature; the one that was asked for last is the last. */
  readonly #held = new Map<string, WeakRef<Held<O>>>()

  constructor(source: SelectedSource<O>) {
    this.#source = source
  }

  /** All that is selected, in order of keys. */
  of(selection: Selection): readonly O[] {
    const { signature, isSingle } = selection
    if (isSingle || signature.length > MAX_SIGNATURE_LENGTH) return this.#select(selection)
    const { changedAt } = this.#source
    const held = this.#held.get(signature)?.deref()
    if (held?.changedAt === changedAt) return held.entries
    const entries = (held && this.#updated(held, selection)) ?? this.#select(selection)
    this.#held.delete(signature)
    this.#held.set(signature, new WeakRef({ changedAt, entries }))
    if (this.#held.size > MAX_SELECTIONS) this.#held.delete(this.#held.keys().next().value!)
    return entries
  }

  #select({ prefix, matches }: Selection): O[] {
    return this.#source.list(prefix).filter((entry) => matches(entry.object))
  }

  /** Undefined where memory does not reach back so far. */
  #updated({ changedAt, entries }: Held<O>, { prefix, matches }: Selection): readonly O[] | undefined {
    const events = this.#source.recent(prefix, changedAt)
    if (!events) return undefined
    let updated: O[] | undefined
    for (const { current, previous } of events) {
      const selected = current && matches(current.object) ? current : undefined
      const { key } = (current ?? previous)!
      const list: readonly O[] = updated ?? entries
      const at = firstNotBefore(list, key, byKey)
      const isThere = list[at]?.key === key
      if (!selected && !isThere) continue
      updated ??= entries.slice()
      updated.splice(at, isThere ? 1 : 0, ...(selected ? [selected] : []))
    }
    return updated ?? entries
  }
}
