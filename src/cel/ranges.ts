/** Ranges of sizes and costs. Upstream counts in uint64 and stops at its greatest value; so do these. */

/** In cost units; Infinity where upstream's counter saturates. */
export interface CostEstimate {
  readonly min: number
  readonly max: number
}

export type Range = CostEstimate

/** The greatest uint64, as near as a double comes. */
export const MAX = 2 ** 64
export const ZERO: Range = { min: 0, max: 0 }
/** Anything. */
export const UNKNOWN: Range = { min: 0, max: MAX }

const bounded = (value: number): number => Math.min(value, MAX)

export const exactly = (value: number): Range => ({ min: value, max: value })

export function add(...ranges: Range[]): Range {
  let [min, max] = [0, 0]
  for (const range of ranges) {
    min = bounded(min + range.min)
    max = bounded(max + range.max)
  }
  return { min, max }
}

export function multiply(a: Range, b: Range): Range {
  return { min: bounded(a.min * b.min), max: bounded(a.max * b.max) }
}

/** Times a factor, rounded up. */
export function scale({ min, max }: Range, factor: number): Range {
  return { min: bounded(Math.ceil(min * factor)), max: bounded(Math.ceil(max * factor)) }
}

export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }
}

/** For others, for whom there is no greatest number. */
export function finished({ min, max }: Range): CostEstimate {
  return { min: min >= MAX ? Infinity : min, max: max >= MAX ? Infinity : max }
}
