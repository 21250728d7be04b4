/**
 * Who is bound to which role, from the watch caches of roles and bindings: bindings by subject and namespace, roles by
 * name. What is acknowledged is in here, so a permission that was taken away is gone before the writer hears of it.
 * Upstream: `pkg/registry/rbac/validation.DefaultRuleResolver`.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from '#api/rbac/v1.ts'
import { keysOf, subjectKey, subjectOf } from '#api/rbac/subjects.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '#api/resources.ts'
import type { Resource } from '#api/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { CacheEvent } from '../registry/object-cache.ts'
import type { User } from '../user.ts'

export type Binding = RoleBinding | ClusterRoleBinding

/** A binding that applies to a user, with what it grants. */
export interface Grant {
  readonly binding: Binding
  /** The first of the binding's subjects that is this user. */
  readonly subject: Subject
  /** Undefined where the role does not exist. */
  readonly rules: readonly PolicyRule[] | undefined
}

/** By namespace; cluster-wide bindings are under ''. */
type Scopes = Map<string, Set<Binding>>

export class Grants {
  readonly #registry: (resource: Resource) => Registry
  readonly #bySubject = new Map<string, Scopes>()
  /** Counts every change of a role or binding. What was worked out at an earlier count may be wrong. */
  #version = 0

  /** `registry` is not asked before `start`. */
  constructor(registry: (resource: Resource) => Registry) {
    this.#registry = registry
  }

  get version(): number {
    return this.#version
  }

  /** Takes in what is there and follows it. The watch caches are loaded. */
  start(): void {
    const onEnd = () => {}
    for (const resource of [clusterRoles, roles]) {
      const { cache } = this.#registry(resource)
      cache.follow(cache.prefix, { onEvents: () => void this.#version++, onEnd })
    }
    for (const resource of [clusterRoleBindings, roleBindings]) {
      const { cache } = this.#registry(resource)
      for (const { object } of cache.list(cache.prefix)) this.#add(object as Binding)
      cache.follow(cache.prefix, { onEvents: (events) => this.#ingest(events), onEnd })
    }
    this.#version++
  }

  #ingest(events: readonly CacheEvent[]) {
    this.#version++
    for (const { previous, current } of events) {
      if (previous) this.#remove(previous.object as Binding)
      if (current) this.#add(current.object as Binding)
    }
  }

  #add(binding: Binding) {
    const namespace = binding.metadata.namespace ?? ''
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace)
      if (key === undefined) continue
      const scopes: Scopes = this.#bySubject.get(key) ?? new Map()
      const bindings = scopes.get(namespace) ?? new Set()
      this.#bySubject.set(key, scopes.set(namespace, bindings.add(binding)))
    }
  }

  #remove(binding: Binding) {
    const namespace = binding.metadata.namespace ?? ''
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace)
      const scopes = key === undefined ? undefined : this.#bySubject.get(key)
      const bindings = scopes?.get(namespace)
      if (!bindings?.delete(binding) || bindings.size > 0) continue
      scopes!.delete(namespace)
      if (scopes!.size === 0) this.#bySubject.delete(key!)
    }
  }

  /** The scopes in which anything is bound to `user`. Only good until `version` changes. */
  scopesOf(user: User): readonly ReadonlyMap<string, ReadonlySet<Binding>>[] {
    const found: Scopes[] = []
    for (const key of keysOf(user)) {
      const scopes = this.#bySubject.get(key)
      if (scopes && !found.includes(scopes)) found.push(scopes)
    }
    return found
  }

  /** What is bound to `user` in `namespace` itself ('' for what is bound cluster-wide), by the names of the bindings. */
  grantsOf(user: User, namespace: string, scopes = this.scopesOf(user)): Grant[] {
    const bindings = new Set<Binding>()
    for (const scope of scopes) for (const binding of scope.get(namespace) ?? []) bindings.add(binding)
    const sorted = [...bindings].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    return sorted.map((binding) => ({
      binding,
      subject: subjectOf(binding, user)!,
      rules: this.rulesOf(binding.roleRef, namespace),
    }))
  }

  /** The rules of a role, as a binding in `namespace` ('' for a cluster-wide one) refers to it; undefined where it isn't there. */
  rulesOf({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const isNamespaced = kind === 'Role'
    if (isNamespaced && namespace === '') return undefined
    const registry = this.#registry(isNamespaced ? roles : clusterRoles)
    const role = registry.cache.get(registry.key(isNamespaced ? namespace : undefined, name))?.object
    return role && ((role as Role | ClusterRole).rules ?? [])
  }
}
