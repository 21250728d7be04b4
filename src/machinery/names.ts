/** The shapes of names that Kubernetes accepts, with the messages that its users know (`apimachinery/pkg/util/validation`). */
import { labelKeyErrors, labelValueErrors } from './labels-validation.ts'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`

/** Each matches one label at a time, so that no input takes more than linear time. */
const labelPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const label1035Pattern = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/
const isSubdomain = (value: string) => value.split('.').every((label) => labelPattern.test(label))

const regexHint = (message: string, pattern: string, ...examples: string[]) =>
  `${message} (e.g. ${examples.map((e) => `'${e}'`).join(',  or ')}, regex used for validation is '${pattern}')`
const tooLong = (max: number) => `must be no more than ${max} characters`

/** Each returns what is wrong with the value; an empty list means nothing. */
export type NameCheck = (value: string) => string[]

export const dnsLabel: NameCheck = (value) => [
  ...(value.length > 63 ? [tooLong(63)] : []),
  ...(labelPattern.test(value)
    ? []
    : isSubdomain(value)
      ? ['must not contain dots']
      : [
          regexHint(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            'my-name',
            '123-abc',
          ),
        ]),
]

export const dns1035Label: NameCheck = (value) => [
  ...(value.length > 63 ? [tooLong(63)] : []),
  ...(label1035Pattern.test(value)
    ? []
    : [
        regexHint(
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
          '[a-z]([-a-z0-9]*[a-z0-9])?',
          'my-name',
          'abc-123',
        ),
      ]),
]

export const dnsSubdomain: NameCheck = (value) => [
  ...(value.length > 253 ? [tooLong(253)] : []),
  ...(isSubdomain(value)
    ? []
    : [
        regexHint(
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
          SUBDOMAIN,
          'example.com',
        ),
      ]),
]

/** A name that becomes a segment of a path, nothing more (RBAC objects and others). */
export const pathSegment: NameCheck = (value) => [
  ...(value === '.' || value === '..' ? [`may not be '${value}'`] : []),
  ...(value.includes('/') ? ["may not contain '/'"] : []),
  ...(value.includes('%') ? ["may not contain '%'"] : []),
]

/** `[prefix/]name`: keys of labels, annotations, finalizers, taints. */
export const qualifiedName: NameCheck = labelKeyErrors

export const labelValue: NameCheck = labelValueErrors

/** What is checked of `generateName`: it must be a valid beginning. */
export const asPrefix =
  (check: NameCheck): NameCheck =>
  (value) =>
    check(value.endsWith('-') ? `${value.slice(0, -1)}a` : value)
