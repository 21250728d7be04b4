/** Facts of custom resources, whose schemas say what belongs together. */
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import { apply, create, type Fact, get, merge } from './fact.ts'

const string = { type: 'string' }
const list = (type: string, items: object, more: object = {}) => ({
  type: 'array',
  'x-kubernetes-list-type': type,
  items,
  ...more,
})
const members = { name: string, protocol: { type: 'string', default: 'TCP' }, port: { type: 'integer' } }
const keys = { 'x-kubernetes-list-map-keys': ['name', 'protocol'] }

const spec = {
  type: 'object',
  properties: {
    text: string,
    number: { type: 'integer' },
    given: { type: 'string', default: 'x' },
    nullable: { type: 'string', nullable: true },
    replicas: { type: 'integer' },
    plain: { type: 'array', items: string },
    set: list('set', string),
    map: list('map', { type: 'object', required: ['name'], properties: members }, keys),
    whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: string },
    labels: { type: 'object', additionalProperties: string },
    either: { 'x-kubernetes-int-or-string': true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    object: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  },
}
const status = { type: 'object', properties: { replicas: { type: 'integer' }, phase: string } }
const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } }
const subresources = {
  status: {},
  scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
}

export const thingDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.facts.example.com' },
  spec: {
    group: 'facts.example.com',
    names: { plural: 'things', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [
      { name: 'v1', served: true, storage: true, schema, subresources },
      { name: 'v2', served: true, storage: false, schema, subresources },
    ],
  },
} as unknown as CustomResourceDefinition

const things = { path: '/apis/facts.example.com/v1/namespaces/NS/things', kind: 'Thing' }
const shows = (object: { spec?: unknown }) => object.spec

