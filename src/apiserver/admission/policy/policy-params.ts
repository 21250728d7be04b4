/**
 * The parameters that a binding gives to its policy: objects of the policy's paramKind, by name or by labels. Upstream:
 * `plugin/policy/generic.CollectParams`.
 */
import type { ParamKind, ParamRef } from '#api/admissionregistration/v1.ts'
import { SelectorError, selectorFromObject } from '#machinery/labels.ts'
import type { Api, CatalogEntry } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'

/** The policy or the binding can't be obeyed as it stands; `message` says why. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

/** What the parameters of a policy are kept as. Throws ConfigurationError. */
export function paramEntry(api: Api, { apiVersion = '', kind = '' }: ParamKind): CatalogEntry {
  const entry = api.catalog.ofKind(apiVersion, kind)
  if (entry?.served || entry?.conversion) return entry
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`)
}

/** One `undefined` where there are no parameters to be given. Throws, or rejects with, ConfigurationError. */
export function collectParams(
  api: Api,
  paramKind: ParamKind | undefined,
  paramRef: ParamRef | undefined,
  namespace: string,
): readonly (Stored | undefined)[] | Promise<readonly (Stored | undefined)[]> {
  if (!paramKind || !paramRef) return [undefined]
  const entry = paramEntry(api, paramKind)
  const { namespaced } = entry.resource
  if (paramRef.namespace && !namespaced)
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const place = namespaced ? paramRef.namespace || namespace : undefined
  if (place === '') {
    const why = 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources'
    throw new ConfigurationError(why)
  }
  const registry = api.registry(entry.resource)
  const shown = (object: object) => (entry.conversion?.fromStored(object as Stored) ?? object) as Stored
  const collect = () => {
    const found = select(paramRef, {
      get: (name) => registry.cache.get(registry.key(place, name))?.object as Stored | undefined,
      list: () => registry.cache.list(registry.prefix(place)).map((listed) => listed.object as Stored),
    })
    if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny')
      throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction')
    return found.map(shown)
  }
  const pending = registry.cache.prepare(paramRef.name ? registry.key(place, paramRef.name) : registry.prefix(place))
  return pending ? pending.then(collect) : collect()
}

interface Source {
  get(name: string): Stored | undefined
  list(): readonly Stored[]
}

function select({ name, selector }: ParamRef, { get, list }: Source): readonly Stored[] {
  if (name && selector) throw new ConfigurationError('paramRef.name and paramRef.selector are mutually exclusive')
  if (name) {
    const found = get(name)
    return found ? [found] : []
  }
  if (!selector) throw new ConfigurationError('one of name or selector must be provided')
  try {
    const { matches } = selectorFromObject(selector)
    return list().filter(({ metadata }) => matches(metadata.labels))
  } catch (err) {
    if (!(err instanceof SelectorError)) throw err
    throw new ConfigurationError(err.message, { cause: err })
  }
}
