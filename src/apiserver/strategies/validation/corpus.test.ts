/**
 * Runs `corpus/*.yaml`. Every document is an object that somebody creates; lines that begin with `#!` before it are what the
 * server answers, one problem each, in any order; none means that the object is fine. A document after `#! update` (or
 * `#! update <subresource>`) replaces the created one before it; of messages with several
 * lines only the first counts.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { decode } from '#api/decode.ts'
import { allResources } from '#api/resources.ts'
import { validateMeta } from '../../registry/object-meta.ts'
import type { Stored, StrategyContext } from '../../registry/strategy.ts'
import { strategies } from '../all.ts'

const folder = join(import.meta.dirname, 'corpus')

interface Case {
  file: string
  line: number
  expected: string[]
  update: string | undefined
  object: Record<string, any>
}

function casesOf(file: string): Case[] {
  const cases: Case[] = []
  let line = 1
  for (const text of readFileSync(join(folder, file), 'utf8').split(/^---\n/m)) {
    const notes = text.split('\n').flatMap((one) => (one.startsWith('#!') ? [one.slice(2).trim()] : []))
    const update = notes.find((note) => /^update( |$)/.test(note))
    const object = parse(text)
    const expected = notes.filter((note) => note !== update)
    if (object) cases.push({ file, line, expected, update: update?.slice('update'.length).trim(), object })
    line += text.split('\n').length
  }
  return cases
}

const context = (subresource = ''): StrategyContext => ({
  now: Date.UTC(2026, 0, 1),
  subresource,
  dryRun: false,
  user: { name: 'alice', uid: '', groups: [], extra: {} },
})

function complete(object: Record<string, any>) {
  const resource = allResources.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind)
  if (!resource) throw new Error(`nobody serves ${object.apiVersion} ${object.kind}`)
  const strategy = strategies.get(`${resource.group}/${resource.plural}`)!
  const stored = decode(resource.type, object).object as Stored
  stored.metadata.uid ??= 'f7a5a3b2-0c53-4d0e-8a3d-0a4b6e6b5c11'
  if (resource.namespaced) stored.metadata.namespace ??= 'default'
  return { resource, strategy, stored }
}

function created(object: Record<string, any>): { stored: Stored; problems: string[] } {
  const { resource, strategy, stored } = complete(object)
  strategy.prepareForCreate?.(stored, context())
  const errors = [...validateMeta(stored, resource, strategy.name), ...(strategy.validate?.(stored) ?? [])]
  return { stored, problems: errors.map(({ field, message }) => `${field}: ${message}`) }
}

function updated(object: Record<string, any>, old: Stored, subresource: string): string[] {
  const { strategy, stored } = complete(object)
  // As the registry has it: the status and all else are written apart.
  if (subresource === 'status') Object.assign(stored, { ...old, metadata: stored.metadata, status: stored.status })
  else stored.status = old.status
  strategy.prepareForUpdate?.(stored, old, context(subresource))
  const errors = strategy.validateUpdate?.(stored, old, context(subresource)) ?? []
  return errors.map(({ field, message }) => `${field}: ${message.split('\n')[0]}`)
}

describe.each(readdirSync(folder).map((file) => [file]))('%s', (file) => {
  let previous: Record<string, any> = {}
  for (const { line, expected, update, object } of casesOf(file)) {
    const before = previous
    if (update === undefined) previous = object
    it(`line ${line}: ${update === undefined ? '' : `update ${update} of `}${object.metadata?.name}`, () => {
      const problems = update === undefined ? created(object).problems : updated(object, created(before).stored, update)
      expect(problems.toSorted()).toEqual(expected.toSorted())
    })
  }
})
