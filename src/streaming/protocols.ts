/** The names and numbers of Kubernetes' streaming protocols, and how a version is agreed on. */

export const HEADER_PROTOCOL_VERSION = 'x-stream-protocol-version'
export const HEADER_ACCEPTED_PROTOCOL_VERSIONS = 'x-accepted-stream-protocol-versions'
export const SPDY_UPGRADE = 'SPDY/3.1'

/** Remote command over SPDY, best first. v5 differs from v4 only over WebSocket, where SPDY has a half-close of its own. */
export const REMOTE_COMMAND_PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
] as const

export type RemoteCommandVersion = 1 | 2 | 3 | 4 | 5

export interface ChannelProtocol {
  version: RemoteCommandVersion
  /** Text messages with a digit and base64, for clients that cannot send bytes. */
  base64: boolean
}

/** WebSocket subprotocols of remote command; a client that names none gets the first version. */
export const CHANNEL_PROTOCOLS: ReadonlyMap<string, ChannelProtocol> = new Map([
  ['', { version: 1, base64: false }],
  ['channel.k8s.io', { version: 1, base64: false }],
  ['base64.channel.k8s.io', { version: 1, base64: true }],
  ['v2.channel.k8s.io', { version: 2, base64: false }],
  ['v2.base64.channel.k8s.io', { version: 2, base64: true }],
  ['v3.channel.k8s.io', { version: 3, base64: false }],
  ['v3.base64.channel.k8s.io', { version: 3, base64: true }],
  ['v4.channel.k8s.io', { version: 4, base64: false }],
  ['v4.base64.channel.k8s.io', { version: 4, base64: true }],
  ['v5.channel.k8s.io', { version: 5, base64: false }],
  ['v5.base64.channel.k8s.io', { version: 5, base64: true }],
])

/** Port-forward over WebSocket channels: two channels a port. */
export const PORT_FORWARD_CHANNEL_PROTOCOLS: ReadonlyMap<string, ChannelProtocol> = new Map([
  ['', { version: 4, base64: false }],
  ['v4.channel.k8s.io', { version: 4, base64: false }],
  ['v4.base64.channel.k8s.io', { version: 4, base64: true }],
])

export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io'
/** A WebSocket subprotocol of this form carries raw SPDY in its messages. */
export const TUNNEL_PREFIX = 'SPDY/3.1+'
export const TUNNEL_SUFFIX = '.k8s.io'

/** WebSocket channel numbers; the first three are the file descriptors. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const
/** First byte of a v5 message that half-closes the channel named by the second. */
export const CHANNEL_CLOSE_SIGNAL = 255

/** SPDY stream headers, lower case as they travel. */
export const STREAM_HEADER = { streamType: 'streamtype', port: 'port', requestId: 'requestid' } as const

export function remoteCommandVersion(protocol: string): RemoteCommandVersion {
  return CHANNEL_PROTOCOLS.get(protocol)?.version ?? 1
}

/** The first of the client's protocols that the server knows. */
export function negotiate(client: readonly string[], server: Iterable<string>): string | undefined {
  const known = new Set(server)
  return client.find((protocol) => known.has(protocol))
}

/** The items of a comma-separated header that may occur several times. */
export function headerItems(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return []
  const lines = typeof value === 'string' ? [value] : value
  return lines
    .flatMap((line) => line.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
