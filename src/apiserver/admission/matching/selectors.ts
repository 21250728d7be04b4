/**
 * Selectors of webhooks and policies: on the labels of the object, and on those of its namespace. Upstream:
 * `predicates/object` and `predicates/namespace` of `admission/plugin/webhook`.
 */
import type { KubeObject } from '#api/kind.ts'
import { namespaces } from '#api/resources.ts'
import { LabelSelector, type LabelSelectorObject, SelectorError, selectorFromObject } from '#machinery/labels.ts'
import { internalError, notFound } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { isAboutNamespace } from './rules.ts'

/** A selector, or why there is none, which is said to whom it would have concerned. */
export type CompiledSelector = LabelSelector | SelectorError

/** Where there is no selector, everything is selected. */
export function compileSelector(object: LabelSelectorObject | undefined): CompiledSelector {
  if (!object) return LabelSelector.everything
  try {
    return selectorFromObject(object)
  } catch (err) {
    if (err instanceof SelectorError) return err
    throw err
  }
}

/** The namespace object of a request, as it is now. Throws NotFound. */
export function namespaceOf(api: Api, name: string): KubeObject {
  const registry = api.registry(namespaces)
  const found = registry.cache.get(registry.key(undefined, name))
  if (!found) throw notFound(namespaces, name)
  return found.object
}

/** Throws NotFound for a namespace that is gone, InternalError for a selector that is none. */
export function namespaceMatches(
  api: Api,
  selector: CompiledSelector,
  request: AdmissionRequest,
  object: Stored | undefined,
): boolean {
  const isNamespace = isAboutNamespace(request)
  // What is in no namespace is exempted by none.
  if (request.namespace === '' && !isNamespace) return true
  if (selector instanceof SelectorError) throw internalError(selector.message, selector)
  if (selector.isEverything) return true
  const isWritten = request.operation === 'CREATE' || request.operation === 'UPDATE'
  // A namespace that is written is selected by the labels that it will have.
  const isNew = isNamespace && request.subresource === '' && isWritten
  return selector.matches((isNew ? object! : namespaceOf(api, request.namespace)).metadata.labels)
}

/** Whether the new or the old object is selected. Throws InternalError for a selector that is none. */
export function objectMatches(
  selector: CompiledSelector,
  object: Stored | undefined,
  old: Stored | undefined,
): boolean {
  if (selector instanceof SelectorError) throw internalError(selector.message, selector)
  if (selector.isEverything) return true
  return [object, old].some((one) => one?.metadata !== undefined && selector.matches(one.metadata.labels))
}
