import { describe, expect, it } from 'vitest'
import { allow, allowUrls } from './policy/rule.ts'
import { urlCovers } from '#api/rbac/policy-rule.ts'
import { compacted, ruleText, uncovered } from './rule-coverage.ts'

describe('coverage of rules', () => {
  it.each([
    ['the same rule', [allow('get', 'builds', 'g')], [allow('get', 'builds', 'g')]],
    ['a subresource of everything', [allow('get', '*/scale')], [allow('get', 'foo/scale bar/scale')]],
    [
      'several rules together',
      [allow('delete', 'deployments'), allow('delete', 'builds'), allow('update', 'builds deployments')],
      [allow('delete update', 'builds deployments')],
    ],
    ['all groups', [allow('get', 'roles', '*')], [allow('get', 'roles', ['a', 'b'])]],
    ['all verbs', [allow('*', 'roles')], [allow('watch list', 'roles'), allow('*', 'roles')]],
    ['all resources', [allow('get', '*')], [allow('get', 'pods pods/log *')]],
    ['every name', [allow('get', 'pods')], [allow('get', 'pods', '', 'a b')]],
    [
      'names one by one',
      [allow('get', 'pods', '', 'a'), allow('get', 'pods', '', 'b')],
      [allow('get', 'pods', '', 'b a')],
    ],
    ['all paths', [allowUrls('*', '*')], [allowUrls('*', '/apis /apis/v1 /')]],
    ['paths below one', [allowUrls('*', '/apis/*')], [allowUrls('get', '/apis/v1/foo /apis/v1 /apis/x/*')]],
  ])('holds for %s', (_, held, wanted) => {
    expect(uncovered(held, wanted)).toEqual([])
  })

  it.each([
    ['one verb of many', [allow('get list', 'pods')], [allow('get delete', 'pods')], [allow('delete', 'pods')]],
    [
      'the wildcard verb',
      [allow('get list watch create update patch delete', 'pods')],
      [allow('*', 'pods')],
      [allow('*', 'pods')],
    ],
    ['the wildcard group', [allow('get', 'roles', 'g')], [allow('get', 'roles', '*')], [allow('get', 'roles', '*')]],
    ['the wildcard resource', [allow('get', 'pods roles')], [allow('get', '*')], [allow('get', '*')]],
    ['a resource by its subresources', [allow('get', '*/log')], [allow('get', 'pods')], [allow('get', 'pods')]],
    ['a subresource by its resource', [allow('get', 'pods')], [allow('get', 'pods/exec')], [allow('get', 'pods/exec')]],
    ['every name', [allow('get', 'pods', '', 'a b')], [allow('get', 'pods')], [allow('get', 'pods')]],
    [
      'another name',
      [allow('get', 'pods', '', 'a')],
      [allow('get', 'pods', '', 'a b')],
      [allow('get', 'pods', '', 'b')],
    ],
    ['the path above', [allowUrls('*', '/apis/*')], [allowUrls('get', '/apis /apis/v1')], [allowUrls('get', '/apis')]],
    ['paths by resources', [allow('get', 'pods')], [allowUrls('get', '/apis')], [allowUrls('get', '/apis')]],
    ['resources by paths', [allowUrls('*', '*')], [allow('get', 'pods')], [allow('get', 'pods')]],
  ])('does not hold for %s', (_, held, wanted, missing) => {
    expect(uncovered(held, wanted)).toEqual(missing)
  })

  it.each([
    ['*', '', true],
    ['*', '/api', true],
    ['/*', '', false],
    ['/*', '/', true],
    ['/api', '/api', true],
    ['/apis', '/api', false],
    ['/api/*', '/api/v1', true],
    ['/api/*', '/api', false],
    ['/api/*/*', '/api/v1', false],
    ['/*/v1/*', '/api/v1', false],
    ['/api**', '/api/v1', true],
  ])('of the path %s over %s is %s', (url, path, expected) => {
    expect(urlCovers(url, path)).toBe(expected)
  })

  it('finds what is missing among more pieces than can be counted', () => {
    const some = (name: string, from = 0, to = 10_000) =>
      Array.from({ length: to - from }, (_, i) => `${name}${from + i}`)
    const text = (name: string, from?: number, to?: number) => some(name, from, to).join(' ')
    const wanted = allow(text('verb'), text('resource'), some('group'), text('name'))
    const held = [
      allow('*', '*', '*', text('name', 1)),
      allow('*', text('resource', 1), '*'),
      allow(text('verb', 0, 9_999), '*', '*'),
    ]
    expect(uncovered([...held, allow('*', '*', some('group'))], [wanted])).toEqual([])
    expect(uncovered([...held, allow('*', '*', some('group', 2))], [wanted])).toEqual([
      allow('verb9999', 'resource0', 'group0', 'name0'),
      allow('verb9999', 'resource0', 'group1', 'name0'),
    ])
    expect(uncovered([], [wanted])).toHaveLength(1000)
  })

  it('shows what is missing with the verbs of one resource together', () => {
    const missing = uncovered([], [allow('get list', 'pods secrets', '', 'a'), allowUrls('get', '/x')])
    expect(compacted(missing).map(ruleText)).toEqual([
      '{NonResourceURLs:["/x"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}',
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get" "list"]}',
    ])
  })
})
