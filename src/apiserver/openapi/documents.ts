/**
 * OpenAPI documents of the API: one in v2 with everything, one in v3 for each group version, and the index of these. Built
 * when first asked for and kept as bytes only. Upstream: `kube-openapi/pkg/handler` and `handler3`.
 */
import { createHash } from 'node:crypto'
import { TokenRequest } from '#api/authentication/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { Binding } from '#api/core/v1/pod.ts'
import { apiVersionOf, type Resource } from '#api/kind.ts'
import * as meta from '#api/meta/v1.ts'
import { Eviction } from '#api/policy/v1.ts'
import type { Message } from '#api/schema.ts'
import { groupPath } from '../group-path.ts'
import { groupVersions } from '../discovery/groups.ts'
import { META, RAW_EXTENSION, VERSION_INFO } from './definition-names.ts'
import {
  type Body,
  capitalized,
  groupWords,
  type Operation,
  type OperationContext,
  type PathItem,
  pathItems,
  readItem,
} from './operations.ts'
import type { Parameter } from './parameters.ts'
import { Definitions, type Dialect, type JsonSchema, reference } from './schemas.ts'
import { systemItems, versionInfo } from './system-operations.ts'

const PRODUCES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const TEXTS = ['application/json', 'application/yaml']
const STREAMS = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const STRATEGIC = 'application/strategic-merge-patch+json'
const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  STRATEGIC,
  'application/apply-patch+yaml',
]
const SECURITY = { type: 'apiKey', in: 'header', name: 'authorization', description: 'A bearer token.' }

/** Bodies of subresources that are no resources of their own. */
const bodyTypes: readonly Message[] = [Scale, Eviction, TokenRequest, Binding]

export interface OpenApiOptions {
  /** Everything that is served; see `with` for when that changes. */
  readonly resources: readonly Resource[]
  /** Shown as the API's version, e.g. `v1.36.0`. */
  readonly version: string
  /** Whether a finished deletion answers with the object; a Status otherwise. */
  readonly returnsDeleted?: (resource: Resource) => boolean
}

/** What one version of a group adds to the document that has everything, in JSON by name. */
interface Part {
  readonly own: readonly Resource[]
  readonly paths: readonly Member[]
  readonly definitions: readonly Member[]
}
type Member = readonly [name: string, json: string]

export class OpenApiDocuments {
  readonly #options: OpenApiOptions
  readonly #context: OperationContext
  #v2: Buffer | undefined
  readonly #v2Parts = new Map<string, Part>()
  #v3Index: Buffer | undefined
  /** By path; what a document is made of decides whether it is still the same one when something else changes. */
  readonly #v3 = new Map<string, { own: readonly Resource[]; bytes: Buffer }>()
  readonly #hashes = new Map<string, { own: readonly Resource[]; hash: string }>()

