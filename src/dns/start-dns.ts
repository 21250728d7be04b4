/**
 * The cluster's name server: everything in dns/ put together over informers. Upstream: CoreDNS with the plugins kubernetes,
 * forward, cache and loop.
 */
import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import { type Clock, every } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Informers } from '#client/informer.ts'
import { namesFromInformers } from './cluster-names.ts'
import { Forwarder } from './forwarder.ts'
import { listenDns } from './listeners.ts'
import { DnsMetrics } from './metrics.ts'
import { createNameServer } from './name-server.ts'
import { parseResolvConf, parseServerAddress, type ServerAddress } from './resolv-conf.ts'
import { Zone } from './zone.ts'

export interface DnsOptions {
  informers: Informers
  /** `cluster.local`. */
  clusterDomain: string
  /** Port 0 takes any free one. */
  listen: readonly { address: string; port: number }[]
  /** Servers as `ip`, `ip:port` or `[ip]:port`, or the file that names them, which is read again every half minute. */
  upstream: readonly string[] | { resolvConf: string }
  /** Ranges of services and pods: addresses in them without a name are not asked about elsewhere. */
  clusterCidrs?: readonly string[]
  /** What `ns.dns.<domain>` resolves to, usually the cluster IP of kube-dns; default: the addresses listened on. */
  serverIps?: readonly string[]
  /** `verified` answers only for pods that exist, `insecure` (default) for any address in a namespace that exists. */
  podRecords?: 'insecure' | 'verified'
  /** How long one other name server may take. Default 2 s. */
  upstreamTimeoutMs?: number
  clock: Clock
  random: Random
  log: Log
  signal: AbortSignal
}

export interface DnsServer {
  readonly addresses: readonly ServerAddress[]
  readonly metrics: DnsMetrics
  /** Resolves when all objects are known; questions that come before get what is known by then. */
  ready: Promise<void>
  /** Resolves when all sockets are closed, after `signal` aborted. */
  stopped: Promise<void>
}

const RELOAD_MS = 30_000

/** Rejects with a system error when an address cannot be listened on, with RangeError for what is no address. */
export async function startDns(options: DnsOptions): Promise<DnsServer> {
  const { informers, upstream, clock, random, signal } = options
  const log = options.log.child({ component: 'dns' })
  const domain = options.clusterDomain.toLowerCase().replace(/\.$/, '')
  const metrics = new DnsMetrics()
  const names = namesFromInformers(informers, options.podRecords === 'verified')
  const serverIps = options.serverIps ?? options.listen.map((l) => l.address)
  const zone = new Zone({ domain, names, random, serverIps })
  const own = options.listen.map(({ address, port }) => ({ ip: address, port }))
  const forwarder = new Forwarder({ clock, random, log, metrics, own, timeoutMs: options.upstreamTimeoutMs })
  let searches: readonly string[] = []
  const ranges = blockListOf(options.clusterCidrs ?? [])
  const answer = createNameServer({
    zone,
    domain,
    forwarder,
    metrics,
    log,
    searches: () => searches,
    isClusterAddress: (ip) => ranges.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4'),
  })

  const listening = await Promise.allSettled(own.map((at) => listenDns(at, answer, log)))
  const open = listening.filter((l) => l.status === 'fulfilled').map((l) => l.value)
  const failed = listening.find((l) => l.status === 'rejected')
  if (failed) {
    await Promise.all(open.map((l) => l.close()))
    names.stop()
    throw failed.reason
  }

  async function loadUpstream() {
    if (!('resolvConf' in upstream)) return forwarder.setServers(upstream.map(parseServerAddress))
    try {
      const conf = parseResolvConf(await readFile(upstream.resolvConf, 'utf8'))
      searches = conf.searches
      forwarder.setServers(conf.servers)
    } catch (err) {
      log.warn({ file: upstream.resolvConf, err: messageOf(err) }, 'cannot read which name servers to forward to')
    }
  }
  await loadUpstream()
  const reload = 'resolvConf' in upstream ? every(clock, RELOAD_MS, () => void loadUpstream()) : undefined
  log.info({ domain, listen: open.map((l) => `${l.address.ip}:${l.address.port}`) }, 'answering for the cluster')

  const ready = names.synced(signal)
  ready.catch(() => {})
  const stopped = new Promise<void>((resolve) => {
    const stop = async () => {
      reload?.cancel()
      names.stop()
      await Promise.all(open.map((l) => l.close()))
      resolve()
    }
    if (signal.aborted) void stop()
    else signal.addEventListener('abort', () => void stop(), { once: true })
  })
  return { addresses: open.map((l) => l.address), metrics, ready, stopped }
}

/** Throws RangeError for what is no range. */
function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [ip = '', prefix] = cidr.trim().split('/')
    if (isIP(ip) === 0 || !/^\d+$/.test(prefix ?? '')) throw new RangeError(`"${cidr}" is not an address range`)
    list.addSubnet(ip, Number(prefix), ip.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}
