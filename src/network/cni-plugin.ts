/**
 * Our bridge as a CNI plugin, for runtimes that know CNI only (containerd, CRI-O): reads the environment and standard input
 * of the specification, calls the bridge, prints the result. One process per call; main makes a command of it, and keeps
 * that process alive until the outcome is there (waiting for a turn does not).
 *
 *     { "cniVersion": "1.0.0", "name": "rostrum", "plugins": [{ "type": "rostrum-cni", "stateDirectory": "/run/rostrum/cni",
 *       "podCidr": "10.244.1.0/24", "capabilities": { "portMappings": true, "ipRanges": true } }] }
 */
import { createServer, type Server } from 'node:net'
import type { SandboxPortMapping } from '#contracts/sandbox-network.ts'
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import { familyOf, parseCidrs } from '#base/ip.ts'
import { type BridgeNetwork, createBridgeNetwork, NetworkCheckError } from './bridge.ts'
import type { NetworkHost } from './host.ts'

export interface CniPluginOptions {
  /** The variables CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS. */
  env: Readonly<Record<string, string | undefined>>
  /** All of standard input. */
  input: string
  host: NetworkHost
  clock: Clock
  random: Random
  log: Log
}

export interface CniPluginOutcome {
  /** To be printed on standard output. */
  output: string
  exitCode: 0 | 1
}

const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0']
const LATEST = '1.0.0'
const INTERFACE = 'eth0'
const LOCK_TIMEOUT_MS = 60_000
const LOCK_POLL_MS = 10

/** Error codes of the specification. */
const CODES = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  invalidEnvironment: 4,
  decodingFailure: 6,
  invalidConfig: 7,
  failed: 100,
}

