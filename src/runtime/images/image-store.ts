/**
 * The images of one node: blobs, unpacked layers, and the index that names them (`index.json`, replaced atomically). An image
 * enters the index only when all its layers are unpacked; what no image refers to is removed on RemoveImage and at start.
 * Layers are directories with short numbers as names, because overlayfs takes all of them in one page of options.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { spawn } from 'node:child_process'
import { createGunzip } from 'node:zlib'
import type { Random } from '#base/random.ts'
import type { OciImageConfig, OciManifest } from '#contracts/oci/image.ts'
import type { Step } from '../supervisor/supervisor.ts'
import { BlobStore, DigestMismatchError, Meter } from './blobs.ts'
import { formatReference, normalizeReference, parseReference } from './reference.ts'
import { unpackLayer } from './unpack.ts'

export interface StoredImage {
  /** Digest of the configuration: what CRI calls the image's id. */
  id: string
  /** The manifest, by which registries know the image. */
  manifestDigest: string
  /** Full names with tag, and full names with digest. */
  names: string[]
  /** Bytes of configuration and compressed layers. */
  size: number
  config: OciImageConfig
  /** Unpacked layers by directory name, the lowest first. */
  layers: string[]
}

interface IndexFile {
  version: 1
  nextLayer: number
  /** diff id -> directory name. */
  layers: Record<string, string>
  images: { id: string; manifestDigest: string; names: string[]; size: number }[]
}

export interface ImageStoreOptions {
  dir: string
  random: Random
  runSteps(steps: readonly Step[]): Promise<void>
}

export class ImageStore {
  readonly blobs: BlobStore
  /** Holds the layers' directories. */
  readonly layersDir: string
  readonly #options: ImageStoreOptions
  readonly #images = new Map<string, StoredImage>()
  readonly #layerOf = new Map<string, string>()
  readonly #unpacking = new Map<string, Promise<string>>()
  /** Digests and diff ids that an image under way needs; the collector leaves them alone. */
  readonly #held = new Map<string, number>()
  #nextLayer = 1

  private constructor(options: ImageStoreOptions) {
    this.#options = options
    this.layersDir = join(options.dir, 'layers')
    mkdirSync(this.layersDir, { recursive: true, mode: 0o711 })
    this.blobs = new BlobStore(join(options.dir, 'blobs'), options.random)
  }

  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const store = new ImageStore(options)
    const file = join(options.dir, 'index.json')
    if (existsSync(file)) {
      const index = JSON.parse(readFileSync(file, 'utf8')) as IndexFile
      store.#nextLayer = index.nextLayer
      for (const [diffId, name] of Object.entries(index.layers)) {
        if (existsSync(join(store.layersDir, name))) store.#layerOf.set(diffId, name)
      }
      for (const entry of index.images) {
        const config = await store.#readJson<OciImageConfig>(entry.id).catch(() => undefined)
        const layers = config?.rootfs.diff_ids.map((diffId) => store.#layerOf.get(diffId))
        if (config && layers?.every((name) => name !== undefined))
          store.#images.set(entry.id, { ...entry, config, layers: layers as string[] })
      }
    }
    store.#collect(new Set(store.#layerOf.values()))
    return store
  }

