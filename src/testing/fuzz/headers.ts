/** Headers that are unusual, contradictory, wrong or very long. All of them can be sent by an ordinary client. */
import type { Choices } from './choices.ts'
import { selectorText } from './queries.ts'

export type Headers = Record<string, string | string[]>

/** As whom a request is sent: by the administrator's certificate, by none, or by that of a proxy that speaks for others. */
export type Identity = 'admin' | 'nobody' | 'proxy'

const MEDIA = [
  '*/*',
  'application/json',
  'application/*',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/cbor',
  'text/html',
  'application/json;stream=watch',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io',
  'application/json;as',
  ';;;,=',
  '/',
]

export function unusualHeaders(choices: Choices): { headers: Headers; as: Identity } {
  const headers: Headers = {}
  let as: Identity = 'admin'
  if (choices.chance(15)) headers.accept = acceptOf(choices)
  if (choices.chance(5))
    headers['accept-encoding'] = choices.one([
      'gzip',
      'gzip, deflate',
      'gzip;q=0',
      'identity',
      'br',
      '*',
      sendable(choices),
    ])
  if (choices.chance(2))
    headers['content-encoding'] = choices.one(['gzip', 'deflate', 'identity', 'x', sendable(choices)])
  if (choices.chance(3))
    headers['user-agent'] = choices.one([
      'kubectl/v1.36.0 (linux/amd64)',
      'curl/8',
      'Mozilla/5.0',
      '/',
      'x'.repeat(5000),
      sendable(choices),
    ])
  if (choices.chance(2)) {
    headers.authorization = authorizationOf(choices)
    if (choices.chance(80)) as = 'nobody'
  }
  if (choices.chance(4)) Object.assign(headers, impersonation(choices))
  if (choices.chance(2)) {
    Object.assign(headers, remoteUser(choices))
    if (choices.chance(80)) as = 'proxy'
  }
  if (choices.chance(2)) {
    const name = choices.one([
      'if-match',
      'range',
      'cookie',
      'origin',
      'audit-id',
      'traceparent',
      'x-forwarded-for',
      'warning',
      'x',
    ])
    headers[name] = choices.one([
      sendable(choices),
      selectorText(choices).replace(/[^\x20-\x7e]/g, ''),
      'bytes=0-',
      '*',
    ])
  }
  if (choices.chance(0.3)) headers['x-long'] = 'x'.repeat(choices.one([5000, 15_000]))
  if (choices.chance(0.2)) for (let i = 0; i < 150; i++) headers[`x-${i}`] = String(i)
  return { headers, as }
}

function acceptOf(choices: Choices): string {
  if (choices.chance(40)) return choices.one(MEDIA)
  const clause = () => {
    const parameter = () =>
      `;${choices.one(['q', 'as', 'v', 'g', 'stream', 'pretty', 'sv', ' q ', sendable(choices)])}=${choices.one(['1', '0', '0.5', '-1', 'NaN', 'v1', 'Table', 'watch', sendable(choices)])}`
    return choices.one(MEDIA) + choices.some(3, parameter).join('')
  }
  return Array.from({ length: choices.one([1, 2, 5, 200]) }, clause)
    .join(choices.one([',', ', ', ' , ', ',,']))
    .slice(0, 10_000)
}

function authorizationOf(choices: Choices): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = () =>
    `${part({ alg: choices.one(['none', 'RS256', 'ES256', 'HS256']), kid: choices.text() })}.${part({ iss: choices.text(), sub: choices.junk(), exp: choices.junk(), aud: choices.junk() })}.${choices.one(['', 'YQ', 'x'.repeat(500)])}`
  const value = choices.one([
    token,
    () => 'a.b.c',
    () => '..',
    () => 'abcdef.0123456789abcdef',
    () => sendable(choices),
    () => 'x'.repeat(5000),
  ])()
  return (
    `${choices.one(['Bearer ', 'Bearer ', 'Bearer ', 'bearer  ', 'Basic ', 'Negotiate ', ''])}${value}`.trim() ||
    'Bearer'
  )
}

function impersonation(choices: Choices): Headers {
  const user = choices.one([
    'a',
    'system:admin',
    'system:node:a',
    'system:serviceaccount:default:default',
    'system:anonymous',
    `u${choices.random.int(1e9)}`,
  ])
  return {
    ...(choices.chance(90) && { 'impersonate-user': choices.chance(90) ? user : sendable(choices) }),
    ...(choices.chance(40) && {
      'impersonate-group': choices.one<string | string[]>(['system:masters', ['a', 'b', ''], sendable(choices)]),
    }),
    ...(choices.chance(10) && { 'impersonate-uid': sendable(choices) }),
    ...(choices.chance(20) && {
      [`impersonate-extra-${choices.one(['a', 'acme.com%2fx', '%', '%zz', '__proto__'])}`]: choices.one(['', 'a', 'ü']),
    }),
  }
}

function remoteUser(choices: Choices): Headers {
  return {
    ...(choices.chance(90) && { 'x-remote-user': choices.one(['a', 'system:admin', '', sendable(choices)]) }),
    ...(choices.chance(50) && { 'x-remote-group': choices.one<string | string[]>(['system:masters', ['a', 'b'], '']) }),
    ...(choices.chance(20) && { 'x-remote-uid': sendable(choices) }),
    ...(choices.chance(20) && {
      [`x-remote-extra-${choices.one(['a', '%41', '%', '__proto__', 'constructor'])}`]: sendable(choices),
    }),
  }
}

/** Text that clients agree to put into a header. */
function sendable(choices: Choices): string {
  return choices
    .text()
    .replace(/[^\x20-\x7e\x80-\xff]/g, '')
    .trim()
}
