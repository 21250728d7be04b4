/**
 * Removes images that nothing uses when their disk gets full: beyond 85 % until it is below 80 %, the longest unused first,
 * never one younger than two minutes. Upstream: `image_gc_manager.go`.
 */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import type { Image } from '#contracts/cri/types.ts'
import type { DiskSpace } from './machine-info.ts'

export interface ImageGarbageOptions {
  cri: CriClient
  clock: Clock
  log: Log
  /** Ids and names of images that containers use. */
  inUse(): ReadonlySet<string>
  /** Of the file system that holds the images. */
  disk(): Promise<DiskSpace>
  highPercent?: number
  lowPercent?: number
  /** Told when not enough could be freed. */
  onShortage(message: string): void
}

interface ImageRecord {
  firstSeenMs: number
  lastUsedMs: number
}

const MIN_AGE_MS = 2 * 60_000

export class ImageGarbage {
  readonly #options: ImageGarbageOptions
  readonly #records = new Map<string, ImageRecord>()

  constructor(options: ImageGarbageOptions) {
    this.#options = options
  }

  /** Looks once. Throws CriError when the runtime doesn't answer. */
  async collect(): Promise<void> {
    const { disk, highPercent = 85, lowPercent = 80 } = this.#options
    const images = await this.#look()
    const { capacityBytes, availableBytes } = await disk()
    const usedPercent = 100 - Math.floor((availableBytes * 100) / Math.max(capacityBytes, 1))
    if (usedPercent < highPercent) return
    const wantedBytes = Math.floor((capacityBytes * (100 - lowPercent)) / 100) - availableBytes
    const freed = await this.#free(images, wantedBytes)
    if (freed >= wantedBytes) return
    this.#options.onShortage(
      `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${capacityBytes} bytes used). ` +
        `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
        'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.',
    )
  }

  /** Removes all that nothing uses, as eviction does before it ends pods. Resolves to the bytes freed. */
  async removeUnused(): Promise<number> {
    return this.#free(await this.#look(), Infinity)
  }

  async #look(): Promise<Image[]> {
    const { clock, cri, inUse } = this.#options
    const { images } = await cri.image.listImages({})
    const used = inUse()
    const now = clock.now()
    for (const image of images) {
      const record = this.#records.get(image.id) ?? { firstSeenMs: now, lastUsedMs: 0 }
      const names = [image.id, ...image.repoTags, ...image.repoDigests]
      if (names.some((name) => used.has(name))) record.lastUsedMs = now
      this.#records.set(image.id, record)
    }
    const present = new Set(images.map((image) => image.id))
    for (const id of this.#records.keys()) if (!present.has(id)) this.#records.delete(id)
    return images
  }

  async #free(images: readonly Image[], wantedBytes: number): Promise<number> {
    const { clock, cri, log } = this.#options
    const now = clock.now()
    let freed = 0
    for (const image of evictionOrder(images, this.#records)) {
      if (freed >= wantedBytes) break
      const record = this.#records.get(image.id)!
      if (record.lastUsedMs >= now || now - record.firstSeenMs < MIN_AGE_MS) continue
      try {
        await cri.image.removeImage({ image: { image: image.id } })
        this.#records.delete(image.id)
        freed += image.size
      } catch (thrown) {
        log.warn({ image: image.id, reason: messageOf(thrown) }, 'cannot remove an unused image')
      }
    }
    return freed
  }
}

/** The longest unused first, then the oldest. Pinned images are left out. */
export function evictionOrder(images: readonly Image[], records: ReadonlyMap<string, ImageRecord>): Image[] {
  const of = (image: Image) => records.get(image.id) ?? { firstSeenMs: 0, lastUsedMs: 0 }
  return images
    .filter((image) => !image.pinned)
    .toSorted((a, b) => of(a).lastUsedMs - of(b).lastUsedMs || of(a).firstSeenMs - of(b).firstSeenMs)
}
