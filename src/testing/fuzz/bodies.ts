/** Bodies: objects as JSON, YAML and protobuf, patches of every kind, and bytes that are none of these. */
import { dump } from 'js-yaml'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { closeEnvelope, PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import type { Message } from '#api/schema.ts'
import type { Choices } from './choices.ts'

export interface Body {
  readonly contentType: string
  readonly bytes: Buffer
}

/** `type` is that of the protobuf form, which custom resources have none of. */
export interface Content {
  readonly apiVersion: string
  readonly kind: string
  readonly type: Message | undefined
  readonly object: Record<string, unknown>
}

export function bodyOf(choices: Choices, content: Content): Body {
  const value = choices.chance(95) ? content.object : choices.junk()
  if (choices.chance(0.5)) return { contentType: 'application/json', bytes: choices.one(extremes)() }
  if (choices.chance(15))
    return { contentType: PROTOBUF_TYPE, bytes: choices.spoiledBytes(protobufOf(choices, content, value), 30) }
  if (choices.chance(8)) return { contentType: 'application/yaml', bytes: choices.spoiledBytes(yamlOf(choices, value)) }
  const contentType = choices.chance(90)
    ? 'application/json'
    : choices.one([
        'application/json; charset=utf-8',
        'application/yaml',
        'application/cbor',
        'text/plain',
        'application/x-www-form-urlencoded',
        ';',
        '',
      ])
  return { contentType, bytes: choices.spoiledBytes(jsonOf(choices, value)) }
}

export function patchOf(choices: Choices, { object }: Content): Body {
  const format = choices.one([
    'json',
    'json',
    'merge',
    'merge',
    'strategic-merge',
    'strategic-merge',
    'apply',
    'apply',
    'apply',
    'none',
  ])
  if (format === 'apply') {
    const value = choices.chance(95) ? object : choices.junk()
    const bytes = choices.chance(50) ? yamlOf(choices, value) : jsonOf(choices, value)
    return { contentType: 'application/apply-patch+yaml', bytes: choices.spoiledBytes(bytes) }
  }
  const contentType = `application/${format}-patch+json`
  if (choices.chance(0.5)) return { contentType, bytes: choices.one(extremes)() }
  const patch =
    format === 'json' && choices.chance(85)
      ? Array.from({ length: choices.chance(1) ? 12_000 : choices.random.int(5) }, () => operationOf(choices))
      : choices.chance(70)
        ? withDirectives(choices, object)
        : choices.junk()
  return { contentType, bytes: choices.spoiledBytes(jsonOf(choices, patch)) }
}

const POINTERS = [
  '',
  '/',
  '/metadata',
  '/metadata/labels',
  '/metadata/labels/a',
  '/spec',
  '/metadata/name',
  '/spec/x/-',
  '/metadata/finalizers/-',
  '/spec/containers/0',
  '/spec/ports/-1',
  '/data/a~1b~0',
  '/~',
  '/spec/01',
  '/__proto__/x',
]

function operationOf(choices: Choices): object {
  const pointer = () => (choices.chance(90) ? choices.one(POINTERS) : choices.text())
  return {
    op: choices.mostly(choices.one(['add', 'remove', 'replace', 'move', 'copy', 'test']), 'x', choices.text()),
    path: pointer(),
    ...(choices.chance(70) && { from: pointer() }),
    ...(choices.chance(80) && { value: choices.junk() }),
  }
}

/** A part of the object, with what strategic merge patches say beside it. */
function withDirectives(choices: Choices, object: unknown): unknown {
  if (Array.isArray(object)) {
    const items = object.map((item) => withDirectives(choices, item))
    return choices.chance(10)
      ? [...items, { $patch: choices.one(['delete', 'replace', 'merge', 'x']), name: 'a' }]
      : items
  }
  if (typeof object !== 'object' || object === null) return object
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) {
    if (choices.chance(10)) continue
    kept[key] = choices.chance(5) ? null : withDirectives(choices, value)
    if (choices.chance(4)) kept[`$setElementOrder/${key}`] = choices.junk()
    if (choices.chance(3)) kept[`$deleteFromPrimitiveList/${key}`] = choices.junk()
  }
  if (choices.chance(5)) kept.$patch = choices.one<unknown>(['delete', 'replace', 'merge', 'x', 1])
  if (choices.chance(3)) kept.$retainKeys = choices.junk()
  return kept
}

