/**
 * URLs as Go reads and writes them (`net/url`): more lenient than browsers in what it takes, and it normalises nothing.
 * The messages are Go's, which users see.
 */
import { AddressError, parseAddress } from './go-addresses.ts'
import { quoteGo } from './go-strings.ts'

/** The text is no URL. The message is Go's. */
export class UrlError extends Error {
  override readonly name = 'UrlError'
}

type Mode = 'path' | 'userinfo' | 'host' | 'zone' | 'query' | 'fragment'

/** Characters besides letters, digits and `-._~` that stand for themselves. */
const UNESCAPED: Readonly<Record<Mode, string>> = {
  path: '$&+,/:;=@',
  userinfo: '$&+,;=',
  host: '!$&\'()*+,;=:[]<>"',
  zone: '!$&\'()*+,;=:[]<>"',
  query: '',
  fragment: "$&+,/:;=?@!()*'",
}
const isUnreserved = (character: string): boolean => /^[A-Za-z0-9\-._~]$/.test(character)
const stands = (character: string, mode: Mode): boolean =>
  isUnreserved(character) || UNESCAPED[mode].includes(character)

/** Throws UrlError. Text in and out is that of UTF-8, whatever the bytes. */
function unescape(text: string, mode: Mode): string {
  const bytes: Buffer[] = []
  for (let at = 0; at < text.length;) {
    const character = text[at]!
    if (character === '%') {
      const code = /^%[0-9a-fA-F]{2}/.exec(text.slice(at, at + 3))?.[0]
      if (code === undefined) throw new UrlError(`invalid URL escape ${quoteGo(text.slice(at, at + 3))}`)
      const byte = Number.parseInt(code.slice(1), 16)
      const inHost = mode === 'host' && byte < 0x80
      const inZone = mode === 'zone' && byte !== 0x20 && (byte >= 0x80 || !stands(String.fromCharCode(byte), 'host'))
      if ((inHost || inZone) && code !== '%25') throw new UrlError(`invalid URL escape ${quoteGo(code)}`)
      bytes.push(Buffer.of(byte))
      at += 3
      continue
    }
    if ((mode === 'host' || mode === 'zone') && character < '\x80' && !stands(character, mode))
      throw new UrlError(`invalid character ${quoteGo(character)} in host name`)
    const width = text.codePointAt(at)! > 0xffff ? 2 : 1
    bytes.push(Buffer.from(mode === 'query' && character === '+' ? ' ' : text.slice(at, at + width)))
    at += width
  }
  return Buffer.concat(bytes).toString()
}

function escape(text: string, mode: Mode): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte)
    if (byte < 0x80 && stands(character, mode)) out += character
    else out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

export class GoUrl {
  scheme = ''
  /** What follows the scheme where that is no path: `mailto:a@b`. */
  opaque = ''
  /** As it is written out again; undefined without one. */
  userinfo: string | undefined
  /** With the port. */
  host = ''
  path = ''
  rawPath = ''
  rawQuery = ''
  forceQuery = false
  omitHost = false
  fragment = ''
  rawFragment = ''

  get hostname(): string {
    return splitPort(this.host)[0]
  }

  /** Empty without one. */
  get port(): string {
    return splitPort(this.host)[1]
  }

  get escapedPath(): string {
    if (this.rawPath !== '' && isEncoded(this.rawPath, 'path')) return this.rawPath
    return this.path === '*' ? '*' : escape(this.path, 'path')
  }

  /** By key, in the order of the text. What cannot be decoded is left out. */
  get query(): Map<string, string[]> {
    const values = new Map<string, string[]>()
    for (const pair of this.rawQuery.split('&')) {
      if (pair === '' || pair.includes(';')) continue
      const equals = pair.indexOf('=')
      try {
        const key = unescape(equals < 0 ? pair : pair.slice(0, equals), 'query')
        const value = equals < 0 ? '' : unescape(pair.slice(equals + 1), 'query')
        values.set(key, [...(values.get(key) ?? []), value])
      } catch (error) {
        if (!(error instanceof UrlError)) throw error
      }
    }
    return values
  }

  toString(): string {
    let out = this.scheme === '' ? '' : `${this.scheme}:`
    if (this.opaque === '') out += this.#hierarchy(out === '')
    else out += this.opaque
    if (this.forceQuery || this.rawQuery !== '') out += `?${this.rawQuery}`
    if (this.fragment === '') return out
    const raw = this.rawFragment !== '' && isEncoded(this.rawFragment, 'fragment')
    return `${out}#${raw ? this.rawFragment : escape(this.fragment, 'fragment')}`
  }

  #hierarchy(isFirst: boolean): string {
    let out = ''
    const hasAuthority = this.host !== '' || this.userinfo !== undefined
    if ((this.scheme !== '' || hasAuthority) && !(this.omitHost && !hasAuthority)) {
      if (hasAuthority || this.path !== '') out += '//'
      if (this.userinfo !== undefined) out += `${this.userinfo}@`
      out += escape(this.host, 'host')
    }
    const path = this.escapedPath
    if (path !== '' && !path.startsWith('/') && this.host !== '') out += '/'
    if (isFirst && out === '' && path.split('/')[0]!.includes(':')) out += './'
    return out + path
  }
}

