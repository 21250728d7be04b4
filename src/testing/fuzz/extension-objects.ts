/**
 * Objects by which users extend the API, near enough to right ones that their expressions and schemas are compiled and run:
 * definitions of custom resources, admission policies, webhooks, device classes. And objects of what is defined.
 */
import { isObject } from '#base/json.ts'
import type { Choices } from './choices.ts'
import { admissionNames, deviceNames, Expressions, type Names } from './expressions.ts'

type Json = Record<string, unknown>

/** What stays as it is, and what is defined anew all the time. */
export const GADGET_GROUP = 'fuzz.example.com'
export const FUZZED_GROUP = 'example.org'

const gadgetNames: Names = {
  string: ['self.text', 'self.when'],
  int: ['self.replicas', 'self.nested.number'],
  list: ['self.plain', 'self.set', 'self.map', 'self.map.map(x, x.name)'],
  map: ['self.labels', 'self.nested', 'self'],
  any: ['self.either', 'self.free', 'self', 'oldSelf'],
  bool: ['has(self.text)', 'oldSelf == self'],
  time: ['self.since'],
}

const string = { type: 'string' }
const member = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', maxLength: 20 }, port: { type: 'integer', default: 80 } },
}
const gadgetProperties = {
  text: { type: 'string', maxLength: 500, pattern: '^[a-z/]*$', default: 'x' },
  when: { type: 'string', format: 'duration' },
  since: { type: 'string', format: 'date-time', nullable: true },
  replicas: { type: 'integer', format: 'int32', minimum: 0, maximum: 1000 },
  plain: { type: 'array', maxItems: 20, items: string },
  set: { type: 'array', maxItems: 20, 'x-kubernetes-list-type': 'set', items: string },
  map: {
    type: 'array',
    maxItems: 10,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: member,
  },
  labels: { type: 'object', maxProperties: 10, additionalProperties: { type: 'string', maxLength: 50 } },
  either: { 'x-kubernetes-int-or-string': true },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  object: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  nested: {
    type: 'object',
    properties: { number: { type: 'number' }, deeper: { type: 'object', properties: { a: string } } },
  },
}
const rules = [
  { rule: "!has(self.text) || self.text.matches('^[a-z/]*$')", messageExpression: "'not ' + self.text" },
  { rule: '!has(self.map) || self.map.all(x, x.port > 0 && self.map.exists_one(y, y.name == x.name))' },
  {
    rule: '!has(self.replicas) || !has(oldSelf.replicas) || self.replicas >= oldSelf.replicas - 1',
    reason: 'FieldValueForbidden',
  },
]
const spec = { type: 'object', properties: gadgetProperties, 'x-kubernetes-validations': rules }
const status = {
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  properties: { replicas: { type: 'integer' } },
}

/** A definition with something of everything: two versions, rules, subresources, lists of each type. */
export function gadgetDefinition(group: string, plural: string, kind: string): Json {
  const version = (name: string) => ({
    name,
    served: true,
    storage: name === 'v1',
    schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
    subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
    selectableFields: [{ jsonPath: '.spec.text' }],
    additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.map[*].port' }],
  })
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [version('v1'), version('v2')],
    },
  }
}

export class ExtensionObjects {
  readonly #choices: Choices
  readonly #admission: Expressions
  readonly #devices: Expressions
  readonly #rules: Expressions
  /** By kind: what fills an object of it, besides its metadata. */
  readonly byKind: Readonly<Record<string, () => Json>>

