/**
 * Adds a cluster to the user's kubeconfig, or takes it out, and leaves everything else in the file as it is, comments
 * included. The file is replaced in one step and readable by its owner only.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Document, isMap, isSeq, parseDocument, stringify } from 'yaml'
import { CliError } from './cli-error.ts'

export interface ClusterAccess {
  /** Name of the context, the cluster and the user alike. */
  name: string
  server: string
  /** PEM. */
  ca: string
  clientCert: string
  clientKey: string
}

const SECTIONS = ['clusters', 'users', 'contexts'] as const

/** Where kubectl looks: the first file of $KUBECONFIG, or ~/.kube/config. */
export function kubeconfigPath(env: NodeJS.ProcessEnv): string {
  const first = env.KUBECONFIG?.split(':').find((path) => path !== '')
  return first ?? join(env.HOME ?? homedir(), '.kube', 'config')
}

/** A kubeconfig with this cluster alone. */
export function kubeconfigFor(access: ClusterAccess): string {
  const { cluster, user, context } = entriesOf(access)
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster],
    users: [user],
    contexts: [context],
    'current-context': access.name,
  })
}

/** Puts the cluster in and makes it current. Throws CliError for a file that is no kubeconfig; it is then left alone. */
export function mergeKubeconfig(path: string, access: ClusterAccess): void {
  const document = read(path)
  const { cluster, user, context } = entriesOf(access)
  document.set('apiVersion', document.get('apiVersion') ?? 'v1')
  document.set('kind', document.get('kind') ?? 'Config')
  for (const [section, entry] of [
    ['clusters', cluster],
    ['users', user],
    ['contexts', context],
  ] as const) {
    removeNamed(document, section, access.name)
    if (!isSeq(document.get(section, true))) document.set(section, document.createNode([]))
    document.addIn([section], document.createNode(entry))
  }
  document.set('current-context', access.name)
  write(path, document)
}

/** Takes the cluster out; the current context is cleared where it was this one. */
export function removeFromKubeconfig(path: string, name: string): void {
  if (!existsSync(path)) return
  const document = read(path)
  let changed = false
  for (const section of SECTIONS) changed = removeNamed(document, section, name) || changed
  if (document.get('current-context') === name) {
    document.set('current-context', '')
    changed = true
  }
  if (changed) write(path, document)
}

function entriesOf({ name, server, ca, clientCert, clientKey }: ClusterAccess) {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    cluster: { name, cluster: { server, 'certificate-authority-data': base64(ca) } },
    user: { name, user: { 'client-certificate-data': base64(clientCert), 'client-key-data': base64(clientKey) } },
    context: { name, context: { cluster: name, user: name } },
  }
}

function read(path: string): Document {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const document = parseDocument(text.trim() === '' ? '{}' : text)
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw new CliError(
      'failed',
      `cannot read the kubeconfig ${path}: ${document.errors[0]?.message.split('\n')[0] ?? 'it is not a mapping'}`,
      {
        hint: 'mend or move that file, or name another one in KUBECONFIG',
      },
    )
  }
  if (isMap(document.contents)) document.contents.flow = false
  return document
}

function removeNamed(document: Document, section: string, name: string): boolean {
  const list = document.get(section, true)
  if (!isSeq(list)) return false
  const before = list.items.length
  list.items = list.items.filter((item) => !(isMap(item) && item.get('name') === name))
  if (list.items.length > 0) list.flow = false
  return list.items.length !== before
}

function write(path: string, document: Document) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const target = existsSync(path) ? realpathSync(path) : path
  const partial = `${target}.${process.pid}.partial`
  writeFileSync(partial, document.toString(), { mode: 0o600 })
  chmodSync(partial, 0o600)
  renameSync(partial, target)
}
