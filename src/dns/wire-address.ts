/**
 * IP addresses in the forms that DNS has for them: groups of an AAAA record, names under in-addr.arpa and ip6.arpa.
 */
import { isIP } from 'node:net'

/** The eight groups of an IPv6 address that is known to be one. */
export function expandIpv6(ip: string): number[] {
  let text = ip
  const tail = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  if (tail) {
    const [a, b, c, d] = tail.slice(1).map(Number) as [number, number, number, number]
    text = `${text.slice(0, tail.index)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  }
  const [left = '', right] = text.split('::')
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) => Number.parseInt(group, 16))
}

/** `4.3.2.1.in-addr.arpa` is 1.2.3.4; IPv6 in nibbles likewise. Undefined for any other name. */
export function addressOfReverse(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name)
  if (v4) {
    const ip = `${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`
    return isIP(ip) === 4 ? ip : undefined
  }
  if (!name.endsWith('.ip6.arpa')) return undefined
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.')
  if (nibbles.length !== 32 || nibbles.some((n) => !/^[0-9a-f]$/.test(n))) return undefined
  return canonicalIp(nibbles.toReversed().join('').match(/.{4}/g)!.join(':'))
}

/** One spelling for each address, so that addresses can be compared as text. */
export function canonicalIp(ip: string): string {
  if (!ip.includes(':')) return ip
  const groups = expandIpv6(ip).map((g) => g.toString(16))
  const runs = [...groups.join(':').matchAll(/(?:^|:)(?:0:)+0(?:$|:)/g)].sort((a, b) => b[0].length - a[0].length)
  const text = groups.join(':')
  const run = runs[0]
  if (!run) return text
  return `${text.slice(0, run.index)}::${text.slice(run.index + run[0].length)}`
}
