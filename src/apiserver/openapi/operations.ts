/**
 * The operations on a resource, by path, apart from any dialect of OpenAPI. Operation ids are those that client generators
 * make method names from. Upstream: `apiserver/pkg/endpoints/installer.go`.
 */
import type { Resource, Subresource, Verb } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import {
  createParameters,
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  logParameters,
  nameParameter,
  namespaceParameter,
  optionParameters,
  type Parameter,
  patchParameters,
  pretty,
  proxyPathParameter,
  resourceVersion,
} from './parameters.ts'

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete' | 'head' | 'options'

/** What is sent or answered: a type, the list of a type, one of the types of meta/v1, text, or the server's version. */
export type Body =
  | Message
  | { list: Message; kind: string | undefined }
  | { meta: 'Status' | 'WatchEvent' | 'Patch' | 'DeleteOptions' }
  | 'text'
  | 'version'

export interface Operation {
  readonly method: Method
  readonly id: string
  readonly description: string
  readonly action: string
  readonly gvk: { group: string; version: string; kind: string }
  readonly parameters: readonly Parameter[]
  readonly body?: { readonly type: Body; readonly isRequired: boolean }
  readonly answers: readonly { readonly code: number; readonly type: Body }[]
  readonly isStream: boolean
  /** Media types of answers, where they are not those of all objects. */
  readonly produces?: readonly string[]
}

export interface PathItem {
  readonly path: string
  readonly tag: string
  /** Of a resource that users have described, which has no protobuf. */
  readonly isCustom: boolean
  readonly parameters: readonly Parameter[]
  readonly operations: readonly Operation[]
}

export interface ReadItem extends Pick<PathItem, 'path' | 'tag'>, Pick<Operation, 'id' | 'description' | 'produces'> {
  readonly type: Body
}

/** A place that belongs to no resource, where something is read. */
export const readItem = ({ path, tag, type, ...operation }: ReadItem): PathItem => ({
  path,
  tag,
  isCustom: false,
  parameters: [],
  operations: [
    {
      ...operation,
      method: 'get',
      action: '',
      gvk: { group: '', version: '', kind: '' },
      parameters: [],
      answers: [{ code: 200, type }],
      isStream: false,
    },
  ],
})

export interface OperationContext {
  /** The type of a subresource's body. */
  bodyType(apiVersion: string, kind: string): Message | undefined
  /** Whether a deletion answers with the object rather than a Status. */
  returnsDeleted(resource: Resource): boolean
}

export function pathItems(resource: Resource, context: OperationContext): PathItem[] {
  const root = resource.group === '' ? '/api/v1' : `/apis/${resource.apiVersion}`
  const scope = resource.namespaced ? '/namespaces/{namespace}' : ''
  const all = `${root}${scope}/${resource.plural}`
  const one = `${all}/{name}`
  const naming = new Naming(resource)
  const { type } = resource
  const item = (path: string, parameters: readonly Parameter[], operations: readonly Operation[]): PathItem => ({
    path,
    tag: naming.tag,
    isCustom: type.schema !== undefined,
    parameters: [
      ...(path.includes('{name}') ? [nameParameter(resource.kind)] : []),
      ...(path.includes('{namespace}') ? [namespaceParameter] : []),
      ...parameters,
    ],
    operations,
  })
  const operations = operationsOf(resource, naming, context.returnsDeleted(resource))
  const of = (...verbs: Verb[]) => verbs.flatMap((verb) => (resource.verbs.includes(verb) ? [operations[verb]!] : []))
  const watches = (action: 'watch' | 'watchlist', id: string) => [watchOperation(resource, action, id)]

  const items = [
    item(all, [pretty], of('deletecollection', 'list', 'create')),
    item(one, [pretty], of('delete', 'get', 'patch', 'update')),
  ]
  if (resource.namespaced && resource.verbs.includes('list')) {
    const everywhere = {
      ...operations.list!,
      id: `list${naming.scope}${resource.kind}ForAllNamespaces`,
      parameters: [],
    }
    items.push(item(`${root}/${resource.plural}`, [...listParameters, pretty], [everywhere]))
  }
  // Of the old way to watch, only built-in kinds tell.
  if (resource.verbs.includes('watch') && !type.schema) {
    const watchRoot = `${root}/watch`
    const parameters = [...listParameters, pretty]
    items.push(
      item(`${watchRoot}${scope}/${resource.plural}`, parameters, watches('watchlist', `watch${naming.one}List`)),
      item(`${watchRoot}${scope}/${resource.plural}/{name}`, parameters, watches('watch', `watch${naming.one}`)),
    )
    if (resource.namespaced) {
      const id = `watch${naming.scope}${resource.kind}ListForAllNamespaces`
      items.push(item(`${watchRoot}/${resource.plural}`, parameters, watches('watchlist', id)))
    }
  }
  for (const [name, subresource] of Object.entries(resource.subresources)) {
    items.push(...subresourceItems(resource, name, subresource, naming, context, one, item))
  }
  return items.filter(({ operations: some }) => some.length > 0)
}

