import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('addresses', () => {
  it.each(
    rowsOf(String.raw`
    ip('192.168.0.1') => ip(192.168.0.1)
    ip('2001:db8::abcd') => ip(2001:db8::abcd)
    ip('2001:0db8:0::1') => ip(2001:db8::1)
    ip('::ffff:1.2.3.4') => error: IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed
    ip('192.168.0.256') => error: IP Address "192.168.0.256" parse error during conversion from string: ParseAddr("192.168.0.256"): IPv4 field has value >255
    ip('192.168.00.1') => error: IP Address "192.168.00.1" parse error during conversion from string: ParseAddr("192.168.00.1"): IPv4 field has octet with leading zero
    ip('fe80::1%eth0') => error: IP address "fe80::1%eth0" with zone value is not allowed
    isIP('::1') => true
    isIP('1.2.3') => false
    isIP('1.2.3.4', 'x') => invalid: 1:5 found no matching overload for 'isIP' applied to '(string, string)'
    ip.isCanonical('127.0.0.1') => true
    ip.isCanonical('2001:DB8::abcd') => false
    ip.isCanonical('x') => error: IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP
    ip('127.0.0.1').family() => 4
    ip('::1').family() => 6
    ip('127.0.0.1').isLoopback() => true
    ip('0.0.0.0').isUnspecified() => true
    ip('224.0.0.1').isLinkLocalMulticast() => true
    ip('169.254.0.1').isLinkLocalUnicast() => true
    ip('10.0.0.1').isGlobalUnicast() => true
    ip('255.255.255.255').isGlobalUnicast() => false
    string(ip('2001:db8:0:0::1')) => "2001:db8::1"
    ip('1.2.3.4') == ip('1.2.3.4') => true
    type(ip('1.2.3.4')) == net.IP => true
    cidr('192.168.0.0/24') => cidr(192.168.0.0/24)
    cidr('192.168.0.1/24') => cidr(192.168.0.1/24)
    cidr('192.168.0.0/33') => error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("192.168.0.0/33"): prefix length out of range
    cidr('192.168.0.0') => error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("192.168.0.0"): no '/'
    isCIDR('10.0.0.0/8') => true
    isCIDR('10.0.0.0') => false
    cidr('192.168.0.0/24').containsIP('192.168.0.5') => true
    cidr('192.168.0.0/24').containsIP(ip('192.168.1.5')) => false
    cidr('192.168.0.0/24').containsIP('nope') => error: no such overload
    cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') => true
    cidr('192.168.0.0/16').containsCIDR(cidr('192.0.0.0/8')) => false
    cidr('192.168.0.0/24').ip() => ip(192.168.0.0)
    cidr('192.168.1.5/24').masked() => cidr(192.168.1.0/24)
    cidr('::1/128').prefixLength() => 128
    string(cidr('10.0.0.0/8')) => "10.0.0.0/8"
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
