/**
 * Addresses of one range, handed out to owners (sandbox ids). Each address in use is a symbolic link `<address> -> <owner>`
 * in a directory: made by one atomic system call, so that no crash leaves half an allocation, and several processes can
 * share the directory without a lock. Upstream: the host-local IPAM plugin of CNI.
 */
import { mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '#base/errors.ts'
import type { Random } from '#base/random.ts'
import { addressAt, type Cidr, cidrSize, contains, formatCidr } from '#base/ip.ts'

/** Every address of the range is in use. */
export class AddressesExhaustedError extends Error {
  override readonly name = 'AddressesExhaustedError'
}

/** IPv6 ranges are far larger than what one node can use. */
const MAX_ADDRESSES = 65_536n

export interface AddressPoolOptions {
  cidr: Cidr
  /** Holds one directory per range. */
  directory: string
  random: Random
}

export class AddressPool {
  readonly cidr: Cidr
  readonly #directory: string
  readonly #count: number
  /** Offset to try next. Going round the range keeps a freed address unused for as long as possible. */
  #next: number
  /** What the directory was last seen to hold: address to owner. Others may have added to it since. */
  #used: Map<string, string> | undefined
  /** Reserved in memory while their links are being made. */
  readonly #pending = new Map<string, string>()

  constructor({ cidr, directory, random }: AddressPoolOptions) {
    this.cidr = cidr
    this.#directory = join(directory, formatCidr(cidr).replace('/', '_'))
    const size = cidrSize(cidr)
    const last = cidr.family === 4 ? size - 1n : size
    // The lowest address names the network, the next one is the gateway; IPv4 keeps the highest for broadcasts.
    this.#count = Number((last < MAX_ADDRESSES ? last : MAX_ADDRESSES) - 2n)
    if (this.#count < 1) throw new RangeError(`${formatCidr(cidr)} is too small for a node's pods`)
    this.#next = random.int(this.#count)
  }

  get gateway(): string {
    return addressAt(this.cidr, 1)
  }

  /** The owner's address; the same one when asked again. Throws AddressesExhaustedError. */
  async allocate(owner: string): Promise<string> {
    const used = this.#used ?? (await this.#scan())
    for (const [ip, other] of used) if (other === owner) return ip
    return (await this.#take(owner, used)) ?? (await this.#takeAfterScan(owner))
  }

  async #takeAfterScan(owner: string): Promise<string> {
    const ip = await this.#take(owner, await this.#scan())
    if (ip) return ip
    throw new AddressesExhaustedError(`no address is left in ${formatCidr(this.cidr)}: all ${this.#count} are in use`)
  }

  async #take(owner: string, used: Map<string, string>): Promise<string | undefined> {
    for (let tries = 0; tries < this.#count && used.size < this.#count; tries++) {
      const ip = addressAt(this.cidr, this.#next + 2)
      this.#next = (this.#next + 1) % this.#count
      if (used.has(ip)) continue
      // Reserved before the first await, so that concurrent callers do not try the same one.
      used.set(ip, owner)
      this.#pending.set(ip, owner)
      try {
        await symlink(owner, join(this.#directory, ip))
        this.#used?.set(ip, owner)
        return ip
      } catch (err) {
        if (systemCode(err) !== 'EEXIST') {
          used.delete(ip)
          throw err
        }
        used.set(ip, '')
      } finally {
        this.#pending.delete(ip)
      }
    }
    return undefined
  }

  /** Frees what the owner has; nothing happens when it has nothing. */
  async release(owner: string): Promise<void> {
    for (const [ip, other] of this.#used ?? (await this.#scan())) {
      if (other === owner) await this.#free(ip)
    }
  }

  /** Frees the addresses of all owners that `isAlive` denies. Returns how many. */
  async reconcile(isAlive: (owner: string) => boolean): Promise<number> {
    let freed = 0
    for (const [ip, owner] of await this.#scan()) {
      if (isAlive(owner)) continue
      await this.#free(ip)
      freed++
    }
    return freed
  }

  async owners(): Promise<ReadonlyMap<string, string>> {
    return this.#scan()
  }

  async #free(ip: string) {
    try {
      await unlink(join(this.#directory, ip))
    } catch (err) {
      if (systemCode(err) !== 'ENOENT') throw err
    }
    this.#used?.delete(ip)
  }

  async #scan(): Promise<Map<string, string>> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const names = (await readdir(this.#directory)).filter((name) => isAddressOf(this.cidr, name))
    const owners = await Promise.all(
      names.map((name) =>
        readlink(join(this.#directory, name)).catch((err: unknown) => {
          if (systemCode(err) === 'ENOENT') return undefined
          throw err
        }),
      ),
    )
    const found = new Map<string, string>()
    names.forEach((name, i) => owners[i] !== undefined && found.set(name, owners[i]))
    for (const [ip, owner] of this.#pending) found.set(ip, owner)
    this.#used = found
    return found
  }
}

function isAddressOf(cidr: Cidr, name: string): boolean {
  try {
    return contains(cidr, name)
  } catch (err) {
    if (err instanceof RangeError) return false
    throw err
  }
}
