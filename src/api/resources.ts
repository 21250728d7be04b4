/**
 * Every resource of the API: which kind it serves, under which path, and with which subresources. The registry, discovery,
 * OpenAPI and the clients are driven by this table; behaviour beyond the generic is added by a Strategy of the API server.
 */
import { defineResource, type Resource } from './kind.ts'
import {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from './admissionregistration/v1.ts'
import { CustomResourceDefinition } from './apiextensions/v1.ts'
import { APIService } from './apiregistration/v1.ts'
import { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from './apps/v1.ts'
import { SelfSubjectReview, TokenReview } from './authentication/v1.ts'
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from './authorization/v1.ts'
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from './autoscaling/v1.ts'
import { HorizontalPodAutoscaler } from './autoscaling/v2.ts'
import { CronJob, Job } from './batch/v1.ts'
import { CertificateSigningRequest } from './certificates/v1.ts'
import { Lease } from './coordination/v1.ts'
import { ComponentStatus } from './core/v1/component-status.ts'
import { ConfigMap, Secret, ServiceAccount } from './core/v1/config.ts'
import { Event } from './core/v1/event.ts'
import { LimitRange, Namespace, ResourceQuota } from './core/v1/namespace.ts'
import { Node } from './core/v1/node.ts'
import { PersistentVolume, PersistentVolumeClaim } from './core/v1/persistent-volume.ts'
import { Binding, Pod, PodTemplate } from './core/v1/pod.ts'
import { ReplicationController } from './core/v1/replication-controller.ts'
import { Endpoints, Service } from './core/v1/service.ts'
import { EndpointSlice } from './discovery/v1.ts'
import { Event as EventsEvent } from './events/v1.ts'
import { FlowSchema, PriorityLevelConfiguration } from './flowcontrol/v1.ts'
import { IPAddress, Ingress, IngressClass, NetworkPolicy, ServiceCIDR } from './networking/v1.ts'
import { RuntimeClass } from './node/v1.ts'
import { PodDisruptionBudget } from './policy/v1.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from './rbac/v1.ts'
import { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from './resource/v1.ts'
import { PriorityClass } from './scheduling/v1.ts'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from './storage/v1.ts'

export const componentStatus = defineResource(ComponentStatus, 'componentstatuses', {
  shortNames: ['cs'],
  verbs: ['get', 'list'],
})
export const configMaps = defineResource(ConfigMap, 'configmaps', { namespaced: true, shortNames: ['cm'] })
export const endpoints = defineResource(Endpoints, 'endpoints', { namespaced: true, shortNames: ['ep'] })
export const events = defineResource(Event, 'events', { namespaced: true, shortNames: ['ev'] })
export const limitRanges = defineResource(LimitRange, 'limitranges', { namespaced: true, shortNames: ['limits'] })
export const namespaces = defineResource(Namespace, 'namespaces', {
  shortNames: ['ns'],
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: { finalize: { verbs: ['update'] }, status: {} },
})
export const bindings = defineResource(Binding, 'bindings', { namespaced: true, verbs: ['create'] })
export const persistentVolumeClaims = defineResource(PersistentVolumeClaim, 'persistentvolumeclaims', {
  namespaced: true,
  shortNames: ['pvc'],
  subresources: { status: {} },
})
export const pods = defineResource(Pod, 'pods', {
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  subresources: {
    attach: { kind: 'PodAttachOptions', verbs: ['connect'] },
    binding: { kind: 'Binding', verbs: ['create'] },
    ephemeralcontainers: {},
    eviction: { kind: 'Eviction', apiVersion: 'policy/v1', verbs: ['create'] },
    exec: { kind: 'PodExecOptions', verbs: ['connect'] },
    log: { verbs: ['get'] },
    portforward: { kind: 'PodPortForwardOptions', verbs: ['connect'] },
    proxy: { kind: 'PodProxyOptions', verbs: ['connect'] },
    resize: {},
    status: {},
  },
})
export const podTemplates = defineResource(PodTemplate, 'podtemplates', { namespaced: true })
export const replicationControllers = defineResource(ReplicationController, 'replicationcontrollers', {
  namespaced: true,
  shortNames: ['rc'],
  categories: ['all'],
  subresources: { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' }, status: {} },
})
export const resourceQuotas = defineResource(ResourceQuota, 'resourcequotas', {
  namespaced: true,
  shortNames: ['quota'],
  subresources: { status: {} },
})
export const secrets = defineResource(Secret, 'secrets', { namespaced: true })
export const serviceAccounts = defineResource(ServiceAccount, 'serviceaccounts', {
  namespaced: true,
  shortNames: ['sa'],
  subresources: { token: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', verbs: ['create'] } },
})
export const services = defineResource(Service, 'services', {
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  subresources: { proxy: { kind: 'ServiceProxyOptions', verbs: ['connect'] }, status: {} },
})
export const nodes = defineResource(Node, 'nodes', {
  shortNames: ['no'],
  subresources: { proxy: { kind: 'NodeProxyOptions', verbs: ['connect'] }, status: {} },
})
export const persistentVolumes = defineResource(PersistentVolume, 'persistentvolumes', {
  shortNames: ['pv'],
  subresources: { status: {} },
})
export const mutatingAdmissionPolicies = defineResource(MutatingAdmissionPolicy, 'mutatingadmissionpolicies', {
  categories: ['api-extensions'],
})
export const mutatingAdmissionPolicyBindings = defineResource(
  MutatingAdmissionPolicyBinding,
  'mutatingadmissionpolicybindings',
  { categories: ['api-extensions'] },
)
export const mutatingWebhookConfigurations = defineResource(
  MutatingWebhookConfiguration,
  'mutatingwebhookconfigurations',
  { categories: ['api-extensions'] },
)
export const validatingAdmissionPolicies = defineResource(ValidatingAdmissionPolicy, 'validatingadmissionpolicies', {
  categories: ['api-extensions'],
  subresources: { status: {} },
})
export const validatingAdmissionPolicyBindings = defineResource(
  ValidatingAdmissionPolicyBinding,
  'validatingadmissionpolicybindings',
  { categories: ['api-extensions'] },
)
export const validatingWebhookConfigurations = defineResource(
  ValidatingWebhookConfiguration,
  'validatingwebhookconfigurations',
  { categories: ['api-extensions'] },
)
export const customResourceDefinitions = defineResource(CustomResourceDefinition, 'customresourcedefinitions', {
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  subresources: { status: {} },
})
export const apiServices = defineResource(APIService, 'apiservices', {
  categories: ['api-extensions'],
  subresources: { status: {} },
})
export const controllerRevisions = defineResource(ControllerRevision, 'controllerrevisions', { namespaced: true })
export const daemonSets = defineResource(DaemonSet, 'daemonsets', {
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  subresources: { status: {} },
})
export const deployments = defineResource(Deployment, 'deployments', {
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' }, status: {} },
})
export const replicaSets = defineResource(ReplicaSet, 'replicasets', {
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  subresources: { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' }, status: {} },
})
export const statefulSets = defineResource(StatefulSet, 'statefulsets', {
  namespaced: true,
  shortNames: ['sts'],
  categories: ['all'],
  subresources: { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' }, status: {} },
})
export const selfSubjectReviews = defineResource(SelfSubjectReview, 'selfsubjectreviews', { verbs: ['create'] })
export const tokenReviews = defineResource(TokenReview, 'tokenreviews', { verbs: ['create'] })
export const localSubjectAccessReviews = defineResource(LocalSubjectAccessReview, 'localsubjectaccessreviews', {
  namespaced: true,
  verbs: ['create'],
})
export const selfSubjectAccessReviews = defineResource(SelfSubjectAccessReview, 'selfsubjectaccessreviews', {
  verbs: ['create'],
})
export const selfSubjectRulesReviews = defineResource(SelfSubjectRulesReview, 'selfsubjectrulesreviews', {
  verbs: ['create'],
})
export const subjectAccessReviews = defineResource(SubjectAccessReview, 'subjectaccessreviews', { verbs: ['create'] })
export const horizontalPodAutoscalersV1 = defineResource(HorizontalPodAutoscalerV1, 'horizontalpodautoscalers', {
  namespaced: true,
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: { status: {} },
})
export const horizontalPodAutoscalers = defineResource(HorizontalPodAutoscaler, 'horizontalpodautoscalers', {
  namespaced: true,
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: { status: {} },
})
export const cronJobs = defineResource(CronJob, 'cronjobs', {
  namespaced: true,
  shortNames: ['cj'],
  categories: ['all'],
  subresources: { status: {} },
})
export const jobs = defineResource(Job, 'jobs', { namespaced: true, categories: ['all'], subresources: { status: {} } })
export const certificateSigningRequests = defineResource(CertificateSigningRequest, 'certificatesigningrequests', {
  shortNames: ['csr'],
  subresources: { approval: {}, status: {} },
})
export const leases = defineResource(Lease, 'leases', { namespaced: true })
export const endpointSlices = defineResource(EndpointSlice, 'endpointslices', { namespaced: true })
export const eventsV1 = defineResource(EventsEvent, 'events', { namespaced: true, shortNames: ['ev'] })
export const flowSchemas = defineResource(FlowSchema, 'flowschemas', { subresources: { status: {} } })
export const priorityLevelConfigurations = defineResource(PriorityLevelConfiguration, 'prioritylevelconfigurations', {
  subresources: { status: {} },
})
export const ingressClasses = defineResource(IngressClass, 'ingressclasses')
export const ingresses = defineResource(Ingress, 'ingresses', {
  namespaced: true,
  shortNames: ['ing'],
  subresources: { status: {} },
})
export const ipAddresses = defineResource(IPAddress, 'ipaddresses', { shortNames: ['ip'] })
export const networkPolicies = defineResource(NetworkPolicy, 'networkpolicies', {
  namespaced: true,
  shortNames: ['netpol'],
})
export const serviceCIDRs = defineResource(ServiceCIDR, 'servicecidrs', { subresources: { status: {} } })
export const runtimeClasses = defineResource(RuntimeClass, 'runtimeclasses')
export const podDisruptionBudgets = defineResource(PodDisruptionBudget, 'poddisruptionbudgets', {
  namespaced: true,
  shortNames: ['pdb'],
  subresources: { status: {} },
})
export const clusterRoleBindings = defineResource(ClusterRoleBinding, 'clusterrolebindings')
export const clusterRoles = defineResource(ClusterRole, 'clusterroles')
export const roleBindings = defineResource(RoleBinding, 'rolebindings', { namespaced: true })
export const roles = defineResource(Role, 'roles', { namespaced: true })
export const deviceClasses = defineResource(DeviceClass, 'deviceclasses')
export const resourceClaims = defineResource(ResourceClaim, 'resourceclaims', {
  namespaced: true,
  subresources: { status: {} },
})
export const resourceClaimTemplates = defineResource(ResourceClaimTemplate, 'resourceclaimtemplates', {
  namespaced: true,
})
export const resourceSlices = defineResource(ResourceSlice, 'resourceslices')
export const priorityClasses = defineResource(PriorityClass, 'priorityclasses', { shortNames: ['pc'] })
export const csiDrivers = defineResource(CSIDriver, 'csidrivers')
export const csiNodes = defineResource(CSINode, 'csinodes')
export const csiStorageCapacities = defineResource(CSIStorageCapacity, 'csistoragecapacities', { namespaced: true })
export const storageClasses = defineResource(StorageClass, 'storageclasses', { shortNames: ['sc'] })
export const volumeAttachments = defineResource(VolumeAttachment, 'volumeattachments', { subresources: { status: {} } })
export const volumeAttributesClasses = defineResource(VolumeAttributesClass, 'volumeattributesclasses', {
  shortNames: ['vac'],
})

/** All of them, in the order of discovery. */
export const allResources: readonly Resource[] = [
  componentStatus,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  bindings,
  persistentVolumeClaims,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  nodes,
  persistentVolumes,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
  customResourceDefinitions,
  apiServices,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  horizontalPodAutoscalersV1,
  horizontalPodAutoscalers,
  cronJobs,
  jobs,
  certificateSigningRequests,
  leases,
  endpointSlices,
  eventsV1,
  flowSchemas,
  priorityLevelConfigurations,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCIDRs,
  runtimeClasses,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  priorityClasses,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
]
