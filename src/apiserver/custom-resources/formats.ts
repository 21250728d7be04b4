/**
 * The formats of strings that schemas may ask for; others are ignored. Each check takes linear time. Upstream:
 * `kube-openapi/pkg/validation/strfmt` and the list in `apiextensions-apiserver/pkg/apiserver/validation/formats.go`.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { own } from '#base/own.ts'
import type { SchemaProps } from './structural.ts'

type FormatCheck = (text: string) => boolean

const matches =
  (pattern: RegExp): FormatCheck =>
  (text) =>
    pattern.test(text)

const uuid = (version = '[0-9a-f]', variant = '[0-9a-f]') =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'))

/** Leading zeros are let through, as they always were. */
const withoutLeadingZeros = (text: string) => text.replace(/\b0+(?=\d)/g, '')
const isAnyIPv4 = (text: string) => isIPv4(withoutLeadingZeros(text))
/** Go accepts IPv4 addresses mapped into IPv6, but no zones. */
const isAnyIPv6 = (text: string) => !text.includes('%') && isIPv6(text)

function isCidr(text: string): boolean {
  const slash = text.lastIndexOf('/')
  if (slash < 0 || !/^\d{1,3}$/.test(text.slice(slash + 1))) return false
  const [address, bits] = [text.slice(0, slash), Number(text.slice(slash + 1))]
  return isAnyIPv4(address) ? bits <= 32 : isAnyIPv6(address) && bits <= 128
}

