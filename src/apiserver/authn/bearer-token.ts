/**
 * Where in a request a bearer token is: in `Authorization`, or for a WebSocket, which a browser can't give that header, as
 * one of the protocols that it offers. Upstream: `apiserver/pkg/authentication/request/{bearertoken,websocket}`.
 */
import type { IncomingHttpHeaders } from 'node:http'

const PROTOCOL_PREFIX = 'base64url.bearer.authorization.k8s.io.'

export class MalformedToken extends Error {
  override readonly name = 'MalformedToken'
}

/** Undefined where there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [scheme = '', token] = authorization.trim().split(' ', 3)
  return scheme.toLowerCase() === 'bearer' ? token || undefined : undefined
}

const splitProtocols = (header: string) => header.split(',').map((protocol) => protocol.trim())

/** The token that a WebSocket's client offers as a protocol; undefined where there is none. Throws MalformedToken. */
export function protocolToken(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['sec-websocket-protocol']
  if (!header?.includes(PROTOCOL_PREFIX) || headers.upgrade?.toLowerCase() !== 'websocket') return undefined
  const protocols = splitProtocols(header)
  const tokens = protocols.filter((protocol) => protocol.startsWith(PROTOCOL_PREFIX))
  if (tokens.length === 0) return undefined
  if (tokens.length > 1) throw new MalformedToken('multiple base64.bearer.authorization tokens specified')
  // The answer must name a protocol, and not the one with the token.
  if (protocols.length === 1) throw new MalformedToken('missing additional subprotocol')
  const encoded = tokens[0]!.slice(PROTOCOL_PREFIX.length)
  const token = Buffer.from(encoded, 'base64url').toString()
  if (Buffer.from(token).toString('base64url') !== encoded)
    throw new MalformedToken('invalid base64.bearer.authorization token encoding')
  return token
}

/** The protocols without a token, to be chosen from. */
export function withoutToken(header: string): string {
  if (!header.includes(PROTOCOL_PREFIX)) return header
  const others = splitProtocols(header).filter((protocol) => !protocol.startsWith(PROTOCOL_PREFIX))
  return others.join(', ')
}