/** Some texts have a member twice, which objects can't have. */
function jsonOf(choices: Choices, value: unknown): Buffer {
  const text = JSON.stringify(value)
  if (!choices.chance(2) || !text.startsWith('{')) return Buffer.from(text)
  return Buffer.from(`{"metadata":{"name":"b","name":"a"},"spec":null,${text.slice(1)}`.replace(',}', '}'))
}

function yamlOf(choices: Choices, value: unknown): Buffer {
  if (choices.chance(10)) return Buffer.from(choices.one(oddYaml))
  return Buffer.from(dump(value, { flowLevel: choices.one([-1, 1, 2]), noRefs: choices.chance(50) }))
}

const oddYaml = [
  'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\ne: [*d, *d]',
  `a0: &a0 [${'x,'.repeat(20)}]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(20)}]`).join('\n')}`,
  'a: &a\n  b: *a',
  '<<: {a: b}\nmetadata: {<<: [{name: a}]}',
  '--- \na: b\n---\nc: d\n',
  '%YAML 9.9\n---\na: b',
  '!!binary aGVsbG8=',
  '!!js/function "function(){}"',
  'a: !!set {b, c}',
  'metadata: {name: a, name: b}',
  '? [a, b]\n: c',
  '\tmetadata: x',
  'a: 0x_1\nb: 1_000\nc: .inf\nd: -.nan\ne: 0o17\nf: 2026-01-01',
  `${'- '.repeat(2000)}a`,
  '{'.repeat(3000),
  '"\\ud800"',
  '',
]

/** What is hard by its depth, its width or its numbers. */
const extremes: readonly (() => Buffer)[] = [
  () => Buffer.from('['.repeat(100_000)),
  () => Buffer.from(`{"metadata":{"name":"a","labels":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}}`),
  () => Buffer.from(`{"metadata":{"name":"a","finalizers":[${'"x",'.repeat(50_000)}"x"]}}`),
  () =>
    Buffer.from(`{"metadata":{"name":"a"},"data":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":""`).join()}}}`),
  () => Buffer.from(`{"metadata":{"name":"a","annotations":{"x":"${'y'.repeat(300_000)}"}}}`),
  () => Buffer.from(`{"metadata":{"name":"a"},"spec":{"replicas":${'9'.repeat(10_000)}}}`),
  () => Buffer.from(`{"metadata":{"name":"a"},"data":{"a":"${'\\u0000'.repeat(10_000)}"}}`),
  () => Buffer.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0]),
  () => Buffer.alloc((3 << 20) + 1, ' '),
]

function protobufOf(choices: Choices, { type, apiVersion, kind }: Content, value: unknown): Buffer {
  try {
    if (type) return closeEnvelope(apiVersion, kind, encodeProtobuf(type, value as Record<string, unknown>))
  } catch {
    // Not everything that JSON can say has a place in it.
  }
  // Messages in messages, far deeper than any type has them; or anything.
  const raw = choices.chance(20) ? nested(choices.one([10, 1000, 10_000])) : Buffer.from(choices.random.bytes(30))
  return Buffer.concat([Buffer.from('k8s\0'), raw])
}

function nested(depth: number): Buffer {
  const pieces: Buffer[] = []
  let bytes = 0
  for (let i = 0; i < depth; i++) {
    const head = [0x0a]
    let length = bytes
    for (; length > 127; length >>>= 7) head.push((length & 127) | 128)
    head.push(length)
    pieces.push(Buffer.from(head))
    bytes += head.length
  }
  return Buffer.concat(pieces.reverse())
}
