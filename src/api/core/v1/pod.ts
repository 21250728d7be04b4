/** @@HEAD core/v1/pod.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { AppArmorProfile, Container, ContainerExtendedResourceRequest, ContainerStatus, EphemeralContainer, SELinuxOptions, SeccompProfile, WindowsSecurityContextOptions } from './container.ts'
import { NodeAllocatableResourceClaimStatus } from './node.ts'
import { LocalObjectReference, NodeSelector, ObjectReference, PreferredSchedulingTerm, ResourceRequirements, Toleration } from './shared.ts'
import { Volume } from './volume.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const NodeAffinity = message('core.v1.NodeAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: f.message(NodeSelector, 1, ''),
  preferredDuringSchedulingIgnoredDuringExecution: f.list(PreferredSchedulingTerm, 2, '').atomic(),
})
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = message('core.v1.PodAffinityTerm', '', {
  labelSelector: f.message(LabelSelector, 1, ''),
  namespaces: f.list('string', 2, '').atomic(),
  topologyKey: f.string(3, '').required(),
  namespaceSelector: f.message(LabelSelector, 4, ''),
  matchLabelKeys: f.list('string', 5, '').atomic(),
  mismatchLabelKeys: f.list('string', 6, '').atomic(),
})
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = message('core.v1.WeightedPodAffinityTerm', '', {
  weight: f.int32(1, '').required(),
  podAffinityTerm: f.message(PodAffinityTerm, 2, '').required(),
})
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = message('core.v1.PodAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: f.list(PodAffinityTerm, 1, '').atomic(),
  preferredDuringSchedulingIgnoredDuringExecution: f.list(WeightedPodAffinityTerm, 2, '').atomic(),
})
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = message('core.v1.PodAntiAffinity', '', {
  requiredDuringSchedulingIgnoredDuringExecution: f.list(PodAffinityTerm, 1, '').atomic(),
  preferredDuringSchedulingIgnoredDuringExecution: f.list(WeightedPodAffinityTerm, 2, '').atomic(),
})
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = message('core.v1.Affinity', '', {
  nodeAffinity: f.message(NodeAffinity, 1, ''),
  podAffinity: f.message(PodAffinity, 2, ''),
  podAntiAffinity: f.message(PodAntiAffinity, 3, ''),
})
export interface Affinity extends Infer<typeof Affinity> {}

export const Binding = kind('', 'v1', 'Binding', '', {
  target: f.message(ObjectReference, 2, '').required(),
})
export interface Binding extends Infer<typeof Binding> {}

export const HostAlias = message('core.v1.HostAlias', '', {
  ip: f.string(1, '').required(),
  hostnames: f.list('string', 2, '').atomic(),
})
export interface HostAlias extends Infer<typeof HostAlias> {}

export const HostIP = message('core.v1.HostIP', '', {
  ip: f.string(1, '').required(),
})
export interface HostIP extends Infer<typeof HostIP> {}

export const PodDNSConfigOption = message('core.v1.PodDNSConfigOption', '', {
  name: f.string(1, ''),
  value: f.string(2, ''),
})
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = message('core.v1.PodDNSConfig', '', {
  nameservers: f.list('string', 1, '').atomic(),
  searches: f.list('string', 2, '').atomic(),
  options: f.list(PodDNSConfigOption, 3, '').atomic(),
})
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodOS = message('core.v1.PodOS', '', {
  name: f.string(1, '').required(),
})
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = message('core.v1.PodReadinessGate', '', {
  conditionType: f.string(1, '').required(),
})
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = message('core.v1.PodResourceClaim', '', {
  name: f.string(1, '').required(),
  resourceClaimName: f.string(3, ''),
  resourceClaimTemplateName: f.string(4, ''),
})
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGate = message('core.v1.PodSchedulingGate', '', {
  name: f.string(1, '').required(),
})
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = message('core.v1.PodSchedulingGroup', '', {
  podGroupName: f.string(1, ''),
})
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const Sysctl = message('core.v1.Sysctl', '', {
  name: f.string(1, '').required(),
  value: f.string(2, '').required(),
})
export interface Sysctl extends Infer<typeof Sysctl> {}

export const PodSecurityContext = message('core.v1.PodSecurityContext', '', {
  seLinuxOptions: f.message(SELinuxOptions, 1, ''),
  runAsUser: f.int64(2, ''),
  runAsNonRoot: f.bool(3, ''),
  supplementalGroups: f.list('int64', 4, '').atomic(),
  fsGroup: f.int64(5, ''),
  runAsGroup: f.int64(6, ''),
  sysctls: f.list(Sysctl, 7, '').atomic(),
  windowsOptions: f.message(WindowsSecurityContextOptions, 8, ''),
  fsGroupChangePolicy: f.string(9, ''),
  seccompProfile: f.message(SeccompProfile, 10, ''),
  appArmorProfile: f.message(AppArmorProfile, 11, ''),
  supplementalGroupsPolicy: f.string(12, ''),
  seLinuxChangePolicy: f.string(13, ''),
})
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const TopologySpreadConstraint = message('core.v1.TopologySpreadConstraint', '', {
  maxSkew: f.int32(1, '').required(),
  topologyKey: f.string(2, '').required(),
  whenUnsatisfiable: f.string(3, '').required(),
  labelSelector: f.message(LabelSelector, 4, ''),
  minDomains: f.int32(5, ''),
  nodeAffinityPolicy: f.string(6, ''),
  nodeTaintsPolicy: f.string(7, ''),
  matchLabelKeys: f.list('string', 8, '').atomic(),
})
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const PodSpec = message('core.v1.PodSpec', '', {
  volumes: f.list(Volume, 1, '').map('name').merge('name').retainKeys(),
  containers: f.list(Container, 2, '').required().map('name').merge('name'),
  restartPolicy: f.string(3, ''),
  terminationGracePeriodSeconds: f.int64(4, ''),
  activeDeadlineSeconds: f.int64(5, ''),
  dnsPolicy: f.string(6, ''),
  nodeSelector: f.mapOf('string', 7, '').atomic(),
  serviceAccountName: f.string(8, ''),
  serviceAccount: f.string(9, ''),
  nodeName: f.string(10, ''),
  hostNetwork: f.bool(11, ''),
  hostPID: f.bool(12, ''),
  hostIPC: f.bool(13, ''),
  securityContext: f.message(PodSecurityContext, 14, ''),
  imagePullSecrets: f.list(LocalObjectReference, 15, '').map('name').merge('name'),
  hostname: f.string(16, ''),
  subdomain: f.string(17, ''),
  affinity: f.message(Affinity, 18, ''),
  schedulerName: f.string(19, ''),
  initContainers: f.list(Container, 20, '').map('name').merge('name'),
  automountServiceAccountToken: f.bool(21, ''),
  tolerations: f.list(Toleration, 22, '').atomic(),
  hostAliases: f.list(HostAlias, 23, '').map('ip').merge('ip'),
  priorityClassName: f.string(24, ''),
  priority: f.int32(25, ''),
  dnsConfig: f.message(PodDNSConfig, 26, ''),
  shareProcessNamespace: f.bool(27, ''),
  readinessGates: f.list(PodReadinessGate, 28, '').atomic(),
  runtimeClassName: f.string(29, ''),
  enableServiceLinks: f.bool(30, ''),
  preemptionPolicy: f.string(31, ''),
  overhead: f.mapOf('quantity', 32, ''),
  topologySpreadConstraints: f.list(TopologySpreadConstraint, 33, '').map('topologyKey', 'whenUnsatisfiable').merge('topologyKey'),
  ephemeralContainers: f.list(EphemeralContainer, 34, '').map('name').merge('name'),
  setHostnameAsFQDN: f.bool(35, ''),
  os: f.message(PodOS, 36, ''),
  hostUsers: f.bool(37, ''),
  schedulingGates: f.list(PodSchedulingGate, 38, '').map('name').merge('name'),
  resourceClaims: f.list(PodResourceClaim, 39, '').map('name').merge('name').retainKeys(),
  resources: f.message(ResourceRequirements, 40, ''),
  hostnameOverride: f.string(41, ''),
  schedulingGroup: f.message(PodSchedulingGroup, 43, ''),
})
export interface PodSpec extends Infer<typeof PodSpec> {}

export const PodCondition = message('core.v1.PodCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastProbeTime: f.time(3, ''),
  lastTransitionTime: f.time(4, ''),
  reason: f.string(5, ''),
  message: f.string(6, ''),
  observedGeneration: f.int64(7, ''),
})
export interface PodCondition extends Infer<typeof PodCondition> {}

export const PodExtendedResourceClaimStatus = message('core.v1.PodExtendedResourceClaimStatus', '', {
  requestMappings: f.list(ContainerExtendedResourceRequest, 1, '').required().atomic(),
  resourceClaimName: f.string(2, '').required(),
})
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const PodIP = message('core.v1.PodIP', '', {
  ip: f.string(1, '').required(),
})
export interface PodIP extends Infer<typeof PodIP> {}

export const PodResourceClaimStatus = message('core.v1.PodResourceClaimStatus', '', {
  name: f.string(1, '').required(),
  resourceClaimName: f.string(2, ''),
})
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const PodStatus = message('core.v1.PodStatus', '', {
  phase: f.string(1, ''),
  conditions: f.list(PodCondition, 2, '').map('type').merge('type'),
  message: f.string(3, ''),
  reason: f.string(4, ''),
  hostIP: f.string(5, ''),
  podIP: f.string(6, ''),
  startTime: f.time(7, ''),
  containerStatuses: f.list(ContainerStatus, 8, '').atomic(),
  qosClass: f.string(9, ''),
  initContainerStatuses: f.list(ContainerStatus, 10, '').atomic(),
  nominatedNodeName: f.string(11, ''),
  podIPs: f.list(PodIP, 12, '').map('ip').merge('ip'),
  ephemeralContainerStatuses: f.list(ContainerStatus, 13, '').atomic(),
  resize: f.string(14, ''),
  resourceClaimStatuses: f.list(PodResourceClaimStatus, 15, '').map('name').merge('name').retainKeys(),
  hostIPs: f.list(HostIP, 16, '').atomic().merge('ip'),
  observedGeneration: f.int64(17, ''),
  extendedResourceClaimStatus: f.message(PodExtendedResourceClaimStatus, 18, ''),
  allocatedResources: f.mapOf('quantity', 19, ''),
  resources: f.message(ResourceRequirements, 20, ''),
  nodeAllocatableResourceClaimStatuses: f.list(NodeAllocatableResourceClaimStatus, 21, '').atomic(),
})
export interface PodStatus extends Infer<typeof PodStatus> {}

export const Pod = kind('', 'v1', 'Pod', '', {
  spec: f.message(PodSpec, 2, '').present(),
  status: f.message(PodStatus, 3, '').present(),
})
export interface Pod extends Infer<typeof Pod> {}

export const PodTemplateSpec = message('core.v1.PodTemplateSpec', '', {
  metadata: f.message(ObjectMeta, 1, ''),
  spec: f.message(PodSpec, 2, ''),
})
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}

export const PodTemplate = kind('', 'v1', 'PodTemplate', '', {
  template: f.message(PodTemplateSpec, 2, ''),
})
export interface PodTemplate extends Infer<typeof PodTemplate> {}
