/**
 * What expressions of admission see: match conditions of webhooks, and policies (upstream:
 * `apiserver/pkg/admission/plugin/cel`).
 */
import type { Environment, Variable } from '#cel/environment.ts'
import { declare, fieldsOf } from '#cel/declared-type.ts'
import type { DeclaredField, DeclaredType } from '#cel/declared-type.ts'
import { EvaluationError } from '#cel/errors.ts'
import { jsonPatchLibrary } from '#cel/libraries/json-patch.ts'
import { DYN, listOf, mapOf } from '#cel/types.ts'
import type { Type } from '#cel/types.ts'
import { Dictionary } from '#cel/values.ts'
import type { Result, Value } from '#cel/values.ts'
import { AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE } from './authorizer-library.ts'
import { createMutationTypes } from './mutation-types.ts'

export interface AdmissionVariables {
  readonly hasParams: boolean
  readonly hasAuthorizer: boolean
  /** Offers `Object{}`, `JSONPatch{}` and `jsonpatch.escapeKey`. */
  readonly hasPatchTypes?: boolean
  /** Types of `object`, `oldObject` and `params`, for the type checking that produces warnings; `dyn` by default. */
  readonly objectType?: DeclaredType
  readonly paramsType?: DeclaredType
  /** Undefined where there is no `variables`. */
  readonly composed?: ComposedTypes
}

const object = (name: string, fields: Readonly<Record<string, DeclaredType>>): DeclaredType =>
  declare.object(`kubernetes.${name}`, fieldsOf(fields))

function requestType(): DeclaredType {
  const text = declare.string()
  const kind = object('GroupVersionKind', { group: text, version: text, kind: text })
  const resource = object('GroupVersionResource', { group: text, version: text, resource: text })
  const userInfo = object('UserInfo', {
    'username?': text,
    'uid?': text,
    'groups?': declare.list(text),
    'extra?': declare.map(declare.list(text)),
  })
  return object('AdmissionRequest', {
    kind,
    resource,
    'subResource?': text,
    requestKind: kind,
    requestResource: resource,
    'requestSubResource?': text,
    name: text,
    'namespace?': text,
    operation: text,
    userInfo,
    'dryRun?': declare.bool(),
    'options?': declare.dyn(),
  })
}

/** Without what of a namespace is no business of expressions: managed fields, owners. */
function namespaceType(): DeclaredType {
  const text = declare.string()
  const time = declare.timestamp()
  const metadata = object('NamespaceMetadata', {
    name: text,
    generateName: text,
    namespace: text,
    labels: declare.map(text),
    annotations: declare.map(text),
    UID: text,
    creationTimestamp: time,
    deletionGracePeriodSeconds: declare.int(),
    deletionTimestamp: time,
    generation: declare.int(),
    resourceVersion: text,
    finalizers: declare.list(text),
  })
  const condition = object('NamespaceCondition', {
    status: text,
    type: text,
    lastTransitionTime: time,
    message: text,
    reason: text,
  })
  return object('Namespace', {
    metadata,
    spec: object('NamespaceSpec', { finalizers: declare.list(text) }),
    status: object('NamespaceStatus', { conditions: declare.list(condition), phase: text }),
  })
}

/** `object`, `oldObject`, `request`, `namespaceObject`, and what the options say. */
export function createAdmissionEnvironment(base: Environment, options: AdmissionVariables): Environment {
  const { hasParams, hasAuthorizer, hasPatchTypes = false, objectType, paramsType, composed } = options
  const [request, namespace] = [requestType(), namespaceType()]
  const declaredTypes = [request, namespace, objectType, paramsType].filter((type) => type !== undefined)
  const variables: Variable[] = [
    { name: 'object', type: objectType?.type ?? DYN },
    { name: 'oldObject', type: objectType?.type ?? DYN },
    { name: 'namespaceObject', type: namespace.type },
    { name: 'request', type: request.type },
  ]
  if (hasParams) variables.push({ name: 'params', type: paramsType?.type ?? DYN })
  if (hasAuthorizer)
    variables.push(
      { name: 'authorizer', type: AUTHORIZER_TYPE },
      { name: 'authorizer.requestResource', type: RESOURCE_CHECK_TYPE },
    )
  if (composed) {
    declaredTypes.push(composed.type)
    variables.push({ name: 'variables', type: composed.type.type })
  }
  const patching = hasPatchTypes && { structTypes: createMutationTypes(), libraries: [jsonPatchLibrary] }
  return base.extend({ variables, declaredTypes, ...patching })
}

/**
 * The types of a policy's variables that are compiled so far. Environments are made with it once: what is added later is
 * seen by what is compiled later.
 */
export class ComposedTypes {
  readonly #fields = new Map<string, DeclaredField>()
  readonly type: DeclaredType = declare.object('kubernetes.variables', this.#fields)

  add(name: string, type: Type) {
    this.#fields.set(name, { type: declare.computed(seen(type)), required: true, jsonName: name })
  }
}

const KEPT: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'null',
  'string',
  'timestamp',
  'uint',
])

/** As what expressions that use a variable see its type: objects and the types of libraries can be anything. */
function seen(type: Type): Type {
  if (type.kind === 'list') return listOf(seen(type.parameters[0]!))
  if (type.kind === 'map') return mapOf(seen(type.parameters[0]!), seen(type.parameters[1]!))
  return KEPT.has(type.kind) ? type : DYN
}

/** Binding for `variables`: each is computed on first use. An EvaluationError of a variable is that of its reader. */
export class ComposedVariables<V> extends Dictionary {
  readonly #variables: ReadonlyMap<string, V>
  readonly #compute: (name: string, variable: V) => Result
  readonly #known = new Map<string, Result>()

  constructor(variables: ReadonlyMap<string, V>, compute: (name: string, variable: V) => Result) {
    super()
    this.#variables = variables
    this.#compute = compute
  }

  get size(): number {
    return this.#variables.size
  }

  find(key: Value): Result | undefined {
    if (typeof key !== 'string') return new EvaluationError('noSuchOverload', 'no such overload')
    const variable = this.#variables.get(key)
    if (variable === undefined) return undefined
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const result = this.#compute(key, variable)
    this.#known.set(key, result)
    return result
  }

  keys(): Value[] {
    return [...this.#variables.keys()]
  }

  /** There is one in each evaluation. */
  override equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof ComposedVariables)) return new EvaluationError('noSuchOverload', 'no such overload')
    return this === other
  }
}
