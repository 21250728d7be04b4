/**
 * The host's own resolver configuration: where questions about the rest of the world go. Upstream: resolv.conf(5); what the
 * forward plugin of CoreDNS reads.
 */
import { isIP } from 'node:net'

export interface ServerAddress {
  ip: string
  port: number
}

export interface ResolvConf {
  servers: ServerAddress[]
  searches: string[]
}

const DNS_PORT = 53
/** As glibc: more are ignored. */
const MAX_SEARCHES = 32

/** Pure; lines that make no sense are passed over, as resolvers do. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: ServerAddress[] = []
  let searches: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0] && isIP(values[0]) !== 0) servers.push({ ip: values[0], port: DNS_PORT })
    // Of several search lines the last one counts, and `domain` is a search list of one.
    if (keyword === 'search' || keyword === 'domain')
      searches = values
        .slice(0, MAX_SEARCHES)
        .map((v) => v.toLowerCase().replace(/\.$/, ''))
        .filter((v) => v !== '')
  }
  return { servers, searches }
}

/** `1.1.1.1`, `1.1.1.1:5353`, `2606:4700::1111` or `[2606:4700::1111]:53`. Throws RangeError. */
export function parseServerAddress(text: string): ServerAddress {
  if (isIP(text) !== 0) return { ip: text, port: DNS_PORT }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const ip = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  if (isIP(ip) === 0 || !(port > 0 && port < 65_536))
    throw new RangeError(`"${text}" is not the address of a DNS server`)
  return { ip, port }
}