class PluginError extends Error {
  override readonly name = 'PluginError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

interface PluginConfig {
  cniVersion: string
  stateDirectory: string
  bridge?: string
  mtu?: number
  podCidr?: string
  runtimeConfig?: {
    portMappings?: { hostPort: number; containerPort: number; protocol?: string; hostIP?: string }[]
    ipRanges?: { subnet: string }[][]
  }
}

/** Never rejects: failures are results too. */
export async function runCniPlugin(options: CniPluginOptions): Promise<CniPluginOutcome> {
  let version = LATEST
  try {
    const command = options.env.CNI_COMMAND
    if (command === 'VERSION') return success({ cniVersion: LATEST, supportedVersions: VERSIONS })
    const config = readConfig(options.input)
    version = config.cniVersion
    return success(await execute(command ?? '', config, options))
  } catch (err) {
    const code = err instanceof PluginError ? err.code : CODES.failed
    return { output: JSON.stringify({ cniVersion: version, code, msg: messageOf(err) }), exitCode: 1 }
  }
}

const success = (result: unknown): CniPluginOutcome => ({
  output: result === undefined ? '' : JSON.stringify(result),
  exitCode: 0,
})

function readConfig(input: string): PluginConfig {
  let value: Partial<PluginConfig>
  try {
    value = JSON.parse(input) as Partial<PluginConfig>
  } catch (err) {
    throw new PluginError(CODES.decodingFailure, `the configuration is not JSON: ${messageOf(err)}`)
  }
  const { cniVersion = '', stateDirectory } = value
  if (!VERSIONS.includes(cniVersion))
    throw new PluginError(CODES.incompatibleVersion, `CNI version "${cniVersion}" is not one of ${VERSIONS.join(', ')}`)
  if (typeof stateDirectory !== 'string' || !stateDirectory.startsWith('/'))
    throw new PluginError(CODES.invalidConfig, '"stateDirectory" must be an absolute path')
  return { ...value, cniVersion, stateDirectory }
}

async function execute(command: string, config: PluginConfig, options: CniPluginOptions): Promise<unknown> {
  const { env, clock } = options
  const { CNI_CONTAINERID: sandboxId, CNI_NETNS: netnsPath = '', CNI_IFNAME: interfaceName } = env
  if (!sandboxId || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(sandboxId))
    throw new PluginError(CODES.invalidEnvironment, 'CNI_CONTAINERID is missing or not a container id')
  if (interfaceName !== INTERFACE)
    throw new PluginError(CODES.invalidEnvironment, `CNI_IFNAME must be ${INTERFACE}, not "${interfaceName ?? ''}"`)
  if (command !== 'DEL' && netnsPath === '') throw new PluginError(CODES.invalidEnvironment, 'CNI_NETNS is missing')
  const args = Object.fromEntries((env.CNI_ARGS ?? '').split(';').map((pair) => pair.split('=', 2)))
  const request = {
    sandboxId,
    netnsPath,
    namespace: String(args.K8S_POD_NAMESPACE ?? ''),
    name: String(args.K8S_POD_NAME ?? ''),
    uid: String(args.K8S_POD_UID ?? ''),
    labels: {},
    annotations: {},
    portMappings: portMappingsOf(config),
    dns: { servers: [], searches: [], options: [] },
  }
  const network = openBridge(config, options)
  const hasPorts = request.portMappings.length > 0
  if (hasPorts && command === 'ADD' && !(await options.host.hasNft()))
    throw new PluginError(CODES.failed, 'host ports need nftables on this node (Debian package nftables)')
  switch (command) {
    case 'ADD': {
      const { ips } = await withLock(hasPorts, clock, () => network.setup(request))
      return resultOf(config, netnsPath, ips)
    }
    case 'DEL':
      return withLock(true, clock, () => network.teardown(request))
    case 'CHECK':
      try {
        return await network.check(request)
      } catch (err) {
        throw err instanceof NetworkCheckError ? new PluginError(CODES.failed, err.message) : err
      }
    default:
      throw new PluginError(CODES.invalidEnvironment, `CNI_COMMAND "${command}" is not ADD, DEL, CHECK or VERSION`)
  }
}

function openBridge(config: PluginConfig, { host, clock, random, log }: CniPluginOptions): BridgeNetwork {
  const ranges = config.runtimeConfig?.ipRanges?.map((range) => range[0]?.subnet).filter((s) => s !== undefined)
  return createBridgeNetwork({
    host,
    stateDirectory: config.stateDirectory,
    shared: true,
    podCidr: ranges?.length ? ranges.join(',') : config.podCidr,
    bridge: config.bridge,
    mtu: config.mtu,
    clock,
    random,
    log,
  })
}

function portMappingsOf({ runtimeConfig }: PluginConfig): SandboxPortMapping[] {
  return (runtimeConfig?.portMappings ?? [])
    .filter((m) => m.hostPort > 0)
    .map(({ hostPort, containerPort, protocol = 'tcp', hostIP = '' }) => {
      const lower = protocol.toLowerCase()
      if (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp')
        throw new PluginError(CODES.unsupportedField, `protocol "${protocol}" is not tcp, udp or sctp`)
      return { protocol: lower, containerPort, hostPort, hostIp: hostIP }
    })
}

function resultOf({ cniVersion, podCidr, runtimeConfig }: PluginConfig, sandbox: string, ips: readonly string[]) {
  const cidrs = parseCidrs(runtimeConfig?.ipRanges?.map((r) => r[0]?.subnet).join(',') || podCidr || '')
  const withVersion = !cniVersion.startsWith('1.')
  return {
    cniVersion,
    interfaces: [{ name: INTERFACE, sandbox }],
    ips: ips.map((ip) => {
      const family = familyOf(ip)
      const cidr = cidrs.find((c) => c.family === family)
      const address = `${ip}/${cidr?.prefix ?? (family === 4 ? 32 : 128)}`
      return { ...(withVersion && { version: String(family) }), address, interface: 0 }
    }),
    routes: ips.map((ip) => ({ dst: familyOf(ip) === 4 ? '0.0.0.0/0' : '::/0' })),
    dns: {},
  }
}

/**
 * Runs `work` while no other plugin process of this network namespace does. An abstract socket is the lock: the kernel frees
 * it when its process ends, however that happens.
 */
async function withLock<T>(needed: boolean, clock: Clock, work: () => Promise<T>): Promise<T> {
  if (!needed) return work()
  const deadline = clock.monotonic() + LOCK_TIMEOUT_MS
  let lock: Server | undefined
  while (!(lock = await tryLock())) {
    if (clock.monotonic() > deadline) throw new PluginError(CODES.failed, 'another call of this plugin does not end')
    await sleep(clock, LOCK_POLL_MS)
  }
  try {
    return await work()
  } finally {
    lock.close()
  }
}

function tryLock(): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (err) => (systemCode(err) === 'EADDRINUSE' ? resolve(undefined) : reject(err)))
    server.listen('\0rostrum-cni', () => resolve(server))
  })
}
