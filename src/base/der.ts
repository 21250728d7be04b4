/** Writes ASN.1 values in DER (X.690): as much of it as certificates need. */

type Der = Buffer

function value(tag: number, body: Buffer): Der {
  const { length } = body
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), body])
}

export const sequence = (...items: Der[]): Der => value(0x30, Buffer.concat(items))
/** DER wants the members of a SET in the order of their encodings. */
export const set = (...items: Der[]): Der => value(0x31, Buffer.concat(items.toSorted(Buffer.compare)))
export const boolean = (is: boolean): Der => value(0x01, Buffer.from([is ? 0xff : 0]))
export const octetString = (bytes: Buffer): Der => value(0x04, bytes)
export const utf8String = (text: string): Der => value(0x0c, Buffer.from(text))

/** `unusedBits` of the last byte don't belong to the string. */
export const bitString = (bytes: Buffer, unusedBits = 0): Der =>
  value(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]))

/** A non-negative integer, big-endian. */
export function integer(bytes: Buffer): Der {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const trimmed = bytes.subarray(start)
  return value(0x02, trimmed[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed)
}

/** `1.2.840.10045.4.3.2` */
export function objectId(dotted: string): Der {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const part of [first! * 40 + second!, ...rest]) {
    const septets = [part % 128]
    for (let n = Math.floor(part / 128); n > 0; n = Math.floor(n / 128)) septets.unshift((n % 128) | 0x80)
    bytes.push(...septets)
  }
  return value(0x06, Buffer.from(bytes))
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')
  return new Date(ms).getUTCFullYear() < 2050
    ? value(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : value(0x18, Buffer.from(`${digits}Z`))
}

/** `[number] EXPLICIT` */
export const explicit = (number: number, body: Der): Der => value(0xa0 | number, body)
/** `[number] IMPLICIT` of a primitive type. */
export const implicit = (number: number, body: Buffer): Der => value(0x80 | number, body)
