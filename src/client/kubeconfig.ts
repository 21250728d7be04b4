/**
 * Reads kubeconfig files: which server a context means, and with what credentials it is reached. Paths in the file are
 * relative to its folder. Credentials by exec plug-in, auth provider or password are refused with a clear message.
 */
import { dirname, isAbsolute, join } from 'node:path'
import { JSON_SCHEMA, load } from 'js-yaml'
import { isObject } from '#base/json.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Connection } from './https-transport.ts'

/** The file can't be used; the message says where it is wrong. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError'
}

export interface KubeconfigCluster {
  server: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
}

export interface KubeconfigUser {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  as?: string
  'as-uid'?: string
  'as-groups'?: string[]
  'as-user-extra'?: Record<string, string[]>
  username?: string
  exec?: unknown
  'auth-provider'?: unknown
}

export interface KubeconfigContext {
  cluster: string
  user: string
  namespace?: string
}

export interface Kubeconfig {
  currentContext: string
  clusters: ReadonlyMap<string, KubeconfigCluster>
  users: ReadonlyMap<string, KubeconfigUser>
  contexts: ReadonlyMap<string, KubeconfigContext>
}

/** Throws KubeconfigError. */
export function parseKubeconfig(text: string): Kubeconfig {
  let document: unknown
  try {
    document = load(text, { schema: JSON_SCHEMA })
  } catch (cause) {
    throw new KubeconfigError(`the kubeconfig is not YAML: ${messageOf(cause)}`, { cause })
  }
  if (!isObject(document)) throw new KubeconfigError('the kubeconfig is empty')
  if (document.kind !== undefined && document.kind !== 'Config') {
    throw new KubeconfigError(`the kubeconfig is of kind ${JSON.stringify(document.kind)}, not Config`)
  }
  return {
    currentContext: typeof document['current-context'] === 'string' ? document['current-context'] : '',
    clusters: named<KubeconfigCluster>(document, 'clusters', 'cluster'),
    users: named<KubeconfigUser>(document, 'users', 'user'),
    contexts: named<KubeconfigContext>(document, 'contexts', 'context'),
  }
}

export interface ConnectionOptions {
  /** Default: the file's current context. */
  context?: string
  /** Where the file is, for the relative paths in it. */
  path: string
  /** Reads a credential file as text. */
  readFile(path: string): Promise<string>
  clock: Clock
}

export interface ContextConnection {
  connection: Connection
  /** The context's namespace; `default` where it has none. */
  namespace: string
}

/** How the server of a context is reached. Throws KubeconfigError for anything missing, unreadable or unsupported. */
export async function connectionOf(config: Kubeconfig, options: ConnectionOptions): Promise<ContextConnection> {
  const contextName = options.context ?? config.currentContext
  if (contextName === '') throw new KubeconfigError('the kubeconfig has no current-context, and none was asked for')
  const context = config.contexts.get(contextName)
  if (!context) throw new KubeconfigError(`the kubeconfig has no context "${contextName}"`)
  const cluster = config.clusters.get(context.cluster)
  if (!cluster) throw new KubeconfigError(`context "${contextName}": there is no cluster "${context.cluster}"`)
  const user = config.users.get(context.user ?? '')
  if (context.user && !user) throw new KubeconfigError(`context "${contextName}": there is no user "${context.user}"`)
  if (!cluster.server) throw new KubeconfigError(`cluster "${context.cluster}" has no server`)
  if (cluster['proxy-url']) throw new KubeconfigError(`cluster "${context.cluster}": proxy-url is not supported`)
  for (const unsupported of ['exec', 'auth-provider', 'username'] as const) {
    if (user?.[unsupported] === undefined) continue
    throw new KubeconfigError(`user "${context.user}": credentials by ${unsupported} are not supported`)
  }
  const files = new CredentialFiles(options)
  const [ca, cert, key] = await Promise.all([
    files.pem(cluster['certificate-authority-data'], cluster['certificate-authority'], 'certificate-authority'),
    files.pem(user?.['client-certificate-data'], user?.['client-certificate'], 'client-certificate'),
    files.pem(user?.['client-key-data'], user?.['client-key'], 'client-key'),
  ])
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigError(`user "${context.user}": client-certificate and client-key come together or not at all`)
  }
  return {
    namespace: context.namespace || 'default',
    connection: {
      server: cluster.server,
      ...(ca && { ca }),
      ...(cert && { cert, key }),
      ...tokenOf(user, files),
      ...(cluster['tls-server-name'] && { serverName: cluster['tls-server-name'] }),
      ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
      ...impersonationOf(user),
    },
  }
}

function tokenOf(user: KubeconfigUser | undefined, files: CredentialFiles): Pick<Connection, 'token'> {
  // As in client-go the file wins, and the inline token is what remains where the file can't be read at first.
  if (user?.tokenFile) return { token: files.token(user.tokenFile, user.token) }
  const token = user?.token
  return token ? { token: () => Promise.resolve(token) } : {}
}

function impersonationOf(user: KubeconfigUser | undefined): Pick<Connection, 'impersonate'> {
  if (!user?.as) return {}
  const { as, 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = user
  return { impersonate: { user: as, ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }) } }
}

/** How long a token read from a file is used before the file is read again: rotated tokens overlap by far more. */
const TOKEN_MAX_AGE_MS = 60_000

class CredentialFiles {
  readonly #options: ConnectionOptions

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  async pem(data: string | undefined, file: string | undefined, what: string): Promise<string | undefined> {
    if (data) {
      const text = Buffer.from(data, 'base64').toString('utf8')
      if (!text.includes('-----BEGIN ')) throw new KubeconfigError(`${what}-data is not PEM in base64`)
      return text
    }
    return file ? this.#read(file, what) : undefined
  }

  token(file: string, fallback: string | undefined): (fresh: boolean) => Promise<string | undefined> {
    const { clock } = this.#options
    let cached: string | undefined
    let readAtMs = -Infinity
    return async (fresh) => {
      if (!fresh && clock.monotonic() - readAtMs < TOKEN_MAX_AGE_MS) return cached
      try {
        cached = (await this.#read(file, 'tokenFile')).trim()
        readAtMs = clock.monotonic()
      } catch (err) {
        // A file in the middle of its replacement: the previous token is still good.
        cached ??= fallback
        if (cached === undefined) throw err
      }
      return cached
    }
  }

  async #read(file: string, what: string): Promise<string> {
    const path = isAbsolute(file) ? file : join(dirname(this.#options.path), file)
    try {
      return await this.#options.readFile(path)
    } catch (cause) {
      throw new KubeconfigError(`cannot read ${what} ${path}: ${messageOf(cause)}`, { cause })
    }
  }
}

function named<T>(document: Record<string, unknown>, list: string, field: string): Map<string, T> {
  const entries = document[list] ?? []
  if (!Array.isArray(entries)) throw new KubeconfigError(`${list} is not a list`)
  const out = new Map<string, T>()
  for (const [i, entry] of entries.entries()) {
    if (!isObject(entry) || typeof entry.name !== 'string') throw new KubeconfigError(`${list}[${i}] has no name`)
    // The first of a name wins, as where files are merged.
    if (!out.has(entry.name)) out.set(entry.name, (isObject(entry[field]) ? entry[field] : {}) as T)
  }
  return out
}
