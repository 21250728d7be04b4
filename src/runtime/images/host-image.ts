/**
 * Makes a true OCI image of files of this host: one layer, a configuration and a manifest. The same files give the same
 * digest: entries are sorted, times are those of the files, and nothing of the moment enters the configuration. The layer
 * is not compressed: such an image is used where it was made, and compressing takes longer than all the rest.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { OciImageConfig, OciManifest } from '#contracts/oci/image.ts'
import { MEDIA_TYPES } from '#contracts/oci/image.ts'
import { digestOf } from './blobs.ts'
import type { HostEntries } from './host-files.ts'
import { HostFiles } from './host-files.ts'
import type { ImageStore, StoredImage } from './image-store.ts'

export interface HostImageSpec {
  name: string
  /** Paths, or names looked up in the PATH. */
  programs: readonly string[]
  /** Files or directories of the host and where they go. */
  files?: readonly { from: string; to: string }[]
  /** Symbolic links: `to` in the image points at `from`. */
  links?: readonly { from: string; to: string }[]
  entrypoint?: readonly string[]
  cmd?: readonly string[]
  /** `NAME=value`. */
  env?: readonly string[]
  workingDir?: string
  user?: string
  labels?: Readonly<Record<string, string>>
  /** `80/tcp`. */
  exposedPorts?: readonly string[]
  stopSignal?: string
}

/** What a program expects to find even in the smallest image. */
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'
const GROUP = 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'
const FIXED_FILES: Record<string, string> = {
  '/etc/passwd': PASSWD,
  '/etc/group': GROUP,
  '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}
const FIXED_DIRECTORIES: Record<string, number> = {
  '/tmp': 0o1777,
  '/var/tmp': 0o1777,
  '/root': 0o700,
  '/etc': 0o755,
  '/var': 0o755,
  '/run': 0o755,
}
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

/** Throws HostFileMissingError when a program, library or file is not there. */
export async function buildHostImage(
  store: ImageStore,
  spec: HostImageSpec,
): Promise<{ image: StoredImage; fileCount: number }> {
  const collected = new HostFiles()
  for (const program of spec.programs) collected.addProgram(program)
  for (const { from, to } of spec.files ?? []) collected.addTree(from, to)
  const layer = await store.blobs.write(
    Readable.from(layerTar(collected.entries, spec.links ?? []), { objectMode: false }),
  )
  return store.holding([layer.digest], async () => {
    const config: OciImageConfig = {
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      config: {
        ...(spec.user && { User: spec.user }),
        Env: spec.env?.some((e) => e.startsWith('PATH=')) ? [...spec.env] : [DEFAULT_PATH, ...(spec.env ?? [])],
        ...(spec.entrypoint?.length && { Entrypoint: [...spec.entrypoint] }),
        ...(spec.cmd?.length && { Cmd: [...spec.cmd] }),
        WorkingDir: spec.workingDir || '/',
        ...(spec.labels && { Labels: { ...spec.labels } }),
        ...(spec.exposedPorts?.length && {
          ExposedPorts: Object.fromEntries(
            spec.exposedPorts.map((port) => [port.includes('/') ? port : `${port}/tcp`, {}]),
          ),
        }),
        ...(spec.stopSignal && { StopSignal: spec.stopSignal }),
      },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }
    const configBlob = await store.blobs.write(Readable.from([Buffer.from(JSON.stringify(config))]))
    return store.holding([configBlob.digest], async () => {
      const manifest: OciManifest = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.ociManifest,
        config: { mediaType: MEDIA_TYPES.ociConfig, ...configBlob },
        layers: [{ mediaType: MEDIA_TYPES.ociLayer, ...layer }],
      }
      const bytes = Buffer.from(JSON.stringify(manifest))
      await store.blobs.write(Readable.from([bytes]))
      return { image: await store.add(digestOf(bytes), [spec.name], manifest), fileCount: collected.entries.size }
    })
  })
}

async function* layerTar(entries: HostEntries, links: readonly { from: string; to: string }[]): AsyncGenerator<Buffer> {
  const tar = pack()
  const linkTargets = new Map(links.map(({ from, to }) => [to, from]))
  const paths = [
    ...new Set([
      ...entries.keys(),
      ...linkTargets.keys(),
      ...Object.keys(FIXED_FILES),
      ...Object.keys(FIXED_DIRECTORIES),
    ]),
  ].toSorted()
  const writing = (async () => {
    for (const path of paths) await writeEntry(path)
    tar.finalize()
  })()
  writing.catch((cause: Error) => tar.destroy(cause))
  for await (const chunk of tar) yield chunk as Buffer
  await writing

  function writeEntry(path: string): Promise<void> {
    const name = path.slice(1)
    const mtime = new Date(0)
    const from = entries.get(path)
    const put = (header: Parameters<typeof tar.entry>[0], content?: Buffer) =>
      new Promise<void>((resolve, reject) => {
        const entry = tar.entry({ mtime, uid: 0, gid: 0, ...header }, (error) => (error ? reject(error) : resolve()))
        entry?.end(content)
      })
    if (linkTargets.has(path)) return put({ name, type: 'symlink', linkname: linkTargets.get(path)!, mode: 0o777 })
    if (!from && FIXED_FILES[path])
      return put({ name, mode: 0o644, size: Buffer.byteLength(FIXED_FILES[path]) }, Buffer.from(FIXED_FILES[path]))
    if (!from) return put({ name: `${name}/`, type: 'directory', mode: FIXED_DIRECTORIES[path] ?? 0o755 })
    const stat = lstatSync(from)
    const header = {
      name,
      uid: stat.uid,
      gid: stat.gid,
      mode: stat.mode & 0o7777,
      mtime: new Date(Math.floor(stat.mtimeMs / 1000) * 1000),
    }
    if (stat.isSymbolicLink()) return put({ ...header, type: 'symlink', linkname: readlinkSync(from) })
    if (stat.isDirectory()) return put({ ...header, name: `${name}/`, type: 'directory' })
    if (stat.isFile()) {
      const content = readFileSync(from)
      return put({ ...header, size: content.length }, content)
    }
    // Sockets, devices and pipes of the host mean nothing elsewhere.
    return Promise.resolve()
  }
}
