/**
 * What a CustomResourceDefinition makes the API serve: each served version as a resource with a registry of its own, over
 * what is stored for all of them. Upstream: `crdHandler.getOrCreateServingInfoFor`.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from '#api/apiextensions/v1.ts'
import { ALL_VERBS, type KubeObject, type Resource, type Subresource, type Verb } from '#api/kind.ts'
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { Store } from '#storage/store.ts'
import type { CatalogEntry, SubresourceHandler } from '../api.ts'
import type { JsonObject, ManagedKind } from '../apply/managed-kind.ts'
import { structuralSchema } from '../apply/structural-schema.ts'
import { compareVersions } from '../discovery/groups.ts'
import { Registry } from '../registry/registry.ts'
import type { WatchCache } from '../registry/watch-cache.ts'
import { WatchGroups } from '../watch/watch-groups.ts'
import { customScaleHandler, replicasPaths } from './custom-scale.ts'
import { customStrategy } from './custom-strategy.ts'
import { customType } from './custom-type.ts'
import { customPrinter } from './printer-columns.ts'
import type { RuleValidator } from './rule-validation.ts'
import { storedCodec } from './stored-codec.ts'
import { type SchemaProps, Structural } from './structural.ts'
import { type Converter, VersionForms } from './version-forms.ts'
import { VersionView } from './version-view.ts'

export interface ServingOptions {
  /** Whether the definition is being deleted: nothing is created any more. */
  isTerminating(): boolean
  /** What is stored of the resource, in whatever version. */
  stored: WatchCache
  converter: Converter
  /** The validator of a schema's rules; undefined where it has none. */
  rulesOf(schema: Structural): RuleValidator | undefined
  store: Store
  clock: Clock
  random: Random
}

export interface ServedDefinition {
  entries(isTerminating: boolean): readonly CatalogEntry[]
  /** Of the storage version, whether it is served or not. */
  readonly storage: Registry
  /** Ends all watches. What is stored stays where it is. */
  stop(): void
}

/** Of a resource that is going, only this is told. */
const TERMINATING_VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'watch']

/** `names` are those that have been accepted. */
export function serveDefinition(
  { spec }: CustomResourceDefinition,
  names: CustomResourceDefinitionNames,
  options: ServingOptions,
): ServedDefinition {
  const { stored, store, clock, random } = options
  const schemas = new Map(spec.versions.map((version) => [version.name, schemaOf(version)]))
  const storageVersion = spec.versions.find(({ storage }) => storage)!.name
  const forms = new VersionForms(spec.group, storageVersion, schemas, options.converter)
  const types = new Map(
    spec.versions.map(({ name: version, selectableFields = [] }) => {
      const schema = schemas.get(version)!
      return [version, customType({ group: spec.group, version, kind: names.kind, schema, selectableFields })]
    }),
  )
  const codec = storedCodec(types.get(storageVersion)!)
  const views: VersionView[] = []
  const managed = managedKinds(spec, names.kind, schemas, options.converter)
  const replicas = replicasPaths(spec)

  const make = (version: CustomResourceDefinitionVersion) => {
    const schema = schemas.get(version.name)!
    const resource: Resource = {
      group: spec.group,
      version: version.name,
      apiVersion: `${spec.group}/${version.name}`,
      kind: names.kind,
      listKind: names.listKind ?? `${names.kind}List`,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      namespaced: spec.scope === 'Namespaced',
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      verbs: ALL_VERBS,
      subresources: subresourcesOf(version),
      type: types.get(version.name)!,
    }
    const view = new VersionView({ stored, codec, forms, apiVersion: resource.apiVersion })
    views.push(view)
    const { status, scale } = version.subresources ?? {}
    const strategy = customStrategy({
      resource,
      schema,
      rules: options.rulesOf(schema),
      hasStatus: status !== undefined,
      scale,
      selectableFields: version.selectableFields ?? [],
      isTerminating: options.isTerminating,
    })
    return new Registry({ resource, strategy, store, clock, random, form: view })
  }

  const entries: CatalogEntry[] = []
  let storage: Registry | undefined
  for (const version of spec.versions) {
    if (!version.served && !version.storage) continue
    const registry = make(version)
    if (version.storage) storage = registry
    if (!version.served) continue
    const { scale } = version.subresources ?? {}
    const subresources = new Map<string, SubresourceHandler>(
      scale ? [['scale', customScaleHandler(scale, replicas)]] : [],
    )
    const warning = deprecationWarning(spec, version)
    entries.push({
      resource: registry.resource,
      served: { registry, watches: new WatchGroups(registry.cache) },
      subresources,
      printer: customPrinter(version.additionalPrinterColumns),
      managed: managed.get(registry.resource.apiVersion)!,
      ...(warning && { warning }),
    })
  }
  return {
    entries: (isTerminating) => (isTerminating ? entries.map(onlyEmptied) : entries),
    storage: storage!,
    stop() {
      for (const view of views) view.stop()
    },
  }
}

const onlyEmptied = (entry: CatalogEntry): CatalogEntry => ({
  ...entry,
  resource: { ...entry.resource, shownVerbs: TERMINATING_VERBS },
})

/**
 * What the owners of fields need to know of each version, by `apiVersion`. One that is not served any more is still one
 * in which managers may have named what they own.
 */
function managedKinds(
  { group, versions }: CustomResourceDefinition['spec'],
  kind: string,
  schemas: ReadonlyMap<string, Structural>,
  converter: Converter,
): ReadonlyMap<string, ManagedKind> {
  const kinds = new Map<string, ManagedKind>()
  for (const { name } of versions) {
    const { source } = schemas.get(name)!
    const apiVersion = `${group}/${name}`
    kinds.set(apiVersion, {
      apiVersion,
      kind,
      schema: structuralSchema(source as Parameters<typeof structuralSchema>[0]),
      version: (other) => kinds.get(other),
      convert(object, other) {
        const converted = converter.convert([object as unknown as KubeObject], other)
        const first = ([one]: readonly KubeObject[]) => one as unknown as JsonObject
        return converted instanceof Promise ? converted.then(first) : first(converted)
      },
    })
  }
  return kinds
}

function schemaOf(version: CustomResourceDefinitionVersion): Structural {
  // Without a schema there is nothing that could be known, and nothing is.
  return new Structural((version.schema?.openAPIV3Schema ?? { type: 'object' }) as SchemaProps)
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion): Record<string, Subresource> {
  const { status, scale } = subresources ?? {}
  return {
    ...(status && { status: {} }),
    ...(scale && { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' } }),
  }
}

function deprecationWarning(
  { group, names, versions }: CustomResourceDefinition['spec'],
  { name, deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion,
): string | undefined {
  if (!deprecated) return undefined
  if (text !== undefined) return text
  const better = versions
    .filter((other) => other.served && !other.deprecated && compareVersions(other.name, name) > 0)
    .toSorted((a, b) => compareVersions(b.name, a.name))[0]
  const use = better ? `; use ${group}/${better.name} ${names.kind}` : ''
  return `${group}/${name} ${names.kind} is deprecated${use}`
}