/** `core_v1`, `CoreV1`, `CoreV1NamespacedPod`. */
class Naming {
  readonly tag: string
  readonly scope: string
  readonly one: string

  constructor({ group, version, kind, namespaced }: Resource) {
    const words = groupWords(group)
    const pascal = words.map(capitalized).join('')
    this.tag = `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}_${version}`
    this.scope = `${pascal}${capitalized(version)}`
    this.one = `${this.scope}${namespaced ? 'Namespaced' : ''}${kind}`
  }
}

export const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

/** `rbac.authorization.k8s.io` is Rbac and Authorization; groups of others keep all of their words. */
export function groupWords(group: string): string[] {
  if (group === '') return ['core']
  return group
    .replace(/\.k8s\.io$/, '')
    .split('.')
    .flatMap((word) => word.split('-'))
}

function operationsOf(
  resource: Resource,
  { scope, one }: Naming,
  returnsDeleted: boolean,
): Partial<Record<Verb, Operation>> {
  const { kind, type } = resource
  const stored = answers(type)
  const id = (verb: string) => `${verb}${one}`
  const operation = (
    method: Method,
    rest: Partial<Operation> & Pick<Operation, 'id' | 'description' | 'action'>,
  ): Operation => ({
    method,
    gvk: gvkOf(resource),
    parameters: [],
    answers: stored(200),
    isStream: false,
    ...rest,
  })
  const status = { meta: 'Status' } as const
  const deleteBody = { type: { meta: 'DeleteOptions' }, isRequired: false } as const
  const isWatchable = resource.verbs.includes('watch') && !type.schema
  return {
    list: operation('get', {
      id: id('list'),
      description: `${isWatchable ? 'list or watch' : 'list'} objects of kind ${kind}`,
      action: 'list',
      parameters: listParameters,
      answers: [{ code: 200, type: { list: type, kind: resource.listKind } }],
      isStream: isWatchable,
    }),
    create: operation('post', {
      id: id('create'),
      description: `create a ${kind}`,
      action: 'post',
      parameters: createParameters,
      body: { type, isRequired: true },
      answers: stored(200, 201, 202),
    }),
    deletecollection: operation('delete', {
      id: `delete${scope}Collection${resource.namespaced ? 'Namespaced' : ''}${kind}`,
      description: `delete collection of ${kind}`,
      action: 'deletecollection',
      parameters: deleteCollectionParameters,
      body: deleteBody,
      answers: [{ code: 200, type: status }],
    }),
    get: operation('get', {
      id: id('read'),
      description: `read the specified ${kind}`,
      action: 'get',
      parameters: getParameters(type),
    }),
    update: operation('put', {
      id: id('replace'),
      description: `replace the specified ${kind}`,
      action: 'put',
      parameters: createParameters,
      body: { type, isRequired: true },
      answers: stored(200, 201),
    }),
    patch: operation('patch', {
      id: id('patch'),
      description: `partially update the specified ${kind}`,
      action: 'patch',
      parameters: patchParameters,
      body: { type: { meta: 'Patch' }, isRequired: true },
      answers: stored(200, 201),
    }),
    delete: operation('delete', {
      id: id('delete'),
      description: `delete a ${kind}`,
      action: 'delete',
      parameters: deleteParameters,
      body: deleteBody,
      answers: answers(returnsDeleted ? type : status)(200, 202),
    }),
  }
}

const answers =
  (type: Body) =>
  (...codes: number[]) =>
    codes.map((code) => ({ code, type }))

/** Documents have only ever told of it where users have described the kind. */
const getParameters = ({ schema }: Message): readonly Parameter[] => (schema ? [resourceVersion] : [])

const gvkOf = ({ group, version, kind }: Resource) => ({ group, version, kind })

