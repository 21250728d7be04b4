/**
 * The pod network by CNI plugins: runs the programs that a network configuration names, one after the other, and remembers
 * what they answered for as long as the sandbox lives, because removing takes the answer and the configuration of then.
 * Implements SandboxNetwork. Upstream: libcni.
 */
import { mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  SandboxNetwork,
  SandboxNetworkRequest,
  SandboxNetworkResult,
  SandboxNetworkStatus,
} from '#contracts/sandbox-network.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import { execAny } from '#base/exec.ts'
import type { Log } from '#base/log.ts'
import {
  capabilitiesOf,
  CniConfigError,
  type CniNetworkConfig,
  type CniPluginConfig,
  loadCniConfig,
  pluginInput,
} from './cni-config.ts'
import { type NetworkHost, throwOnFailure } from './host.ts'

export interface CniNetworkOptions {
  host: NetworkHost
  /** Usually /etc/cni/net.d. */
  configDirectory: string
  /** Where plugins are looked for, first match first; usually /opt/cni/bin and /usr/lib/cni. */
  pluginDirectories: readonly string[]
  /** Holds the answers; under /var/lib, or under /run where sandboxes do not survive a reboot. */
  stateDirectory: string
  log: Log
}

export interface CniNetwork extends SandboxNetwork {
  updatePodCidr(podCidr: string): Promise<void>
  /** Asks the plugins whether a sandbox is still as they left it. Throws CniError. */
  check(request: SandboxNetworkRequest, signal?: AbortSignal): Promise<void>
}

/** A plugin failed; `code` is that of the CNI specification (or the plugin's own, from 100). */
export class CniError extends Error {
  override readonly name = 'CniError'
  readonly plugin: string
  readonly code: number
  constructor(plugin: string, code: number, message: string) {
    super(`CNI plugin "${plugin}": ${message}`)
    this.plugin = plugin
    this.code = code
  }
}

const INTERFACE = 'eth0'
const PLUGIN_TIMEOUT_MS = 90_000

interface Attachment {
  config: CniNetworkConfig
  capabilities: Record<string, unknown>
  /** Undefined while the plugins have not all succeeded. */
  result: CniResult | undefined
}

interface CniResult {
  cniVersion?: string
  interfaces?: { name: string; sandbox?: string }[]
  ips?: { address: string; interface?: number }[]
}

