/**
 * CNI network configurations (specification 1.0): which file of a directory counts, what each plugin in the chain is told.
 * Pure, but for the reading of the directory.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject } from '#base/json.ts'
import { systemCode } from '#base/errors.ts'
import type { SandboxNetworkRequest } from '#contracts/sandbox-network.ts'

export interface CniPluginConfig {
  type: string
  capabilities?: Record<string, boolean>
  [key: string]: unknown
}

export interface CniNetworkConfig {
  cniVersion: string
  name: string
  disableCheck: boolean
  plugins: CniPluginConfig[]
  /** The file it came from. */
  path: string
}

/** There is no configuration, or it cannot be used. */
export class CniConfigError extends Error {
  override readonly name = 'CniConfigError'
}

const EXTENSIONS = ['.conflist', '.conf', '.json']
const MAX_BYTES = 1 << 20
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The first usable file in order of names, as container runtimes do. Throws CniConfigError. */
export async function loadCniConfig(directory: string): Promise<CniNetworkConfig> {
  const names = await readdir(directory).catch((err: unknown) => {
    if (systemCode(err) === 'ENOENT') return []
    throw err
  })
  const problems: string[] = []
  for (const name of names.filter((n) => EXTENSIONS.some((e) => n.endsWith(e))).sort()) {
    const path = join(directory, name)
    try {
      return parseCniConfig(await readFile(path, 'utf8'), path)
    } catch (err) {
      if (!(err instanceof CniConfigError)) throw err
      problems.push(err.message)
    }
  }
  throw new CniConfigError(problems.length > 0 ? problems.join('; ') : `no CNI configuration in ${directory}`)
}

/** Reads a list of plugins, or a single plugin in the older form. Throws CniConfigError. */
export function parseCniConfig(text: string, path: string): CniNetworkConfig {
  const fail = (why: string): never => {
    throw new CniConfigError(`${path}: ${why}`)
  }
  if (text.length > MAX_BYTES) fail('longer than 1 MiB')
  const value = parseJson(text)
  if (!isObject(value)) return fail('not a JSON object')
  const { name, cniVersion = '0.2.0', plugins = [value], disableCheck } = value
  if (typeof name !== 'string' || !NAME.test(name)) return fail('"name" is missing, or not a CNI network name')
  if (typeof cniVersion !== 'string') return fail('"cniVersion" is not text')
  if (!Array.isArray(plugins) || plugins.length === 0) return fail('"plugins" is not a list with at least one plugin')
  for (const plugin of plugins) {
    // The type becomes the name of a program: nothing that could lead out of the directories it is looked up in.
    if (!isObject(plugin) || typeof plugin.type !== 'string' || !NAME.test(plugin.type))
      return fail('a plugin has no "type" that could be the name of a program')
  }
  return {
    cniVersion,
    name,
    disableCheck: disableCheck === true || disableCheck === 'true',
    plugins: plugins as CniPluginConfig[],
    path,
  }
}

/** What a plugin reads on its standard input. `capabilities` the plugin does not have are kept from it. */
export function pluginInput(
  network: CniNetworkConfig,
  plugin: CniPluginConfig,
  capabilities: Readonly<Record<string, unknown>>,
  prevResult: unknown,
): Record<string, unknown> {
  const { capabilities: has = {}, ...config } = plugin
  const runtimeConfig = Object.fromEntries(
    Object.entries(capabilities).filter(([key, value]) => has[key] && value !== undefined),
  )
  return {
    ...config,
    cniVersion: network.cniVersion,
    name: network.name,
    ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
    ...(prevResult !== undefined && { prevResult }),
  }
}

/** Capability arguments by the names of the CNI conventions. */
export function capabilitiesOf(request: SandboxNetworkRequest, podCidrs: readonly string[]): Record<string, unknown> {
  const { servers, searches, options } = request.dns
  return {
    portMappings:
      request.portMappings.length > 0
        ? request.portMappings.map(({ hostPort, containerPort, protocol, hostIp }) => ({
            hostPort,
            containerPort,
            protocol,
            ...(hostIp && { hostIP: hostIp }),
          }))
        : undefined,
    dns: servers.length > 0 ? { servers, searches, options } : undefined,
    ipRanges: podCidrs.length > 0 ? podCidrs.map((subnet) => [{ subnet }]) : undefined,
    'io.kubernetes.cri.pod-annotations': Object.keys(request.annotations).length > 0 ? request.annotations : undefined,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (err) {
    if (err instanceof SyntaxError) return undefined
    throw err
  }
}
