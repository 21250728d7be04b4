import fc from 'fast-check'
import { isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  cidrErrors,
  cidrWarnings,
  endpointIpErrors,
  ipErrors,
  ipWarnings,
  legacyCidrErrors,
  legacyIpErrors,
  parseAddress,
  parseNetwork,
} from './ip.ts'

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['010.000.00.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['1::', '1::'],
    ['0:0:0:1:0:0:0:0', '0:0:0:1::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ])('%s is written %s', (text, canonical) => expect(parseAddress(text)?.text).toBe(canonical))

  it.each(['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':::', '1::2::3', 'fe80::1%eth0', 'a', '1.2.3.4/8'])(
    '%j is none',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  )

  it('are read back as they were written', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !text.toLowerCase().startsWith('::ffff:'))
    fc.assert(
      fc.property(address, (text) => {
        const { text: canonical, bits, version } = parseAddress(text)!
        expect(parseAddress(canonical)).toMatchObject({ bits, version, text: canonical })
        expect(version === 6).toBe(isIPv6(text))
        expect(ipErrors(canonical)).toEqual([])
      }),
    )
  })

  it('of old fields may be written in more ways than those of new ones', () => {
    expect(legacyIpErrors('010.0.0.1')).toEqual(['must not have leading 0s'])
    expect(legacyIpErrors('010.0.0.1', false)).toEqual([])
    expect(legacyIpErrors('2001:DB8::1')).toEqual([])
    expect(ipErrors('2001:DB8::1')).toEqual(['must be in canonical form ("2001:db8::1")'])
    expect(ipWarnings('a', '2001:DB8::1')).toEqual([
      'a: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
    ])
  })

  it.each([
    ['10.0.0.1', []],
    ['127.1.2.3', ['may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ['169.254.169.254', ['may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
    ['224.0.0.5', ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']],
    ['ff02::1', ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']],
    ['::', ['may not be unspecified (::)']],
  ])('%s as an endpoint', (text, errors) => expect(endpointIpErrors(text)).toEqual(errors))
})

describe('networks', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/0', '0.0.0.0/0'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ])('%s is %s', (text, network) => expect(parseNetwork(text)?.text).toBe(network))

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/a', '::/129', '10.0.0.0/8/8', '/8'])('%j is none', (text) =>
    expect(parseNetwork(text)).toBeUndefined(),
  )

  it('must be networks rather than addresses in them', () => {
    expect(legacyCidrErrors('10.0.0.1/24')).toEqual(['must not have bits set beyond the prefix length'])
    expect(legacyCidrErrors('10.0.0.1/24', false)).toEqual([])
    expect(cidrErrors('10.0.0.0/024')).toEqual(['must not have leading 0s in IP or prefix length'])
    expect(cidrWarnings('a', '10.0.0.0/24')).toEqual([])
  })
})