/** Host and port; all of it is the host where there is no valid port. */
function splitPort(hostPort: string): [string, string] {
  const colon = hostPort.lastIndexOf(':')
  let [host, port] = [hostPort, '']
  if (colon >= 0 && isPort(hostPort.slice(colon))) [host, port] = [hostPort.slice(0, colon), hostPort.slice(colon + 1)]
  return [/^\[.*\]$/s.test(host) ? host.slice(1, -1) : host, port]
}

const isPort = (text: string): boolean => /^(:\d*)?$/.test(text)

function isEncoded(text: string, mode: Mode): boolean {
  return [...text].every((character) => "!$&'()*+,;=:@[]%".includes(character) || stands(character, mode))
}

/** Go's `ParseRequestURI`: an absolute URL or an absolute path, without a fragment. Throws UrlError. */
export function parseRequestUri(text: string): GoUrl {
  return explained(text, () => parse(text, true))
}

/** Go's `Parse`. Throws UrlError. */
export function parseUrl(text: string): GoUrl {
  const hash = text.indexOf('#')
  const before = hash < 0 ? text : text.slice(0, hash)
  const url = explained(before, () => parse(before, false))
  const fragment = hash < 0 ? '' : text.slice(hash + 1)
  if (fragment === '') return url
  url.fragment = explained(text, () => unescape(fragment, 'fragment'))
  if (escape(url.fragment, 'fragment') !== fragment) url.rawFragment = fragment
  return url
}

function explained<T>(text: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UrlError)) throw error
    throw new UrlError(`parse ${quoteGo(text)}: ${error.message}`)
  }
}

function parse(text: string, viaRequest: boolean): GoUrl {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UrlError('net/url: invalid control character in URL')
  if (text === '' && viaRequest) throw new UrlError('empty url')
  const url = new GoUrl()
  if (text === '*') {
    url.path = '*'
    return url
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text)
  if (text.startsWith(':')) throw new UrlError('missing protocol scheme')
  url.scheme = scheme ? scheme[1]!.toLowerCase() : ''
  let rest = scheme ? text.slice(scheme[0].length) : text
  const question = rest.indexOf('?')
  if (question >= 0) {
    url.forceQuery = question === rest.length - 1
    url.rawQuery = rest.slice(question + 1)
    rest = rest.slice(0, question)
  }
  if (!rest.startsWith('/')) {
    if (url.scheme !== '') {
      url.opaque = rest
      return url
    }
    if (viaRequest) throw new UrlError('invalid URI for request')
    if (rest.split('/')[0]!.includes(':')) throw new UrlError('first path segment in URL cannot contain colon')
  }
  const hasAuthority = rest.startsWith('//') && (url.scheme !== '' || (!viaRequest && !rest.startsWith('///')))
  if (hasAuthority) {
    const slash = rest.indexOf('/', 2)
    setAuthority(url, slash < 0 ? rest.slice(2) : rest.slice(2, slash))
    rest = slash < 0 ? '' : rest.slice(slash)
  } else if (url.scheme !== '' && rest.startsWith('/')) url.omitHost = true
  url.path = unescape(rest, 'path')
  if (escape(url.path, 'path') !== rest) url.rawPath = rest
  return url
}

function setAuthority(url: GoUrl, authority: string): void {
  const at = authority.lastIndexOf('@')
  url.host = parseHost(url.scheme, authority.slice(at + 1))
  if (at < 0) return
  const userinfo = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new UrlError('net/url: invalid userinfo')
  const colon = userinfo.indexOf(':')
  const parts = colon < 0 ? [userinfo] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)]
  url.userinfo = parts.map((part) => escape(unescape(part, 'userinfo'), 'userinfo')).join(':')
}

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) throw new UrlError('invalid IP-literal')
  if (bracket === 0) return parseIpLiteral(host)
  const colon = host.indexOf(':')
  if (colon >= 0) {
    const port = host.slice(scheme === 'http' || scheme === 'https' ? colon : host.lastIndexOf(':'))
    if (!isPort(port)) throw new UrlError(`invalid port ${quoteGo(port)} after host`)
  }
  return unescape(host, 'host')
}

/** `[fe80::1%25en0]:80`. */
function parseIpLiteral(host: string): string {
  const close = host.lastIndexOf(']')
  if (close < 0) throw new UrlError("missing ']' in host")
  const port = host.slice(close + 1)
  if (!isPort(port)) throw new UrlError(`invalid port ${quoteGo(port)} after host`)
  const literal = host.slice(1, close)
  const zone = literal.indexOf('%25')
  const name =
    zone < 0
      ? unescape(literal, 'host')
      : unescape(literal.slice(0, zone), 'host') + unescape(literal.slice(zone), 'zone')
  try {
    if (parseAddress(name).bits === 32) throw new UrlError('invalid IP-literal')
  } catch (error) {
    throw error instanceof AddressError ? new UrlError(`invalid host: ${error.message}`) : error
  }
  return `[${name}]${unescape(port, 'host')}`
}
