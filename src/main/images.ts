/** `rostrum image ...`: images of the nodes of a cluster of this machine, on the built-in runtime or on containerd. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { CliError } from '#cli/cli-error.ts'
import type { FromHostOptions } from '#cli/program.ts'
import { CriClient, isCriNotFound } from '#contracts/cri/client.ts'
import type { ClusterDescription, ClusterDirectory, NodeDescription } from './cluster-directory.ts'
import { importArchive, importHostImage } from './containerd.ts'
import { type HostImage, requestOf } from './host-image.ts'
import { criSocket } from './node-parts.ts'

/** Making or loading a large image takes a while. */
const IMAGE_TIMEOUT_MS = 15 * 60_000

export interface NodeRuntime {
  node: NodeDescription
  kind: 'builtin' | 'containerd'
  socket: string
  cri: CriClient
}

/** The runtimes that the options mean. Throws CliError. */
export function runtimesOf(directory: ClusterDirectory, description: ClusterDescription, only?: string): NodeRuntime[] {
  if (description.nodes.length === 0) {
    throw new CliError('usage', `cluster ${description.name} has no nodes that run containers`, {
      hint: 'start one without --runtime none',
    })
  }
  const chosen = description.nodes.filter((node) => only === undefined || node.name === only)
  if (chosen.length === 0) {
    throw new CliError('notFound', `cluster ${description.name} has no node ${only}`, {
      hint: `it has ${description.nodes.map((node) => node.name).join(', ')}`,
    })
  }
  return chosen.map((node) => {
    const socket = criSocket(directory, node)
    if (!existsSync(socket))
      throw new CliError('notFound', `the container runtime of ${node.name} is not running`, {
        hint: `rostrum up --name ${description.name}`,
      })
    return {
      node,
      kind: description.runtime === 'containerd' ? ('containerd' as const) : ('builtin' as const),
      socket,
      cri: new CriClient({ endpoint: socket, clock: systemClock, defaultTimeoutMs: IMAGE_TIMEOUT_MS }),
    }
  })
}

/** Makes an image of files of this host on every one of `runtimes`. Returns its id. */
export async function buildOnAll(runtimes: readonly NodeRuntime[], image: HostImage): Promise<string> {
  const ids = await Promise.all(
    runtimes.map(async ({ kind, cri, socket }) =>
      kind === 'builtin' ? (await cri.archive.fromHost(requestOf(image))).id : importHostImage({ socket }, image),
    ),
  )
  return ids[0]!
}

/** Loads an archive on every one of `runtimes`. */
export async function loadOnAll(
  runtimes: readonly NodeRuntime[],
  archive: string,
): Promise<{ id: string; names: string[] }[]> {
  const loaded = await Promise.all(
    runtimes.map(async ({ kind, cri, socket }) => {
      if (kind === 'builtin')
        return (await cri.archive.load([{ path: archive }])).images.map(({ id, names }) => ({ id, names }))
      await importArchive({ socket }, archive)
      return []
    }),
  )
  return loaded[0]!
}

export function hostImageOf(name: string, programs: readonly string[], options: FromHostOptions): HostImage {
  const pair = (text: string, what: string) => {
    const at = text.indexOf(':')
    if (at <= 0 || at === text.length - 1) throw new CliError('usage', `${JSON.stringify(text)} is not ${what}`)
    return { from: text.slice(0, at), to: text.slice(at + 1) }
  }
  const labels = options.label.map((text) => {
    const at = text.indexOf('=')
    if (at <= 0) throw new CliError('usage', `${JSON.stringify(text)} is not name=value`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  return {
    name,
    programs,
    files: options.file.map((text) => {
      const { from, to } = text.includes(':') ? pair(text, 'from:to') : { from: text, to: resolve(text) }
      return { from: resolve(from), to }
    }),
    links: options.link.map((text) => pair(text, 'target:path')),
    ...(options.entrypoint && { entrypoint: options.entrypoint }),
    ...(options.cmd && { cmd: options.cmd }),
    env: options.env,
    ...(options.workdir && { workingDir: options.workdir }),
    ...(options.user && { user: options.user }),
    labels: Object.fromEntries(labels),
    exposedPorts: options.expose.map((port) => (port.includes('/') ? port : `${port}/tcp`)),
  }
}

export interface ListedImage {
  node: string
  id: string
  tags: string[]
  sizeBytes: number
}

export async function listImages(runtimes: readonly NodeRuntime[]): Promise<ListedImage[]> {
  const lists = await Promise.all(
    runtimes.map(async ({ node, cri }) => {
      const { images } = await cri.image.listImages({})
      return images.map((image) => ({
        node: node.name,
        id: image.id,
        tags: image.repoTags,
        sizeBytes: Number(image.size),
      }))
    }),
  )
  return lists.flat()
}

/** Throws CliError for an image that no node has. */
export async function removeImages(runtimes: readonly NodeRuntime[], names: readonly string[]): Promise<void> {
  for (const name of names) {
    const found = await Promise.all(
      runtimes.map(async ({ cri }) => {
        const { image } = await cri.image.imageStatus({ image: { image: name } })
        if (!image) return false
        try {
          await cri.image.removeImage({ image: { image: name } })
        } catch (err) {
          if (!isCriNotFound(err)) throw err
        }
        return true
      }),
    )
    if (!found.includes(true))
      throw new CliError('notFound', `no node has an image ${JSON.stringify(name)}`, {
        hint: 'see: rostrum image list',
      })
  }
}
