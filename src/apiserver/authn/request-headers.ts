/**
 * Headers that name a user, as they were sent: one by one, where Node would join those of one name, and as UTF-8.
 * Names are compared without regard to case.
 */

export class RequestHeaders {
  /** By name in lower case, in the order in which they came. */
  readonly #values = new Map<string, string[]>()

  /** Names and values in turn, as `IncomingMessage.rawHeaders`. */
  constructor(raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase()
      const value = Buffer.from(raw[i + 1]!, 'latin1').toString()
      const values = this.#values.get(name)
      if (values) values.push(value)
      else this.#values.set(name, [value])
    }
  }

  /** The first value of a header; undefined where it is absent or empty. */
  first(name: string): string | undefined {
    return this.#values.get(name)?.[0] || undefined
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** What follows `prefix` in the names of headers, unescaped, with their values. */
  withPrefix(prefix: string): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>()
    for (const [name, values] of this.#values) {
      if (!name.startsWith(prefix)) continue
      const key = unescaped(name.slice(prefix.length))
      found.set(key, [...(found.get(key) ?? []), ...values])
    }
    return found
  }
}

/** A key that can't be unescaped counts as it is. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
