/**
 * What nodes may write: their own Node, the status of pods that they run, mirror pods, leases and tokens, and nothing by
 * which one of them could draw other pods to itself or pass for another. What they may ask for at all, the node authoriser
 * decides; here the object is seen. Upstream: `plugin/pkg/admission/noderestriction`.
 */
import type { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { requestOf } from '#api/certificates/request.ts'
import type { Node } from '#api/core/v1/node.ts'
import type { PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Resource } from '#api/kind.ts'
import type { ResourceSlice } from '#api/resource/v1.ts'
import {
  certificateSigningRequests,
  csiNodes,
  leases,
  nodes,
  persistentVolumeClaims,
  pods,
  resourceSlices,
  serviceAccounts,
} from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { messageOf } from '#base/errors.ts'
import { notFound } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import { nodeNameOf } from '../../authz/node-identity.ts'
import type { Stored } from '../../registry/strategy.ts'
import { changesText } from '../../strategies/validation/changes.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { cachedObject } from '../lookup.ts'
import { refused } from '../refusal.ts'
import { mirrorPodProblem } from './mirror-pods.ts'
import { forbiddenLabels } from './node-labels.ts'
import { tokenProblem } from './token-requests.ts'

/** A request of a node, with the object that it sends (undefined for a deletion) and the means to refuse it. */
interface NodeRequest {
  readonly api: Api
  readonly node: string
  readonly request: AdmissionRequest
  readonly object: Stored | undefined
  refuse(why: string): Error
}

type Rule = (request: NodeRequest) => void

export const nodeRestriction = (api: () => Api): AdmissionPlugin => {
  const rules = new Map<Resource, Rule>([
    [pods as Resource, podRule],
    [nodes as Resource, nodeRule],
    [persistentVolumeClaims as Resource, claimRule],
    [serviceAccounts as Resource, tokenRule],
    [leases as Resource, leaseRule],
    [csiNodes as Resource, csiNodeRule],
    [resourceSlices as Resource, resourceSliceRule],
    [certificateSigningRequests as Resource, certificateRule],
  ])
  const check = (request: AdmissionRequest, object: Stored | undefined) => {
    const node = nodeNameOf(request.user)
    if (node === undefined) return
    const refuse = (why: string) => refused(request, object ?? request.old, why)
    if (node === '') throw refuse(`could not determine node from user ${JSON.stringify(request.user.name)}`)
    rules.get(request.resource)?.({ api: api(), node, request, object, refuse })
  }
  return {
    name: 'NodeRestriction',
    admit(request, object) {
      if (request.operation !== 'CONNECT') check(request, object)
    },
    admitDeletion: (request) => check(request, undefined),
  }
}

function podRule(of: NodeRequest) {
  const { request, refuse } = of
  switch (request.subresource) {
    case '':
      return podItselfRule(of)
    case 'status':
      return podStatusRule(of)
    case 'eviction':
      return evictionRule(of)
    default:
      throw refuse(
        `unexpected pod subresource ${JSON.stringify(request.subresource)}, only 'status' and 'eviction' are allowed`,
      )
  }
}

function podItselfRule({ api, node, request, object, refuse }: NodeRequest) {
  const { operation, old } = request
  const who = `node ${JSON.stringify(node)}`
  if (operation === 'CREATE') {
    const uid = cachedObject(api, nodes, undefined, node)?.metadata.uid
    const problem = mirrorPodProblem(object as unknown as Pod, node, uid)
    if (problem === 'no node') throw notFound({ group: '', plural: 'node' }, node)
    if (problem !== undefined) throw refuse(problem)
  } else if (operation === 'DELETE') {
    if ((old as unknown as Pod).spec.nodeName !== node)
      throw refuse(`${who} can only delete pods with spec.nodeName set to itself`)
  } else throw refuse(`unexpected operation "${operation}", ${who} can only create and delete mirror pods`)
}

function podStatusRule({ node, request, object, refuse }: NodeRequest) {
  if (request.operation !== 'UPDATE') throw refuse(`unexpected operation "${request.operation}"`)
  const [pod, old] = [object, request.old] as unknown as [Pod, Pod]
  const who = `node ${JSON.stringify(node)}`
  if (old.spec.nodeName !== node)
    throw refuse(`${who} can only update pod status for pods with spec.nodeName set to itself`)
  if (!jsonEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {}))
    throw refuse(`${who} cannot update labels through pod status`)
  const claims = ({ status }: Pod) =>
    (status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName ?? null])
  if (!jsonEqual(claims(pod), claims(old))) throw refuse(`${who} cannot update resource claim statues`)
  const extended = ({ status }: Pod) => status?.extendedResourceClaimStatus ?? null
  if (!jsonEqual(extended(pod), extended(old))) throw refuse(`${who} cannot update extended resource claim status`)
}