/** 48-bit, 64-bit and 20-octet addresses, with colons, dashes or dots. */
const isMac: FormatCheck = (text) => {
  const octets = /^[0-9a-fA-F]{2}(?:(:|-)[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2})*$/.test(text) ? (text.length + 1) / 3 : 0
  const groups = /^[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+$/.test(text) ? ((text.length + 1) / 5) * 2 : 0
  return [6, 8, 20].includes(octets || groups)
}

const hostLabel = /^[a-zA-Z0-9\p{S}\p{L}](?:[a-zA-Z0-9\-\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?$/u
const topLevel = /^[a-zA-Z\p{L}]{2,63}$/u

const isHostname: FormatCheck = (text) => {
  if (Buffer.byteLength(text) > 255) return false
  const labels = text.split('.')
  if (labels.some((label) => Buffer.byteLength(label) > 63 || !hostLabel.test(label))) return false
  return labels.length === 1 || topLevel.test(labels.at(-1)!)
}

const isDate: FormatCheck = (text) => {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  if (!parts) return false
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number]
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return day >= 1 && day <= (days[month - 1] ?? 0)
}

const timeOfDay = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/

const isDateTime: FormatCheck = (text) => {
  const [date = '', time] = text.toLowerCase().split('t')
  const parts = time === undefined || !isDate(date) ? null : timeOfDay.exec(time)
  return parts !== null && parts[1]! <= '23' && parts[2]! <= '59' && parts[3]! <= '59'
}

/** `1h30m`, as Go writes durations. */
const goDuration = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/
const exactUnits = new Set(['ns', 'us', 'µs', 'ms', 's', 'm', 'h', 'hr', 'd', 'w', 'wk'])
const unitBeginnings = ['nano', 'micro', 'milli', 'sec', 'min', 'hour', 'day', 'week']

const isDuration: FormatCheck = (text) => {
  if (goDuration.test(text)) return true
  for (const [, unit = ''] of text.matchAll(/\d+\s*([A-Za-zµ]+)/g)) {
    const lower = unit.toLowerCase()
    if (exactUnits.has(lower) || unitBeginnings.some((beginning) => lower.startsWith(beginning))) return true
  }
  return false
}

function isIsbn(text: string, digits: 10 | 13): boolean {
  const plain = text.replace(/[\s-]+/g, '')
  if (!(digits === 10 ? /^(?:\d{9}X|\d{10})$/ : /^\d{13}$/).test(plain)) return false
  const numbers = [...plain].map((digit) => (digit === 'X' ? 10 : Number(digit)))
  if (digits === 10) return numbers.reduce((sum, digit, i) => sum + (i + 1) * digit, 0) % 11 === 0
  const sum = numbers.slice(0, 12).reduce((before, digit, i) => before + digit * (i % 2 === 0 ? 1 : 3), 0)
  return numbers[12] === (10 - (sum % 10)) % 10
}

const cardNumber =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/

const isCreditCard: FormatCheck = (text) => {
  const digits = text.replace(/\D+/g, '')
  if (!cardNumber.test(digits)) return false
  const sum = [...digits].toReversed().reduce((before, digit, i) => {
    const value = i % 2 === 0 ? Number(digit) : Number(digit) * 2
    return before + (value >= 10 ? (value % 10) + 1 : value)
  }, 0)
  return sum % 10 === 0
}

const component = String.raw`\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*`

/** An absolute URI, or an absolute path: what Go's `ParseRequestURI` takes. */
const isRequestUri: FormatCheck = (text) => {
  if (text === '' || /[\u0000-\u0020\u007f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false
  if (text.startsWith('/') || text === '*') return true
  const scheme = /^[a-zA-Z][a-zA-Z0-9+\-.]*:/.exec(text)
  if (!scheme) return false
  const authority = /^\/\/([^/?#]*)/.exec(text.slice(scheme[0].length))?.[1]
  return authority === undefined || !/[<>"{}|\\^`]|:\D|\[[^\]]*$/.test(authority.replace(/^.*@/, ''))
}

/** `local@domain`, perhaps with a name before it: the common shapes of what Go's `mail.ParseAddress` takes. */
const isEmail: FormatCheck = (text) => {
  const trimmed = text.trim()
  const address = trimmed.endsWith('>') ? trimmed.slice(trimmed.lastIndexOf('<') + 1, -1) : trimmed
  const at = address.lastIndexOf('@')
  if (at < 1) return false
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  const atom = /^[^\s()<>[\]:;@\\,."\u0000-\u001f]+$/
  const isQuoted = /^"(?:[^"\\\u0000-\u001f]|\\.)*"$/.test(local)
  if (!isQuoted && !local.split('.').every((part) => atom.test(part))) return false
  if (domain.startsWith('[')) return domain.endsWith(']') && isAnyIPv4(domain.slice(1, -1))
  return domain.split('.').every((part) => atom.test(part))
}

const shortName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/

/** By name without dashes. */
const checks: Readonly<Record<string, FormatCheck>> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  uri: isRequestUri,
  email: isEmail,
  hostname: isHostname,
  ipv4: isAnyIPv4,
  ipv6: isAnyIPv6,
  cidr: isCidr,
  mac: isMac,
  uuid: uuid(),
  uuid3: uuid('3'),
  uuid4: uuid('4', '[89ab]'),
  uuid5: uuid('5', '[89ab]'),
  isbn: (text) => isIsbn(text, 10) || isIsbn(text, 13),
  isbn10: (text) => isIsbn(text, 10),
  isbn13: (text) => isIsbn(text, 13),
  creditcard: isCreditCard,
  ssn: (text) => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(${component},${component},${component}\\)$`)),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: isDateTime,
  k8sshortname: (text) => text.length <= 63 && shortName.test(text),
  k8slongname: (text) => text.length <= 253 && text.split('.').every((part) => shortName.test(part)),
}

const numberFormats: Readonly<Record<string, readonly string[]>> = {
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
}

/** The format that a schema asks for, or '' where it asks for none that counts. */
export function formatOf({ type = '', format = '' }: SchemaProps): string {
  if (format === '') return ''
  if (type === '' || type === 'string') return Object.hasOwn(checks, format.replaceAll('-', '')) ? format : ''
  return own(numberFormats, type)?.includes(format) ? format : ''
}

/** The check of a string format; undefined for formats of numbers. */
export const formatCheck = (format: string): FormatCheck | undefined => own(checks, format.replaceAll('-', ''))
