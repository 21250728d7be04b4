import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('URLs', () => {
  it.each(
    rowsOf(String.raw`
    url('https://user:pass@example.com:80/path/to?k=a&k=b&l=%2F#frag') => url(https://user:pass@example.com:80/path/to?k=a&k=b&l=%2F#frag)
    url('https://example.com:80/').getHost() => "example.com:80"
    url('https://example.com/').getPort() => ""
    url('https://example.com:80/').getPort() => "80"
    url('https://[::1]:80/').getHostname() => "::1"
    url('https://example.com/path with space/').getEscapedPath() => "/path%20with%20space/"
    url('https://example.com').getEscapedPath() => ""
    url('https://example.com/?k1=a&k2=b&k2=c').getQuery() => {"k1": ["a"], "k2": ["b", "c"]}
    url('https://example.com/?').getQuery() => {}
    url('/absolute/path').getScheme() => ""
    url('https://a:b@example.com').getHost() => "example.com"
    isURL('https://a:b@example.com:90/') => true
    isURL('../relative-path') => false
    isURL('https://exa mple.com/') => false
    url('https://a:b:c/') => error: URL parse error during conversion from string: parse "https://a:b:c/": invalid port ":b:c" after host
    url('relative') => error: URL parse error during conversion from string: parse "relative": invalid URI for request
    url('https://a') == url('https://a') => true
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
