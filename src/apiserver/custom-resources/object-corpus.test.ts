/**
 * Runs `corpus/objects.yaml`: schemas, and custom resources that are created by them. `spec` is what is sent, `becomes` what
 * is made of it where that is something else.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DecodeError } from '#api/decode.ts'
import { defineResource } from '#api/kind.ts'
import { createBaseEnvironment } from '../cel/base-environment.ts'
import type { Stored } from '../registry/strategy.ts'
import { customStrategy } from './custom-strategy.ts'
import { customType } from './custom-type.ts'
import { RuleCompiler } from './rule-compiler.ts'
import { RuleValidator } from './rule-validation.ts'
import { type SchemaProps, Structural } from './structural.ts'
import { takeIn } from './take-in.ts'

interface Section {
  about: string
  schema: SchemaProps
  cases: { spec: object; becomes?: object; warnings?: string[]; errors?: string[]; refused?: string }[]
}

const sections: Section[] = parse(readFileSync(join(import.meta.dirname, 'corpus/objects.yaml'), 'utf8'))
const environment = createBaseEnvironment()
const compiler = new RuleCompiler(() => environment)

describe.each(sections)('$about', ({ schema: source, cases }) => {
  const schema = new Structural(source)
  const type = customType({ group: 'example.com', version: 'v1', kind: 'Thing', schema, selectableFields: [] })
  const strategy = customStrategy({
    resource: defineResource(type, 'things'),
    schema,
    rules: RuleValidator.of(schema, true, compiler),
    hasStatus: false,
    scale: undefined,
    selectableFields: [],
    isTerminating: () => false,
  })

  it.each(cases.map((one) => [JSON.stringify(one.spec), one] as const))('%s', (_text, expected) => {
    const sent = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec: expected.spec }
    if (expected.refused !== undefined) {
      expect(() => takeIn(schema, sent, { withDefaults: true })).toThrow(new DecodeError(expected.refused))
      return
    }
    const { object, unknown } = takeIn(schema, sent, { withDefaults: true })
    const errors = strategy.validate!(object as Stored).map(({ field, message }) => `${field}: ${message}`)
    expect(errors.toSorted()).toEqual((expected.errors ?? []).toSorted())
    if (expected.errors) return
    expect(unknown.map((path) => `unknown field "${path}"`)).toEqual(expected.warnings ?? [])
    expect(object.spec).toEqual(expected.becomes ?? expected.spec)
    // Taken in a second time, nothing changes any more.
    expect(takeIn(schema, object, { withDefaults: true })).toEqual({ object, unknown: [] })
  })
})