function evictionRule({ api, node, request, refuse }: NodeRequest) {
  if (request.operation !== 'CREATE') throw refuse(`unexpected operation ${request.operation}`)
  const pod = cachedObject(api, pods, request.namespace, request.name)
  if (!pod) throw notFound({ group: '', plural: 'pod' }, request.name)
  if (pod.spec.nodeName !== node) throw refuse(`node ${node} can only evict pods with spec.nodeName set to itself`)
}

function claimRule({ node, request, object, refuse }: NodeRequest) {
  if (request.subresource !== 'status') throw refuse('may only update PVC status')
  if (request.operation !== 'UPDATE') throw refuse(`unexpected operation "${request.operation}"`)
  const [now, was] = [object, request.old].map((claim) => withoutReports(claim as unknown as PersistentVolumeClaim))
  if (jsonEqual(now, was)) return
  const what = `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`
  throw refuse(`${what}: ${changesText(was, now)}`)
}

/** What is left of a claim without what a node may report about it. */
function withoutReports({ metadata, status = {}, ...rest }: PersistentVolumeClaim) {
  const { resourceVersion: _version, managedFields: _fields, ...meta } = metadata
  const { capacity: _capacity, conditions: _conditions, ...more } = status
  const { allocatedResources: _allocated, allocatedResourceStatuses: _statuses, ...others } = more
  return { ...rest, metadata: meta, status: others }
}

function nodeRule({ node, request, object, refuse }: NodeRequest) {
  const { operation, name, old } = request
  const who = `node ${JSON.stringify(node)}`
  if (name !== node) throw refuse(`${who} is not allowed to modify node ${JSON.stringify(name)}`)
  if (operation === 'DELETE') return
  const now = object as unknown as Node
  if (operation === 'CREATE') {
    if (now.spec?.configSource) throw refuse(`${who} is not allowed to create pods with a non-nil configSource`)
    const labels = forbiddenLabels(now.metadata.labels, undefined)
    if (labels.length > 0) throw refuse(`${who} is not allowed to set the following labels: ${labels.join(', ')}`)
    return
  }
  const was = old as unknown as Node
  if (now.spec?.configSource && !jsonEqual(now.spec.configSource, was.spec?.configSource))
    throw refuse(`${who} is not allowed to update configSource to a new non-nil configSource`)
  if (!jsonEqual(now.spec?.taints ?? [], was.spec?.taints ?? [])) throw refuse(`${who} is not allowed to modify taints`)
  if (!jsonEqual(now.metadata.ownerReferences ?? [], was.metadata.ownerReferences ?? []))
    throw refuse(`${who} is not allowed to modify ownerReferences`)
  const labels = forbiddenLabels(now.metadata.labels, was.metadata.labels)
  if (labels.length > 0) throw refuse(`is not allowed to modify labels: ${labels.join(', ')}`)
}

function tokenRule({ api, node, request, object, refuse }: NodeRequest) {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return
  const problem = tokenProblem(api, node, request, object!)
  if (problem !== undefined) throw typeof problem === 'string' ? refuse(problem) : problem
}

const LEASE_NAMESPACE = 'kube-node-lease'

/** A created object's name is that of the request, too, unless it is still to be made up. */
function leaseRule({ node, request, refuse }: NodeRequest) {
  if (request.namespace !== LEASE_NAMESPACE)
    throw refuse(`can only access leases in the ${JSON.stringify(LEASE_NAMESPACE)} system namespace`)
  if (request.name !== node) throw refuse('can only access node lease with the same name as the requesting node')
}

function csiNodeRule({ node, request, refuse }: NodeRequest) {
  if (request.name !== node) throw refuse('can only access CSINode with the same name as the requesting node')
}

function resourceSliceRule({ node, request, object, refuse }: NodeRequest) {
  const { operation, old } = request
  if (operation !== 'CREATE' && operation !== 'DELETE') return
  const slice = (object ?? old) as unknown as ResourceSlice
  if (slice.spec?.nodeName === node) return
  throw refuse(`can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`)
}

const NODE_SIGNERS = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']

function certificateRule({ node, request, object, refuse }: NodeRequest) {
  if (request.operation !== 'CREATE') return
  const { spec } = object as unknown as CertificateSigningRequest
  if (!NODE_SIGNERS.includes(spec?.signerName ?? '')) return
  let commonName: string
  try {
    ;({ commonName } = requestOf(spec.request ?? '').subject)
  } catch (err) {
    throw refuse(`unable to parse csr: ${messageOf(err)}`)
  }
  const own = `system:node:${node}`
  if (commonName !== own) throw refuse(`can only create a node CSR with CN=${own}`)
}
