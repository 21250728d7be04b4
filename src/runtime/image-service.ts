/** runtime.v1.ImageService and rostrum.runtime.v1.Images over the image store. */
import { createWriteStream, rmSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ARCHIVE_SERVICE, IMAGE_SERVICE } from '#contracts/cri/services.ts'
import type { CriMessage, CriMessageInit } from '#contracts/cri/types.ts'
import type { Containers } from './containers.ts'
import { exportArchive, InvalidArchiveError, loadArchive } from './images/archive.ts'
import { HostFileMissingError } from './images/host-files.ts'
import { buildHostImage } from './images/host-image.ts'
import type { StoredImage } from './images/image-store.ts'
import type { Puller } from './images/pull.ts'
import { credentialsOf } from './images/registry-config.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { ServiceImplementation } from './service.ts'
import type { Stats } from './stats.ts'
import { StatusError } from './status-error.ts'

export interface ImageServiceParts {
  context: RuntimeContext
  containers: Containers
  stats: Stats
  puller: Puller
}

export function imageService({
  context,
  containers,
  stats,
  puller,
}: ImageServiceParts): ServiceImplementation<typeof IMAGE_SERVICE> {
  const { images } = context
  const list = (filter: CriMessage<'ImageFilter'> | undefined) => {
    const name = filter?.image?.image
    if (!name) return images.list().map(imageOf)
    const found = images.find(name)
    return found ? [imageOf(found)] : []
  }
  return {
    async listImages({ filter }) {
      return { images: list(filter) }
    },
    async *streamImages({ filter }) {
      yield { images: list(filter) }
    },
    async imageStatus({ image, verbose }) {
      const found = images.find(image?.image ?? '')
      // Absent is an answer, not an error.
      if (!found) return {}
      return {
        image: imageOf(found),
        info: verbose ? { info: JSON.stringify({ imageSpec: found.config }) } : ({} as Record<string, string>),
      }
    },
    async pullImage({ image, auth }) {
      if (!image?.image) throw new StatusError('INVALID_ARGUMENT', 'image is required')
      const credentials =
        auth &&
        (auth.registryToken
          ? { registryToken: auth.registryToken }
          : credentialsOf({
              username: auth.username,
              password: auth.password,
              auth: auth.auth,
              identity_token: auth.identityToken,
            }))
      const pulled = await puller.pull(image.image, credentials)
      return { imageRef: pulled.id }
    },
    async removeImage({ image }) {
      const found = images.find(image?.image ?? '')
      if (found) await images.remove(found.id, containers.layersInUse())
      return {}
    },
    async imageFsInfo() {
      return stats.imageFs()
    },
  }
}

export function archiveService({
  context,
}: Pick<ImageServiceParts, 'context'>): ServiceImplementation<typeof ARCHIVE_SERVICE> {
  const { images, random } = context
  return {
    async load(requests) {
      const iterator = requests[Symbol.asyncIterator]()
      const first = await iterator.next()
      if (first.done) throw new StatusError('INVALID_ARGUMENT', 'the archive is empty')
      const { path, names, chunk } = first.value
      const bytes = (async function* () {
        if (chunk.length > 0) yield chunk
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value.chunk
      })()
      const temporaryDir = join(context.stateDir, 'tmp')
      const archive = path || Readable.from(bytes, { objectMode: false })
      const loaded = await loadArchive(images, archive, { names, random, temporaryDir }).catch(explain)
      return { images: loaded.map(({ id, names: all }) => ({ id, names: all })) }
    },
    async fromHost(request) {
      const { image, fileCount } = await buildHostImage(images, request).catch(explain)
      return { id: image.id, size: image.size, files: fileCount }
    },
    async *export({ images: wanted, path }) {
      const found = wanted.map((name) => {
        const image = images.find(name)
        if (!image) throw new StatusError('NOT_FOUND', `image "${name}": not found`)
        return image
      })
      const archive = exportArchive(images, found)
      if (!path) {
        for await (const chunk of archive) yield { chunk }
        return
      }
      const temporary = `${path}.new`
      try {
        await pipeline(Readable.from(archive, { objectMode: false }), createWriteStream(temporary))
        renameSync(temporary, path)
      } catch (thrown) {
        rmSync(temporary, { force: true })
        throw thrown
      }
      yield {}
    },
  }
}

function explain(thrown: unknown): never {
  if (thrown instanceof InvalidArchiveError || thrown instanceof HostFileMissingError)
    throw new StatusError('INVALID_ARGUMENT', thrown.message, { cause: thrown })
  throw thrown
}

function imageOf({ id, names, size, config }: StoredImage): CriMessageInit<'Image'> {
  const user = config.config?.User?.split(':')[0] ?? ''
  return {
    id,
    repoTags: names.filter((name) => !name.includes('@')),
    repoDigests: names.filter((name) => name.includes('@')),
    size,
    ...(/^\d+$/.test(user) ? { uid: { value: Number(user) } } : { username: user }),
    spec: { image: names[0] ?? id, annotations: {} },
  }
}
