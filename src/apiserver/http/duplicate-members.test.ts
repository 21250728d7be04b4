import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countMembers } from '#base/json.ts'
import { duplicateMembers } from './duplicate-members.ts'

const find = (text: string) => duplicateMembers(text, countMembers(JSON.parse(text), 1000, 1e6))

describe('duplicate members', () => {
  it.each([
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"a" : 1,"a":2}', ['a']],
    ['{"a"\n:\t1 , "a"\n:2}', ['a']],
    ['{"a":{"b":1,"b":2},"c":[{"d":1},{"d":1,"d":2}]}', ['a.b', 'c[1].d']],
    ['[{"a":1,"a":2}]', ['[0].a']],
    ['{"a":{"b":1},"c":{"b":1}}', []],
    ['{"a":"\\":","b":"x\\":y"}', []],
    ['{"a":"\\":","a":"\\\\"}', ['a']],
    ['{"\\u0061":1,"a":2}', ['a']],
    ['{"":1,"":2}', ['']],
    ['{"a":{"a":{"a":1}}}', []],
    ['[[],{},[{}],"a",1]', []],
  ])('of %s', (text, expected) => {
    expect(find(text)).toEqual(expected)
  })

  it('are found wherever they are put, and only there', () => {
    const tree = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.constantFrom('1', '"\\":"', 'null'), tie('object'), tie('list')),
      list: fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(',')}]`),
      object: fc
        .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', ' ', '\n'), tie('value')), { maxLength: 4 })
        .map(
          (members) =>
            `{${members.map(([key, space, value]) => `"${key}"${space}:${space}${String(value)}`).join(',')}}`,
        ),
    }))
    /** How many members the text has, against how many its value has: the reviver sees only those that are left. */
    const written = (text: string) => (text.replace(/"\\":"/g, '1').match(/"[abc]"\s*:/g) ?? []).length
    fc.assert(
      fc.property(tree.object as fc.Arbitrary<string>, (text) => {
        expect(find(text).length > 0).toBe(written(text) > countMembers(JSON.parse(text), 1000, 1e6))
      }),
      { numRuns: 500 },
    )
  })
})
