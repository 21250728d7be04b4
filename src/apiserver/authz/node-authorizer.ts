/**
 * What nodes may do: read what their own pods need, and otherwise what every node may. What a node may write is narrowed
 * further by admission, which sees the object. Upstream: `plugin/pkg/auth/authorizer/node`.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { ResourceSlice } from '#api/resource/v1.ts'
import { resourceSlices, volumeAttachments } from '#api/resources.ts'
import type { VolumeAttachment } from '#api/storage/v1.ts'
import type { Registry } from '../registry/registry.ts'
import type { Attributes, Authorizer, Decision, User, UserRules } from '../user.ts'
import { NodeGraph } from './node-graph.ts'
import { nodeNameOf } from './node-identity.ts'
import type { Referenced } from './pod-references.ts'
import { ruleAllows } from '#api/rbac/policy-rule.ts'

const ALLOWED: Decision = Object.freeze({ allowed: true, reason: '' })
const NO_OPINION: Decision = Object.freeze({ allowed: false, reason: '' })
const refuse = (reason: string): Decision => ({ allowed: false, reason })

const NO_RULES: UserRules = { resourceRules: [], nonResourceRules: [], incomplete: false, errors: [] }
const LEASE_NAMESPACE = 'kube-node-lease'

type Rule = (node: string, attributes: Attributes) => Decision

export class NodeAuthorizer implements Authorizer {
  readonly #registry: (resource: Resource) => Registry
  readonly #graph: NodeGraph
  /** What every node may, for resources that are not subdivided. */
  readonly #rules: readonly PolicyRule[]
  readonly #byResource: Readonly<Record<string, Rule>>

  /** `registry` is not asked before the first request of a node. */
  constructor(registry: (resource: Resource) => Registry, rules: readonly PolicyRule[]) {
    this.#registry = registry
    this.#graph = new NodeGraph(registry)
    this.#rules = rules
    this.#byResource = {
      '/secrets': (node, a) => this.#readReferenced(node, 'secrets', a),
      '/configmaps': (node, a) => this.#readReferenced(node, 'configmaps', a),
      '/persistentvolumeclaims': (node, a) => this.#claim(node, a),
      '/persistentvolumes': (node, a) => getOnly(a) ?? this.#ifRelated(node, a, this.#graph.needsVolume(node, a.name)),
      '/serviceaccounts': (node, a) => this.#serviceAccount(node, a),
      '/nodes': ownNode,
      '/pods': (node, a) => this.#pod(node, a),
      'coordination.k8s.io/leases': lease,
      'storage.k8s.io/csinodes': csiNode,
      'storage.k8s.io/volumeattachments': (node, a) =>
        getOnly(a) ??
        this.#ifRelated(node, a, this.#find<VolumeAttachment>(volumeAttachments, a.name)?.spec.nodeName === node),
      'resource.k8s.io/resourceclaims': (node, a) =>
        getOnly(a) ?? this.#ifRelated(node, a, this.#needs(node, 'resourceclaims', a)),
      'resource.k8s.io/resourceslices': (node, a) => this.#resourceSlice(node, a),
      'certificates.k8s.io/podcertificaterequests': () => NO_OPINION,
    }
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user)
    if (node === undefined) return NO_OPINION
    if (node === '') return refuse(`unknown node for user ${JSON.stringify(attributes.user.name)}`)
    if (attributes.path === undefined) {
      const key = `${attributes.group}/${attributes.resource}`
      if (Object.hasOwn(this.#byResource, key)) return this.#byResource[key]!(node, attributes)
    }
    return this.#rules.some((rule) => ruleAllows(rule, attributes)) ? ALLOWED : NO_OPINION
  }

  rulesFor(user: User, _namespace: string): UserRules {
    if (nodeNameOf(user) === undefined) return NO_RULES
    return { ...NO_RULES, incomplete: true, errors: ['node authorizer does not support user rule resolution'] }
  }

  #find<T>(resource: Resource, name: string): T | undefined {
    const registry = this.#registry(resource)
    return registry.cache.get(registry.key(undefined, name))?.object as T | undefined
  }

  #needs(node: string, resource: Referenced, { namespace, name }: Attributes): boolean {
    return name !== '' && this.#graph.needs(node, resource, namespace, name)
  }

  #ifRelated(node: string, { name }: Attributes, isRelated: boolean): Decision {
    if (name === '') return refuse('No Object name found')
    return isRelated ? ALLOWED : refuse(`no relationship found between node '${node}' and this object`)
  }

  #readReferenced(node: string, resource: Referenced, a: Attributes): Decision {
    if (!READ.includes(a.verb)) return refuse('can only read resources of this type')
    if (a.subresource !== '') return refuse('cannot read subresource')
    if (a.namespace === '') return refuse('can only read namespaced object of this type')
    return this.#ifRelated(node, a, this.#needs(node, resource, a))
  }

  #claim(node: string, a: Attributes): Decision {
    if (a.subresource !== 'status')
      return getOnly(a) ?? this.#ifRelated(node, a, this.#needs(node, 'persistentvolumeclaims', a))
    if (a.verb !== 'update' && a.verb !== 'patch') return refuse('can only get/update/patch this type')
    return this.#ifRelated(node, a, this.#needs(node, 'persistentvolumeclaims', a))
  }

  #serviceAccount(node: string, a: Attributes): Decision {
    if (a.verb === 'get' && a.subresource === '') return this.#readReferenced(node, 'serviceaccounts', a)
    if (a.verb !== 'create' || a.name === '') return refuse('can only create tokens for individual service accounts')
    if (a.subresource !== 'token') return refuse('can only create token subresource of serviceaccount')
    return this.#ifRelated(node, a, this.#needs(node, 'serviceaccounts', a))
  }

  #pod(node: string, a: Attributes): Decision {
    const { verb, subresource, namespace, name } = a
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION
    if (subresource === 'eviction') return verb === 'create' ? ALLOWED : NO_OPINION
    if (subresource !== '') return NO_OPINION
    // Only mirror pods, and only its own: admission sees to that.
    if (verb === 'create' || verb === 'delete') return ALLOWED
    if (verb === 'get') return this.#ifRelated(node, a, this.#graph.runs(node, namespace, name))
    if (verb !== 'list' && verb !== 'watch') return NO_OPINION
    if (selectsOwn(a, 'spec.nodeName', node)) return ALLOWED
    if (name !== '') return this.#ifRelated(node, a, this.#graph.runs(node, namespace, name))
    return refuse('can only list/watch pods with spec.nodeName field selector')
  }

  #resourceSlice(node: string, a: Attributes): Decision {
    if (a.subresource !== '') return refuse('cannot authorize ResourceSlice subresources')
    switch (a.verb) {
      case 'create':
        return ALLOWED
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#ifRelated(node, a, this.#find<ResourceSlice>(resourceSlices, a.name)?.spec.nodeName === node)
      case 'list':
      case 'watch':
      case 'deletecollection':
        return selectsOwn(a, 'spec.nodeName', node)
          ? ALLOWED
          : refuse('can only list/watch/deletecollection resourceslices with nodeName field selector')
      default:
        return refuse(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        )
    }
  }
}

