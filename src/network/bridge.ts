/**
 * The built-in pod network of a node: a bridge, a veth pair for each sandbox, addresses from the node's pod CIDR. What it
 * did is on disk, so that a new process continues where the last one ended: at its first use it frees the addresses of
 * sandboxes whose pair is gone and restores host ports. Implements SandboxNetwork, which see for the contract.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  SandboxNetwork,
  SandboxNetworkRequest,
  SandboxNetworkResult,
  SandboxNetworkStatus,
} from '#contracts/sandbox-network.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { addressAt, type Cidr, formatCidr, parseCidrs } from '#base/ip.ts'
import {
  attachCommands,
  bridgeCommands,
  checkInterfaceName,
  detachCommands,
  hostInterfaceOf,
  POD_INTERFACE,
  sandboxCommands,
  type SandboxLink,
} from './bridge-plan.ts'
import { HostBatch } from './host-batch.ts'
import { createHostPorts } from './host-ports.ts'
import { isPresent, type NetworkHost, throwOnFailure } from './host.ts'
import { AddressPool } from './ipam.ts'
import { LinkRemover } from './link-remover.ts'
import { createSandboxRecords, type SandboxRecord } from './sandbox-records.ts'

export interface BridgeNetworkOptions {
  host: NetworkHost
  /** Holds addresses and records; must not survive a reboot (under /run), and belong to this node alone. */
  stateDirectory: string
  /** One range, or two separated by a comma. Without it the network is not ready until `updatePodCidr`. */
  podCidr?: string
  /** Default `rostrum0`. */
  bridge?: string
  /** Default: that of the interface with the default route. */
  mtu?: number
  /**
   * Several processes work on this network, each for one sandbox (a CNI plugin). None of them may then conclude from the
   * absence of an interface that a sandbox is gone, and callers that open or close host ports must take turns.
   */
  shared?: boolean
  clock: Clock
  random: Random
  log: Log
}

export interface BridgeNetwork extends SandboxNetwork {
  updatePodCidr(podCidr: string): Promise<void>
  /** Throws NetworkCheckError where a sandbox is not connected as it was set up. */
  check(request: Pick<SandboxNetworkRequest, 'sandboxId' | 'netnsPath'>): Promise<void>
  /** Frees what belongs to sandboxes other than these. Returns how many were freed. */
  reconcile(living: ReadonlySet<string>): Promise<number>
  /** Closes what lives in this process (user space host ports). Pods stay connected. */
  stop(): void
}

const CIDR_FILE = 'pod-cidr'

interface Prepared {
  pools: AddressPool[]
  mtu: number
}

