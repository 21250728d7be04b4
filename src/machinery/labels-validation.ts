/**
 * The formats of label keys (which are also "qualified names": annotation keys, resource names, finalizers, taint keys)
 * and label values, with the wording of upstream's `apimachinery/pkg/api/validate/content`. Each function returns what
 * is wrong, one message per rule, or an empty array.
 */
const NAME_FORMAT = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const VALUE_FORMAT = `(${NAME_FORMAT})?`
const SUBDOMAIN_FORMAT = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

/** Equivalent to the formats above, without nested repetition, so that no input takes more than linear time. */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const SUBDOMAIN_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/

const MAX_PART = 63
const MAX_SUBDOMAIN = 253

const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const nameMessage = formatMessage(NAME_RULE, NAME_FORMAT, 'MyName', 'my.name', '123-abc')
const valueMessage = formatMessage(
  `a valid label must be an empty string or ${NAME_RULE.slice('must '.length)}`,
  VALUE_FORMAT,
  'MyValue',
  'my_value',
  '12345',
)
const subdomainMessage = formatMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN_FORMAT,
  'example.com',
)

/** What is wrong with `key` as a label key: an optional DNS subdomain and `/`, then a name of at most 63 characters. */
export function labelKeyErrors(key: string): string[] {
  if (key.length <= MAX_PART && NAME.test(key)) return []
  const parts = key.split('/')
  if (parts.length > 2) {
    return [
      `a valid label key ${nameMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  const errors: string[] = []
  const name = parts.at(-1)!
  if (parts.length === 2) {
    const prefix = parts[0]!
    if (prefix === '') errors.push('prefix part must be non-empty')
    else errors.push(...subdomainErrors(prefix).map((message) => `prefix part ${message}`))
  }
  if (name === '') errors.push('name part must be non-empty')
  else if (name.length > MAX_PART) errors.push(`name part ${tooLong(MAX_PART)}`)
  if (!NAME.test(name)) errors.push(`name part ${nameMessage}`)
  return errors
}

/** What is wrong with `value` as a label value: at most 63 characters, possibly none. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = []
  if (value.length > MAX_PART) errors.push(tooLong(MAX_PART))
  if (value !== '' && !NAME.test(value)) errors.push(valueMessage)
  return errors
}

function subdomainErrors(value: string): string[] {
  const errors: string[] = []
  if (value.length > MAX_SUBDOMAIN) errors.push(tooLong(MAX_SUBDOMAIN))
  if (!value.split('.').every((label) => SUBDOMAIN_LABEL.test(label))) errors.push(subdomainMessage)
  return errors
}

function tooLong(limit: number): string {
  return `must be no more than ${limit} bytes`
}

function formatMessage(rule: string, format: string, ...examples: string[]): string {
  return `${rule} (e.g. ${examples.map((e) => `'${e}'`).join(',  or ')}, regex used for validation is '${format}')`
}
