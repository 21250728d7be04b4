/** What upstream's API server answers with for each of these Accept headers. */
import { describe, expect, it } from 'vitest'
import { isStatus } from '#machinery/status-error.ts'
import { type Endpoint, negotiate, negotiateStatus, PLAIN_ENDPOINT, wantsPretty } from './negotiate.ts'

const object: Endpoint = { isCollection: false, forms: 'metadata and table', hasProtobuf: true }
const list: Endpoint = { ...object, isCollection: true }
const custom: Endpoint = { ...object, hasProtobuf: false }
const review: Endpoint = { ...object, forms: 'metadata' }

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const TABLE = 'as=Table;v=v1;g=meta.k8s.io'
const PARTIAL = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
const FORMATS =
  'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'
const UNKNOWN =
  '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf'

/** The format and the form, or why there is none. */
function outcome(accept: string | undefined, endpoint = object): string {
  try {
    const { format, isPretty, as } = negotiate(accept, endpoint)
    return [format, as && `${as.kind} ${as.apiVersion}`, isPretty && 'pretty'].filter(Boolean).join(' ')
  } catch (err) {
    if (!isStatus(err, 'NotAcceptable')) throw err
    return err.message
  }
}

describe('an Accept header', () => {
  it.each([
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/yaml', 'yaml'],
    [PROTOBUF, 'protobuf'],
    [`${PROTOBUF}, */*`, 'protobuf'],
    [`${PROTOBUF},application/json`, 'protobuf'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json'],
    ['text/plain;q=1,application/json;q=0.5', 'json'],
    ['application/json;q=0.1,application/yaml;q=0.9', 'yaml'],
    ['application/yaml;q=0.5, application/json', 'json'],
    ['*/*;q=1, application/yaml;q=0.1', 'yaml'],
    ['application/json;q=0', 'json'],
    ['application/json;q=x', 'json'],
    ['application/json;charset=utf-8', 'json'],
    ['application/json;stream=watch', 'json'],
    ['application/json;pretty=1', 'json pretty'],
    ['application/json;pretty=0', 'json'],
    ['application/json;sv=v1', 'json'],
    ['application/json;as', 'json'],
    [`application/json;${TABLE}`, 'json Table meta.k8s.io/v1'],
    ['application/json; as=Table; v=v1; g=meta.k8s.io', 'json Table meta.k8s.io/v1'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'json Table meta.k8s.io/v1beta1'],
    [`application/yaml;${TABLE}`, 'yaml Table meta.k8s.io/v1'],
    [`${PROTOBUF};${TABLE},application/json;${TABLE},application/json`, 'json Table meta.k8s.io/v1'],
    [`application/json;as=Foo;v=v1;g=meta.k8s.io,application/json`, 'json'],
    [`${PROTOBUF};${PARTIAL}`, 'protobuf PartialObjectMetadata meta.k8s.io/v1'],
    [`application/yaml;${PARTIAL}`, 'yaml PartialObjectMetadata meta.k8s.io/v1'],
  ])('%j asks for %s', (accept, expected) => {
    expect(outcome(accept)).toBe(expected)
  })

  it.each(['application/*', 'application', '*', ';;;', 'text/html', 'Application/JSON', 'application/cbor'])(
    '%j names nothing that there is',
    (accept) => {
      expect(outcome(accept)).toBe(UNKNOWN)
      const streams = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch'
      expect(outcome(accept, list)).toBe(`${UNKNOWN}, ${streams}`)
    },
  )

  it.each([
    `${PROTOBUF};${TABLE}`,
    'application/json;as=Table;v=v2;g=meta.k8s.io',
    'application/json;as=Table',
    'application/json;stream=other',
    'application/yaml;stream=watch',
    'application/json;sv=v2',
  ])('%j asks for what can not be had', (accept) => {
    expect(outcome(accept)).toBe(FORMATS)
  })

  it('asks in vain for a Table of what is not listed, unless it has an alternative', () => {
    expect(outcome(`application/json;${TABLE}`, review)).toBe(FORMATS)
    expect(outcome(`application/json;${TABLE},application/json`, review)).toBe('json')
    expect(outcome(`application/json;${PARTIAL}`, review)).toBe('json PartialObjectMetadata meta.k8s.io/v1')
  })

  it('asks in vain for another form of what is no object', () => {
    expect(outcome(`application/json;${PARTIAL}`, PLAIN_ENDPOINT)).toBe(FORMATS)
    expect(outcome(PROTOBUF, PLAIN_ENDPOINT)).toBe('protobuf')
  })

  it('gets custom resources in protobuf only where their metadata is enough', () => {
    expect(outcome(PROTOBUF, custom)).toBe(FORMATS)
    expect(outcome(`${PROTOBUF}, */*`, custom)).toBe('json')
    expect(outcome(`${PROTOBUF};${PARTIAL}`, custom)).toBe('protobuf PartialObjectMetadata meta.k8s.io/v1')
  })

  it('of any length is read in no time', () => {
    expect(outcome('a/b,'.repeat(16_000))).toBe(UNKNOWN)
    expect(outcome(`application/json${' '.repeat(60_000)};x=1`)).toBe('json')
    expect(outcome(`application/json${';a=b'.repeat(16_000)}`)).toBe('json')
  })

  it.each([
    [undefined, 'json'],
    ['application/yaml', 'yaml'],
    [`${PROTOBUF}, */*`, 'protobuf'],
    [`${PROTOBUF};${TABLE}`, 'json'],
    ['text/html', 'json'],
  ])('%j has errors told in %s', (accept, format) => {
    expect(negotiateStatus(accept).format).toBe(format)
  })
})

describe('an answer is indented', () => {
  it.each([
    ['', 'curl/8', true],
    ['', 'Wget/1', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['', 'kubectl/v1.36', false],
    ['', undefined, false],
    ['pretty=true', 'kubectl/v1.36', true],
    ['pretty=1', undefined, true],
    ['pretty', 'kubectl/v1.36', false],
    ['pretty', 'curl/8', true],
    ['pretty=false', 'curl/8', false],
    ['pretty=yes', 'curl/8', false],
  ])('?%s, User-Agent %s: %s', (query, agent, expected) => {
    expect(wantsPretty(new URLSearchParams(query), agent)).toBe(expected)
  })
})
