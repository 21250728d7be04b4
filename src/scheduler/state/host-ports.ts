/**
 * The host ports that the pods of one node use. A port on all addresses (`0.0.0.0`) conflicts with that port on any.
 */
import type { HostPort } from './pod-shape.ts'

const ALL_ADDRESSES = '0.0.0.0'

export class HostPorts {
  /** How many pods use a port, by protocol and port, then by address. */
  readonly #used = new Map<string, Map<string, number>>()

  add(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const key = `${protocol}/${port}`
      let byAddress = this.#used.get(key)
      if (!byAddress) this.#used.set(key, (byAddress = new Map()))
      byAddress.set(ip, (byAddress.get(ip) ?? 0) + 1)
    }
  }

  remove(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const key = `${protocol}/${port}`
      const byAddress = this.#used.get(key)
      const count = byAddress?.get(ip) ?? 0
      if (count > 1) byAddress!.set(ip, count - 1)
      else byAddress?.delete(ip)
      if (byAddress?.size === 0) this.#used.delete(key)
    }
  }

  conflictsWith(ports: readonly HostPort[]): boolean {
    return ports.some(({ ip, protocol, port }) => {
      const byAddress = this.#used.get(`${protocol}/${port}`)
      if (!byAddress) return false
      return ip === ALL_ADDRESSES || byAddress.has(ip) || byAddress.has(ALL_ADDRESSES)
    })
  }

  get isEmpty(): boolean {
    return this.#used.size === 0
  }
}
