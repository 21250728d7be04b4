import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('named formats', () => {
  it.each(
    rowsOf(String.raw`
    !format.dns1123Label().validate('my-label').hasValue() => true
    format.dns1123Label().validate('My_Label') => optional(["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"])
    format.dns1123Subdomain().validate('a.b').hasValue() => false
    format.dns1035Label().validate('1a').hasValue() => true
    format.qualifiedName().validate('a/b/c') => optional(["a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"])
    format.dns1123LabelPrefix().validate('my-').hasValue() => false
    format.labelValue().validate('a b') => optional(["a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"])
    format.uri().validate('http://example.com') => none
    format.uri().validate('a b') => optional(["parse \"a b\": invalid URI for request"])
    format.uuid().validate('123e4567-e89b-12d3-a456-426614174000') => none
    format.uuid().validate('1') => optional(["does not match the UUID format"])
    format.byte().validate('aGVsbG8=') => none
    format.byte().validate('a') => optional(["invalid base64"])
    format.date().validate('2021-01-01') => none
    format.date().validate('2021-13-01') => optional(["invalid date"])
    format.datetime().validate('2021-01-01T00:00:00Z') => none
    format.datetime().validate('2021') => optional(["invalid datetime"])
    format.named('uuid').hasValue() => true
    format.named('nope').hasValue() => false
    format.named('nope') => none
    format.named('uuid').value() == format.uuid() => true
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