  list(): StoredImage[] {
    return [...this.#images.values()]
  }

  /** By name, digest reference, id (`sha256:...`, its hex digits, or at least 12 of them). */
  find(text: string): StoredImage | undefined {
    const byId = this.#images.get(text) ?? this.#images.get(`sha256:${text}`)
    if (byId) return byId
    let name: string | undefined
    try {
      name = normalizeReference(text)
    } catch {
      name = undefined
    }
    for (const image of this.#images.values()) if (name && image.names.includes(name)) return image
    if (/^(sha256:)?[0-9a-f]{12,64}$/.test(text)) {
      const prefix = text.startsWith('sha256:') ? text : `sha256:${text}`
      const matches = this.list().filter((image) => image.id.startsWith(prefix))
      if (matches.length === 1) return matches[0]
    }
    return undefined
  }

  /** Keeps blobs and layers from the collector while `work` runs. */
  async holding<T>(digests: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1)
    try {
      return await work()
    } finally {
      for (const digest of digests) {
        const left = this.#held.get(digest)! - 1
        if (left > 0) this.#held.set(digest, left)
        else this.#held.delete(digest)
      }
    }
  }

  /**
   * Makes an image of blobs that are all in the store: unpacks its layers and gives it `names` (taking each from whichever
   * image had it). Throws DigestMismatchError when a layer's content is not what the configuration says.
   */
  async add(manifestDigest: string, names: readonly string[], manifest?: OciManifest): Promise<StoredImage> {
    manifest ??= await this.#readJson<OciManifest>(manifestDigest)
    const id = manifest.config.digest
    const config = await this.#readJson<OciImageConfig>(id)
    const { diff_ids: diffIds } = config.rootfs
    if (diffIds.length !== manifest.layers.length) {
      throw new Error(`image has ${manifest.layers.length} layers but its configuration names ${diffIds.length}`)
    }
    return this.holding([manifestDigest, id, ...diffIds, ...manifest.layers.map((l) => l.digest)], async () => {
      const layers: string[] = []
      for (const [i, layer] of manifest.layers.entries())
        layers.push(await this.#layer(diffIds[i]!, layer.digest, layer.mediaType))
      const normalized = names.map(normalizeReference)
      for (const other of this.#images.values()) other.names = other.names.filter((name) => !normalized.includes(name))
      const known = this.#images.get(id)
      const size = manifest.config.size + manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
      const digestNames = normalized.map((name) => formatReference({ ...parseReference(name), digest: manifestDigest }))
      const all = [...new Set([...(known?.names ?? []), ...normalized, ...digestNames])]
      const image: StoredImage = { id, manifestDigest, names: all, size, config, layers }
      this.#images.set(id, image)
      this.#save()
      return image
    })
  }

  /** Adds a name to an image. */
  tag(id: string, name: string): void {
    const image = this.#images.get(id)
    if (!image) throw new Error(`no image ${id}`)
    const full = normalizeReference(name)
    for (const other of this.#images.values()) other.names = other.names.filter((n) => n !== full)
    image.names.push(full)
    this.#save()
  }

  /** Removes the image with all its names; layers that containers still use (`inUse`, by directory name) stay until collected. */
  async remove(id: string, inUse: ReadonlySet<string>): Promise<void> {
    if (!this.#images.delete(id)) return
    this.#save()
    this.#collect(inUse)
  }

  /** Absolute directories of an image's layers, the lowest first. */
  layerPaths(image: StoredImage): string[] {
    return image.layers.map((name) => join(this.layersDir, name))
  }

  /** Removes blobs and layers that no image and no container needs. */
  #collect(inUse: ReadonlySet<string>) {
    const blobs = new Set<string>()
    const diffIds = new Set<string>()
    for (const image of this.#images.values()) {
      blobs.add(image.id).add(image.manifestDigest)
      for (const diffId of image.config.rootfs.diff_ids) diffIds.add(diffId)
      try {
        const manifest = JSON.parse(readFileSync(this.blobs.path(image.manifestDigest), 'utf8')) as OciManifest
        for (const layer of manifest.layers) blobs.add(layer.digest)
      } catch {
        // Without its manifest an image cannot be exported, but it still runs.
      }
    }
    for (const digest of this.blobs.list()) if (!blobs.has(digest) && !this.#held.has(digest)) this.blobs.remove(digest)
    for (const [diffId, name] of this.#layerOf) {
      if (diffIds.has(diffId) || this.#held.has(diffId) || inUse.has(name)) continue
      this.#layerOf.delete(diffId)
    }
    const names = new Set(this.#layerOf.values())
    for (const entry of readdirSync(this.layersDir)) {
      if (names.has(entry) || inUse.has(entry) || this.#unpacking.size > 0) continue
      // Renamed first: a half-removed directory must never be taken for a layer.
      const doomed = join(this.layersDir, `${entry}.gone`)
      if (!entry.endsWith('.gone')) renameSync(join(this.layersDir, entry), doomed)
      void rm(entry.endsWith('.gone') ? join(this.layersDir, entry) : doomed, { recursive: true, force: true }).catch(
        () => {},
      )
    }
    this.#save()
  }

  #layer(diffId: string, digest: string, mediaType: string): Promise<string> {
    const have = this.#layerOf.get(diffId)
    if (have) return Promise.resolve(have)
    const underWay = this.#unpacking.get(diffId)
    if (underWay) return underWay
    const work = this.#unpack(diffId, digest, mediaType).finally(() => this.#unpacking.delete(diffId))
    this.#unpacking.set(diffId, work)
    return work
  }

  async #unpack(diffId: string, digest: string, mediaType: string): Promise<string> {
    const name = String(this.#nextLayer++)
    const temporary = join(this.layersDir, `${name}.new`)
    rmSync(temporary, { recursive: true, force: true })
    mkdirSync(temporary, { mode: 0o755 })
    try {
      const meter = new Meter()
      const plain = decompress(this.blobs.stream(digest), mediaType, await this.#magic(digest))
      plain.on('error', (cause) => meter.destroy(cause))
      plain.pipe(meter)
      const copy = new PassThrough({ highWaterMark: 256 << 10 })
      meter.on('error', (cause) => copy.destroy(cause))
      meter.pipe(copy)
      const ended = new Promise<void>((resolve, reject) => meter.once('end', resolve).once('error', reject))
      ended.catch(() => {})
      await unpackLayer(copy, temporary, { runSteps: this.#options.runSteps })
      // The archive's end may come before the stream's; the digest is over all of it.
      copy.resume()
      await ended
      if (meter.digest !== diffId) throw new DigestMismatchError(`layer content is ${meter.digest}, expected ${diffId}`)
      renameSync(temporary, join(this.layersDir, name))
    } catch (thrown) {
      rmSync(temporary, { recursive: true, force: true })
      throw thrown
    }
    this.#layerOf.set(diffId, name)
    this.#save()
    return name
  }

  async #magic(digest: string): Promise<Buffer> {
    for await (const chunk of this.blobs.stream(digest)) return (chunk as Buffer).subarray(0, 4)
    return Buffer.alloc(0)
  }

  async #readJson<T>(digest: string): Promise<T> {
    return JSON.parse((await this.blobs.read(digest)).toString()) as T
  }

  #save() {
    const index: IndexFile = {
      version: 1,
      nextLayer: this.#nextLayer,
      layers: Object.fromEntries(this.#layerOf),
      images: this.list().map(({ id, manifestDigest, names, size }) => ({ id, manifestDigest, names, size })),
    }
    const file = join(this.#options.dir, 'index.json')
    writeFileSync(`${file}.new`, JSON.stringify(index), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
}

/** By content rather than by media type: registries and archives mislabel layers. */
function decompress(stream: Readable, mediaType: string, magic: Buffer): Readable {
  if (magic[0] === 0x1f && magic[1] === 0x8b) {
    const gunzip = createGunzip({ chunkSize: 256 << 10 })
    stream.on('error', (cause) => gunzip.destroy(cause))
    return stream.pipe(gunzip)
  }
  if (magic.length === 4 && magic.readUInt32LE() === 0xfd2fb528) {
    // Node 20 has no zstd of its own.
    const zstd = spawn('zstd', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] })
    zstd.on('error', (cause) =>
      zstd.stdout.destroy(new Error(`cannot unpack ${mediaType}: ${cause.message}; install zstd`, { cause })),
    )
    zstd.stdin.on('error', () => {})
    stream.pipe(zstd.stdin)
    return zstd.stdout
  }
  return stream
}