  constructor(choices: Choices) {
    this.#choices = choices
    this.#admission = new Expressions(choices, admissionNames)
    this.#devices = new Expressions(choices, deviceNames)
    this.#rules = new Expressions(choices, gadgetNames)
    const spoiled = (make: () => Json) => () => {
      const made = choices.spoiled(make())
      return isObject(made) ? made : { spec: made }
    }
    const kinds: Record<string, () => Json> = {
      Gadget: () => this.#gadget(),
      A: () => ({ spec: { ...(this.#gadget().spec as Json), a: choices.junk() } }),
      ValidatingAdmissionPolicy: () => this.#policy('validating'),
      MutatingAdmissionPolicy: () => this.#policy('mutating'),
      ValidatingAdmissionPolicyBinding: () =>
        this.#binding({ validationActions: choices.mostly(['Warn', 'Audit'], ['Deny']) }),
      MutatingAdmissionPolicyBinding: () => this.#binding({}),
      ValidatingWebhookConfiguration: () => this.#webhooks({}),
      MutatingWebhookConfiguration: () => this.#webhooks({ reinvocationPolicy: 'IfNeeded' }),
      DeviceClass: () => ({ spec: { selectors: this.#selectors() } }),
      ResourceClaim: () => {
        const exactly = { deviceClassName: 'a', selectors: this.#selectors() }
        return { spec: { devices: { requests: [{ name: 'a', exactly }] } } }
      },
    }
    this.byKind = Object.fromEntries(Object.entries(kinds).map(([kind, make]) => [kind, spoiled(make)]))
  }

  /** Of the resource `plural` in `FUZZED_GROUP`, which has the kind `A`. Its name belongs to what it says. */
  definition(plural: string): Json {
    const choices = this.#choices
    const version = (name: string, storage: boolean) => ({
      name,
      served: choices.mostly(true, false),
      storage,
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: this.#schema(0), status } } },
      ...(choices.chance(30) && { subresources: { status: {} } }),
      ...(choices.chance(20) && {
        additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: this.#jsonPath() }],
      }),
      ...(choices.chance(20) && { selectableFields: [{ jsonPath: this.#jsonPath() }] }),
    })
    const more = choices.chance(30) ? [version('v2', false)] : []
    const names = { plural, kind: plural === 'as' ? 'A' : 'B' }
    const whole = {
      group: FUZZED_GROUP,
      scope: choices.mostly('Namespaced', 'Cluster', 'x'),
      names,
      versions: [version('v1', true), ...more],
      ...(choices.chance(10) && { preserveUnknownFields: choices.chance(30) }),
    }
    return { metadata: { name: `${plural}.${FUZZED_GROUP}` }, spec: choices.spoiled(whole) }
  }

  #jsonPath(): string {
    return this.#choices.one([
      '.spec.text',
      '.spec.plain',
      '.spec.a[*].b',
      '.spec.a[?(@.b=="c")]',
      "['x",
      '..',
      '.metadata.labels',
      '',
    ])
  }

  #schema(depth: number): Json {
    const choices = this.#choices
    const validations = choices.chance(50) && {
      'x-kubernetes-validations': choices.some(3, () => ({
        rule: this.#rules.of('bool'),
        ...(choices.chance(30) && { message: 'no' }),
        ...(choices.chance(30) && { messageExpression: this.#rules.of('string') }),
        ...(choices.chance(10) && { optionalOldSelf: true }),
        ...(choices.chance(10) && { fieldPath: choices.one(['.text', '.map[0]', "['x']", '..']) }),
      })),
    }
    const nullable = choices.chance(15) && { nullable: true }
    const inner = () => (depth > 2 ? string : this.#schema(depth + 1))
    const properties = () =>
      Object.fromEntries(choices.some(3, () => [choices.one(['a', 'b', 'text', 'x-y', 'self', 'in']), inner()]))
    const type =
      depth === 0
        ? choices.one(['known', 'object'])
        : choices.one(['string', 'number', 'object', 'array', 'map', 'free'])
    const made: Record<string, () => Json> = {
      known: () => ({ type: 'object', properties: { ...gadgetProperties, ...properties() } }),
      object: () => ({ type: 'object', properties: properties(), ...(choices.chance(20) && { required: ['a'] }) }),
      string: () => ({
        type: 'string',
        ...(choices.chance(30) && { pattern: choices.one(['^a*$', '(a+)+$', '(', '\\p{L}', 'a{1,1001}', '(?=a)']) }),
        ...(choices.chance(20) && { enum: ['a', 'b'], default: choices.one(['a', 'c', 1]) }),
        ...(choices.chance(20) && { format: choices.one(['date', 'uuid', 'ipv4', 'byte', 'duration', 'x']) }),
        ...(choices.chance(20) && { maxLength: choices.one([1, 1000, -1]) }),
      }),
      number: () => ({
        type: choices.one(['integer', 'number']),
        ...(choices.chance(30) && { multipleOf: choices.one([2, 0, 0.1]) }),
      }),
      array: () => ({
        type: 'array',
        items: inner(),
        ...(choices.chance(40) && { 'x-kubernetes-list-type': choices.one(['set', 'map', 'atomic']) }),
        ...(choices.chance(20) && { 'x-kubernetes-list-map-keys': ['a'] }),
        ...(choices.chance(50) && { maxItems: choices.one([3, 100]) }),
      }),
      map: () => ({ type: 'object', additionalProperties: inner() }),
      free: () =>
        choices.one<Json>([{ 'x-kubernetes-int-or-string': true }, gadgetProperties.free, gadgetProperties.object]),
    }
    const allOf = choices.chance(8) && {
      [choices.one(['allOf', 'anyOf', 'oneOf'])]: [{ minimum: 1 }, { required: ['a'] }],
    }
    return { ...made[type]!(), ...nullable, ...validations, ...allOf }
  }

  #gadget(): Json {
    const choices = this.#choices
    const values: Json = {
      text: choices.mostly('abc', choices.text()),
      when: choices.mostly('1h', '1', choices.text()),
      since: choices.mostly<unknown>('2026-01-31T12:00:00Z', null, 'x'),
      replicas: choices.mostly(choices.one([1, 2, 3]), -1, 1e9, 1.5),
      plain: choices.some(3, () => choices.text()),
      set: choices.mostly(['a', 'b'], ['a', 'a'], []),
      map: choices.some(2, () => ({ name: choices.one(['a', 'b']), port: choices.mostly(1, -1) })),
      labels: { a: choices.text() },
      either: choices.mostly<unknown>(choices.one([1, '1']), 1.5, null),
      free: choices.junk(),
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: choices.text() } },
      nested: { number: 1.5, deeper: { a: 'b' } },
    }
    return { spec: Object.fromEntries(Object.entries(values).filter(() => choices.chance(50))) }
  }

  #selectors(): Json[] {
    return this.#choices.some(2, () => ({ cel: { expression: this.#devices.of('bool') } }))
  }

  #conditions(): Json[] {
    return this.#choices.some(2, () => ({
      name: this.#choices.one(['a', 'b', 'c']),
      expression: this.#admission.of('bool'),
    }))
  }

  /** Of requests to few resources, so that most others go on as if there were no policies. */
  #resourceRules(): Json[] {
    const choices = this.#choices
    return [
      {
        apiGroups: ['', GADGET_GROUP, FUZZED_GROUP],
        apiVersions: ['*'],
        operations: choices.mostly(['*'], ['CREATE'], ['UPDATE', 'DELETE']),
        resources: choices.mostly(choices.one([['configmaps'], ['gadgets', 'as'], ['services/status']]), ['*/*']),
      },
    ]
  }

  #policy(kind: 'validating' | 'mutating'): Json {
    const choices = this.#choices
    const bool = () => this.#admission.of('bool')
    const text = () => this.#admission.of('string')
    const validating = {
      validations: choices.some(3, () => ({
        expression: bool(),
        ...(choices.chance(30) && { messageExpression: text() }),
        ...(choices.chance(10) && { reason: choices.one(['Forbidden', 'Invalid', 'x']) }),
      })),
      ...(choices.chance(30) && { auditAnnotations: [{ key: 'a', valueExpression: text() }] }),
    }
    const mutation = () =>
      choices.chance(50)
        ? { patchType: 'JSONPatch', jsonPatch: { expression: this.#jsonPatch() } }
        : { patchType: 'ApplyConfiguration', applyConfiguration: { expression: this.#applied() } }
    const mutating = { mutations: [mutation()], reinvocationPolicy: choices.one(['Never', 'IfNeeded']) }
    return {
      spec: {
        failurePolicy: choices.mostly('Ignore', 'Fail'),
        matchConstraints: { resourceRules: this.#resourceRules() },
        matchConditions: this.#conditions(),
        variables: ['a', 'b']
          .filter(() => choices.chance(40))
          .map((name) => ({ name, expression: this.#admission.of('any') })),
        ...(choices.chance(20) && { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
        ...(kind === 'validating' ? validating : mutating),
      },
    }
  }

  #jsonPatch(): string {
    const choices = this.#choices
    const operation = () =>
      `JSONPatch{op: "${choices.one(['add', 'remove', 'replace', 'test', 'copy', 'x'])}", path: ${choices.one(['"/data/a"', '"/metadata/labels"', '"/"', '""', '"/data/" + jsonpatch.escapeKey("a/b")'])}, value: ${this.#admission.of('any')}}`
    return choices.chance(20) ? this.#admission.of('list') : `[${choices.some(3, operation).join(', ')}]`
  }

  #applied(): string {
    const choices = this.#choices
    const data = choices.one([
      'data: {"a": "b"}',
      'metadata: Object.metadata{labels: {"a": "b"}}',
      'spec: Object.spec{replicas: 1}',
      'x: 1',
    ])
    return choices.chance(20) ? this.#admission.of('map') : `Object{${data}}`
  }

  #binding(more: Json): Json {
    const choices = this.#choices
    const paramRef = choices.chance(30) && {
      paramRef: { name: 'a', namespace: 'default', parameterNotFoundAction: choices.one(['Allow', 'Deny']) },
    }
    return { spec: { policyName: choices.one(['a', 'b']), ...paramRef, ...more } }
  }

  #webhooks(more: Json): Json {
    const choices = this.#choices
    const hook = (name: string) => ({
      name: `${name}.example.com`,
      // Nobody listens there, which is known at once.
      clientConfig: { url: 'https://127.0.0.1:1/' },
      rules: this.#resourceRules(),
      failurePolicy: choices.mostly('Ignore', 'Fail'),
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 1,
      matchConditions: this.#conditions(),
      ...more,
    })
    return { webhooks: ['a', 'b'].filter(() => choices.chance(60)).map(hook) }
  }
}
