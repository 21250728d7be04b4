import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressAt, cidrSize, contains, formatCidr, formatIp, parseCidr, parseIp } from './ip.ts'

const v4 = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n })
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })

describe('addresses', () => {
  it('come back from their text', () => {
    for (const [family, values] of [
      [4, v4],
      [6, v6],
    ] as const) {
      fc.assert(
        fc.property(values, (value) => {
          expect(parseIp(formatIp(family, value))).toEqual({ family, value })
        }),
      )
    }
  })

  it('are read in every form of RFC 4291', () => {
    expect(formatIp(6, parseIp('2001:DB8:0:0:1:0:0:1').value)).toBe('2001:db8::1:0:0:1')
    expect(parseIp('::ffff:10.0.0.1').value).toBe(0xffff_0a00_0001n)
    expect(formatIp(6, 0n)).toBe('::')
    expect(formatIp(6, parseIp('1:0:2:3:4:5:6:7').value)).toBe('1:0:2:3:4:5:6:7')
    expect(parseIp('fe80::1%eth0').value).toBe(parseIp('fe80::1').value)
  })

  it('are refused when they are none', () => {
    for (const text of ['', '10.0.0', '10.0.0.256', 'x', '1::2::3', '10.0.0.0/8'])
      expect(() => parseIp(text), text).toThrow(RangeError)
    for (const text of ['10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/-1', '10.0.0.0/8x'])
      expect(() => parseCidr(text), text).toThrow(RangeError)
  })
})

describe('ranges', () => {
  it('contain exactly the addresses that they count', () => {
    fc.assert(
      fc.property(v4, fc.integer({ min: 0, max: 32 }), v4, (value, prefix, other) => {
        const cidr = parseCidr(`${formatIp(4, value)}/${prefix}`)
        const last = cidr.base + cidrSize(cidr) - 1n
        expect(contains(cidr, formatIp(4, value))).toBe(true)
        expect(contains(cidr, formatIp(4, other))).toBe(other >= cidr.base && other <= last)
        expect(addressAt(cidr, cidrSize(cidr) - 1n)).toBe(formatIp(4, last))
        expect(() => addressAt(cidr, cidrSize(cidr))).toThrow(RangeError)
        expect(parseCidr(formatCidr(cidr))).toEqual(cidr)
      }),
    )
  })
})
