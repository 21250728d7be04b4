/**
 * Seeded choices, and values that are wrong in the ways that JSON allows. Whatever a generator decides goes through one of
 * these, so that a seed replays every request. `damage` says how many of a hundred values are to be wrong.
 */
import { type Random, seededRandom } from '#base/random.ts'

export class Choices {
  readonly random: Random
  /** Percent of values that are wrong; changes from request to request. */
  damage = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.random.int(choices.length)]!
  }

  chance(percent: number): boolean {
    return this.random.float() * 100 < percent
  }

  /** The first of them, unless this value is to be wrong. */
  mostly<T>(...choices: readonly T[]): T {
    return this.chance(this.damage) ? this.one(choices) : choices[0]!
  }

  /** Up to `most` values. */
  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.random.int(most + 1) }, make)
  }

  text(): string {
    return this.one([
      () => '',
      () => 'a',
      () => 'default',
      () => 'A b\n"\\\u0000\u2028ü😀',
      () => '\ud800',
      () => '__proto__',
      () => 'constructor',
      () => '../../x',
      () => 'x'.repeat(this.one([64, 254, 5000])),
      () => Buffer.from(this.random.bytes(this.random.int(20))).toString('latin1'),
      () => '$patch',
      () => '-1',
      () => '99999999999999999999',
      () => '2026-13-45T99:99:99Z',
    ])()
  }

  key(): string {
    return this.one([
      'metadata',
      'spec',
      'status',
      'name',
      'labels',
      'managedFields',
      'f:metadata',
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      '__proto__',
      'op',
      'path',
      this.text(),
    ])
  }

  /** Any JSON at all. */
  junk(depth = 0): unknown {
    return this.one<() => unknown>([
      () => null,
      () => true,
      () => this.one([0, -1, 1.5, 1e308, -0, 2 ** 53, 2 ** 31]),
      () => this.text(),
      () => (depth > 3 ? [] : this.some(3, () => this.junk(depth + 1))),
      () =>
        depth > 3 ? {} : Object.fromEntries(this.some(3, (): [string, unknown] => [this.key(), this.junk(depth + 1)])),
    ])()
  }

  /** The value, some parts of which are replaced, left out, or stand twice. */
  spoiled(value: unknown): unknown {
    if (this.chance(this.damage)) return this.junk()
    if (Array.isArray(value)) {
      const items = value.map((item) => this.spoiled(item))
      if (items.length > 0 && this.chance(this.damage)) items.push(this.one(items))
      return items
    }
    if (typeof value !== 'object' || value === null) return value
    const kept = Object.entries(value).filter(() => !this.chance(this.damage))
    const members = kept.map(([key, member]): [string, unknown] => [key, this.spoiled(member)])
    if (this.chance(this.damage)) members.push([this.key(), this.junk()])
    return Object.fromEntries(members)
  }

  /** Few of them are damaged: cut, doubled, or with other bytes in the middle. */
  spoiledBytes(bytes: Buffer, percent = 3): Buffer {
    if (!this.chance(percent)) return bytes
    const at = this.random.int(bytes.length + 1)
    return this.one([
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), this.random.bytes(3), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + this.random.int(8))]),
      () => {
        const flipped = Buffer.from(bytes)
        if (flipped.length > 0) flipped[at % flipped.length]! ^= 1 << this.random.int(8)
        return flipped
      },
      () => Buffer.concat([bytes, bytes]),
      () => Buffer.alloc(0),
    ])()
  }
}
