/** Formats of strings besides names, with the wording of `apimachinery/pkg/util/validation`. Each returns what is wrong. */
import { dnsSubdomain, type NameCheck } from '#machinery/names.ts'
import type { Check } from './check.ts'

function pattern(rule: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${rule} (regex used for validation is '${format}')`
  return `${rule} (e.g. ${examples.map((e) => `'${e}'`).join(',  or ')}, regex used for validation is '${format}')`
}

const matches =
  (expression: RegExp, message: string): NameCheck =>
  (value) =>
    expression.test(value) ? [] : [message]

export const portName: NameCheck = (value) => [
  ...(value.length > 15 ? ['must be no more than 15 characters'] : []),
  ...(/^[-a-z0-9]+$/.test(value) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
  ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(value.startsWith('-') || value.endsWith('-') ? ['must not begin or end with a hyphen'] : []),
]

export const portNumber = (value: number): string[] =>
  Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive']

export const percent = matches(
  /^[0-9]+%$/,
  pattern("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%'),
)

export const httpHeaderName = matches(
  /^[-A-Za-z0-9]+$/,
  pattern("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', 'X-Header-Name'),
)

export const cIdentifier = matches(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  pattern(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    '[A-Za-z_][A-Za-z0-9_]*',
    'my_name',
    'MY_NAME',
    'MyName',
  ),
)

/** Since v1.34 any printable ASCII but `=`. */
export const envName: NameCheck = (value) => [
  ...(value === '' ? ['environment variable name must be non-empty'] : []),
  ...(/^[\x20-\x3c\x3e-\x7e]*$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]),
]

export const configKey: NameCheck = (value) => [
  ...(value.length > 253 ? ['must be no more than 253 characters'] : []),
  ...(/^[-._a-zA-Z0-9]+$/.test(value)
    ? []
    : [
        pattern(
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
          '[-._a-zA-Z0-9]+',
          'key.name',
          'KEY_NAME',
          'key-name',
        ),
      ]),
  ...(value === '.' || value === '..'
    ? [`must not be '${value}'`]
    : value.startsWith('..')
      ? ["must not start with '..'"]
      : []),
]

const LABEL_UNDERSCORE = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const UNDERSCORE_LABEL = /^_?[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/

export const dnsSubdomainWithUnderscore: NameCheck = (value) => [
  ...(value.length > 253 ? ['must be no more than 253 characters'] : []),
  ...(value.split('.').every((label) => UNDERSCORE_LABEL.test(label))
    ? []
    : [
        pattern(
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
          `${LABEL_UNDERSCORE}(\\.${LABEL_UNDERSCORE})*`,
          'example.com',
        ),
      ]),
]

export const wildcardSubdomain: NameCheck = (value) => [
  ...(value.length > 253 ? ['must be no more than 253 characters'] : []),
  ...(value.startsWith('*.') && dnsSubdomain(value.slice(2)).length === 0
    ? []
    : [
        pattern(
          "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
          '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*',
          '*.example.com',
        ),
      ]),
]

const MAX_SYSCTL = 253
const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SYSCTL_PART = /^[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/

export const sysctlName: NameCheck = (value) =>
  value.length <= MAX_SYSCTL && value.split(/[./]/).every((part) => SYSCTL_PART.test(part))
    ? []
    : [`must have at most ${MAX_SYSCTL} characters and match regex ^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`]

/** A domain name of at least `segments` labels. */
export const domainName =
  (segments: number): NameCheck =>
  (value) => {
    const errors = dnsSubdomain(value)
    if (errors.length > 0) return [errors.join(',')]
    const words = ['zero', 'one', 'two', 'three']
    return value.split('.').length < segments
      ? [`should be a domain with at least ${words[segments]} segments separated by dots`]
      : []
  }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const URN = 'urn:uuid:'

/** The text alone, without the braces and prefixes that are understood as well. */
export const uuid: NameCheck = (value) => {
  const why = uuidProblem(value)
  if (why) return [`error validating uid: ${why}`]
  return value.length === 36 && value === value.toLowerCase()
    ? []
    : [
        'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
      ]
}

function uuidProblem(value: string): string {
  const MALFORMED = 'invalid UUID format'
  switch (Buffer.byteLength(value)) {
    case 36:
      return UUID.test(value) ? '' : MALFORMED
    case 36 + URN.length: {
      const prefix = value.slice(0, URN.length)
      if (prefix.toLowerCase() !== URN) return `invalid urn prefix: ${JSON.stringify(prefix)}`
      return UUID.test(value.slice(URN.length)) ? '' : MALFORMED
    }
    case 38:
      if (!value.startsWith('{') || !value.endsWith('}')) return 'invalid bracketed UUID format'
      return UUID.test(value.slice(1, -1)) ? '' : MALFORMED
    case 32:
      return /^[0-9a-f]{32}$/i.test(value) ? '' : MALFORMED
    default:
      return `invalid UUID length: ${Buffer.byteLength(value)}`
  }
}

/** Such as `example.com/controller`. */
export const domainPrefixedPath: Check = (value: string, at, to) => {
  const [host = '', ...rest] = value.split('/')
  const path = rest.join('/')
  if (value === '') return to.required(at)
  if (!host || !path) return to.invalid(at, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
  to.each(at, host, dnsSubdomain(host))
  const format = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)) {
    to.invalid(at, path, `Invalid path (regex used for validation is '${format}')`)
  }
}
