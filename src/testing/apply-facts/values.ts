/** Facts of objects that are little more than maps of values. */
import { apply, create, type Fact, get, json, merge, strategic, update } from './fact.ts'

const configMaps = { path: '/api/v1/namespaces/NS/configmaps', kind: 'ConfigMap' }
const data = (object: { data?: unknown }) => object.data

export const values: readonly Fact[] = [
  {
    ...configMaps,
    title: 'Fields are owned by who applies them, until nobody does any more',
    name: 'applied',
    shows: data,
    steps: [
      apply('one', { data: { x: '1', y: '1' } }, ['201 {"x":"1","y":"1"}', 'one Apply v1: data{x y}']),
      apply('one', { data: { x: '1', y: '1' } }, ['200 {"x":"1","y":"1"}']),
      apply('one', { data: { x: '2' } }, ['200 {"x":"2"}', 'one Apply v1: data{x}']),
      apply('two', { data: { x: '2' } }, ['200 {"x":"2"}', 'two Apply v1: data{x}']),
      apply('two', { data: { x: '3' } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .data.x',
        'FieldManagerConflict .data.x: conflict with "one"',
      ]),
      apply(
        'two',
        { data: { x: '3', z: '1' } },
        ['200 {"x":"3","z":"1"}', 'two Apply v1: data{x z}', '- one Apply v1'],
        { force: true },
      ),
      apply('one', {}, ['200 {"x":"3","z":"1"}']),
      apply('two', {}, ['200', '- two Apply v1']),
    ],
  },
  {
    ...configMaps,
    title: 'Who updates owns what it changes',
    name: 'updated',
    shows: data,
    steps: [
      create('one', { data: { x: '1' }, metadata: { labels: { l: '1' } } }, [
        '201 {"x":"1"}',
        'one Update v1: data{. x} metadata{labels{. l}}',
      ]),
      merge('two', { data: { y: '1', x: null } }, [
        '200 {"y":"1"}',
        'one Update v1: data metadata{labels{. l}}',
        'two Update v1: data{y}',
      ]),
      json(
        'three',
        [{ op: 'add', path: '/data/z', value: '1' }],
        ['200 {"y":"1","z":"1"}', 'three Update v1: data{z}'],
      ),
      strategic('four', { data: { y: '2' }, metadata: { annotations: { a: '1' } } }, [
        '200 {"y":"2","z":"1"}',
        'four Update v1: data{y} metadata{annotations{. a}}',
        '- two Update v1',
      ]),
      update('five', { data: { z: '1', y: '2' } }, [
        '200 {"y":"2","z":"1"}',
        'four Update v1: data{y}',
        'one Update v1: data',
      ]),
      update('five', { data: { z: '1', y: '2' } }, ['200 {"y":"2","z":"1"}']),
      apply('six', { data: { z: '2', y: '2' } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "three" using v1: .data.z',
        'FieldManagerConflict .data.z: conflict with "three" using v1',
      ]),
      merge('six', { data: { z: '5' } }, ['200 {"y":"2","z":"5"}', 'six Update v1: data{z}', '- three Update v1']),
      apply('six', { data: { z: '5' } }, ['200 {"y":"2","z":"5"}', 'six Apply v1: data{z}'], { force: true }),
      get(['200 {"y":"2","z":"5"}']),
    ],
  },
  {
    ...configMaps,
    title: 'Whoever can no longer be known owns what was there before the first apply',
    name: 'forgotten',
    shows: data,
    steps: [
      create('one', { data: { x: '1', y: '1' } }, ['201 {"x":"1","y":"1"}', 'one Update v1: data{. x y}']),
      update('one', { data: { x: '1', y: '1' }, metadata: { managedFields: [{}] } }, [
        '200 {"x":"1","y":"1"}',
        '- one Update v1',
      ]),
      merge('two', { data: { y: '2' } }, ['200 {"x":"1","y":"2"}']),
      apply('three', { data: { x: '1', z: '1' } }, [
        '200 {"x":"1","y":"2","z":"1"}',
        'before-first-apply Update v1: data{. x y}',
        'three Apply v1: data{x z}',
      ]),
      apply('three', { data: { x: '2', z: '1' } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x',
        'FieldManagerConflict .data.x: conflict with "before-first-apply" using v1',
      ]),
      merge('two', { metadata: { managedFields: [] } }, [
        '200 {"x":"1","y":"2","z":"1"}',
        '- before-first-apply Update v1',
        '- three Apply v1',
      ]),
      apply('three', { data: { x: '1' } }, [
        '200 {"x":"1","y":"2","z":"1"}',
        'before-first-apply Update v1: data{. x y z}',
        'three Apply v1: data{x}',
      ]),
    ],
  },
  {
    ...configMaps,
    title: 'Who owns what can be said, in so far as it makes sense',
    name: 'claimed',
    shows: data,
    steps: [
      create('one', { data: { x: '1' }, metadata: { managedFields: [owner('two', { 'f:data': { 'f:x': {} } })] } }, [
        '201 {"x":"1"}',
        'one Update v1: data{. x}',
      ]),
      update(
        'one',
        { data: { x: '1' }, metadata: { managedFields: [owner('three', { 'f:data': { 'f:x': {}, 'f:q': {} } })] } },
        ['200 {"x":"1"}', 'three Update v1: data{q x}', '- one Update v1'],
      ),
      json(
        'one',
        [{ op: 'replace', path: '/metadata/managedFields/0/manager', value: 'four' }],
        ['200 {"x":"1"}', 'four Update v1: data{q x}', '- three Update v1'],
      ),
      update('one', { data: { x: '1' }, metadata: { managedFields: [{ ...owner('x', {}), operation: 'Sing' }] } }, [
        '200 {"x":"1"}',
      ]),
      update(
        'one',
        { data: { x: '1' }, metadata: { managedFields: [{ ...owner('x', {}), fieldsType: 'FieldsV2' }] } },
        ['200 {"x":"1"}'],
      ),
      update('one', { data: { x: '1' }, metadata: { managedFields: [owner('x', { what: {} })] } }, ['200 {"x":"1"}']),
      update('one', { data: { x: '1' }, metadata: { managedFields: [owner('x'.repeat(129), {})] } }, [
        '200 {"x":"1"}',
        '- four Update v1',
      ]),
      apply('five', { data: { x: '1' }, metadata: { managedFields: [owner('x', {})] } }, [
        '400 BadRequest: metadata.managedFields must be nil',
      ]),
    ],
  },
  {
    ...configMaps,
    title: 'A null is a value that is not there',
    name: 'nulls',
    shows: data,
    steps: [
      apply('one', { data: null }, ['201', 'one Apply v1: data']),
      apply('one', { data: {} }, ['200']),
      apply('one', { data: { x: '1' } }, ['200 {"x":"1"}', 'one Apply v1: data{x}']),
      apply('one', { data: null }, ['200', 'one Apply v1: data']),
      apply('one', { data: { x: null } }, ['200 {"x":""}', 'one Apply v1: data{x}']),
    ],
  },
  {
    ...configMaps,
    title: 'What is applied may say which object it is meant for',
    name: 'meant',
    shows: data,
    steps: [
      apply('one', { data: {}, metadata: { uid: 'a' } }, [
        '409 Conflict: Operation cannot be fulfilled on configmaps "meant": uid mismatch: the provided object specified uid a, and no existing object was found',
      ]),
      apply('one', { data: {}, metadata: { resourceVersion: '1' } }, ['201', 'one Apply v1: data']),
      apply('one', { data: {} }, ['200']),
      apply('one', { data: { x: '1' }, metadata: { uid: 'a' } }, [
        '422 Invalid: ConfigMap "meant" is invalid: metadata.uid: Invalid value: "a": field is immutable',
      ]),
      apply('one', { data: { x: '1' }, metadata: { resourceVersion: '1' } }, [
        '409 Conflict: Operation cannot be fulfilled on configmaps "meant": the object has been modified; please apply your changes to the latest version and try again',
      ]),
      apply('one', { data: { x: '1' }, metadata: { name: 'other' } }, [
        '400 BadRequest: the name of the object (other) does not match the name on the URL (meant)',
      ]),
      apply('one', { data: { x: '1' }, metadata: { namespace: 'other' } }, [
        '400 BadRequest: the namespace of the provided object does not match the namespace sent on the request',
      ]),
      apply('one', { kind: 'Secret', data: { x: '1' } }, ['400 BadRequest: invalid object type: /v1, Kind=Secret']),
      apply('one', { kind: null, data: { x: '1' } }, ['400 BadRequest: invalid object type: /v1, Kind=']),
      apply('one', { apiVersion: 'v2', data: { x: '1' } }, [
        '400 BadRequest: invalid object type: /v2, Kind=ConfigMap',
      ]),
      apply('one', { apiVersion: null, data: { x: '1' } }, ['400 BadRequest: invalid object type: /, Kind=ConfigMap']),
      apply('one', { data: { x: 1 } }, [
        '500 : failed to create typed patch object (/meant; /v1, Kind=ConfigMap): .data.x: expected string, got &value.valueUnstructured{Value:1}',
      ]),
      apply('one', { data: { x: '1' }, colour: 'red' }, [
        '500 : failed to create typed patch object (/meant; /v1, Kind=ConfigMap): .colour: field not declared in schema',
      ]),
      apply('', { data: { x: '1' } }, [
        '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      ]),
      apply('n'.repeat(129), { data: { x: '1' } }, [
        '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
      ]),
      merge(
        'one',
        { data: { x: '1' } },
        [
          '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
        ],
        { force: true },
      ),
      apply('one', { data: { x: '1' } }, ['200 {"x":"1"}', 'one Apply v1: data{x}'], { query: 'dryRun=All' }),
      get(['200', 'one Apply v1: data']),
    ],
  },
  {
    ...configMaps,
    title: 'Members of sets and lists of objects are owned one by one',
    name: 'members',
    shows: ({ metadata }: { metadata: { finalizers?: unknown; ownerReferences?: { name: string }[] } }) => [
      metadata.finalizers,
      metadata.ownerReferences?.map(({ name }) => name),
    ],
    steps: [
      apply('one', { metadata: { finalizers: ['x.io/a', 'x.io/b'], ownerReferences: [reference('a')] } }, [
        '201 [["x.io/a","x.io/b"],["a"]]',
        'one Apply v1: metadata{finalizers{="x.io/a" ="x.io/b"} ownerReferences{[uid="uid-a"]}}',
      ]),
      apply('two', { metadata: { finalizers: ['x.io/c', 'x.io/b'], ownerReferences: [reference('b')] } }, [
        '200 [["x.io/a","x.io/c","x.io/b"],["a","b"]]',
        'two Apply v1: metadata{finalizers{="x.io/b" ="x.io/c"} ownerReferences{[uid="uid-b"]}}',
      ]),
      apply('two', { metadata: { ownerReferences: [{ ...reference('a'), name: 'z' }] } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .metadata.ownerReferences[uid="uid-a"]',
        'FieldManagerConflict .metadata.ownerReferences[uid="uid-a"]: conflict with "one"',
      ]),
      apply('one', { metadata: { finalizers: ['x.io/b', 'x.io/b'] } }, [
        '500 : failed to create typed patch object (/members; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for key [="x.io/b"]',
      ]),
      apply('one', { metadata: { finalizers: ['x.io/b'], ownerReferences: [reference('a'), reference('a')] } }, [
        '500 : failed to create typed patch object (/members; /v1, Kind=ConfigMap): .metadata.ownerReferences: duplicate entries for key [uid="uid-a"]',
      ]),
      apply('one', { metadata: { finalizers: ['x.io/d'] } }, [
        '200 [["x.io/c","x.io/b","x.io/d"],["b"]]',
        'one Apply v1: metadata{finalizers{="x.io/d"}}',
      ]),
      apply('two', {}, ['200 [["x.io/d"],null]', '- two Apply v1']),
      merge('three', { metadata: { finalizers: null } }, ['200 [null,null]', '- one Apply v1']),
    ],
  },
]

function owner(manager: string, fieldsV1: object) {
  return { manager, operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 }
}

function reference(name: string) {
  return { apiVersion: 'v1', kind: 'Node', name, uid: `uid-${name}` }
}
