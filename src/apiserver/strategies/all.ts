/**
 * The Strategy of every kind. What a kind does before validation is in the files of its group, what is valid in
 * `validation/`; here they are put together. Upstream: `pkg/registry/<group>/<kind>/strategy.go`.
 */
import { decode } from '#api/decode.ts'
import { type Resource, resourceKey } from '#api/kind.ts'
import { allResources } from '#api/resources.ts'
import type { Message } from '#api/schema.ts'
import type { Strategy } from '../registry/strategy.ts'
import * as core from './core.ts'
import * as others from './others.ts'
import { podStrategy } from './pod.ts'
import { serviceStrategy } from './service.ts'
import { validationOf } from './validation/all.ts'
import { warningsOf } from './warnings/all.ts'
import * as workloads from './workloads.ts'

/** Kinds that are not here have nothing special before validation. */
const behaviours: Readonly<Record<string, Strategy>> = {
  '/configmaps': {},
  '/endpoints': core.endpointsStrategy,
  '/events': core.eventStrategy,
  '/limitranges': core.limitRangeStrategy,
  '/namespaces': core.namespaceStrategy,
  '/nodes': core.nodeStrategy,
  '/persistentvolumeclaims': core.persistentVolumeClaimStrategy,
  '/persistentvolumes': core.persistentVolumeStrategy,
  '/pods': podStrategy,
  '/podtemplates': core.podTemplateStrategy,
  '/replicationcontrollers': workloads.replicationControllerStrategy,
  '/resourcequotas': core.resourceQuotaStrategy,
  '/secrets': core.secretStrategy,
  '/serviceaccounts': core.serviceAccountStrategy,
  '/services': serviceStrategy,
  'admissionregistration.k8s.io/mutatingadmissionpolicies': others.admissionPolicyStrategy,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': others.admissionPolicyStrategy,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': others.webhookConfigurationStrategy,
  'admissionregistration.k8s.io/validatingadmissionpolicies': others.admissionPolicyStrategy,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': others.admissionPolicyStrategy,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': others.webhookConfigurationStrategy,
  'apiregistration.k8s.io/apiservices': others.apiServiceStrategy,
  'apps/daemonsets': workloads.daemonSetStrategy,
  'apps/deployments': workloads.deploymentStrategy,
  'apps/replicasets': workloads.replicaSetStrategy,
  'apps/statefulsets': workloads.statefulSetStrategy,
  'batch/cronjobs': workloads.cronJobStrategy,
  'batch/jobs': workloads.jobStrategy,
  'certificates.k8s.io/certificatesigningrequests': others.certificateSigningRequestStrategy,
  'coordination.k8s.io/leases': others.leaseStrategy,
  'discovery.k8s.io/endpointslices': others.endpointSliceStrategy,
  'flowcontrol.apiserver.k8s.io/flowschemas': others.specGeneration,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': others.specGeneration,
  'networking.k8s.io/ingressclasses': others.specGeneration,
  'networking.k8s.io/ingresses': others.specGeneration,
  'networking.k8s.io/ipaddresses': others.ipAddressStrategy,
  'networking.k8s.io/networkpolicies': others.specGeneration,
  'node.k8s.io/runtimeclasses': others.runtimeClassStrategy,
  'policy/poddisruptionbudgets': others.disruptionBudgetStrategy,
  'rbac.authorization.k8s.io/clusterrolebindings': others.roleStrategy,
  'rbac.authorization.k8s.io/clusterroles': others.roleStrategy,
  'rbac.authorization.k8s.io/rolebindings': others.roleStrategy,
  'rbac.authorization.k8s.io/roles': others.roleStrategy,
  'resource.k8s.io/deviceclasses': others.deviceClassStrategy,
  'resource.k8s.io/resourceclaims': others.deviceStrategy,
  'resource.k8s.io/resourceclaimtemplates': others.deviceStrategy,
  'resource.k8s.io/resourceslices': others.resourceSliceStrategy,
  'scheduling.k8s.io/priorityclasses': others.priorityClassStrategy,
  'storage.k8s.io/csidrivers': others.versionedClassStrategy,
  'storage.k8s.io/csinodes': others.versionedClassStrategy,
  'storage.k8s.io/csistoragecapacities': others.storageCapacityStrategy,
  'storage.k8s.io/storageclasses': others.classStrategy,
  'storage.k8s.io/volumeattachments': others.versionedClassStrategy,
  'storage.k8s.io/volumeattributesclasses': others.classStrategy,
}

/** By `group/plural`. */
export const strategies: ReadonlyMap<string, Strategy> = new Map(
  allResources.map((resource) => [resourceKey(resource), strategyOf(resource)]),
)

function strategyOf(resource: Resource): Strategy {
  const key = resourceKey(resource)
  return withFreshStatus(resource, { ...behaviours[key], ...validationOf(key), ...warningsOf(key) })
}

/** A new object's status is what the type says of one that nobody has written yet, zeros included. */
function withFreshStatus(resource: Resource, strategy: Strategy): Strategy {
  const status = resource.type.fields.status
  if (!status?.isPresent || strategy.keepsStatusOnCreate) return strategy
  return {
    ...strategy,
    prepareForCreate(object, context) {
      object.status = decode(status.type as Message, {}).object
      strategy.prepareForCreate?.(object, context)
    },
  }
}
