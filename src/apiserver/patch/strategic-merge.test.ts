import { describe, expect, it } from 'vitest'
import { f, type Message, message, selfField } from '#api/schema.ts'
import { strategicMerge } from './strategic-merge.ts'

/** One field for each way of merging. */
const Item: Message = message('test.Item', '', {
  name: f.string(1, ''),
  value: f.string(2, ''),
  other: f.string(3, ''),
  items: selfField('list', 4, '').merge('name'),
  atomicItems: selfField('list', 5, ''),
  numbers: f.list('int32', 6, '').merge(),
  atomicNumbers: f.list('int32', 7, ''),
  labels: f.mapOf('string', 8, ''),
  union: selfField('one', 9, '').retainKeys(),
  unions: selfField('list', 10, '').merge('name').retainKeys(),
  replaced: f.object(11, '').replace(),
})

type Json = Record<string, unknown>
type Case = readonly [does: string, original: Json, patch: Json, result: Json]

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name): Json => ({ name })) as [Json, Json, Json, Json]

const cases: readonly Case[] = [
  ['adds a field', { name: 'x' }, { value: 'v' }, { name: 'x', value: 'v' }],
  ['changes a field', { value: 'v' }, { value: 'w' }, { value: 'w' }],
  ['removes a field by null', { name: 'x', value: 'v' }, { value: null }, { name: 'x' }],
  ['lets a null for an absent field pass', { name: 'x' }, { value: null }, { name: 'x' }],
  ['merges maps', { labels: { p: '1', q: '2' } }, { labels: { q: null, r: '3' } }, { labels: { p: '1', r: '3' } }],
  ['drops nulls of a map that was not there', {}, { labels: { p: '1', q: null } }, { labels: { p: '1' } }],
  ['empties a map by $patch delete', { labels: { p: '1' } }, { labels: { $patch: 'delete' } }, { labels: {} }],
  [
    'replaces a map by $patch replace',
    { labels: { p: '1' } },
    { labels: { $patch: 'replace', q: '2' } },
    { labels: { q: '2' } },
  ],
  [
    'replaces all by $patch replace at the top',
    { name: 'x', value: 'v' },
    { $patch: 'replace', name: 'y' },
    { name: 'y' },
  ],
  ['lets a directive for an absent map pass', {}, { labels: { $patch: 'delete' } }, {}],
  ['replaces a map whose strategy says so', { replaced: { p: 1 } }, { replaced: { q: 2 } }, { replaced: { q: 2 } }],
  ['takes a value of another type', { labels: { p: '1' } }, { labels: 'text' }, { labels: 'text' }],

  ['replaces a list without a strategy', { atomicItems: [a, b] }, { atomicItems: [c] }, { atomicItems: [c] }],
  ['replaces a list of scalars', { atomicNumbers: [1, 2] }, { atomicNumbers: [3] }, { atomicNumbers: [3] }],
  ['adds scalars in front', { numbers: [1, 2] }, { numbers: [3] }, { numbers: [3, 1, 2] }],
  ['adds no scalar twice', { numbers: [1, 2] }, { numbers: [2, 3] }, { numbers: [1, 2, 3] }],
  [
    'removes scalars by $deleteFromPrimitiveList',
    { numbers: [1, 2, 3] },
    { '$deleteFromPrimitiveList/numbers': [2, 4] },
    { numbers: [1, 3] },
  ],
  [
    'removes scalars from a list without a strategy too',
    { atomicNumbers: [1, 2] },
    { '$deleteFromPrimitiveList/atomicNumbers': [2] },
    { atomicNumbers: [1] },
  ],
  [
    'lets the removal from what is no list pass, and one that is no list',
    { name: 'x', numbers: [1] },
    { '$deleteFromPrimitiveList/name': ['x'], '$deleteFromPrimitiveList/numbers': 1 },
    { name: 'x', numbers: [1] },
  ],
  [
    'removes the list where what is to be removed is null',
    { numbers: [1] },
    { '$deleteFromPrimitiveList/numbers': null },
    {},
  ],
  ['makes no list only to remove from it', {}, { '$deleteFromPrimitiveList/numbers': [2] }, {}],

  [
    'merges elements by their key',
    { items: [{ name: 'a', value: '1' }, b] },
    { items: [{ name: 'a', other: '2' }] },
    { items: [{ name: 'a', value: '1', other: '2' }, b] },
  ],
  ['adds an element in front', { items: [a, b] }, { items: [c] }, { items: [c, a, b] }],
  ['puts elements in the order of the patch', { items: [a, b, c] }, { items: [b, a] }, { items: [b, a, c] }],
  [
    'removes an element by $patch delete',
    { items: [a, b, a] },
    { items: [{ ...a, $patch: 'delete' }] },
    { items: [b] },
  ],
  [
    'lets the removal of an absent element pass',
    { items: [a] },
    { items: [{ ...b, $patch: 'delete' }] },
    { items: [a] },
  ],
  ['replaces a list by $patch replace', { items: [a, b] }, { items: [c, { $patch: 'replace' }] }, { items: [c] }],
  ['empties a list by $patch replace', { items: [a, b] }, { items: [{ $patch: 'replace' }] }, { items: [] }],
  [
    'removes a field of an element',
    { items: [{ name: 'a', value: '1' }] },
    { items: [{ name: 'a', value: null }] },
    { items: [a] },
  ],
  [
    'merges lists within elements of lists',
    { items: [{ name: 'a', items: [b, { name: 'c', value: '1' }] }] },
    {
      items: [
        {
          name: 'a',
          items: [
            { name: 'c', value: '2' },
            { ...b, $patch: 'delete' },
          ],
        },
      ],
    },
    { items: [{ name: 'a', items: [{ name: 'c', value: '2' }] }] },
  ],
  [
    'merges elements whose keys are numbers',
    { items: [{ name: 80, value: '1' }, { name: 443 }] },
    { items: [{ name: 443, value: '2' }] },
    {
      items: [
        { name: 80, value: '1' },
        { name: 443, value: '2' },
      ],
    },
  ],
  [
    'takes a whole list where there was none, without its directives',
    {},
    {
      items: [
        { name: 'a', value: null, labels: { $patch: 'replace', p: '1' } },
        { ...b, $patch: 'delete' },
      ],
    },
    { items: [a] },
  ],

  ['sets the order', { items: [a, b, c] }, { '$setElementOrder/items': [c, a, b] }, { items: [c, a, b] }],
  [
    'sets the order of what is merged',
    { items: [a, b] },
    { '$setElementOrder/items': [a, c, b], items: [c] },
    { items: [a, c, b] },
  ],
  [
    'keeps elements that only the server has in their place',
    { items: [a, d, b] },
    { '$setElementOrder/items': [a, b, c], items: [c] },
    { items: [a, d, b, c] },
  ],
  [
    'keeps elements that only the server has as near to their place as can be',
    { items: [a, b, c, d] },
    { '$setElementOrder/items': [c, a] },
    { items: [b, c, a, d] },
  ],
  [
    'lets absent elements of an order pass',
    { items: [a, c] },
    { '$setElementOrder/items': [c, b, a] },
    { items: [c, a] },
  ],
  [
    'sets the order of scalars',
    { numbers: [1, 2, 3] },
    { '$setElementOrder/numbers': [3, 1, 2] },
    { numbers: [3, 1, 2] },
  ],
  [
    'sets the order, adds and removes at once',
    { numbers: [1, 2, 3] },
    { '$setElementOrder/numbers': [3, 4, 1], '$deleteFromPrimitiveList/numbers': [2], numbers: [4] },
    { numbers: [3, 4, 1] },
  ],
  ['makes no list only to order it', {}, { '$setElementOrder/items': [a] }, {}],
  ['orders a list that was not there', {}, { '$setElementOrder/items': [b, a], items: [b, a] }, { items: [b, a] }],

  [
    'clears what $retainKeys does not name',
    { union: { name: 'x', value: 'v', other: 'o' } },
    { union: { $retainKeys: ['name', 'value'], value: 'w' } },
    { union: { name: 'x', value: 'w' } },
  ],
  [
    'clears in elements what $retainKeys does not name',
    { unions: [{ name: 'a', value: 'v' }] },
    { unions: [{ $retainKeys: ['name', 'other'], name: 'a', other: 'o' }] },
    { unions: [{ name: 'a', other: 'o' }] },
  ],
  [
    'has no use for the $retainKeys of a new element',
    { unions: [] },
    { unions: [{ $retainKeys: ['name', 'other'], name: 'a', other: 'o' }] },
    { unions: [{ $retainKeys: ['name', 'other'], name: 'a', other: 'o' }] },
  ],

  [
    'keeps what the schema does not know',
    { unknown: [{ p: 1 }], name: 'x' },
    { unknown: [{ q: 2 }] },
    { unknown: [{ q: 2 }], name: 'x' },
  ],
  [
    'takes __proto__ for a name like any other',
    JSON.parse('{"labels":{"__proto__":"1"}}'),
    JSON.parse('{"labels":{"__proto__":"2","constructor":"3"}}'),
    JSON.parse('{"labels":{"__proto__":"2","constructor":"3"}}'),
  ],

  ['takes a null for no directive where nothing was', {}, { labels: { $patch: null, p: '1' } }, { labels: { p: '1' } }],
  [
    'keeps nulls of a new list that it orders',
    {},
    { '$setElementOrder/items': [a], items: [{ ...a, value: null }] },
    { items: [{ ...a, value: null }] },
  ],
  [
    'puts elements of one name side by side',
    { items: [a, b, { ...a, value: 'v' }] },
    { items: [] },
    { items: [a, { ...a, value: 'v' }, b] },
  ],
  [
    'gives new elements the room that removed ones leave',
    { items: [a, b, c] },
    { '$setElementOrder/items': [d], items: [{ ...b, $patch: 'delete' }, d] },
    { items: [a, c, d] },
  ],
  [
    'turns new elements around that an empty order does not name',
    { items: [a] },
    { '$setElementOrder/items': [], items: [c, d] },
    { items: [a, d, c] },
  ],
  [
    'puts new elements in front where none is removed',
    { items: [a, b] },
    { '$setElementOrder/items': [d], items: [d] },
    { items: [d, a, b] },
  ],
]

