/**
 * The selector of the pods that belong together with a pod: what the services that select it and the controller that
 * owns it select (upstream: `helper.DefaultSelector`).
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import { type LabelRequirement, LabelSelector, selectorFromMap, selectorFromObject } from '#machinery/labels.ts'
import { controllerOf } from '#machinery/owner.ts'
import type { PluginListers } from '../framework/plugin.ts'

/** Remembers the compiled selectors of services, of which a namespace can have many. */
export class DefaultSelectors {
  readonly #listers: PluginListers
  readonly #compiled = new WeakMap<Service, LabelSelector>()

  constructor(listers: PluginListers) {
    this.#listers = listers
  }

  /** Undefined where neither service nor controller selects the pod. */
  of({ metadata }: Pod): LabelSelector | undefined {
    const listers = this.#listers
    const { namespace = '', labels = {} } = metadata
    const merged: Record<string, string> = {}
    for (const service of listers.services.list(namespace)) {
      const { selector } = service.spec
      if (selector && this.#selectorOf(service, selector).matches(labels)) Object.assign(merged, selector)
    }
    const requirements: LabelRequirement[] = []
    const owner = controllerOf(metadata)
    if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1') {
      Object.assign(merged, listers.replicationControllers.get(namespace, owner.name)?.spec.selector)
    } else if (owner?.apiVersion === 'apps/v1' && (owner.kind === 'ReplicaSet' || owner.kind === 'StatefulSet')) {
      const lister = owner.kind === 'ReplicaSet' ? listers.replicaSets : listers.statefulSets
      const selector = lister.get(namespace, owner.name)?.spec?.selector
      if (selector) requirements.push(...selectorFromObject(selector).requirements)
    }
    const selector = LabelSelector.of([...selectorFromMap(merged).requirements, ...requirements])
    return selector.isEverything ? undefined : selector
  }

  #selectorOf(service: Service, selector: Record<string, string>): LabelSelector {
    let compiled = this.#compiled.get(service)
    if (!compiled) this.#compiled.set(service, (compiled = selectorFromMap(selector)))
    return compiled
  }
}