const READ = ['get', 'list', 'watch']
const OWN_OBJECT = ['get', 'create', 'update', 'patch', 'delete']

function getOnly({ verb, subresource }: Attributes): Decision | undefined {
  if (verb !== 'get') return refuse('can only get individual resources of this type')
  return subresource === '' ? undefined : refuse('cannot get subresource')
}

const selectsOwn = ({ fieldSelector }: Attributes, field: string, node: string): boolean =>
  fieldSelector?.some((r) => r.field === field && r.operator === '=' && r.value === node) ?? false

/** Writes to any Node are let through here; admission narrows them to the node's own. */
function ownNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION
  if (subresource !== '') return NO_OPINION
  if (verb === 'create' || verb === 'update' || verb === 'patch') return ALLOWED
  if (!READ.includes(verb)) return NO_OPINION
  if (name === node) return ALLOWED
  if (name === '') return refuse(`node '${node}' cannot read all nodes, only its own Node object`)
  return refuse(`node '${node}' cannot read '${name}', only its own Node object`)
}

/** The name is not known yet when something is created; admission compares it then. */
function lease(node: string, { verb, namespace, name }: Attributes): Decision {
  if (!OWN_OBJECT.includes(verb)) return refuse('can only get, create, update, patch, or delete a node lease')
  if (namespace !== LEASE_NAMESPACE)
    return refuse(`can only access leases in the ${JSON.stringify(LEASE_NAMESPACE)} system namespace`)
  if (verb !== 'create' && name !== node)
    return refuse('can only access node lease with the same name as the requesting node')
  return ALLOWED
}

function csiNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (!OWN_OBJECT.includes(verb)) return refuse('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return refuse('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node)
    return refuse('can only access CSINode with the same name as the requesting node')
  return ALLOWED
}
