/**
 * Runs `corpus/definitions.yaml`: definitions and what is said about them. Each begins as the same one, of which the case
 * replaces the name, parts of the spec, parts of its only version, or the schema.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { decode } from '#api/decode.ts'
import { customResourceDefinitions } from '#api/resources.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import { createBaseEnvironment } from '../cel/base-environment.ts'
import { definitionStrategy } from './definition-strategy.ts'
import { RuleCompiler } from './rule-compiler.ts'

interface Case {
  about: string
  name?: string
  spec?: object
  version?: object
  schema?: object
  warnings?: string[]
  errors?: string[]
}

const cases: Case[] = parse(readFileSync(join(import.meta.dirname, 'corpus/definitions.yaml'), 'utf8'))
const environment = createBaseEnvironment()
const strategy = definitionStrategy(new RuleCompiler(() => environment))
const context = { now: 0, subresource: '', dryRun: false }

const plain = { type: 'object', properties: { spec: { type: 'object' } } }

function definition({ name, spec, version, schema = plain }: Omit<Case, 'about'>): Draft {
  const only = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }
  const names = { plural: 'things', kind: 'Thing' }
  const whole = { group: 'a.example.com', scope: 'Namespaced', names, versions: [only], ...spec }
  const metadata = { name: name ?? `${whole.names.plural}.${whole.group}` }
  const draft = decode(customResourceDefinitions.type, { metadata, spec: whole }).object as unknown as Draft
  strategy.prepareForCreate!(draft, context)
  return draft
}

const texts = (errors: readonly { field: string; message: string }[]) =>
  errors.map(({ field, message }) => `${field}: ${message}`)

describe('a new definition', () => {
  it.each(cases)('with $about', ({ about: _about, warnings = [], errors = [], ...parts }) => {
    const draft = definition(parts)
    expect(texts(strategy.validate!(draft)).toSorted()).toEqual(errors.toSorted())
    expect(strategy.warnings!(draft)).toEqual(warnings)
  })
})

describe('an update of a definition', () => {
  const established = (parts: Omit<Case, 'about'> = {}): Stored => {
    const draft = definition(parts)
    draft.status = { ...draft.status, conditions: [{ type: 'Established', status: 'True' }] }
    return draft
  }
  const problems = (old: Stored, parts: Omit<Case, 'about'>, change: (draft: Draft) => void = () => undefined) => {
    const draft = definition({ ...parts, name: old.metadata.name })
    draft.status = old.status
    change(draft)
    strategy.prepareForUpdate!(draft, old, context)
    return texts(strategy.validateUpdate!(draft, old, context))
  }

  it('leaves group, plural, scope and kind alone', () => {
    expect(problems(established(), { spec: { scope: 'Cluster', names: { plural: 'things', kind: 'Other' } } })).toEqual(
      [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Other": field is immutable',
      ],
    )
    expect(
      problems(definition({}), { spec: { scope: 'Cluster', names: { plural: 'things', kind: 'Other' } } }),
    ).toEqual([])
    expect(
      problems(definition({}), { spec: { group: 'b.example.com', names: { plural: 'others', kind: 'Thing' } } }),
    ).toEqual([
      'spec.group: Invalid value: "b.example.com": field is immutable',
      'spec.names.plural: Invalid value: "others": field is immutable',
    ])
  })

  it('keeps a version that objects may be stored in', () => {
    const version = (name: string, storage: boolean) => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema: plain },
    })
    const old = established()
    expect(problems(old, { spec: { versions: [version('v1', false), version('v2', true)] } })).toEqual([])
    const why =
      'missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions'
    expect(problems(old, { spec: { versions: [version('v2', true)] } })).toEqual([
      `status.storedVersions[0]: Invalid value: "v1": ${why}`,
    ])
  })

  it('lets stand what was there before', () => {
    const rules = [{ rule: 'self.all(x, self.all(y, x == y))' }]
    const items = { type: 'string', 'x-kubernetes-validations': undefined }
    const list = { type: 'array', items, 'x-kubernetes-validations': rules }
    const schema = { type: 'object', properties: { spec: { type: 'object', properties: { list } } } }
    const changed = { type: 'object', properties: { ...schema.properties, more: { type: 'string' } } }
    const isCostly = (text: string) => text.includes('estimated rule cost exceeds budget')
    expect(problems(established(), { schema }).some(isCostly)).toBe(true)
    expect(problems(established({ schema }), { schema, version: { deprecated: true } }).some(isCostly)).toBe(false)
    expect(problems(established({ schema }), { schema: changed }).some(isCostly)).toBe(true)
  })

  it('needs certificates that can be read, once it is established', () => {
    const conversion = (caBundle: string) => ({
      strategy: 'Webhook',
      webhook: { clientConfig: { url: 'https://example.com', caBundle }, conversionReviewVersions: ['v1'] },
    })
    const [bad, worse] = ['bad', 'worse'].map((text) => Buffer.from(text).toString('base64')) as [string, string]
    const why = 'unable to load root certificates: unable to parse bytes as PEM block'
    expect(problems(established(), { spec: { conversion: conversion(bad) } })).toEqual([
      `spec.conversion.webhookClientConfig.caBundle: Invalid value: "${bad}": ${why}`,
    ])
    expect(problems(definition({}), { spec: { conversion: conversion(bad) } })).toEqual([])
    const old = established({ spec: { conversion: conversion(bad) } })
    expect(problems(old, { spec: { conversion: conversion(worse) } })).toEqual([])
  })

  it('minds the approval of the community only where that changes', () => {
    const parts = { spec: { group: 'a.k8s.io' } }
    const approve = (text: string) => (draft: Draft) => {
      draft.metadata.annotations = { 'api-approved.kubernetes.io': text }
    }
    expect(problems(definition(parts), parts)).toEqual([])
    expect(problems(definition(parts), parts, approve('https://github.com/kubernetes/kubernetes/pull/1'))).toEqual([])
    expect(problems(definition(parts), parts, approve('because'))).toEqual([
      'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "because": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
    ])
  })
})
