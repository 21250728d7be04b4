/** Top-level kinds and the resources that serve them. */
import { f, type Field, type Fields, type Infer, Message } from './schema.ts'
import { ObjectMeta } from './meta/v1.ts'

type KindFields<F extends Fields> = {
  apiVersion: Field<string, true>
  kind: Field<string, true>
  metadata: Field<StoredMeta, true>
} & F

/** ObjectMeta as the API server returns it: what it always fills in is always there. */
export type StoredMeta = ObjectMeta & { name: string; uid: string; resourceVersion: string; creationTimestamp: string }

/** Any API object. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: StoredMeta
}

/** What a caller hands in to be created: the server fills in the rest. */
export type Draft<T extends KubeObject> = { [K in Exclude<keyof T, 'metadata'>]?: T[K] } & { metadata: ObjectMeta }

export interface ObjectList<T extends KubeObject = KubeObject> {
  apiVersion: string
  kind: string
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  items: T[]
}

/** Describes a top-level kind: `apiVersion`, `kind` and `metadata` are added to `fields`. */
export function kind<F extends Fields>(
  group: string,
  version: string,
  name: string,
  doc: string,
  fields: F,
): Message<KindFields<F>> {
  const all = {
    apiVersion: f.string(0, 'Group and version of this object, such as apps/v1.'),
    kind: f.string(0, 'Kind of this object, such as Pod.'),
    metadata: f.message(ObjectMeta, 1, 'Name, labels and the rest of what every object carries.').present(),
    ...fields,
  }
  const prefix = group === '' ? 'core' : group.split('.')[0]
  return new Message(`${prefix}.${version}.${name}`, doc, all as unknown as KindFields<F>, {
    group,
    version,
    kind: name,
  })
}

export type Verb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection'
export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]

export interface Subresource {
  /** Kind of its body; the parent's where it is not given. */
  kind?: string
  apiVersion?: string
  /** Default: get, patch, update. */
  verbs?: readonly (Verb | 'connect')[]
}

/** A served resource. `T` is the static type of its objects. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Type-level only. */
  readonly object?: T
  readonly group: string
  readonly version: string
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string
  readonly kind: string
  /** Default: `<kind>List`. */
  readonly listKind?: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly Verb[]
  /** Those that discovery tells of. Default: all of them. */
  readonly shownVerbs?: readonly Verb[]
  readonly subresources: Readonly<Record<string, Subresource>>
  readonly type: Message
}

export interface ResourceOptions {
  namespaced?: boolean
  shortNames?: readonly string[]
  categories?: readonly string[]
  verbs?: readonly Verb[]
  subresources?: Readonly<Record<string, Subresource>>
}

/** `v1` or `apps/v1`. */
export const apiVersionOf = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group === '' ? version : `${group}/${version}`

/** `/pods` or `apps/deployments`: a resource whatever its version. */
export const resourceKey = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): string => `${group}/${plural}`

/** Throws TypeError when `type` is not a top-level kind. */
export function defineResource<M extends Message>(
  type: M,
  plural: string,
  options: ResourceOptions = {},
): Resource<Infer<M> & KubeObject> {
  const gvk = type.gvk
  if (!gvk) throw new TypeError(`${type.name} is not a top-level kind`)
  return {
    group: gvk.group,
    version: gvk.version,
    apiVersion: apiVersionOf(gvk),
    kind: gvk.kind,
    plural,
    singular: gvk.kind.toLowerCase(),
    namespaced: options.namespaced ?? false,
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    verbs: options.verbs ?? ALL_VERBS,
    subresources: options.subresources ?? {},
    type,
  }
}
