/**
 * How registries are reached: mirrors, plain HTTP, certificates and credentials, from a YAML file in the form that k3s made
 * known (`mirrors: {docker.io: {endpoint: [...]}}`, `configs: {"host:5000": {auth: ..., tls: ...}}`). Read again on every pull,
 * so that an edit needs no restart.
 */
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { systemCode } from '#base/errors.ts'

export interface RegistryEndpoint {
  /** `https://host:5000`, without a path. */
  url: string
  ca?: string
  insecureSkipVerify: boolean
  credentials?: Credentials
}

export interface Credentials {
  username?: string
  password?: string
  /** OAuth2 refresh token. */
  identityToken?: string
  /** Sent as it is: `Authorization: Bearer`. */
  registryToken?: string
}

interface RegistriesFile {
  mirrors?: Record<string, { endpoint?: string[] }>
  configs?: Record<
    string,
    {
      auth?: { username?: string; password?: string; auth?: string; identity_token?: string }
      tls?: { ca_file?: string; insecure_skip_verify?: boolean }
    }
  >
}

/** Where to ask for images of `registry`, in order; the registry itself comes last. */
export function registryEndpoints(registry: string, file: string | undefined): RegistryEndpoint[] {
  const config = readFile(file)
  const mirror = config.mirrors?.[registry] ?? config.mirrors?.['*']
  const upstream = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  const urls = [...(mirror?.endpoint ?? []), `${isLoopback(upstream) ? 'http' : 'https'}://${upstream}`]
  return [...new Set(urls.map((url) => (url.includes('://') ? url : `https://${url}`).replace(/\/+$/, '')))].map(
    (url) => {
      const host = new URL(url).host
      const entry =
        config.configs?.[host] ?? (host === 'registry-1.docker.io' ? config.configs?.['docker.io'] : undefined)
      const caFile = entry?.tls?.ca_file
      const credentials = entry?.auth && credentialsOf(entry.auth)
      return {
        url,
        insecureSkipVerify: entry?.tls?.insecure_skip_verify ?? false,
        ...(caFile && { ca: readFileSync(caFile, 'utf8') }),
        ...(credentials && { credentials }),
      }
    },
  )
}

/** `auth` is base64 of `user:password`, as in docker's config.json. */
export function credentialsOf(auth: {
  username?: string
  password?: string
  auth?: string
  identity_token?: string
}): Credentials | undefined {
  if (auth.identity_token)
    return { identityToken: auth.identity_token, ...(auth.username && { username: auth.username }) }
  if (auth.username) return { username: auth.username, password: auth.password ?? '' }
  if (!auth.auth) return undefined
  const [username, ...password] = Buffer.from(auth.auth, 'base64').toString().split(':')
  return { username: username!, password: password.join(':').replace(/\0+$/, '') }
}

/** Registries on this machine are spoken to without TLS, as containerd and Docker do. */
function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(name) || name === '[::1]'
}

function readFile(file: string | undefined): RegistriesFile {
  if (!file) return {}
  try {
    return (load(readFileSync(file, 'utf8')) ?? {}) as RegistriesFile
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return {}
    throw new Error(`cannot read the registries file "${file}": ${(cause as Error).message}`, { cause })
  }
}
