/**
 * Pulls an image: resolves the name at the registry's endpoints in order, chooses this machine's manifest, downloads what is
 * missing (three blobs at a time, resuming what an earlier attempt left), checks every digest, and adds the image to the
 * store. Pulls of the same name at the same time are one.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, rmSync, statSync } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '#base/clock.ts'
import { sleep } from '#base/clock.ts'
import type { OciDescriptor, OciIndex, OciManifest } from '#contracts/oci/image.ts'
import { MEDIA_TYPES } from '#contracts/oci/image.ts'
import { StatusError } from '../status-error.ts'
import { DigestMismatchError, digestOf } from './blobs.ts'
import type { ImageStore, StoredImage } from './image-store.ts'
import { choosePlatform } from './platform.ts'
import { formatReference, InvalidReferenceError, parseReference } from './reference.ts'
import type { ImageReference } from './reference.ts'
import { RegistryClient, RegistryError, RegistryUnreachableError } from './registry-client.ts'
import type { Credentials } from './registry-config.ts'
import { registryEndpoints } from './registry-config.ts'

const ACCEPT = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerIndex, MEDIA_TYPES.dockerManifest]
const PARALLEL_BLOBS = 3
const BLOB_ATTEMPTS = 5
const PULL_TIMEOUT_MS = 3_600_000

export interface PullerOptions {
  store: ImageStore
  clock: Clock
  registriesFile?: string
}

export class Puller {
  readonly #options: PullerOptions
  readonly #underWay = new Map<string, Promise<StoredImage>>()

  constructor(options: PullerOptions) {
    this.#options = options
  }

  /** Throws StatusError with the words that users know from containerd. */
  pull(name: string, credentials?: Credentials): Promise<StoredImage> {
    let reference: ImageReference
    try {
      reference = parseReference(name)
    } catch (thrown) {
      if (thrown instanceof InvalidReferenceError)
        return Promise.reject(
          new StatusError('INVALID_ARGUMENT', `failed to parse image reference "${name}": ${thrown.message}`, {
            cause: thrown,
          }),
        )
      throw thrown
    }
    // Different credentials may see different things: only equal requests are joined.
    const key = JSON.stringify([formatReference(reference), credentials])
    const joined = this.#underWay.get(key)
    if (joined) return joined
    const late = new AbortController()
    const timer = this.#options.clock.after(PULL_TIMEOUT_MS, () => late.abort(new Error('the pull took too long')))
    const pull = this.#pull(reference, credentials, late.signal).finally(() => {
      timer.cancel()
      this.#underWay.delete(key)
    })
    this.#underWay.set(key, pull)
    return pull
  }

  async #pull(
    reference: ImageReference,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const full = formatReference(reference)
    const prefix = `failed to pull and unpack image "${full}": `
    const endpoints = registryEndpoints(reference.registry, this.#options.registriesFile)
    let failure: unknown
    for (const endpoint of endpoints) {
      // Credentials of a request are for the registry, not for its mirrors.
      const own = endpoint === endpoints.at(-1) ? credentials : undefined
      const client = new RegistryClient(endpoint, reference.repository, own)
      try {
        return await this.#from(client, reference, signal)
      } catch (thrown) {
        failure = thrown
      }
    }
    throw translate(failure, full, prefix)
  }

  async #from(client: RegistryClient, reference: ImageReference, signal: AbortSignal): Promise<StoredImage> {
    const { store } = this.#options
    const top = await client.manifest(reference.digest ?? reference.tag!, ACCEPT, signal)
    const topDigest = digestOf(top.bytes)
    if (reference.digest && topDigest !== reference.digest)
      throw new DigestMismatchError(`unexpected digest ${topDigest}, expected ${reference.digest}`)
    let { bytes } = top
    let digest = topDigest
    const document = JSON.parse(bytes.toString()) as OciIndex | OciManifest
    if ('manifests' in document) {
      const chosen = choosePlatform(document.manifests)
      if (!chosen) throw new StatusError('NOT_FOUND', `no match for platform in manifest: not found`)
      digest = chosen.digest
      bytes = (await client.manifest(digest, ACCEPT, signal)).bytes
      if (digestOf(bytes) !== digest)
        throw new DigestMismatchError(`unexpected digest ${digestOf(bytes)}, expected ${digest}`)
    }
    const manifest = JSON.parse(bytes.toString()) as OciManifest
    if (manifest.schemaVersion !== 2 || !manifest.config || !Array.isArray(manifest.layers))
      throw new Error('the manifest is not of a supported version')
    const blobs = [manifest.config, ...manifest.layers]
    return store.holding([digest, ...blobs.map((b) => b.digest)], async () => {
      await store.blobs.write(Readable.from([bytes]), digest)
      const queue = [...new Map(blobs.map((b) => [b.digest, b])).values()].filter((b) => !store.blobs.has(b.digest))
      await Promise.all(
        Array.from({ length: PARALLEL_BLOBS }, async () => {
          for (let next = queue.shift(); next; next = queue.shift()) await this.#download(client, next, signal)
        }),
      )
      const image = await store.add(digest, [formatReference(reference)], manifest)
      // The name by the digest that the registry showed: for an image of several platforms that of the index.
      if (topDigest !== digest) store.tag(image.id, formatReference({ ...reference, digest: topDigest }))
      return image
    })
  }

  async #download(client: RegistryClient, { digest, size }: OciDescriptor, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options
    const partial = store.blobs.partialPath(digest)
    for (let attempt = 1; ; attempt++) {
      try {
        const have = statSync(partial, { throwIfNoEntry: false })?.size ?? 0
        let offset = have < size ? have : 0
        const { body, resumed } = await client.blob(digest, offset, signal)
        if (!resumed) offset = 0
        const hash = createHash('sha256')
        if (offset > 0)
          for await (const chunk of createReadStream(partial, { end: offset - 1 })) hash.update(chunk as Buffer)
        let received = offset
        const check = new Transform({
          transform(chunk: Buffer, _, done) {
            received += chunk.length
            if (received > size) return done(new DigestMismatchError(`blob ${digest} is longer than its ${size} bytes`))
            hash.update(chunk)
            done(null, chunk)
          },
        })
        await pipeline(
          body,
          check,
          createWriteStream(partial, { flags: offset > 0 ? 'r+' : 'w', start: offset, mode: 0o600 }),
          { signal },
        )
        if (received < size)
          throw new RegistryUnreachableError(`blob ${digest} ended after ${received} of ${size} bytes`)
        store.blobs.adopt(partial, `sha256:${hash.digest('hex')}`, digest)
        return
      } catch (thrown) {
        if (thrown instanceof DigestMismatchError) rmSync(partial, { force: true })
        const fatal = thrown instanceof RegistryError && thrown.statusCode < 500 && thrown.statusCode !== 429
        if (fatal || signal.aborted || attempt === BLOB_ATTEMPTS) throw thrown
        await sleep(clock, 200 * 2 ** attempt, signal)
      }
    }
  }
}

function translate(thrown: unknown, full: string, prefix: string): StatusError {
  const resolve = `failed to resolve reference "${full}": `
  if (thrown instanceof StatusError) return new StatusError('NOT_FOUND', prefix + thrown.message, { cause: thrown })
  if (thrown instanceof RegistryError) {
    if (thrown.statusCode === 404)
      return new StatusError('NOT_FOUND', `${prefix}${resolve}${full}: not found`, { cause: thrown })
    if (thrown.statusCode === 401 || thrown.statusCode === 403) {
      return new StatusError(
        'UNAUTHENTICATED',
        `${prefix}${resolve}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
        { cause: thrown },
      )
    }
  }
  if (thrown instanceof RegistryUnreachableError)
    return new StatusError('UNAVAILABLE', prefix + resolve + thrown.message, { cause: thrown })
  return new StatusError('UNKNOWN', `${prefix}${(thrown as Error).message}`, { cause: thrown })
}
