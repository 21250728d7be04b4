/**
 * The frames between daemon and supervisor (init/supervisor.pl): a tree of strings, lists and maps, because Perl's base
 * installation has no JSON. Numbers travel as decimal strings. `s` length bytes | `l` count ... | `m` count (key value)... | `n`.
 */
export type WireInput =
  | string
  | number
  | boolean
  | Uint8Array
  | undefined
  | null
  | readonly WireInput[]
  | { readonly [key: string]: WireInput }

export type WireValue = string | undefined | WireValue[] | { [key: string]: WireValue }

export function encodeFrame(value: WireInput): Buffer {
  const parts: Uint8Array[] = [Buffer.alloc(4)]
  encodeInto(value, parts)
  const frame = Buffer.concat(parts)
  frame.writeUInt32BE(frame.length - 4)
  return frame
}

function encodeInto(value: WireInput, parts: Uint8Array[]) {
  if (value === undefined || value === null) parts.push(Buffer.from('n'))
  else if (Array.isArray(value)) {
    parts.push(head('l', value.length))
    for (const item of value) encodeInto(item, parts)
  } else if (typeof value === 'object' && !(value instanceof Uint8Array)) {
    const entries = Object.entries(value)
    parts.push(head('m', entries.length))
    for (const [key, item] of entries) {
      const name = Buffer.from(key)
      parts.push(head('', name.length), name)
      encodeInto(item, parts)
    }
  } else {
    const bytes =
      value instanceof Uint8Array ? value : Buffer.from(typeof value === 'boolean' ? (value ? '1' : '') : `${value}`)
    parts.push(head('s', bytes.length), bytes)
  }
}

function head(type: string, count: number): Buffer {
  const bytes = Buffer.alloc(type.length + 4)
  bytes.write(type)
  bytes.writeUInt32BE(count, type.length)
  return bytes
}

/** Throws RangeError when the frame is cut short. */
export function decodeFrame(frame: Buffer): WireValue {
  let at = 0
  const count = () => {
    const value = frame.readUInt32BE(at)
    at += 4
    return value
  }
  const text = () => {
    const length = count()
    if (at + length > frame.length) throw new RangeError(`frame ends ${at + length - frame.length} bytes early`)
    return frame.toString('utf8', at, (at += length))
  }
  const read = (): WireValue => {
    const type = String.fromCharCode(frame.readUInt8(at++))
    if (type === 'n') return undefined
    if (type === 's') return text()
    if (type === 'l') return Array.from({ length: count() }, read)
    if (type !== 'm') throw new RangeError(`unknown value type "${type}" at ${at - 1}`)
    const map: { [key: string]: WireValue } = {}
    for (let left = count(); left > 0; left--) {
      const key = text()
      map[key] = read()
    }
    return map
  }
  return read()
}