export function createBridgeNetwork(options: BridgeNetworkOptions): BridgeNetwork {
  const { host, stateDirectory, shared = false, clock, random } = options
  const log = options.log.child({ component: 'bridge' })
  const bridge = checkInterfaceName(options.bridge ?? 'rostrum0')
  const records = createSandboxRecords(join(stateDirectory, 'sandboxes'))
  const addresses = join(stateDirectory, 'addresses')
  const hostPorts = createHostPorts(host, clock, log)
  const batch = new HostBatch(host)
  const links = new LinkRemover(host, random)
  let podCidr = options.podCidr
  /** Ranges that sandboxes may still have addresses of, by their text. */
  const pools = new Map<string, AddressPool>()
  let prepared: Promise<Prepared> | undefined
  let restored: Promise<void> | undefined

  const cidrFile = join(stateDirectory, CIDR_FILE)
  const knownCidr = async () => {
    podCidr ??= await readFile(cidrFile, 'utf8').catch((err: unknown) => {
      if (systemCode(err) === 'ENOENT') return undefined
      throw err
    })
    return podCidr
  }

  /** Done once, and again after a failure or a new range. */
  function prepare(): Promise<Prepared> {
    prepared ??= prepareOnce().catch((err: unknown) => {
      prepared = undefined
      throw err
    })
    return prepared
  }

  async function prepareOnce(): Promise<Prepared> {
    const text = await knownCidr()
    if (!text) throw new NetworkNotReadyError('the node has no pod CIDR yet')
    const cidrs = parseCidrs(text)
    const present = shared ? await presentMtu(host, bridge, cidrs) : undefined
    if (present !== undefined)
      return { pools: cidrs.map((cidr) => poolOf(formatCidr(cidr))), mtu: options.mtu ?? present }
    const mtu = options.mtu ?? (await uplinkMtu(host))
    const commands = bridgeCommands(bridge, cidrs, mtu)
    throwOnFailure(`set up the bridge ${bridge}`, commands, await host.ip(commands), isPresent)
    await allowForwarding(
      host,
      bridge,
      cidrs.some((c) => c.family === 6),
    )
    const current = cidrs.map((cidr) => poolOf(formatCidr(cidr)))
    if (!shared) await restore()
    log.info({ bridge, podCidr: text, mtu }, 'the pod network is ready')
    return { pools: current, mtu }
  }

  function poolOf(cidr: string): AddressPool {
    let pool = pools.get(cidr)
    if (!pool) {
      pool = new AddressPool({ cidr: parseCidrs(cidr)[0]!, directory: addresses, random })
      pools.set(cidr, pool)
    }
    return pool
  }

  /** What an earlier process left: addresses of sandboxes without a pair are freed, host ports are opened again. */
  function restore(): Promise<void> {
    restored ??= restoreOnce().catch((err: unknown) => {
      restored = undefined
      throw err
    })
    return restored
  }

  async function restoreOnce() {
    const links = ((await host.ipJson(['link', 'show', 'type', 'veth'])) ?? []) as { ifname: string }[]
    const present = new Set(links.map((link) => link.ifname))
    for (const pool of shared ? [] : pools.values()) {
      const freed = await pool.reconcile((owner) => present.has(hostInterfaceOf(owner)))
      if (freed > 0) log.info({ freed, cidr: formatCidr(pool.cidr) }, 'freed addresses of sandboxes that are gone')
    }
    let leftovers = false
    for (const record of await records.readAll()) {
      if (present.has(record.hostInterface)) await reopen(record)
      else {
        leftovers ||= record.portMappings.length > 0
        if (!shared) await records.remove(record.sandboxId)
      }
    }
    if (leftovers) await hostPorts.reset()
  }

  async function reopen({ sandboxId, ips, portMappings }: SandboxRecord) {
    try {
      await hostPorts.open(sandboxId, ips, portMappings)
    } catch (err) {
      log.error({ sandbox: sandboxId, err: messageOf(err) }, 'cannot open the host ports of a sandbox again')
    }
  }

  async function connect(link: SandboxLink) {
    const attach = attachCommands(bridge, link)
    const failures = await batch.run(attach)
    if (failures.some(isPresent)) {
      // A pair from an attempt that did not come to its end.
      const again = [...detachCommands(link.hostInterface), ...attach]
      throwOnFailure('connect a sandbox', again, await batch.run(again))
    } else throwOnFailure('connect a sandbox', attach, failures)
    const inside = sandboxCommands(link)
    throwOnFailure('configure a sandbox', inside, await host.ip(inside, { netns: link.netnsPath }))
  }

  async function disconnect(sandboxId: string) {
    await hostPorts.close(sandboxId)
    await links.remove(hostInterfaceOf(sandboxId))
    for (const pool of pools.values()) await pool.release(sandboxId)
    await records.remove(sandboxId)
  }

  return {
    async setup({ sandboxId, netnsPath, portMappings }: SandboxNetworkRequest): Promise<SandboxNetworkResult> {
      const { pools: current, mtu } = await prepare()
      const ips: string[] = []
      for (const pool of current) ips.push(await pool.allocate(sandboxId))
      const hostInterface = hostInterfaceOf(sandboxId)
      await records.write({ sandboxId, ips, hostInterface, portMappings })
      await connect({ hostInterface, netnsPath, ips, gateways: current.map((p) => p.gateway), mtu })
      if (shared && portMappings.length > 0) await restore()
      await hostPorts.open(sandboxId, ips, portMappings)
      return { ips, interfaceName: POD_INTERFACE }
    },

    async teardown({ sandboxId }: SandboxNetworkRequest): Promise<void> {
      // An address can only be freed once the ranges are known; without any there are no addresses.
      if ((await knownCidr()) && pools.size === 0) for (const c of parseCidrs(podCidr!)) poolOf(formatCidr(c))
      // A process of its own knows nothing of the ports in the kernel until it has read what the others opened.
      if (shared ? (await records.read(sandboxId))?.portMappings.length : pools.size > 0) await restore()
      await disconnect(sandboxId)
    },

    async check({ sandboxId, netnsPath }) {
      const record = await records.read(sandboxId)
      if (!record) throw new NetworkCheckError(`sandbox ${sandboxId} was never connected`)
      type Link = { addr_info?: { local?: string }[] }
      const inside = (await host.ipJson(['address', 'show', 'dev', POD_INTERFACE], { netns: netnsPath })) as
        | Link[]
        | undefined
      const found = new Set(inside?.flatMap((link) => link.addr_info ?? []).map((a) => a.local))
      const missing = record.ips.filter((ip) => !found.has(ip))
      if (missing.length > 0)
        throw new NetworkCheckError(`sandbox ${sandboxId} has lost its addresses ${missing.join(', ')}`)
      if (!(await host.ipJson(['link', 'show', 'dev', record.hostInterface])))
        throw new NetworkCheckError(`sandbox ${sandboxId} has lost its interface ${record.hostInterface}`)
    },

    async status(): Promise<SandboxNetworkStatus> {
      if (!(await knownCidr()))
        return { ready: false, reason: 'NetworkPluginNotReady', message: 'the node has no pod CIDR yet' }
      try {
        await prepare()
        return { ready: true, reason: '', message: '' }
      } catch (err) {
        return { ready: false, reason: 'NetworkPluginNotReady', message: messageOf(err) }
      }
    },

    async updatePodCidr(next) {
      const text = parseCidrs(next).map(formatCidr).join(',')
      if (text === '' || text === (await knownCidr())) return
      podCidr = text
      prepared = undefined
      await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
      await writeFile(`${cidrFile}.new`, text, { mode: 0o600 })
      await rename(`${cidrFile}.new`, cidrFile)
      await prepare()
    },

    async reconcile(living) {
      await prepare()
      const dead = new Set<string>()
      for (const pool of pools.values()) {
        for (const owner of (await pool.owners()).values()) if (!living.has(owner)) dead.add(owner)
      }
      for (const { sandboxId } of await records.readAll()) if (!living.has(sandboxId)) dead.add(sandboxId)
      for (const sandboxId of dead) await disconnect(sandboxId)
      return dead.size
    },

    stop: () => hostPorts.stop(),
  }
}

