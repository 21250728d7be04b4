/** The rules of every kind, by `group/plural`. */
import type { Stored } from '../../registry/strategy.ts'
import * as access from './access.ts'
import * as policies from './admission-policies.ts'
import { autoscalerRules } from './autoscaler.ts'
import { certificateRequestRules } from './certificates.ts'
import { type Problems, ROOT } from './check.ts'
import * as cluster from './cluster.ts'
import { configMapRules, secretRules } from './config.ts'
import { deviceClassRules, resourceClaimRules, resourceClaimTemplateRules } from './device-claims.ts'
import { endpointsRules, endpointSliceRules } from './endpoints.ts'
import { eventRules } from './event.ts'
import { apiServiceRules } from './extensions.ts'
import { flowSchemaRules, priorityLevelRules } from './flow-control.ts'
import { cronJobRules, jobRules } from './job.ts'
import * as network from './network.ts'
import { checkPodTemplate } from './pod-spec.ts'
import { validatePod, validatePodUpdate } from './pod.ts'
import { limitRangeRules, resourceQuotaRules } from './quota.ts'
import { resourceSliceRules } from './resource-slices.ts'
import { type Rules, validateBy } from './rules.ts'
import { serviceRules } from './service.ts'
import * as smaller from './smaller.ts'
import * as storage from './storage.ts'
import { webhookConfigurationRules } from './webhooks.ts'
import * as workloads from './workloads.ts'

const podUpdate = (subresource: string) => (pod: Stored, old: Stored, to: Problems) =>
  validatePodUpdate(pod, old, subresource, to)

const podRules: Rules = {
  create: validatePod,
  update: podUpdate(''),
  subresources: {
    status: podUpdate('status'),
    ephemeralcontainers: podUpdate('ephemeralcontainers'),
    resize: podUpdate('resize'),
  },
}

const podTemplateRules: Rules = {
  valid: ({ template }, _at, to) => template && checkPodTemplate(template, ROOT.at('template'), to),
}

const rules: Readonly<Record<string, Rules>> = {
  '/configmaps': configMapRules,
  '/endpoints': endpointsRules,
  '/events': eventRules,
  '/limitranges': limitRangeRules,
  '/namespaces': cluster.namespaceRules,
  '/nodes': cluster.nodeRules,
  '/persistentvolumeclaims': cluster.claimRules,
  '/persistentvolumes': cluster.persistentVolumeRules,
  '/pods': podRules,
  '/podtemplates': podTemplateRules,
  '/replicationcontrollers': workloads.replicationControllerRules,
  '/resourcequotas': resourceQuotaRules,
  '/secrets': secretRules,
  '/services': serviceRules,
  'admissionregistration.k8s.io/mutatingadmissionpolicies': policies.mutatingPolicyRules,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': policies.mutatingBindingRules,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhookConfigurationRules,
  'admissionregistration.k8s.io/validatingadmissionpolicies': policies.validatingPolicyRules,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': policies.validatingBindingRules,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhookConfigurationRules,
  'apiregistration.k8s.io/apiservices': apiServiceRules,
  'apps/controllerrevisions': workloads.controllerRevisionRules,
  'apps/daemonsets': workloads.daemonSetRules,
  'apps/deployments': workloads.deploymentRules,
  'apps/replicasets': workloads.replicaSetRules,
  'apps/statefulsets': workloads.statefulSetRules,
  'autoscaling/horizontalpodautoscalers': autoscalerRules,
  'batch/cronjobs': cronJobRules,
  'batch/jobs': jobRules,
  'certificates.k8s.io/certificatesigningrequests': certificateRequestRules,
  'coordination.k8s.io/leases': smaller.leaseRules,
  'discovery.k8s.io/endpointslices': endpointSliceRules,
  'flowcontrol.apiserver.k8s.io/flowschemas': flowSchemaRules,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': priorityLevelRules,
  'networking.k8s.io/ingressclasses': network.ingressClassRules,
  'networking.k8s.io/ingresses': network.ingressRules,
  'networking.k8s.io/ipaddresses': network.ipAddressRules,
  'networking.k8s.io/networkpolicies': network.networkPolicyRules,
  'networking.k8s.io/servicecidrs': network.serviceCidrRules,
  'node.k8s.io/runtimeclasses': smaller.runtimeClassRules,
  'policy/poddisruptionbudgets': smaller.disruptionBudgetRules,
  'rbac.authorization.k8s.io/clusterrolebindings': access.clusterRoleBindingRules,
  'rbac.authorization.k8s.io/clusterroles': access.clusterRoleRules,
  'rbac.authorization.k8s.io/rolebindings': access.roleBindingRules,
  'rbac.authorization.k8s.io/roles': access.roleRules,
  'resource.k8s.io/deviceclasses': deviceClassRules,
  'resource.k8s.io/resourceclaims': resourceClaimRules,
  'resource.k8s.io/resourceclaimtemplates': resourceClaimTemplateRules,
  'resource.k8s.io/resourceslices': resourceSliceRules,
  'scheduling.k8s.io/priorityclasses': smaller.priorityClassRules,
  'storage.k8s.io/csidrivers': storage.csiDriverRules,
  'storage.k8s.io/csinodes': storage.csiNodeRules,
  'storage.k8s.io/csistoragecapacities': storage.storageCapacityRules,
  'storage.k8s.io/storageclasses': storage.storageClassRules,
  'storage.k8s.io/volumeattachments': storage.volumeAttachmentRules,
  'storage.k8s.io/volumeattributesclasses': storage.volumeAttributesClassRules,
}

/** `validate` and `validateUpdate` of a kind's Strategy; nothing for kinds that are always valid. */
export const validationOf = (key: string): Partial<ReturnType<typeof validateBy>> =>
  rules[key] ? validateBy(rules[key]) : {}
