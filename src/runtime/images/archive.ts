/**
 * Loads images from archives (an OCI image layout, or what `docker save` writes; each plain or gzip) and writes them as OCI
 * archives that containerd's `ctr images import`, skopeo and this runtime read.
 */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, pack } from 'tar-stream'
import type { Random } from '#base/random.ts'
import type { DockerArchiveEntry, OciDescriptor, OciIndex, OciManifest } from '#contracts/oci/image.ts'
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, MEDIA_TYPES } from '#contracts/oci/image.ts'
import { digestOf } from './blobs.ts'
import type { ImageStore, StoredImage } from './image-store.ts'
import { choosePlatform } from './platform.ts'

/** The file is neither an OCI layout nor a docker archive, or lacks parts. */
export class InvalidArchiveError extends Error {
  override readonly name = 'InvalidArchiveError'
}

const JSON_LIMIT = 16 << 20

/** Loads every image for this machine in the archive. `names` replaces the names it carries (for archives with one image). */
export async function loadArchive(
  store: ImageStore,
  archive: string | Readable,
  { names = [], random, temporaryDir }: { names?: readonly string[]; random: Random; temporaryDir: string },
): Promise<StoredImage[]> {
  const dir = join(temporaryDir, `load-${Buffer.from(random.bytes(8)).toString('hex')}`)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    if (typeof archive === 'string' && lstatSync(archive).isDirectory()) return await loadLayout(store, archive, names)
    await unpackFlat(archive, dir)
    if (existsSync(join(dir, 'index.json'))) return await loadLayout(store, dir, names)
    if (existsSync(join(dir, 'manifest.json'))) return await loadDocker(store, dir, names)
    throw new InvalidArchiveError('the archive has neither index.json (OCI) nor manifest.json (docker save)')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The archive's files below `dir`; links inside it (docker's shared layers) become copies of nothing but each other. */
async function unpackFlat(archive: string | Readable, dir: string) {
  const source = typeof archive === 'string' ? createReadStream(archive, { highWaterMark: 256 << 10 }) : archive
  const extractor = extract()
  const links: [string, string][] = []
  const plain = typeof archive === 'string' && isGzip(archive) ? source.pipe(createGunzip()) : source
  source.on('error', (cause: Error) => extractor.destroy(cause))
  plain.on('error', (cause: Error) => extractor.destroy(cause))
  plain.pipe(extractor)
  for await (const entry of extractor) {
    const path = safeJoin(dir, entry.header.name)
    if (entry.header.type === 'file') {
      mkdirSync(join(path, '..'), { recursive: true })
      await pipeline(Readable.from(entry), createWriteStream(path, { mode: 0o600 }))
    } else {
      if (entry.header.type === 'symlink' || entry.header.type === 'link') {
        const base = entry.header.type === 'symlink' ? join(path, '..').slice(dir.length) : ''
        links.push([path, safeJoin(dir, join(base, entry.header.linkname ?? ''))])
      }
      entry.resume()
    }
  }
  for (const [path, target] of links) {
    mkdirSync(join(path, '..'), { recursive: true })
    if (existsSync(target)) await pipeline(createReadStream(target), createWriteStream(path, { mode: 0o600 }))
  }
}

function safeJoin(dir: string, name: string): string {
  const path = join(dir, name)
  if (!path.startsWith(`${dir}/`) && path !== dir)
    throw new InvalidArchiveError(`the archive has an entry outside of its root: "${name}"`)
  return path
}

function isGzip(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    const magic = Buffer.alloc(2)
    readSync(fd, magic, 0, 2, 0)
    return magic.readUInt16BE() === 0x1f8b
  } finally {
    closeSync(fd)
  }
}