export const custom: readonly Fact[] = [
  {
    ...things,
    title: 'A schema says what is owned as one',
    name: 'shapes',
    shows,
    steps: [
      create(
        'one',
        {
          spec: {
            text: '1',
            plain: ['1'],
            set: ['x'],
            map: [{ name: 'p', port: 1 }],
            whole: { q: '1' },
            labels: { l: '1' },
            either: 5,
            free: { x: { y: [1, { z: 2 }] } },
            object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'u', labels: { q: '1' } }, spec: { c: [1] } },
          },
        },
        [
          '201 {"either":5,"free":{"x":{"y":[1,{"z":2}]}},"given":"x","labels":{"l":"1"},"map":[{"name":"p","port":1,"protocol":"TCP"}],"object":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"q":"1"},"name":"u"},"spec":{"c":[1]}},"plain":["1"],"set":["x"],"text":"1","whole":{"q":"1"}}',
          'one Update facts.example.com/v1: spec{. either free{. x{. y}} given labels{. l} map{. [name="p",protocol="TCP"]{. name port protocol}} object{. apiVersion kind metadata{. labels{. q} name} spec{. c}} plain set{. ="x"} text whole}',
        ],
      ),
      merge(
        'two',
        {
          spec: {
            free: { x: { w: 1 } },
            set: ['x', 'z'],
            labels: { l: null, m: '2' },
            whole: { r: '1' },
            nullable: null,
          },
        },
        [
          '200 {"either":5,"free":{"x":{"w":1,"y":[1,{"z":2}]}},"given":"x","labels":{"m":"2"},"map":[{"name":"p","port":1,"protocol":"TCP"}],"object":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"q":"1"},"name":"u"},"spec":{"c":[1]}},"plain":["1"],"set":["x","z"],"text":"1","whole":{"q":"1","r":"1"}}',
          'one Update facts.example.com/v1: spec{. either free{. x{. y}} given labels map{. [name="p",protocol="TCP"]{. name port protocol}} object{. apiVersion kind metadata{. labels{. q} name} spec{. c}} plain set{. ="x"} text}',
          'two Update facts.example.com/v1: spec{free{x{w}} labels{m} set{="z"} whole}',
        ],
      ),
      merge(
        'four',
        { spec: { text: '9' }, status: { phase: 'x' }, metadata: { labels: { l: '1' } } },
        [
          '200 {"either":5,"free":{"x":{"w":1,"y":[1,{"z":2}]}},"given":"x","labels":{"m":"2"},"map":[{"name":"p","port":1,"protocol":"TCP"}],"object":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"q":"1"},"name":"u"},"spec":{"c":[1]}},"plain":["1"],"set":["x","z"],"text":"1","whole":{"q":"1","r":"1"}}',
          'four/status Update facts.example.com/v1: status{. phase}',
        ],
        { subresource: 'status' },
      ),
    ],
  },
  {
    ...things,
    title: 'Custom resources are applied like all others',
    name: 'applied',
    shows,
    steps: [
      apply(
        'one',
        {
          spec: {
            text: '1',
            set: ['x'],
            map: [{ name: 'p', port: 1 }],
            labels: { l: '1' },
            free: { x: { y: 1 } },
            whole: { a: '1' },
          },
        },
        [
          '201 {"free":{"x":{"y":1}},"given":"x","labels":{"l":"1"},"map":[{"name":"p","port":1,"protocol":"TCP"}],"set":["x"],"text":"1","whole":{"a":"1"}}',
          'one Apply facts.example.com/v1: spec{free{x{. y}} labels{l} map{[name="p",protocol="TCP"]{. name port}} set{="x"} text whole}',
        ],
      ),
      apply(
        'two',
        {
          spec: {
            text: '1',
            set: ['y'],
            map: [{ name: 'p', protocol: 'UDP' }],
            labels: { k: '1' },
            free: { x: { z: 1 } },
          },
        },
        [
          '200 {"free":{"x":{"y":1,"z":1}},"given":"x","labels":{"k":"1","l":"1"},"map":[{"name":"p","port":1,"protocol":"TCP"},{"name":"p","protocol":"UDP"}],"set":["x","y"],"text":"1","whole":{"a":"1"}}',
          'two Apply facts.example.com/v1: spec{free{x{. z}} labels{k} map{[name="p",protocol="UDP"]{. name protocol}} set{="y"} text}',
        ],
      ),
      apply('one', { spec: { set: ['x'], map: [{ name: 'p', port: 2 }] } }, [
        '200 {"free":{"x":{"z":1}},"given":"x","labels":{"k":"1"},"map":[{"name":"p","port":2,"protocol":"TCP"},{"name":"p","protocol":"UDP"}],"set":["x","y"],"text":"1"}',
        'one Apply facts.example.com/v1: spec{map{[name="p",protocol="TCP"]{. name port}} set{="x"}}',
      ]),
      apply('two', { spec: { text: '3', map: [{ name: 'p', port: 3 }] } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.map[name="p",protocol="TCP"].port',
        'FieldManagerConflict .spec.map[name="p",protocol="TCP"].port: conflict with "one"',
      ]),
      apply(
        'two',
        { spec: { text: '3', map: [{ name: 'p', port: 3 }], nullable: null } },
        [
          '200 {"given":"x","map":[{"name":"p","port":3,"protocol":"TCP"}],"nullable":null,"set":["x"],"text":"3"}',
          'one Apply facts.example.com/v1: spec{map{[name="p",protocol="TCP"]{. name}} set{="x"}}',
          'two Apply facts.example.com/v1: spec{map{[name="p",protocol="TCP"]{. name port}} nullable text}',
        ],
        { force: true },
      ),
      apply('two', { spec: { unknown: 1 } }, [
        '500 : failed to create typed patch object (/applied; facts.example.com/v1, Kind=Thing): .spec.unknown: field not declared in schema',
      ]),
      apply('two', { spec: { text: 5 } }, [
        '500 : failed to create typed patch object (/applied; facts.example.com/v1, Kind=Thing): .spec.text: expected string, got &value.valueUnstructured{Value:5}',
      ]),
      apply('two', { spec: { set: ['q', 'q'] } }, [
        '500 : failed to create typed patch object (/applied; facts.example.com/v1, Kind=Thing): .spec.set: duplicate entries for key [="q"]',
      ]),
      apply('two', { spec: { map: [{ port: 1 }] } }, [
        '422 Invalid: Thing.facts.example.com "applied" is invalid: spec.map[1].name: Required value',
      ]),
      apply(
        'three',
        { status: { phase: 'p' } },
        [
          '200 {"given":"x","map":[{"name":"p","port":3,"protocol":"TCP"}],"nullable":null,"set":["x"],"text":"3"}',
          'three/status Apply facts.example.com/v1: status{phase}',
        ],
        { subresource: 'status' },
      ),
      merge('four', { spec: { replicas: 4 } }, ['200 {"replicas":4}'], { subresource: 'scale' }),
      apply('five', { spec: { replicas: 9 } }, [
        '200 {"given":"x","map":[{"name":"p","port":3,"protocol":"TCP"}],"nullable":null,"replicas":9,"set":["x"],"text":"3"}',
        'five Apply facts.example.com/v1: spec{replicas}',
      ]),
    ],
  },
  {
    ...things,
    title: 'Custom resources have versions, too',
    name: 'versions',
    shows,
    steps: [
      apply('one', { spec: { text: '1', number: 1 } }, [
        '201 {"given":"x","number":1,"text":"1"}',
        'one Apply facts.example.com/v1: spec{number text}',
      ]),
      apply(
        'two',
        { spec: { text: '2', set: ['x'] } },
        [
          '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.text',
          'FieldManagerConflict .spec.text: conflict with "one"',
        ],
        { version: 'v2' },
      ),
      apply(
        'two',
        { spec: { text: '2', set: ['x'] } },
        [
          '200 {"given":"x","number":1,"set":["x"],"text":"2"}',
          'one Apply facts.example.com/v1: spec{number}',
          'two Apply facts.example.com/v2: spec{set{="x"} text}',
        ],
        { version: 'v2', force: true },
      ),
      apply(
        'one',
        { spec: { number: 1 } },
        [
          '200 {"given":"x","number":1,"set":["x"],"text":"2"}',
          'one Apply facts.example.com/v2: spec{number}',
          '- one Apply facts.example.com/v1',
        ],
        { version: 'v2' },
      ),
      merge(
        'three',
        { spec: { number: 7 } },
        [
          '200 {"given":"x","number":7,"set":["x"],"text":"2"}',
          'three Update facts.example.com/v2: spec{number}',
          '- one Apply facts.example.com/v2',
        ],
        { version: 'v2' },
      ),
      merge('three', { spec: { number: 8 } }, [
        '200 {"given":"x","number":8,"set":["x"],"text":"2"}',
        'three Update facts.example.com/v1: spec{number}',
        '- three Update facts.example.com/v2',
      ]),
      get(['200 {"given":"x","number":8,"set":["x"],"text":"2"}']),
    ],
  },
  {
    ...things,
    title: 'A null is applied where the schema has a use for it, and nowhere else',
    name: 'nulls',
    shows,
    steps: [
      apply('one', { spec: { number: null, text: '1' } }, [
        '422 Invalid: Thing.facts.example.com "nulls" is invalid: spec.number: Invalid value: "null": spec.number in body must be of type integer: "null"',
      ]),
      apply('one', { spec: { given: null, nullable: null, text: '1' } }, [
        '201 {"given":"x","nullable":null,"text":"1"}',
        'one Apply facts.example.com/v1: spec{given nullable text}',
      ]),
      merge('two', { spec: { number: null, map: [{ name: 'p', port: null }], set: ['x'] } }, [
        '200 {"given":"x","map":[{"name":"p","protocol":"TCP"}],"nullable":null,"set":["x"],"text":"1"}',
        'two Update facts.example.com/v1: spec{map{. [name="p",protocol="TCP"]{. name protocol}} set{. ="x"}}',
      ]),
    ],
  },
  {
    ...things,
    title: 'What is empty in metadata is nothing',
    name: 'empty',
    shows: ({ metadata: { labels, annotations, finalizers } }) => ({ labels, annotations, finalizers }),
    steps: [
      create('one', { metadata: { name: 'empty', labels: {}, finalizers: [] }, spec: { text: '1' } }, [
        '201 {}',
        'one Update facts.example.com/v1: spec{. given text}',
      ]),
      merge('two', { metadata: { labels: { a: null }, annotations: {}, managedFields: [] } }, ['200 {}']),
      apply('three', { metadata: { labels: { a: null } } }, [
        '200 {"labels":{"a":""}}',
        'three Apply facts.example.com/v1: metadata{labels{a}}',
      ]),
      merge('two', { metadata: { managedFields: [{}] } }, [
        '200 {"labels":{"a":""}}',
        '- one Update facts.example.com/v1',
        '- three Apply facts.example.com/v1',
      ]),
    ],
  },
  {
    ...things,
    title: 'What nobody has scaled can be scaled to nothing',
    name: 'scaled',
    shows,
    steps: [
      create('one', { spec: { text: '1' } }, undefined),
      merge(
        'two',
        { metadata: { labels: { a: '1' } } },
        ['400 BadRequest: the spec replicas field ".spec.replicas" cannot be empty'],
        {
          subresource: 'scale',
        },
      ),
      merge('two', { spec: { replicas: 0 } }, ['200 {}'], { subresource: 'scale' }),
      get(['200 {"given":"x","replicas":0,"text":"1"}']),
      merge('two', { spec: { replicas: 2 } }, ['200 {"replicas":2}'], { subresource: 'scale' }),
      merge('two', { spec: null }, ['200 {}'], { subresource: 'scale' }),
    ],
  },
]
