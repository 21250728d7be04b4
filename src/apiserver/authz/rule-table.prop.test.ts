import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PolicyRule } from '#api/rbac/v1.ts'
import type { Attributes } from '../user.ts'
import { ruleAllows } from '#api/rbac/policy-rule.ts'
import { uncovered } from './rule-coverage.ts'
import { RuleTable } from './rule-table.ts'

const some = <T>(...values: T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
const paths = ['/', '/api', '/api/v1', '/apis', '/metrics', '/healthz/etcd']

const resourceRule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    verbs: some('get', 'list', 'create', '*'),
    apiGroups: some('', 'apps', '*'),
    resources: some('pods', 'pods/log', '*/log', '*', 'deployments', '*/scale', 'deployments/scale'),
    resourceNames: some('a', 'b'),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
)
const urlRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some('get', 'post', '*'),
  nonResourceURLs: some('*', '/*', '/api*', '/api/*', ...paths),
})
const rules = fc.array(fc.oneof(resourceRule, urlRule), { maxLength: 6 })

const user = { name: 'u', groups: [] }
const resourceRequest: fc.Arbitrary<Attributes> = fc.record({
  user: fc.constant(user),
  verb: fc.constantFrom('get', 'list', 'create', 'delete'),
  group: fc.constantFrom('', 'apps', 'batch'),
  version: fc.constant('v1'),
  resource: fc.constantFrom('pods', 'deployments', '*', 'log'),
  subresource: fc.constantFrom('', 'log', 'scale', '*'),
  namespace: fc.constantFrom('', 'ns'),
  name: fc.constantFrom('', 'a', 'b', 'c'),
})
const pathRequest: fc.Arbitrary<Attributes> = fc.record({
  user: fc.constant(user),
  verb: fc.constantFrom('get', 'post'),
  group: fc.constant(''),
  version: fc.constant(''),
  resource: fc.constant(''),
  subresource: fc.constant(''),
  namespace: fc.constant(''),
  name: fc.constant(''),
  path: fc.constantFrom(...paths, '/api/v1/x', ''),
})
const requests = fc.oneof(resourceRequest, pathRequest)

const isAllowed = (held: readonly PolicyRule[], request: Attributes) => held.some((rule) => ruleAllows(rule, request))

describe('a table of rules', () => {
  it('says what its rules say one by one', () => {
    fc.assert(
      fc.property(rules, requests, (held, request) => {
        const table = new RuleTable()
        for (const rule of held) table.add(rule, { allowed: true, reason: '' })
        expect(table.find(request) !== undefined).toBe(isAllowed(held, request))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('rules that are covered', () => {
  it('allow nothing that those that cover them do not', () => {
    fc.assert(
      fc.property(rules, rules, requests, (held, wanted, request) => {
        fc.pre(uncovered(held, wanted).length === 0 && isAllowed(wanted, request))
        expect(isAllowed(held, request)).toBe(true)
      }),
      { numRuns: 300, maxSkipsPerRun: 10_000 },
    )
  })
})