async function loadLayout(store: ImageStore, dir: string, names: readonly string[]): Promise<StoredImage[]> {
  const blob = (digest: string) => {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new InvalidArchiveError(`unsupported digest "${digest}"`)
    return join(dir, 'blobs/sha256', digest.slice(7))
  }
  const importBlob = async ({ digest }: OciDescriptor) => {
    if (!existsSync(blob(digest))) throw new InvalidArchiveError(`the archive lacks the blob ${digest}`)
    if (!store.blobs.has(digest)) await store.blobs.write(createReadStream(blob(digest)), digest)
  }
  const index = readJson<OciIndex>(join(dir, 'index.json'))
  const images: StoredImage[] = []
  for (const entry of index.manifests) {
    let descriptor = entry
    if (isIndex(entry.mediaType)) {
      const inner = readJson<OciIndex>(blob(entry.digest))
      const chosen = choosePlatform(inner.manifests)
      if (!chosen || !existsSync(blob(chosen.digest))) continue
      descriptor = chosen
    }
    const bytes = readFileSync(blob(descriptor.digest))
    if (digestOf(bytes) !== descriptor.digest)
      throw new InvalidArchiveError(`the manifest ${descriptor.digest} is damaged`)
    const manifest = JSON.parse(bytes.toString()) as OciManifest
    // Attestations and other artifacts travel beside images.
    if (!manifest.config || !manifest.layers.every((l) => /tar|rootfs/.test(l.mediaType))) continue
    const carried = [entry.annotations?.[ANNOTATION_IMAGE_NAME] ?? entry.annotations?.[ANNOTATION_REF_NAME]].filter(
      (n) => n !== undefined,
    )
    const digests = [descriptor.digest, manifest.config.digest, ...manifest.layers.map((l) => l.digest)]
    await store.holding(digests, async () => {
      await store.blobs.write(Readable.from([bytes]), descriptor.digest)
      for (const part of [manifest.config, ...manifest.layers]) await importBlob(part)
      images.push(await store.add(descriptor.digest, names.length > 0 ? names : carried, manifest))
    })
  }
  if (images.length === 0) throw new InvalidArchiveError('the archive has no image for this machine')
  return images
}

async function loadDocker(store: ImageStore, dir: string, names: readonly string[]): Promise<StoredImage[]> {
  const images: StoredImage[] = []
  for (const entry of readJson<DockerArchiveEntry[]>(join(dir, 'manifest.json'))) {
    const put = async (path: string) => {
      const file = safeJoin(dir, path)
      if (!existsSync(file)) throw new InvalidArchiveError(`the archive lacks "${path}"`)
      return { file, ...(await store.blobs.write(createReadStream(file))) }
    }
    const config = await put(entry.Config)
    const layers: OciDescriptor[] = []
    for (const path of entry.Layers) {
      const { file, digest, size } = await put(path)
      layers.push({ mediaType: isGzip(file) ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayer, digest, size })
    }
    const manifest: OciManifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: config.digest, size: config.size },
      layers,
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    await store.blobs.write(Readable.from([bytes]))
    images.push(await store.add(digestOf(bytes), names.length > 0 ? names : (entry.RepoTags ?? []), manifest))
  }
  return images
}

/** The images as one OCI archive. */
export async function* exportArchive(store: ImageStore, images: readonly StoredImage[]): AsyncGenerator<Buffer> {
  const tar = pack()
  const put = (name: string, content: Buffer) =>
    new Promise<void>((resolve, reject) =>
      tar.entry({ name, mtime: new Date(0) }, content, (error) => (error ? reject(error) : resolve())),
    )
  const writing = (async () => {
    await put('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
    const manifests: OciDescriptor[] = []
    const written = new Set<string>()
    for (const image of images) {
      const bytes = await store.blobs.read(image.manifestDigest)
      const manifest = JSON.parse(bytes.toString()) as OciManifest
      const base = {
        mediaType: manifest.mediaType ?? MEDIA_TYPES.ociManifest,
        digest: image.manifestDigest,
        size: bytes.length,
      }
      const tags = image.names.filter((name) => !name.includes('@'))
      for (const name of tags.length > 0 ? tags : [undefined]) {
        const annotations = name
          ? { [ANNOTATION_IMAGE_NAME]: name, [ANNOTATION_REF_NAME]: name.slice(name.lastIndexOf(':') + 1) }
          : undefined
        manifests.push({ ...base, ...(annotations && { annotations }) })
      }
      for (const digest of [image.manifestDigest, manifest.config.digest, ...manifest.layers.map((l) => l.digest)]) {
        if (written.has(digest)) continue
        written.add(digest)
        await new Promise<void>((resolve, reject) => {
          const entry = tar.entry(
            { name: `blobs/sha256/${digest.slice(7)}`, size: store.blobs.size(digest), mtime: new Date(0) },
            (error) => (error ? reject(error) : resolve()),
          )
          const source = store.blobs.stream(digest)
          source.on('error', reject)
          source.pipe(entry!)
        })
      }
    }
    const index: OciIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }
    await put('index.json', Buffer.from(JSON.stringify(index)))
    tar.finalize()
  })()
  writing.catch((cause: Error) => tar.destroy(cause))
  for await (const chunk of tar) yield chunk as Buffer
  await writing
}

const isIndex = (mediaType: string) => mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.dockerIndex

function readJson<T>(path: string): T {
  if (lstatSync(path).size > JSON_LIMIT) throw new InvalidArchiveError(`"${path}" is larger than ${JSON_LIMIT} bytes`)
  return JSON.parse(readFileSync(path, 'utf8')) as T
}
