/**
 * Which of a pod's image pull secrets open a registry. Pure. Entries may name a host with wildcards, and a path that the
 * repository must begin with; the more specific come first. Upstream: `pkg/credentialprovider`.
 */
import type { Secret } from '#api/core/v1/config.ts'

export interface Credentials {
  username: string
  password: string
  /** `Bearer` tokens that some registries hand out instead of a password. */
  identityToken?: string
  registryToken?: string
}

interface Entry {
  host: string[]
  port: string
  path: string
  credentials: Credentials
}

/** Those that match, best first; never more than once the same. Secrets that can't be read are skipped. */
export function credentialsFor(repository: string, secrets: readonly Secret[]): Credentials[] {
  const entries = secrets.flatMap(entriesOf)
  // Reverse order puts longer paths of a host before shorter ones.
  const key = (e: Entry) => `${e.host.join('.')}:${e.port}${e.path}`
  entries.sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0))
  const target = splitAddress(repository)
  const matching = entries.filter((entry) => matches(entry, target))
  const found =
    matching.length > 0 ? matching : entries.filter((e) => isHub(e) && target.host.join('.') === 'docker.io')
  const unique = new Map(found.map((e) => [JSON.stringify(e.credentials), e.credentials]))
  return [...unique.values()]
}

function entriesOf(secret: Secret): Entry[] {
  const json = secret.data?.['.dockerconfigjson']
  const legacy = secret.data?.['.dockercfg']
  const parsed = parse(json ?? legacy)
  const auths = json ? parsed?.auths : parsed
  if (typeof auths !== 'object' || auths === null) return []
  return Object.entries(auths as Record<string, unknown>).flatMap(([address, value]) => {
    const credentials = credentialsOf(value)
    return credentials ? [{ ...splitAddress(address), credentials }] : []
  })
}

function parse(base64: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64 ?? '', 'base64').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function credentialsOf(value: unknown): Credentials | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const text = (key: string) => {
    const item = (value as Record<string, unknown>)[key]
    return typeof item === 'string' ? item : ''
  }
  const decoded = Buffer.from(text('auth'), 'base64').toString()
  const colon = decoded.indexOf(':')
  const username = colon >= 0 ? decoded.slice(0, colon) : text('username')
  const password = colon >= 0 ? decoded.slice(colon + 1) : text('password')
  const [identityToken, registryToken] = [text('identitytoken'), text('registrytoken')]
  if (!username && !password && !identityToken && !registryToken) return undefined
  return { username, password, ...(identityToken && { identityToken }), ...(registryToken && { registryToken }) }
}

function splitAddress(address: string): Omit<Entry, 'credentials'> {
  const bare = address.replace(/^https?:\/\//, '')
  const slash = bare.indexOf('/')
  const authority = slash < 0 ? bare : bare.slice(0, slash)
  const rawPath = slash < 0 ? '' : bare.slice(slash)
  const path = /^\/v[12]\//.test(rawPath) ? rawPath.slice(3) : rawPath
  const [, host = authority, port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? []
  return { host: host.split('.'), port, path: path === '/' ? '' : path }
}

function matches(entry: Entry, target: Omit<Entry, 'credentials'>): boolean {
  return (
    entry.port === target.port &&
    entry.host.length === target.host.length &&
    target.path.startsWith(entry.path) &&
    entry.host.every((part, i) => globMatches(part, target.host[i]!))
  )
}

/** `*` and `?` within one part of a host name. */
function globMatches(glob: string, text: string): boolean {
  const source = glob
    .replace(/[^\w*?-]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(text)
}

const isHub = (entry: Entry) => ['index.docker.io', 'docker.io'].includes(entry.host.join('.'))