export function createCniNetwork(options: CniNetworkOptions): CniNetwork {
  const { host, configDirectory, pluginDirectories, stateDirectory } = options
  const log = options.log.child({ component: 'cni' })
  const podCidrFile = join(stateDirectory, 'pod-cidr')
  let podCidrs: readonly string[] | undefined

  const attachmentPath = (sandboxId: string) => join(stateDirectory, `${sandboxId}.json`)

  async function save(path: string, text: string) {
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async function read(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8')
    } catch (err) {
      if (systemCode(err) === 'ENOENT') return undefined
      throw err
    }
  }

  async function knownCidrs(): Promise<readonly string[]> {
    podCidrs ??= ((await read(podCidrFile)) ?? '').split(',').filter((c) => c !== '')
    return podCidrs
  }

  async function programOf(type: string): Promise<string> {
    for (const directory of pluginDirectories) {
      const path = join(directory, type)
      const found = await stat(path).catch(() => undefined)
      if (found?.isFile()) return path
    }
    throw new CniConfigError(`CNI plugin "${type}" is not in ${pluginDirectories.join(' or ')}`)
  }

  async function run(
    command: 'ADD' | 'DEL' | 'CHECK',
    plugin: CniPluginConfig,
    { config, capabilities }: Attachment,
    request: SandboxNetworkRequest,
    prevResult: unknown,
    signal?: AbortSignal,
  ): Promise<CniResult | undefined> {
    const args = {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: request.namespace,
      K8S_POD_NAME: request.name,
      K8S_POD_INFRA_CONTAINER_ID: request.sandboxId,
      K8S_POD_UID: request.uid,
    }
    const result = await execAny([await programOf(plugin.type)], {
      input: JSON.stringify(pluginInput(config, plugin, capabilities, prevResult)),
      env: {
        PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        CNI_COMMAND: command,
        CNI_CONTAINERID: request.sandboxId,
        CNI_NETNS: request.netnsPath,
        CNI_IFNAME: INTERFACE,
        CNI_ARGS: Object.entries(args)
          .map(([key, value]) => `${key}=${value}`)
          .join(';'),
        CNI_PATH: pluginDirectories.join(':'),
      },
      timeoutMs: PLUGIN_TIMEOUT_MS,
      signal,
    })
    const answer = parse(result.stdout)
    if (result.code !== 0) {
      const { code = result.code, msg = result.stderr.trim() || 'failed', details } = (answer ?? {}) as CniFailure
      throw new CniError(plugin.type, code, details ? `${msg}; ${details}` : msg)
    }
    return answer as CniResult | undefined
  }

  return {
    async setup(request, signal): Promise<SandboxNetworkResult> {
      const attachment: Attachment = {
        config: await loadCniConfig(configDirectory),
        capabilities: capabilitiesOf(request, await knownCidrs()),
        result: undefined,
      }
      const path = attachmentPath(request.sandboxId)
      // Before the first plugin runs: whatever happens from here on, teardown knows what to undo.
      await save(path, JSON.stringify(attachment))
      const loopback = [['link', 'set', 'dev', 'lo', 'up']]
      throwOnFailure('bring loopback up', loopback, await host.ip(loopback, { netns: request.netnsPath, signal }))
      let result: CniResult | undefined
      for (const plugin of attachment.config.plugins)
        result = await run('ADD', plugin, attachment, request, result, signal)
      await save(path, JSON.stringify({ ...attachment, result }))
      return readResult(result ?? {}, attachment.config)
    },

    async teardown(request, signal) {
      const path = attachmentPath(request.sandboxId)
      const text = await read(path)
      if (text === undefined) return
      const attachment = parse(text) as Attachment | undefined
      if (!attachment) log.error({ file: path }, 'cannot read what was done for a sandbox; nothing is undone')
      for (const plugin of attachment?.config.plugins.toReversed() ?? [])
        await run('DEL', plugin, attachment!, request, attachment!.result, signal)
      await unlink(path).catch((err: unknown) => {
        if (systemCode(err) !== 'ENOENT') throw err
      })
    },

    async check(request, signal) {
      const attachment = parse((await read(attachmentPath(request.sandboxId))) ?? '') as Attachment | undefined
      if (!attachment?.result) throw new CniError('', 3, `sandbox ${request.sandboxId} is not attached`)
      if (attachment.config.disableCheck) return
      for (const plugin of attachment.config.plugins)
        await run('CHECK', plugin, attachment, request, attachment.result, signal)
    },

    async status(): Promise<SandboxNetworkStatus> {
      try {
        const config = await loadCniConfig(configDirectory)
        for (const plugin of config.plugins) await programOf(plugin.type)
        return { ready: true, reason: '', message: '' }
      } catch (err) {
        if (!(err instanceof CniConfigError)) log.warn({ err: messageOf(err) }, 'cannot read the CNI configuration')
        const message = `Network plugin returns error: cni plugin not initialized: ${messageOf(err)}`
        return { ready: false, reason: 'NetworkPluginNotReady', message }
      }
    },

    async updatePodCidr(podCidr) {
      const next = podCidr
        .split(',')
        .map((c) => c.trim())
        .filter((c) => c !== '')
      if (next.join(',') === (await knownCidrs()).join(',')) return
      await save(podCidrFile, next.join(','))
      podCidrs = next
    },
  }
}

interface CniFailure {
  code?: number
  msg?: string
  details?: string
}

function parse(text: string): unknown {
  try {
    return text.trim() === '' ? undefined : JSON.parse(text)
  } catch (err) {
    if (err instanceof SyntaxError) return undefined
    throw err
  }
}

/** The pod's addresses: those on the interface inside the sandbox, or all where the plugin does not say. Throws CniError. */
function readResult(result: CniResult, config: CniNetworkConfig): SandboxNetworkResult {
  const inside = (ip: { interface?: number }) =>
    ip.interface === undefined || !!result.interfaces?.[ip.interface]?.sandbox
  const ips = (result.ips ?? []).filter(inside).map((ip) => ip.address.split('/')[0]!)
  const first = [ips.find((ip) => !ip.includes(':')), ips.find((ip) => ip.includes(':'))].filter(
    (ip) => ip !== undefined,
  )
  // The plugin's own order decides which of the two families is the primary one.
  first.sort((a, b) => ips.indexOf(a) - ips.indexOf(b))
  if (first.length === 0)
    throw new CniError(config.plugins.at(-1)!.type, 100, `network "${config.name}" gave no address`)
  return { ips: first, interfaceName: INTERFACE }
}
