/**
 * Which images are on how many nodes, and how large they are (upstream: the cache's image states). The size is that
 * which the first node with the image reported.
 */
import type { Node } from '#api/core/v1/node.ts'

export interface ImageState {
  readonly sizeBytes: number
  readonly nodes: Set<number>
}

export class ImageStates {
  readonly #states = new Map<string, ImageState>()
  /** Goes up whenever the state of any image changes. */
  version = 0

  get(name: string): ImageState | undefined {
    return this.#states.get(name)
  }

  set(index: number, node: Node | undefined, previous: Node | undefined): void {
    const before = imagesOf(previous)
    const after = imagesOf(node)
    if (before.size === 0 && after.size === 0) return
    for (const name of before.keys()) {
      if (after.has(name)) continue
      const state = this.#states.get(name)
      state?.nodes.delete(index)
      if (state?.nodes.size === 0) this.#states.delete(name)
      this.version++
    }
    for (const [name, sizeBytes] of after) {
      const state = this.#states.get(name)
      const isOnlyHere = state?.nodes.size === 1 && state.nodes.has(index)
      if (before.has(name) && !(isOnlyHere && state.sizeBytes !== sizeBytes)) continue
      if (state && !isOnlyHere) state.nodes.add(index)
      else this.#states.set(name, { sizeBytes, nodes: new Set([index]) })
      this.version++
    }
  }
}

function imagesOf(node: Node | undefined): Map<string, number> {
  const images = new Map<string, number>()
  for (const image of node?.status.images ?? []) {
    for (const name of image.names ?? []) images.set(name, image.sizeBytes ?? 0)
  }
  return images
}
