import { describe, expect, it } from 'vitest'
import { asPrefix, dns1035Label, dnsLabel, dnsSubdomain, type NameCheck, pathSegment, qualifiedName } from './names.ts'

const checks: Record<string, NameCheck> = { dnsLabel, dns1035Label, dnsSubdomain, pathSegment, qualifiedName }

describe.each([
  ['dnsLabel', ['a', 'a-b', '1', '0a', 'a'.repeat(63)], ['', '-a', 'a-', 'A', 'a_b', 'a.b', 'ä', 'a'.repeat(64)]],
  ['dns1035Label', ['a', 'a-1', 'a'.repeat(63)], ['', '1', '1a', '-a', 'a-', 'A', 'a.b', 'a'.repeat(64)]],
  [
    'dnsSubdomain',
    ['a', 'a.b', '1.2', 'a-b.c', 'a'.repeat(253)],
    ['', '.', 'a.', '.a', 'a..b', 'A', 'a_b', 'a.-b', 'a b', 'a'.repeat(254)],
  ],
  ['pathSegment', ['a', 'A:b', '...', 'ä b'], ['.', '..', 'a/b', 'a%b']],
  [
    'qualifiedName',
    ['a', 'A_b.c-d', 'example.com/a', `${'a'.repeat(253)}/b`],
    ['', '/', 'a/', '/a', 'a/b/c', '-a', 'a-', 'Ex.com/a', 'a'.repeat(64), `${'a'.repeat(254)}/b`],
  ],
] as const)('%s', (name, valid, invalid) => {
  it.each(valid)('takes %.70s', (value) => expect(checks[name]!(value)).toEqual([]))
  it.each(invalid)('refuses "%.70s"', (value) => expect(checks[name]!(value).length).toBeGreaterThan(0))
})

it('says what is expected as upstream does', () => {
  expect(dnsSubdomain('A')).toEqual([
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ])
  expect(dnsLabel('a.b')).toEqual(['must not contain dots'])
  expect(dns1035Label('1')).toEqual([
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  ])
  expect(pathSegment('a/b')).toEqual(["may not contain '/'"])
})

it('a beginning of a name may end with a dash', () => {
  expect(asPrefix(dnsSubdomain)('web-')).toEqual([])
  expect(asPrefix(dnsSubdomain)('Web-')).not.toEqual([])
})

it('takes linear time, whatever the input', () => {
  const long = `${'a-'.repeat(50_000)}_`
  for (const check of Object.values(checks)) check(long)
})
