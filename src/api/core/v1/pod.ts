/**
 * Pod with its spec and status, and the pod template that workloads stamp pods from. Affinity, spreading, DNS and
 * pod-wide security settings are here too, as is Binding.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import {
  AppArmorProfile,
  Container,
  ContainerExtendedResourceRequest,
  ContainerStatus,
  EphemeralContainer,
  SELinuxOptions,
  SeccompProfile,
  WindowsSecurityContextOptions,
} from './container.ts'
import { NodeAllocatableResourceClaimStatus } from './node.ts'
import {
  LocalObjectReference,
  NodeSelector,
  ObjectReference,
  PreferredSchedulingTerm,
  ResourceRequirements,
  Toleration,
} from './shared.ts'
import { Volume } from './volume.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const NodeAffinity = message('core.v1.NodeAffinity', 'Rules about which nodes a pod may or should run on.', {
  requiredDuringSchedulingIgnoredDuringExecution: f.message(
    NodeSelector,
    1,
    'Nodes the pod must be scheduled to; running pods stay when it stops matching.',
  ),
  preferredDuringSchedulingIgnoredDuringExecution: f
    .list(PreferredSchedulingTerm, 2, 'Node preferences that add points during scheduling; highest total wins.')
    .atomic(),
})
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = message(
  'core.v1.PodAffinityTerm',
  'Describes other pods, and the topology in which to be near or apart from them.',
  {
    labelSelector: f.message(LabelSelector, 1, 'Labels of the other pods; absent matches no pods.'),
    namespaces: f
      .list('string', 2, 'Namespaces of the other pods, added to namespaceSelector; default is the own one.')
      .atomic(),
    topologyKey: f
      .string(3, 'Node label whose equal value counts as the same place, such as kubernetes.io/hostname.')
      .required(),
    namespaceSelector: f.message(
      LabelSelector,
      4,
      'Labels of namespaces to look in; empty means all; absent adds none.',
    ),
    matchLabelKeys: f.list('string', 5, 'Label keys whose values on this pod the other pods must share.').atomic(),
    mismatchLabelKeys: f
      .list('string', 6, 'Label keys whose values on this pod the other pods must not have.')
      .atomic(),
  },
)
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = message(
  'core.v1.WeightedPodAffinityTerm',
  'A pod affinity term and how much it counts.',
  {
    weight: f.int32(1, 'Points a fitting node gets, 1 to 100.').required(),
    podAffinityTerm: f
      .message(PodAffinityTerm, 2, 'Term a node should satisfy to get the points.')
      .required()
      .present(),
  },
)
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = message('core.v1.PodAffinity', 'Rules about running in the same place as other pods.', {
  requiredDuringSchedulingIgnoredDuringExecution: f
    .list(PodAffinityTerm, 1, 'Terms that must all hold at scheduling; running pods stay when they stop holding.')
    .atomic(),
  preferredDuringSchedulingIgnoredDuringExecution: f
    .list(WeightedPodAffinityTerm, 2, 'Terms that should hold and add points during scheduling; highest total wins.')
    .atomic(),
})
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = message(
  'core.v1.PodAntiAffinity',
  'Rules about running in another place than other pods.',
  {
    requiredDuringSchedulingIgnoredDuringExecution: f
      .list(PodAffinityTerm, 1, 'Terms the place must avoid, all of them, at scheduling; running pods stay.')
      .atomic(),
    preferredDuringSchedulingIgnoredDuringExecution: f
      .list(
        WeightedPodAffinityTerm,
        2,
        'Terms that should be avoided and cost points during scheduling; best total wins.',
      )
      .atomic(),
  },
)
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = message('core.v1.Affinity', 'Rules on where a pod may or should be scheduled.', {
  nodeAffinity: f.message(NodeAffinity, 1, 'Rules on the nodes themselves.'),
  podAffinity: f.message(PodAffinity, 2, 'Rules on being near other pods.'),
  podAntiAffinity: f.message(PodAntiAffinity, 3, 'Rules on being apart from other pods.'),
})
export interface Affinity extends Infer<typeof Affinity> {}

export const Binding = kind(
  '',
  'v1',
  'Binding',
  'Assigns a pod to a node; written by the scheduler to the binding subresource.',
  {
    target: f.message(ObjectReference, 2, 'Node that the pod is assigned to.').required().present(),
  },
)
export interface Binding extends Infer<typeof Binding> {}

export const HostAlias = message('core.v1.HostAlias', 'An extra line in /etc/hosts of the pod.', {
  ip: f.string(1, 'IP address of the line.').required(),
  hostnames: f.list('string', 2, 'Host names that resolve to the address.').atomic(),
})
export interface HostAlias extends Infer<typeof HostAlias> {}

export const HostIP = message('core.v1.HostIP', 'One address of the node that runs a pod.', {
  ip: f.string(1, 'Address assigned to the node.').required(),
})
export interface HostIP extends Infer<typeof HostIP> {}

export const PodDNSConfigOption = message('core.v1.PodDNSConfigOption', 'One resolver option of a pod.', {
  name: f.string(1, 'Name of the option, such as ndots.'),
  value: f.string(2, 'Value of the option, if it takes one.').pointer(),
})
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = message(
  'core.v1.PodDNSConfig',
  'Resolver settings of a pod, added to those of its DNS policy.',
  {
    nameservers: f.list('string', 1, 'DNS server addresses, put after those of the DNS policy.').atomic(),
    searches: f.list('string', 2, 'Search domains for short names, put after those of the DNS policy.').atomic(),
    options: f.list(PodDNSConfigOption, 3, 'Resolver options; they override equal ones of the DNS policy.').atomic(),
  },
)
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodOS = message('core.v1.PodOS', 'Operating system that the containers of a pod need.', {
  name: f.string(1, 'Name of the operating system: linux or windows.').required(),
})
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = message(
  'core.v1.PodReadinessGate',
  'An extra condition a pod needs in order to be ready.',
  {
    conditionType: f.string(1, 'Type of the pod condition that must be True.').required(),
  },
)
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = message(
  'core.v1.PodResourceClaim',
  'A resource claim that containers of the pod can use; exactly one source is set.',
  {
    name: f.string(1, 'Name by which containers refer to this entry; unique in the pod.').required(),
    resourceClaimName: f.string(3, 'Existing ResourceClaim in the same namespace to use.').pointer(),
    resourceClaimTemplateName: f
      .string(4, 'ResourceClaimTemplate in the same namespace from which an own claim is made.')
      .pointer(),
  },
)
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGate = message(
  'core.v1.PodSchedulingGate',
  'A gate that keeps a pod from being scheduled until it is removed.',
  {
    name: f.string(1, 'Name of the gate, unique in the pod.').required(),
  },
)
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = message('core.v1.PodSchedulingGroup', 'Tells with which group a pod is scheduled.', {
  podGroupName: f.string(1, 'PodGroup in the same namespace that this pod belongs to.').pointer(),
})
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const Sysctl = message('core.v1.Sysctl', 'A kernel parameter to set for a pod.', {
  name: f.string(1, 'Name of the kernel parameter, such as net.ipv4.ip_local_port_range.').required(),
  value: f.string(2, 'Value to give the parameter.').required(),
})
export interface Sysctl extends Infer<typeof Sysctl> {}

export const PodSecurityContext = message(
  'core.v1.PodSecurityContext',
  'Privileges and confinement for all containers of a pod; containers may override shared fields.',
  {
    seLinuxOptions: f.message(SELinuxOptions, 1, 'SELinux label of all containers; default is chosen by the runtime.'),
    runAsUser: f.int64(2, 'User ID that runs the processes; default is the user of each image.').pointer(),
    runAsNonRoot: f.bool(3, 'When true, the kubelet refuses to start containers as user 0.').pointer(),
    supplementalGroups: f.list('int64', 4, 'Further group IDs for the first process of each container.').atomic(),
    fsGroup: f.int64(5, 'Group ID that owns mounted volumes and is added to all processes.').pointer(),
    runAsGroup: f.int64(6, 'Primary group ID that runs the processes; default is chosen by the runtime.').pointer(),
    sysctls: f.list(Sysctl, 7, 'Kernel parameters to set in the namespaces of the pod.').atomic(),
    windowsOptions: f.message(WindowsSecurityContextOptions, 8, 'Settings for Windows; must be absent on Linux pods.'),
    fsGroupChangePolicy: f
      .string(9, 'When ownership of volumes is changed: Always or OnRootMismatch; default Always.')
      .pointer()
      .oneOf('Always', 'OnRootMismatch'),
    seccompProfile: f.message(SeccompProfile, 10, 'Seccomp profile of all containers in the pod.'),
    appArmorProfile: f.message(AppArmorProfile, 11, 'AppArmor profile of all containers in the pod.'),
    supplementalGroupsPolicy: f
      .string(12, 'Whether groups from the image count as well: Merge or Strict; default Merge.')
      .pointer()
      .oneOf('Merge', 'Strict'),
    seLinuxChangePolicy: f.string(13, 'How volumes get their SELinux label: MountOption or Recursive.').pointer(),
  },
)
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const TopologySpreadConstraint = message(
  'core.v1.TopologySpreadConstraint',
  'Asks that matching pods are spread evenly over parts of the cluster.',
  {
    maxSkew: f.int32(1, 'Largest allowed difference in pod count between topology domains; greater than 0.').required(),
    topologyKey: f.string(2, 'Node label whose values are the domains to spread over.').required(),
    whenUnsatisfiable: f
      .string(3, 'What to do when it cannot hold: DoNotSchedule or ScheduleAnyway.')
      .required()
      .oneOf('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: f.message(LabelSelector, 4, 'Labels of the pods that are counted in each domain.'),
    minDomains: f.int32(5, 'Least number of domains; with fewer, the minimum counts as 0; default 1.').pointer(),
    nodeAffinityPolicy: f
      .string(6, 'Whether nodes excluded by node affinity or selector count: Honor or Ignore; default Honor.')
      .pointer()
      .oneOf('Honor', 'Ignore'),
    nodeTaintsPolicy: f
      .string(7, 'Whether taints not tolerated exclude nodes: Honor or Ignore; default Ignore.')
      .pointer()
      .oneOf('Honor', 'Ignore'),
    matchLabelKeys: f.list('string', 8, 'Label keys whose values on this pod counted pods must share.').atomic(),
  },
)
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const PodSpec = message('core.v1.PodSpec', 'What a pod runs, where, and under which conditions.', {
  volumes: f.list(Volume, 1, 'Volumes that containers of the pod can mount.').map('name').merge('name').retainKeys(),
  containers: f
    .list(Container, 2, 'Containers to run together; at least one; cannot be added or removed later.')
    .required()
    .map('name')
    .merge('name'),
  restartPolicy: f
    .string(3, 'When containers are restarted: Always, OnFailure or Never; default Always.')
    .oneOf('Always', 'Never', 'OnFailure')
    .default('Always'),
  terminationGracePeriodSeconds: f
    .int64(4, 'Seconds from the stop request until processes are killed; 0 kills at once; default 30.')
    .pointer()
    .default(30),
  activeDeadlineSeconds: f.int64(5, 'Seconds the pod may be active before it is failed; default no limit.').pointer(),
  dnsPolicy: f
    .string(6, 'How DNS is set up: ClusterFirst, ClusterFirstWithHostNet, Default or None; default ClusterFirst.')
    .oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None')
    .default('ClusterFirst'),
  nodeSelector: f.mapOf('string', 7, 'Labels that a node must have to run the pod.').atomic(),
  serviceAccountName: f.string(8, 'ServiceAccount whose identity the pod uses; default is the account named default.'),
  serviceAccount: f.string(9, 'Old alias of serviceAccountName. Deprecated; use that one.'),
  nodeName: f.string(10, 'Node the pod runs on; set by the scheduler; setting it yourself skips scheduling.'),
  hostNetwork: f.bool(11, 'Whether the pod uses the network of the node; default false.'),
  hostPID: f.bool(12, 'Whether the pod sees all processes of the node; default false.'),
  hostIPC: f.bool(13, 'Whether the pod uses the IPC namespace of the node; default false.'),
  securityContext: f.message(PodSecurityContext, 14, 'Privileges and confinement for all containers of the pod.'),
  imagePullSecrets: f
    .list(LocalObjectReference, 15, 'Secrets in the same namespace with credentials for pulling images.')
    .map('name')
    .merge('name'),
  hostname: f.string(16, 'Host name of the pod; default is the pod name.'),
  subdomain: f.string(17, 'When set, the full name is hostname.subdomain.namespace.svc plus the cluster domain.'),
  affinity: f.message(Affinity, 18, 'Rules on where the pod may or should be scheduled.'),
  schedulerName: f
    .string(19, 'Scheduler that places the pod; default is default-scheduler.')
    .default('default-scheduler'),
  initContainers: f
    .list(
      Container,
      20,
      'Containers run to completion in order before the others; those with restartPolicy Always keep running.',
    )
    .map('name')
    .merge('name'),
  automountServiceAccountToken: f
    .bool(21, 'Whether an API token is mounted into the pod; default is decided by the service account.')
    .pointer(),
  tolerations: f.list(Toleration, 22, 'Node taints that the pod puts up with.').atomic(),
  hostAliases: f.list(HostAlias, 23, 'Extra lines for /etc/hosts of the pod.').map('ip').merge('ip'),
  priorityClassName: f.string(24, 'PriorityClass that sets the priority; default is the global default class, if any.'),
  priority: f.int32(25, 'Priority as a number, filled in from the class; higher goes first.').pointer(),
  dnsConfig: f.message(PodDNSConfig, 26, 'Resolver settings, added to those of the DNS policy.'),
  shareProcessNamespace: f
    .bool(27, 'Whether all containers see the processes of each other; not with hostPID; default false.')
    .pointer(),
  readinessGates: f.list(PodReadinessGate, 28, 'Extra conditions that must be True for the pod to be ready.').atomic(),
  runtimeClassName: f
    .string(29, 'RuntimeClass that selects how containers are run; default is the runtime default.')
    .pointer(),
  enableServiceLinks: f
    .bool(30, 'Whether services of the namespace appear as environment variables; default true.')
    .pointer(),
  preemptionPolicy: f
    .string(
      31,
      'Whether it may push out pods of lower priority: PreemptLowerPriority or Never; default PreemptLowerPriority.',
    )
    .pointer()
    .oneOf('Never', 'PreemptLowerPriority'),
  overhead: f.mapOf('quantity', 32, 'Resources that running the pod costs in itself, filled in from the RuntimeClass.'),
  topologySpreadConstraints: f
    .list(TopologySpreadConstraint, 33, 'How matching pods are spread over the cluster; all constraints apply.')
    .map('topologyKey', 'whenUnsatisfiable')
    .merge('topologyKey'),
  ephemeralContainers: f
    .list(
      EphemeralContainer,
      34,
      'Temporary debugging containers; added only through the ephemeralcontainers subresource.',
    )
    .map('name')
    .merge('name'),
  setHostnameAsFQDN: f.bool(35, 'Whether the host name is the full domain name of the pod; default false.').pointer(),
  os: f.message(PodOS, 36, 'Operating system that the containers need.'),
  hostUsers: f
    .bool(37, 'Whether the pod uses the user namespace of the node; false gives it its own; default true.')
    .pointer(),
  schedulingGates: f
    .list(PodSchedulingGate, 38, 'Gates that block scheduling; can only be removed after creation.')
    .map('name')
    .merge('name'),
  resourceClaims: f
    .list(PodResourceClaim, 39, 'Resource claims to have allocated before the pod starts.')
    .map('name')
    .merge('name')
    .retainKeys(),
  resources: f.message(
    ResourceRequirements,
    40,
    'Resources the pod as a whole needs and may use; cpu, memory and hugepages only.',
  ),
  hostnameOverride: f
    .string(41, 'Host name used as given, without any domain; not with hostNetwork; no DNS record.')
    .pointer(),
  schedulingGroup: f.message(PodSchedulingGroup, 43, 'Group with which the pod is scheduled; cannot change.'),
})
export interface PodSpec extends Infer<typeof PodSpec> {}

export const PodCondition = message('core.v1.PodCondition', 'One observation about a pod.', {
  type: f.string(1, 'What is observed, such as PodScheduled, Initialized, ContainersReady or Ready.').required(),
  status: f.string(2, 'Whether the condition holds: True, False or Unknown.').required(),
  lastProbeTime: f.time(3, 'When the condition was last checked.'),
  lastTransitionTime: f.time(4, 'When the status of this condition last changed.'),
  reason: f.string(5, 'Short machine-readable cause of the last change, in CamelCase.'),
  message: f.string(6, 'Human-readable details about the last change.'),
  observedGeneration: f.int64(7, 'Generation of the pod that this condition reflects.'),
})
export interface PodCondition extends Infer<typeof PodCondition> {}

export const PodExtendedResourceClaimStatus = message(
  'core.v1.PodExtendedResourceClaimStatus',
  'The claim generated for extended resources that devices provide.',
  {
    requestMappings: f
      .list(ContainerExtendedResourceRequest, 1, 'Which request of the claim serves which container and resource.')
      .required()
      .atomic(),
    resourceClaimName: f.string(2, 'Name of the generated ResourceClaim, in the same namespace.').required(),
  },
)
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const PodIP = message('core.v1.PodIP', 'One address of a pod.', {
  ip: f.string(1, 'Address assigned to the pod.').required(),
})
export interface PodIP extends Infer<typeof PodIP> {}

export const PodResourceClaimStatus = message(
  'core.v1.PodResourceClaimStatus',
  'Which ResourceClaim stands behind an entry in resourceClaims.',
  {
    name: f.string(1, 'Name of the entry in resourceClaims of the pod.').required(),
    resourceClaimName: f.string(2, 'ResourceClaim generated for the entry; absent when none was needed.').pointer(),
  },
)
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const PodStatus = message('core.v1.PodStatus', 'What is known about the current state of a pod.', {
  phase: f
    .string(1, 'Summary of life so far: Pending, Running, Succeeded, Failed or Unknown.')
    .oneOf('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'),
  conditions: f
    .list(PodCondition, 2, 'Latest observations about the pod, at most one per type.')
    .map('type')
    .merge('type'),
  message: f.string(3, 'Human-readable details about the state of the pod.'),
  reason: f.string(4, 'Short CamelCase cause of the state, such as Evicted.'),
  hostIP: f.string(5, 'Main address of the node that runs the pod.'),
  podIP: f.string(6, 'Main address of the pod, reachable within the cluster; empty until assigned.'),
  startTime: f.time(7, 'When the kubelet took note of the pod, before pulling images.'),
  containerStatuses: f.list(ContainerStatus, 8, 'State of each regular container.').atomic(),
  qosClass: f
    .string(9, 'Quality of service class, from requests and limits: Guaranteed, Burstable or BestEffort.')
    .oneOf('BestEffort', 'Burstable', 'Guaranteed'),
  initContainerStatuses: f.list(ContainerStatus, 10, 'State of each init container, sidecars included.').atomic(),
  nominatedNodeName: f.string(11, 'Node on which the pod is expected to fit, often after preemption; no promise.'),
  podIPs: f
    .list(PodIP, 12, 'All addresses of the pod, at most one per IP family; the first equals podIP.')
    .map('ip')
    .merge('ip'),
  ephemeralContainerStatuses: f.list(ContainerStatus, 13, 'State of each ephemeral container.').atomic(),
  resize: f.string(
    14,
    'Progress of a resource resize. Deprecated; see the conditions PodResizePending and PodResizeInProgress.',
  ),
  resourceClaimStatuses: f
    .list(PodResourceClaimStatus, 15, 'ResourceClaims behind the entries in resourceClaims.')
    .map('name')
    .merge('name')
    .retainKeys(),
  hostIPs: f
    .list(HostIP, 16, 'All addresses of the node, at most one per IP family; the first equals hostIP.')
    .atomic()
    .merge('ip'),
  observedGeneration: f.int64(17, 'Generation of the pod that this status reflects.'),
  extendedResourceClaimStatus: f.message(
    PodExtendedResourceClaimStatus,
    18,
    'Claim generated for extended resources that devices provide.',
  ),
  allocatedResources: f.mapOf(
    'quantity',
    19,
    'Total requests that the node has set aside for the pod, by resource name.',
  ),
  resources: f.message(ResourceRequirements, 20, 'Pod-level requests and limits in effect.'),
  nodeAllocatableResourceClaimStatuses: f
    .list(
      NodeAllocatableResourceClaimStatus,
      21,
      'Node resources such as CPU or memory obtained through resource claims.',
    )
    .atomic(),
})
export interface PodStatus extends Infer<typeof PodStatus> {}

export const Pod = kind(
  '',
  'v1',
  'Pod',
  'A group of containers that run together on one node and share its network address.',
  {
    spec: f.message(PodSpec, 2, 'What the pod should run, and how.').present(),
    status: f.message(PodStatus, 3, 'What the kubelet and others report about the pod.').present(),
  },
)
export interface Pod extends Infer<typeof Pod> {}

export const PodTemplateSpec = message('core.v1.PodTemplateSpec', 'Describes the pods that a workload creates.', {
  metadata: f.message(ObjectMeta, 1, 'Labels, annotations and other metadata given to created pods.').present(),
  spec: f.message(PodSpec, 2, 'Spec given to created pods.').present(),
})
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}

export const PodTemplate = kind('', 'v1', 'PodTemplate', 'A stored description from which pods can be made.', {
  template: f.message(PodTemplateSpec, 2, 'Describes the pods to be made.').present(),
})
export interface PodTemplate extends Infer<typeof PodTemplate> {}