const refusals: readonly (readonly [what: string, original: Json, patch: Json, code: number, message: string])[] = [
  [
    'an element without its key',
    { items: [a] },
    { items: [{ value: 'v' }] },
    500,
    'map: map[value:v] does not contain declared merge key: name',
  ],
  [
    'the removal of an element without its key',
    { items: [a] },
    { items: [{ $patch: 'delete' }] },
    500,
    'map: map[$patch:delete] does not contain declared merge key: name',
  ],
  [
    'an element that is no object',
    { items: [a] },
    { items: ['a', null] },
    500,
    'list element types are not identical: [[map[name:a]] [a <nil>]]',
  ],
  [
    'a list of lists',
    { items: [] },
    { items: [[1]] },
    422,
    'the server rejected our request due to an error in our request',
  ],
  [
    'an unknown directive',
    { labels: {} },
    { labels: { $patch: 'mix' } },
    500,
    'unknown patch type: mix in map: map[$patch:mix]',
  ],
  [
    'a directive that is no text',
    { labels: {} },
    { labels: { $patch: 5, a: [true] } },
    500,
    'unknown patch type: %!s(int64=5) in map: map[$patch:5 a:[true]]',
  ],
  [
    'an unknown directive of an element',
    { items: [a] },
    { items: [{ ...a, $patch: 'mix' }] },
    500,
    'unknown patch type: mix in map: map[$patch:mix name:a]',
  ],
  [
    'the merging of an element',
    { items: [a] },
    { items: [{ ...a, $patch: 'merge' }] },
    500,
    'merging lists cannot yet be specified in the patch',
  ],
  [
    'a field that $retainKeys does not name',
    { union: {} },
    { union: { $retainKeys: ['name'], value: 'v' } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'a $retainKeys that is no list',
    { union: {} },
    { union: { $retainKeys: 'name' } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'an order that is no list',
    { items: [a] },
    { '$setElementOrder/items': 'a' },
    500,
    'expected a []interface {}, but received a string',
  ],
  [
    'an order of what is no list',
    { items: [a] },
    { '$setElementOrder/items': [], items: { a: 1 } },
    500,
    'expected a []interface {}, but received a map[string]interface {}',
  ],
  ['an order of nothing', {}, { $setElementOrder: ['a'] }, 400, 'invalid patch format of setElementOrder list'],
  [
    'an order of what the type does not have',
    {},
    { '$setElementOrder/bogus': ['a'] },
    500,
    'unable to find api field in struct Item for the json field "bogus"',
  ],
  [
    'an order of a list that is empty',
    { items: [] },
    { '$setElementOrder/items': [a], items: [] },
    500,
    'no elements in any of the given slices',
  ],
  [
    'scalars in a list of objects',
    { items: [] },
    { items: ['a'] },
    500,
    'expected a map[string]interface {}, but received a string',
  ],
  [
    'a directive behind all that the order names',
    { items: [] },
    { '$setElementOrder/items': [a], items: [a, { $patch: 'replace' }] },
    500,
    "The order in patch list:\n[map[name:a] map[$patch:replace]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
  ],
  [
    'an order of elements without a key',
    { items: [a] },
    { '$setElementOrder/items': [{ x: 'a' }] },
    500,
    'map: map[x:a] does not contain declared merge key: name',
  ],
  [
    'an order of what are no objects',
    { items: [a] },
    { '$setElementOrder/items': ['a'] },
    500,
    'value for key 0 is not a map',
  ],
  [
    'a removal from nothing',
    { numbers: [1] },
    { $deleteFromPrimitiveList: [1] },
    400,
    'invalid patch format of primitive list',
  ],
  [
    'a removal of what the list cannot have',
    { numbers: [1] },
    { '$deleteFromPrimitiveList/numbers': [{ a: 1 }] },
    500,
    'list element types are not identical: [[1] [map[a:1]]]',
  ],
  [
    'elements in another order than the one given',
    { items: [a, b] },
    { '$setElementOrder/items': [a, b], items: [b, a] },
    500,
    "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n",
  ],
  [
    'elements that the order given does not name',
    { numbers: [1] },
    { '$setElementOrder/numbers': [1], numbers: [2] },
    500,
    "The order in patch list:\n[2]\n doesn't match $setElementOrder list:\n[1]\n",
  ],
]

describe('a strategic merge patch', () => {
  it.each(cases)('%s', (_does, original, patch, result) => {
    const before = structuredClone([original, patch])
    expect(strategicMerge(original, patch, Item)).toEqual(result)
    expect([original, patch], 'nothing passed in is written to').toEqual(before)
  })

  it.each(refusals)('is refused for %s', (_what, original, patch, code, message) => {
    expect(() => strategicMerge(original, patch, Item)).toThrow(expect.objectContaining({ code, message }))
  })
})
