/** Terminal sizes as clients send them: JSON objects one after the other, `{"Width":80,"Height":24}`. */
import type { Readable } from 'node:stream'
import type { LatestValue } from './latest-value.ts'
import type { TerminalSize } from './remote-command-session.ts'

/** An event is some 30 bytes; text that has no end by then is no event. */
const MAX_EVENT_CHARS = 1024

/** Feeds `sizes` from a stream until it ends or stops making sense. */
export function readResizes(stream: Readable, sizes: LatestValue<TerminalSize>): void {
  const parse = createResizeParser((size) => sizes.put(size))
  stream.on('data', (chunk: Buffer) => {
    if (!parse(chunk.toString('latin1'))) stream.destroy()
  })
  stream.on('end', () => sizes.end())
  stream.on('close', () => sizes.end())
}

/** Returns false, for good, once the text cannot be a sequence of sizes. */
export function createResizeParser(onSize: (size: TerminalSize) => void): (text: string) => boolean {
  let pending = ''
  return (text) => {
    pending += text
    for (let end = pending.indexOf('}'); end >= 0; end = pending.indexOf('}')) {
      const size = parseSize(pending.slice(0, end + 1))
      if (!size) return false
      pending = pending.slice(end + 1)
      onSize(size)
    }
    return pending.length <= MAX_EVENT_CHARS
  }
}

export function encodeResize(size: TerminalSize): string {
  return `${JSON.stringify({ Width: size.width, Height: size.height })}\n`
}

function parseSize(text: string): TerminalSize | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  // Go matches field names without regard to case, so clients write either.
  const fields = new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field as unknown]))
  const width = fields.get('width') ?? 0
  const height = fields.get('height') ?? 0
  return isDimension(width) && isDimension(height) ? { width, height } : undefined
}

function isDimension(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff
}