  constructor(options: OpenApiOptions) {
    this.#options = options
    const types = new Map(bodyTypes.map((type) => [keyOf(type), type]))
    this.#context = {
      bodyType: (apiVersion, kind) => types.get(`${apiVersion} ${kind}`),
      returnsDeleted: options.returnsDeleted ?? (() => false),
    }
  }

  /** The documents of other resources; those in which nothing has changed are not made again. */
  with(resources: readonly Resource[]): OpenApiDocuments {
    if (resources === this.#options.resources) return this
    const changed = new OpenApiDocuments({ ...this.#options, resources })
    for (const [path, document] of this.#v3) if (changed.#isMadeOf(path, document.own)) changed.#v3.set(path, document)
    for (const [path, part] of this.#v2Parts) if (changed.#isMadeOf(path, part.own)) changed.#v2Parts.set(path, part)
    for (const [path, hashed] of this.#hashes)
      if (changed.#isMadeOf(path, hashed.own)) changed.#hashes.set(path, hashed)
    return changed
  }

  /** `/openapi/v2`, as JSON. */
  v2(): Buffer {
    return (this.#v2 ??= this.#buildV2())
  }

  /** `/openapi/v3`: where each document is, with a hash that changes with it. */
  v3Index(): Buffer {
    return (this.#v3Index ??= Buffer.from(
      JSON.stringify({
        paths: Object.fromEntries(
          this.#v3Paths().map((path) => [
            path,
            { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hashOf(path)}` },
          ]),
        ),
      }),
    ))
  }

  /** `/openapi/v3/<path>`, such as `api/v1` or `apis/apps/v1`; undefined where there is none. */
  v3(path: string): Buffer | undefined {
    const found = this.#v3.get(path)
    if (found) return found.bytes
    const bytes = this.#buildV3(path)
    if (bytes) this.#v3.set(path, { own: this.#resourcesOf(path), bytes })
    return bytes
  }

  #hashOf(path: string): string {
    const found = this.#hashes.get(path)
    if (found) return found.hash
    const bytes = this.#v3.get(path)?.bytes ?? this.#buildV3(path)!
    const hash = createHash('sha512').update(bytes).digest('hex').toUpperCase()
    this.#hashes.set(path, { own: this.#resourcesOf(path), hash })
    return hash
  }

  #resourcesOf(path: string): Resource[] {
    return this.#options.resources.filter(({ group, version }) => groupPath({ group, version }) === path)
  }

  #isMadeOf(path: string, own: readonly Resource[]): boolean {
    const now = this.#resourcesOf(path)
    // A group's own document says nothing of its resources, but that there are some.
    if (now.length === 0 && !this.#v3Paths().includes(path)) return false
    return now.length === own.length && now.every((resource, i) => resource === own[i])
  }

  #v3Paths(): string[] {
    const ofGroups = groupVersions(this.#options.resources).flatMap(({ group, versions }) => [
      ...(isListed(versions) ? [group === '' ? 'api' : `apis/${group}`] : []),
      ...versions.map(({ version }) => groupPath({ group, version })),
    ])
    return [...systemItems.map(({ path }) => path.slice(1, -1)), 'apis', ...ofGroups]
  }

  #buildV3(path: string): Buffer | undefined {
    const own = this.#resourcesOf(path)
    const writer = new Writer('v3')
    const paths = own.length > 0 ? this.#paths(own, writer) : this.#ownPaths(writer, path)
    if (Object.keys(paths).length === 0) return undefined
    const document = {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: this.#options.version },
      paths,
      components: {
        schemas: writer.definitions,
        securitySchemes: { BearerToken: SECURITY },
      },
    }
    return Buffer.from(JSON.stringify(document))
  }

  #buildV2(): Buffer {
    const writer = new Writer('v2')
    const paths = new Map(membersOf(this.#ownPaths(writer)))
    const definitions = new Map(membersOf(writer.definitions.toJSON()))
    for (const { group, versions } of groupVersions(this.#options.resources)) {
      for (const { version } of versions) {
        const part = this.#v2Part(groupPath({ group, version }))
        for (const [name, json] of part.paths) paths.set(name, json)
        for (const [name, json] of part.definitions) definitions.set(name, json)
      }
    }
    const members: Member[] = [
      ['swagger', '"2.0"'],
      ['info', JSON.stringify({ title: 'Kubernetes', version: this.#options.version })],
      ['paths', joined(paths)],
      ['definitions', joined(definitions)],
      ['securityDefinitions', JSON.stringify({ BearerToken: SECURITY })],
      ['security', '[{"BearerToken":[]}]'],
    ]
    return Buffer.from(objectOf(members))
  }

  #v2Part(path: string): Part {
    const found = this.#v2Parts.get(path)
    if (found) return found
    const own = this.#resourcesOf(path)
    const writer = new Writer('v2')
    const paths = membersOf(this.#paths(own, writer))
    const part = { own, paths, definitions: membersOf(writer.definitions.toJSON()) }
    this.#v2Parts.set(path, part)
    return part
  }

  /** What is no resource; all of these places, or one. */
  #ownPaths(writer: Writer, only?: string): Record<string, JsonSchema> {
    const places: [string, string, string, Message][] = [
      ['api', 'getCoreAPIVersions', 'core', meta.APIVersions],
      ['apis', 'getAPIVersions', 'apis', meta.APIGroupList],
    ]
    for (const { group, versions } of groupVersions(this.#options.resources)) {
      if (group === '' || !isListed(versions)) continue
      const scope = groupWords(group).map(capitalized).join('')
      places.push([`apis/${group}`, `get${scope}APIGroup`, uncapitalized(scope), meta.APIGroup])
    }
    const isMeant = (path: string) => only === undefined || path === only
    return Object.fromEntries([
      ...places
        .filter(([path]) => isMeant(path))
        .map(([path, id, tag, type]) => [`/${path}/`, writer.discovery(id, tag, 'get available API versions', type)]),
      ...systemItems
        .filter(({ path }) => isMeant(path.slice(1, -1)))
        .map((item) => [item.path, writer.item(item)] as const),
    ])
  }

  #paths(resources: readonly Resource[], writer: Writer): Record<string, JsonSchema> {
    const paths: Record<string, JsonSchema> = {}
    for (const { group, versions } of groupVersions(resources)) {
      for (const { version, resources: own } of versions) {
        const scope = groupWords(group).map(capitalized).join('')
        const id = `get${scope}${capitalized(version)}APIResources`
        const tag = `${uncapitalized(scope)}_${version}`
        const place = `/${groupPath({ group, version })}/`
        if (isListed([{ resources: own }]))
          paths[place] = writer.discovery(id, tag, 'get available resources', meta.APIResourceList)
        for (const resource of own)
          for (const item of pathItems(resource, this.#context)) paths[item.path] = writer.item(item)
      }
    }
    return Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** Whether the documents tell where discovery is read: not of groups that users have made. */
const isListed = (versions: readonly { resources: readonly Resource[] }[]) =>
  versions.some(({ resources }) => resources.some(({ type }) => !type.schema))

const membersOf = (object: Readonly<Record<string, unknown>>): Member[] =>
  Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)])

const joined = (members: ReadonlyMap<string, string>) => objectOf([...members].toSorted(([a], [b]) => (a < b ? -1 : 1)))

const objectOf = (members: readonly Member[]) =>
  `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`

const keyOf = ({ gvk }: Message): string => `${apiVersionOf(gvk!)} ${gvk!.kind}`

const uncapitalized = (word: string) => word.charAt(0).toLowerCase() + word.slice(1)
/** Writes path items in one dialect, collecting what they refer to. */
class Writer {
  readonly definitions: Definitions
  readonly #dialect: Dialect

  constructor(dialect: Dialect) {
    this.#dialect = dialect
    this.definitions = new Definitions(dialect)
    for (const type of [meta.ListMeta, meta.Status, meta.DeleteOptions, meta.APIResourceList])
      this.definitions.refer(type)
    this.definitions.add(`${META}.Patch`, {
      description: 'A change to an object, in the format that the content type names.',
      type: 'object',
    })
    this.definitions.add(RAW_EXTENSION, {
      description: 'Any object, of a type that is not known here.',
      type: 'object',
    })
    this.definitions.add(`${META}.WatchEvent`, {
      description: 'One event of a watch.',
      type: 'object',
      required: ['type', 'object'],
      properties: {
        object: {
          ...reference(RAW_EXTENSION, dialect),
          description: 'The object that the event is about, or a Status.',
        },
        type: { type: 'string', description: 'ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.' },
      },
    })
  }

  /** A place where discovery is read. */
  discovery(id: string, tag: string, description: string, type: Message): JsonSchema {
    return this.item(readItem({ path: '', tag, id, description, type }))
  }

  item(item: PathItem): JsonSchema {
    const { operations, parameters } = item
    return {
      ...Object.fromEntries(operations.map((operation) => [operation.method, this.#operation(item, operation)])),
      ...(parameters.length > 0 && { parameters: parameters.map((parameter) => this.#parameter(parameter)) }),
    }
  }

  #parameter({ name, in: place, type, description }: Parameter): JsonSchema {
    const schema = { type, uniqueItems: true }
    const isRequired = place === 'path' && { required: true }
    return this.#dialect === 'v2'
      ? { name, in: place, description, ...isRequired, ...schema }
      : { name, in: place, description, ...isRequired, schema }
  }

  #operation({ tag, isCustom }: PathItem, operation: Operation): JsonSchema {
    const { action, gvk, body, id, description, isStream } = operation
    const isConnection = action === 'connect'
    const own = isCustom ? TEXTS : PRODUCES
    const produces = operation.produces ?? (isConnection ? ['*/*'] : isStream ? [...own, ...STREAMS] : own)
    const patches = isCustom ? PATCHES.filter((type) => type !== STRATEGIC) : PATCHES
    const consumes = action === 'patch' ? patches : isCustom ? TEXTS : action === '' ? produces : ['*/*']
    const parameters = operation.parameters.map((parameter) => this.#parameter(parameter))
    const isV2 = this.#dialect === 'v2'
    if (body && isV2) {
      parameters.unshift({
        name: 'body',
        in: 'body',
        ...(body.isRequired && { required: true }),
        schema: this.#schema(body.type),
      })
    }
    const content = (types: readonly string[], type: Body) =>
      Object.fromEntries(types.map((mediaType) => [mediaType, { schema: this.#schema(type) }]))
    return {
      description,
      operationId: id,
      tags: [tag],
      ...(isV2 && { consumes, produces, schemes: ['https'] }),
      ...(parameters.length > 0 && { parameters }),
      ...(body &&
        !isV2 && {
          requestBody: { ...(body.isRequired && { required: true }), content: content(consumes, body.type) },
        }),
      responses: {
        ...Object.fromEntries(
          operation.answers.map(({ code, type }) => [
            String(code),
            {
              description: descriptions[code],
              ...(isV2 ? { schema: this.#schema(type) } : { content: content(produces, type) }),
            },
          ]),
        ),
        '401': { description: 'Unauthorized' },
      },
      ...(action && {
        'x-kubernetes-action': action,
        'x-kubernetes-group-version-kind': { group: gvk.group, kind: gvk.kind, version: gvk.version },
      }),
    }
  }

  #schema(type: Body): JsonSchema {
    if (type === 'text') return { type: 'string' }
    if (type === 'version') return this.definitions.add(VERSION_INFO, versionInfo)
    if ('meta' in type) return reference(`${META}.${type.meta}`, this.#dialect)
    if ('list' in type) return this.definitions.referList(type.list, type.kind)
    return this.definitions.refer(type)
  }
}

const descriptions: Record<number, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }
