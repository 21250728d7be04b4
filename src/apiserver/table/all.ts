/** The Printer of every kind. */
import { type Resource, resourceKey } from '#api/kind.ts'
import { allResources } from '#api/resources.ts'
import * as core from './core-printers.ts'
import * as network from './network-printers.ts'
import * as other from './other-printers.ts'
import { podPrinter } from './pod-printer.ts'
import type { Printer } from './printer.ts'
import * as workload from './workload-printers.ts'

/** Kinds that are not here show their name and when they were created. */
const special: Readonly<Record<string, Printer>> = {
  '/componentstatuses': core.componentStatusPrinter,
  '/configmaps': core.configMapPrinter,
  '/endpoints': network.endpointsPrinter,
  '/events': core.eventPrinter,
  '/namespaces': core.namespacePrinter,
  '/nodes': core.nodePrinter,
  '/persistentvolumeclaims': core.persistentVolumeClaimPrinter,
  '/persistentvolumes': core.persistentVolumePrinter,
  '/pods': podPrinter,
  '/podtemplates': workload.podTemplatePrinter,
  '/replicationcontrollers': workload.replicationControllerPrinter,
  '/resourcequotas': core.resourceQuotaPrinter,
  '/secrets': core.secretPrinter,
  '/serviceaccounts': core.serviceAccountPrinter,
  '/services': network.servicePrinter,
  'admissionregistration.k8s.io/mutatingadmissionpolicies': other.mutatingPolicyPrinter,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': other.mutatingPolicyBindingPrinter,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': other.mutatingWebhookPrinter,
  'admissionregistration.k8s.io/validatingadmissionpolicies': other.validatingPolicyPrinter,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': other.validatingPolicyBindingPrinter,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': other.validatingWebhookPrinter,
  'apiregistration.k8s.io/apiservices': other.apiServicePrinter,
  'apps/controllerrevisions': workload.controllerRevisionPrinter,
  'apps/daemonsets': workload.daemonSetPrinter,
  'apps/deployments': workload.deploymentPrinter,
  'apps/replicasets': workload.replicaSetPrinter,
  'apps/statefulsets': workload.statefulSetPrinter,
  'autoscaling/horizontalpodautoscalers': workload.autoscalerPrinter,
  'batch/cronjobs': workload.cronJobPrinter,
  'batch/jobs': workload.jobPrinter,
  'certificates.k8s.io/certificatesigningrequests': other.certificateSigningRequestPrinter,
  'coordination.k8s.io/leases': other.leasePrinter,
  'discovery.k8s.io/endpointslices': network.endpointSlicePrinter,
  'events.k8s.io/events': core.eventPrinter,
  'flowcontrol.apiserver.k8s.io/flowschemas': other.flowSchemaPrinter,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': other.priorityLevelPrinter,
  'networking.k8s.io/ingressclasses': network.ingressClassPrinter,
  'networking.k8s.io/ingresses': network.ingressPrinter,
  'networking.k8s.io/ipaddresses': network.ipAddressPrinter,
  'networking.k8s.io/networkpolicies': network.networkPolicyPrinter,
  'networking.k8s.io/servicecidrs': network.serviceCIDRPrinter,
  'node.k8s.io/runtimeclasses': other.runtimeClassPrinter,
  'policy/poddisruptionbudgets': workload.disruptionBudgetPrinter,
  'rbac.authorization.k8s.io/clusterrolebindings': other.clusterRoleBindingPrinter,
  'rbac.authorization.k8s.io/rolebindings': other.roleBindingPrinter,
  'resource.k8s.io/resourceclaims': other.resourceClaimPrinter,
  'resource.k8s.io/resourceslices': other.resourceSlicePrinter,
  'scheduling.k8s.io/priorityclasses': other.priorityClassPrinter,
  'storage.k8s.io/csidrivers': core.csiDriverPrinter,
  'storage.k8s.io/csinodes': core.csiNodePrinter,
  'storage.k8s.io/csistoragecapacities': core.csiStorageCapacityPrinter,
  'storage.k8s.io/storageclasses': core.storageClassPrinter,
  'storage.k8s.io/volumeattachments': core.volumeAttachmentPrinter,
  'storage.k8s.io/volumeattributesclasses': core.volumeAttributesClassPrinter,
}

/** Shown with an age where the others show a time. */
const withAge = new Set(['resource.k8s.io/deviceclasses', 'resource.k8s.io/resourceclaimtemplates'])

/** By `group/plural`. */
export const printers: ReadonlyMap<string, Printer> = new Map(
  allResources.map((resource) => [resourceKey(resource), special[resourceKey(resource)] ?? fallback(resource)]),
)

function fallback(resource: Resource): Printer {
  return withAge.has(resourceKey(resource)) ? other.agePrinter(resource.type) : other.plainPrinter(resource.type)
}
