import { describe, expect, it } from 'vitest'
import { JsonPath, JsonPathError } from './json-path.ts'

const object = {
  spec: { replicas: 3, names: ['a', 'b', 'c'], 'dotted.name': 'd', nested: { names: { x: 1 } } },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', count: 2 },
      { type: 'Synced', status: 'False', count: 5 },
      { type: 'it(s)', status: 'Odd' },
    ],
  },
}
const found = (path: string) => new JsonPath(path).find(object)

describe('a JSON path', () => {
  it.each([
    ['.spec.replicas', [3]],
    ['$.spec.replicas', [3]],
    ['.spec.missing.deeper', []],
    ['.spec.replicas.deeper', []],
    ['.spec.dotted\\.name', ['d']],
    [".spec['replicas']", [3]],
    [".spec['dotted\\.name']", ['d']],
    ['.spec.names[0]', ['a']],
    ['.spec.names[-1]', ['c']],
    ['.spec.names[1:]', ['b', 'c']],
    ['.spec.names[:2]', ['a', 'b']],
    ['.spec.names[0:3:2]', ['a', 'c']],
    ['.spec.names[*]', ['a', 'b', 'c']],
    ['.spec.names[0,2]', ['a', 'c']],
    ['.spec.nested.*', [{ x: 1 }]],
    ['.status.conditions[*].type', ['Ready', 'Synced', 'it(s)']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type == 'Synced')].status", ['False']],
    ['.status.conditions[?(@.type=="it(s)")].status', ['Odd']],
    ['.status.conditions[?(@.count>2)].type', ['Synced']],
    ['.status.conditions[?(@.count<=2)].type', ['Ready']],
    ['.status.conditions[?(@.count)].type', ['Ready', 'Synced']],
    ['.status.conditions[?(@.type!="Ready")].type', ['Synced', 'it(s)']],
    ['..x', [1]],
    ['..names', [['a', 'b', 'c'], { x: 1 }]],
  ])('%s', (path, values) => expect(found(path)).toEqual(values))

  it.each(['.a[', '.a[x]', '.a[?(@.b', '.a[?(@.b)', '....a', 'range', '^', "'open"])('cannot be %s', (path) => {
    expect(() => new JsonPath(path)).toThrow(JsonPathError)
  })

  it.each(['.spec.names[7]', '.spec.replicas[0]', '.spec[?(@.a==1)]', '.status.conditions[?(@.count=="x")]'])(
    'does not go with the object: %s',
    (path) => {
      expect(() => found(path)).toThrow(JsonPathError)
    },
  )
})
