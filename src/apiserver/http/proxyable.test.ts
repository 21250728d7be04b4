import { describe, expect, it } from 'vitest'
import { isProxyable } from './proxyable.ts'

describe('the API server', () => {
  it.each(['10.244.0.7', '192.168.1.1', '8.8.8.8', 'fd00::7', '2001:db8::1'])('may be sent to %s', (ip) => {
    expect(isProxyable(ip)).toBe(true)
  })

  it.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
    '1.2.3',
  ])('may not be sent to %j', (ip) => {
    expect(isProxyable(ip)).toBe(false)
  })
})
