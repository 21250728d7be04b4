/**
 * ImageLocality: nodes that have the pod's images are better, by their size; an image that few nodes have counts less,
 * so that not everything goes to the one node that has it.
 */
import type { PluginHandle, ScorePlugin } from '../framework/plugin.ts'

const MB = 1024 * 1024
const MIN_BYTES = 23 * MB
const MAX_BYTES_PER_CONTAINER = 1000 * MB

interface State {
  readonly images: readonly string[]
  readonly containerCount: number
}

export function imageLocality({ nodes }: PluginHandle): ScorePlugin<State> {
  return {
    name: 'ImageLocality',
    scope: 'node',
    normalization: 'none',
    preScore: ({ shape }) => ({ images: shape.images, containerCount: shape.containerCount }),
    score({ images, containerCount }, node) {
      let sum = 0
      for (const image of images) {
        const state = nodes.images.get(image)
        if (state?.nodes.has(node)) sum += Math.trunc(state.sizeBytes * (state.nodes.size / nodes.count))
      }
      const max = MAX_BYTES_PER_CONTAINER * containerCount
      return Math.trunc((100 * (Math.min(Math.max(sum, MIN_BYTES), max) - MIN_BYTES)) / (max - MIN_BYTES))
    },
    // The score depends on which part of all nodes has the image; where none has it, that does not matter.
    stamp({ images }) {
      const isPresent = images.some((image) => nodes.images.get(image))
      return isPresent ? nodes.images.version * 1_000_003 + nodes.count : -1
    },
  }
}