/** Sandboxes cannot be connected yet. */
export class NetworkNotReadyError extends Error {
  override readonly name = 'NetworkNotReadyError'
}

/** A sandbox is not connected as it should be. */
export class NetworkCheckError extends Error {
  override readonly name = 'NetworkCheckError'
}

/** MTU of a bridge that is there with all its addresses; undefined when it has still to be set up. */
async function presentMtu(host: NetworkHost, bridge: string, cidrs: readonly Cidr[]): Promise<number | undefined> {
  type Link = { mtu?: number; addr_info?: { local?: string }[] }
  const [link] = ((await host.ipJson(['address', 'show', 'dev', bridge, 'up'])) ?? []) as Link[]
  const addresses = new Set(link?.addr_info?.map((a) => a.local))
  return cidrs.every((cidr) => addresses.has(addressAt(cidr, 1))) ? link?.mtu : undefined
}

const DEFAULT_MTU = 1500

/** MTU of the interface that has the default route; 1500 where there is none. */
export async function uplinkMtu(host: NetworkHost): Promise<number> {
  const [route] = ((await host.ipJson(['route', 'show', 'default'])) ?? []) as { dev?: string }[]
  if (!route?.dev) return DEFAULT_MTU
  const [link] = ((await host.ipJson(['link', 'show', 'dev', route.dev])) ?? []) as { mtu?: number }[]
  return link?.mtu ?? DEFAULT_MTU
}

async function allowForwarding(host: NetworkHost, bridge: string, ipv6: boolean) {
  await host.writeSysctl('net/ipv4/ip_forward', '1')
  if (ipv6) await host.writeSysctl('net/ipv6/conf/all/forwarding', '1')
  // Pods talk to each other through the bridge's address on purpose: they must not be told of a shorter way. The kernel
  // sends redirects if either setting allows it, so interfaces of others keep what they had.
  await host.writeSysctl('net/ipv4/conf/all/send_redirects', '0')
  await host.writeSysctl(`net/ipv4/conf/${bridge}/send_redirects`, '0')
}
