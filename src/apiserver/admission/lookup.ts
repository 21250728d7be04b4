/**
 * Other objects, as plug-ins see them: the newest durable ones, shared and not to be written to. Where none of a kind
 * exist the answer costs next to nothing, because these are asked on the path of every write.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Api } from '../api.ts'

export function cachedObject<T extends KubeObject>(
  api: Api,
  resource: Resource<T>,
  namespace: string | undefined,
  name: string,
): T | undefined {
  const registry = api.registry(resource)
  return registry.cache.get(registry.key(namespace, name))?.object as T | undefined
}

/** All of a namespace, or all where it is undefined, in the order of their keys. */
export function cachedObjects<T extends KubeObject>(
  api: Api,
  resource: Resource<T>,
  namespace: string | undefined,
): readonly T[] {
  const registry = api.registry(resource)
  if (registry.cache.size === 0) return NONE
  return registry.cache.list(registry.prefix(namespace)).map((entry) => entry.object as T)
}

const NONE: readonly never[] = []
