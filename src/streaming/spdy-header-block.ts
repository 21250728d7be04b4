/**
 * Name/value header blocks of SPDY/3.1: lengths and text, then zlib with the protocol's preset dictionary, one zlib
 * stream per direction that lives as long as the connection.
 *
 * Both directions are synchronous, so that frames are handled in the order they arrive. A sender closes every block with
 * a sync flush, so each block decodes on its own once the decoder is given the 32 KiB that came before it. What we send is
 * stored rather than compressed: the headers here are a few words, and compressing them beside secrets is how CRIME works.
 */
import { constants, inflateRawSync } from 'node:zlib'

/** Lower-case names; a name may have several values. */
export type SpdyHeaders = ReadonlyMap<string, readonly string[]>

/** The peer broke the protocol; the connection cannot go on. */
export class SpdyProtocolError extends Error {
  override readonly name = 'SpdyProtocolError'
}

/** A block larger than this (bytes, decompressed) is refused: it bounds what a compressed frame can expand to. */
export const MAX_HEADER_BLOCK_BYTES = 64 << 10
const MAX_HEADERS = 256
const WINDOW_BYTES = 32 << 10

/** Section 2.6.10.1 of the draft: first words with their length, then text. */
const DICTIONARY_WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie ' +
  'keep-alive origin'
const DICTIONARY_TEXT =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative ' +
  'Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal ' +
  'Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, ' +
  'Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,' +
  'application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=' +
  'iso-8859-1,utf-,*,enq=0.'

export const SPDY_DICTIONARY: Buffer = Buffer.concat([
  ...DICTIONARY_WORDS.split(' ').map((word) => lengthPrefixed(word.replace('_', ' '))),
  Buffer.from(DICTIONARY_TEXT, 'latin1'),
])
/** zlib header (32 KiB window, preset dictionary) and the Adler-32 of the dictionary. */
const ZLIB_HEADER = Buffer.from('78bbe3c6a7c2', 'hex')
const EMPTY_STORED_BLOCK = Buffer.from('000000ffff', 'hex')

export class HeaderBlockEncoder {
  #started = false

  /** Throws RangeError when the block exceeds 65,535 bytes. */
  encode(headers: SpdyHeaders): Buffer {
    const parts = [uint32(headers.size)]
    for (const [name, values] of headers)
      parts.push(lengthPrefixed(name.toLowerCase()), lengthPrefixed(values.join('\0')))
    const block = Buffer.concat(parts)
    if (block.length > 0xffff) throw new RangeError(`header block of ${block.length} bytes, at most 65535`)
    const stored = Buffer.alloc(5)
    stored.writeUInt16LE(block.length, 1)
    stored.writeUInt16LE(~block.length & 0xffff, 3)
    // The empty stored block is what a sync flush leaves; Go's reader needs it to hand over the block before it.
    const out = [stored, block, EMPTY_STORED_BLOCK]
    if (!this.#started) out.unshift(ZLIB_HEADER)
    this.#started = true
    return Buffer.concat(out)
  }
}

export class HeaderBlockDecoder {
  #window: Buffer | undefined

  /** Throws SpdyProtocolError; the decoder is of no use afterwards. */
  decode(compressed: Buffer): SpdyHeaders {
    let data = compressed
    if (!this.#window) {
      if (data.length < 2 || (data[0]! & 0x0f) !== 8 || data.readUInt16BE(0) % 31 !== 0) {
        throw new SpdyProtocolError('header block: not a zlib stream')
      }
      const preset = (data[1]! & 0x20) !== 0
      if (preset && (data.length < 6 || data.compare(ZLIB_HEADER, 2, 6, 2, 6) !== 0)) {
        throw new SpdyProtocolError('header block: unknown zlib dictionary')
      }
      this.#window = preset ? SPDY_DICTIONARY : Buffer.alloc(0)
      data = data.subarray(preset ? 6 : 2)
    }
    const block = this.#inflate(data, this.#window)
    this.#window = Buffer.concat([this.#window, block]).subarray(-WINDOW_BYTES)
    return parseHeaderBlock(block)
  }

  #inflate(data: Buffer, window: Buffer): Buffer {
    try {
      return inflateRawSync(data, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: MAX_HEADER_BLOCK_BYTES,
        ...(window.length > 0 && { dictionary: window }),
      })
    } catch (cause) {
      throw new SpdyProtocolError('header block: cannot be decompressed', { cause })
    }
  }
}

function parseHeaderBlock(block: Buffer): SpdyHeaders {
  let offset = 0
  const number = () => {
    if (offset + 4 > block.length) throw new SpdyProtocolError('header block: truncated')
    offset += 4
    return block.readUInt32BE(offset - 4)
  }
  const text = () => {
    const length = number()
    if (length > block.length - offset) throw new SpdyProtocolError('header block: truncated')
    offset += length
    return block.toString('utf8', offset - length, offset)
  }
  const count = number()
  if (count > MAX_HEADERS) throw new SpdyProtocolError(`header block: ${count} headers, at most ${MAX_HEADERS}`)
  const headers = new Map<string, string[]>()
  for (let i = 0; i < count; i++) {
    const name = text().toLowerCase()
    if (name === '') throw new SpdyProtocolError('header block: empty name')
    if (headers.has(name)) throw new SpdyProtocolError('header block: the same name twice')
    headers.set(name, text().split('\0'))
  }
  return headers
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  return Buffer.concat([uint32(bytes.length), bytes])
}
