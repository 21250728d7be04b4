/** Lists of indexes such as `1,3-5,7`, as jobs record them. Upstream: `validateIndexesFormat`. */

type Interval = readonly [number, number]

export interface Malformed {
  readonly problem: string
}

function parseInterval(text: string, completions: number): Interval | Malformed {
  const limits = text.split('-')
  if (limits.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
    return { problem: `the fragment ${JSON.stringify(text)} ${rule}` }
  }
  for (const limit of limits) {
    if (!/^[+-]?\d+$/.test(limit)) {
      return { problem: `cannot convert string to integer for index: ${JSON.stringify(limit)}` }
    }
    if (Number(limit) >= completions) return { problem: `too large index: ${JSON.stringify(limit)}` }
  }
  const [from, to = from] = limits.map(Number) as [number, number?]
  if (limits.length === 2 && from >= to) return { problem: nonIncreasing(from, to) }
  return [from, to]
}

const nonIncreasing = (previous: number, current: number) =>
  `non-increasing order, previous: ${previous}, current: ${current}`

const isMalformed = (value: Interval | Malformed): value is Malformed => 'problem' in value

/** How many indexes there are. */
export function indexCount(text: string, completions: number): number | Malformed {
  if (text === '') return 0
  let [total, last]: [number, number | undefined] = [0, undefined]
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions)
    if (isMalformed(interval)) return interval
    const [from, to] = interval
    if (last !== undefined && last >= from) return { problem: nonIncreasing(last, from) }
    total += to - from + 1
    last = to
  }
  return total
}

/** The first index that is in both lists. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const intervals = (text: string) =>
    text === ''
      ? []
      : text
          .split(',')
          .map((part) => parseInterval(part, completions))
          .filter((one) => !isMalformed(one))
  const [left, right] = [intervals(a), intervals(b)] as Interval[][]
  let [i, j] = [0, 0]
  while (i < left!.length && j < right!.length) {
    const [[x, y], [from, to]] = [left![i]!, right![j]!]
    if (x <= to && from <= y) return Math.max(x, from)
    if (x <= from) i++
    else j++
  }
  return undefined
}