function watchOperation(resource: Resource, action: 'watch' | 'watchlist', id: string): Operation {
  const what = action === 'watch' ? `an object of kind ${resource.kind}` : `a list of ${resource.kind}`
  return {
    method: 'get',
    id,
    description: `watch changes to ${what}; deprecated: use the watch parameter of the list`,
    action,
    gvk: gvkOf(resource),
    parameters: [],
    answers: [{ code: 200, type: { meta: 'WatchEvent' } }],
    isStream: true,
  }
}

const LOG_TYPES = ['text/plain', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

type MakeItem = (path: string, parameters: readonly Parameter[], operations: readonly Operation[]) => PathItem

function subresourceItems(
  resource: Resource,
  name: string,
  subresource: Subresource,
  { one }: Naming,
  { bodyType }: OperationContext,
  parentPath: string,
  item: MakeItem,
): PathItem[] {
  const apiVersion = subresource.apiVersion ?? resource.apiVersion
  const kind = subresource.kind ?? resource.kind
  const type = subresource.kind ? bodyType(apiVersion, kind) : resource.type
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  // Where users have described the kind, a scale is told of as a part of it.
  const gvk = resource.type.schema ? gvkOf(resource) : { group: group!, version: version!, kind }
  const verbs: readonly (Verb | 'connect')[] = subresource.verbs ?? ['get', 'patch', 'update']
  const path = `${parentPath}/${name}`
  if (verbs.includes('connect')) return connectItems(resource, name, gvk, one, path, item)
  const suffix = capitalized(name)
  const text: Body = type && name !== 'log' ? type : 'text'
  const base = { gvk, parameters: [], isStream: false } as const
  const body = { type: text, isRequired: true }
  const of: Partial<Record<Verb | 'connect', Operation>> = {
    get: {
      ...base,
      method: 'get',
      id: `read${one}${suffix}`,
      description: `read ${name} of the specified ${resource.kind}`,
      action: 'get',
      parameters: getParameters(resource.type),
      ...(name === 'log' && { produces: LOG_TYPES }),
      answers: answers(text)(200),
    },
    update: {
      ...base,
      method: 'put',
      id: `replace${one}${suffix}`,
      description: `replace ${name} of the specified ${resource.kind}`,
      action: 'put',
      parameters: createParameters,
      body,
      answers: answers(text)(200, 201),
    },
    patch: {
      ...base,
      method: 'patch',
      id: `patch${one}${suffix}`,
      description: `partially update ${name} of the specified ${resource.kind}`,
      action: 'patch',
      parameters: patchParameters,
      body: { type: { meta: 'Patch' }, isRequired: true },
      answers: answers(text)(200, 201),
    },
    create: {
      ...base,
      method: 'post',
      id: `create${one}${suffix}`,
      description: `create ${name} of a ${resource.kind}`,
      action: 'post',
      parameters: createParameters,
      body,
      answers: answers(text)(200, 201, 202),
    },
  }
  return [
    item(
      path,
      name === 'log' ? logParameters : [pretty],
      verbs.flatMap((verb) => of[verb] ?? []),
    ),
  ]
}

const PROXY_METHODS: readonly Method[] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']
const STREAM_METHODS: readonly Method[] = ['get', 'post']

function connectItems(
  resource: Resource,
  name: string,
  gvk: Operation['gvk'],
  one: string,
  path: string,
  item: MakeItem,
): PathItem[] {
  const methods = name === 'proxy' ? PROXY_METHODS : STREAM_METHODS
  const operations = (idSuffix: string) =>
    methods.map((method): Operation => ({
      method,
      id: connectId(resource, one, method, `${capitalized(name)}${idSuffix}`),
      description: `connect ${method.toUpperCase()} requests to ${name} of ${resource.kind}`,
      action: 'connect',
      gvk,
      parameters: [],
      answers: answers('text')(200),
      isStream: false,
    }))
  const options = optionParameters[gvk.kind] ?? []
  return [
    item(path, options, operations('')),
    ...(name === 'proxy' ? [item(`${path}/{path}`, [proxyPathParameter, ...options], operations('WithPath'))] : []),
  ]
}

/** `connectCoreV1GetNamespacedPodExec`: the method stands between the version and the rest. */
function connectId({ kind, namespaced }: Resource, one: string, method: Method, suffix: string): string {
  const rest = `${namespaced ? 'Namespaced' : ''}${kind}`
  return `connect${one.slice(0, -rest.length)}${capitalized(method)}${rest}${suffix}`
}
