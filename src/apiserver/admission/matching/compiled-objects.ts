/**
 * Configuration objects compiled for use: what is made of each object is kept for as long as the object stays the same,
 * and where nothing has changed at all, asking costs one comparison. Upstream: the configuration managers and policy
 * sources of `admission/plugin`.
 */
import type { Registry } from '../../registry/registry.ts'
import type { Stored } from '../../registry/strategy.ts'

export class CompiledObjects<T> {
  readonly #registry: () => Registry
  readonly #compile: (object: Stored) => T
  #known = new Map<string, { revision: number; compiled: T }>()
  #all: readonly T[] = []
  #isCurrent = false
  #isFollowing = false

  /** `registry` is asked when the first request comes, by which time it is started. */
  constructor(registry: () => Registry, compile: (object: Stored) => T) {
    this.#registry = registry
    this.#compile = compile
  }

  /** In the order of names; the same array until an object changes. */
  get all(): readonly T[] {
    if (!this.#isCurrent) this.#rebuild()
    return this.#all
  }

  #rebuild() {
    const { cache } = this.#registry()
    if (!this.#isFollowing) {
      this.#isFollowing = true
      cache.follow(cache.prefix, { onEvents: () => void (this.#isCurrent = false), onEnd: () => {} })
    }
    this.#isCurrent = true
    const known = new Map<string, { revision: number; compiled: T }>()
    for (const { key, revision, object } of cache.list(cache.prefix)) {
      const before = this.#known.get(key)
      const compiled = before?.revision === revision ? before.compiled : this.#compile(object as Stored)
      known.set(key, { revision, compiled })
    }
    this.#known = known
    this.#all = [...known.values()].map(({ compiled }) => compiled)
  }
}
