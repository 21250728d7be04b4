/**
 * Node, a machine that runs pods, with the spec and status the kubelet and controllers keep for it. Also the pod
 * status entry about node resources that claims take.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ContainerImage } from './container.ts'
import { Taint } from './shared.ts'

export const AttachedVolume = message('core.v1.AttachedVolume', 'A volume that is attached to a node.', {
  name: f.string(1, 'Unique name of the attached volume.').required(),
  devicePath: f.string(2, 'Path of the block device on the node where the volume appears.').required(),
})
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const ConfigMapNodeConfigSource = message(
  'core.v1.ConfigMapNodeConfigSource',
  'Points to a ConfigMap with kubelet configuration. Deprecated and no longer honoured.',
  {
    namespace: f.string(1, 'Namespace of the ConfigMap.').required(),
    name: f.string(2, 'Name of the ConfigMap that is pointed to.').required(),
    uid: f.string(3, 'UID of the ConfigMap; forbidden in spec, required in status.'),
    resourceVersion: f.string(4, 'Resource version of the ConfigMap; forbidden in spec, required in status.'),
    kubeletConfigKey: f.string(5, 'Key in the ConfigMap under which the kubelet configuration is stored.').required(),
  },
)
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const DaemonEndpoint = message('core.v1.DaemonEndpoint', 'Port on which a node daemon listens.', {
  Port: f.int32(1, 'Port number the daemon listens on.').required(),
})
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeConfigSource = message(
  'core.v1.NodeConfigSource',
  'Where a kubelet takes its configuration from. Deprecated and no longer honoured.',
  {
    configMap: f.message(ConfigMapNodeConfigSource, 2, 'ConfigMap that holds the kubelet configuration.'),
  },
)
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = message('core.v1.NodeSpec', 'Desired properties of a node.', {
  podCIDR: f.string(1, 'First address range pods on this node get their addresses from.'),
  externalID: f.string(2, 'Old identifier of the node. Deprecated; not set by current kubelets.'),
  providerID: f.string(3, 'Identifier given by the cloud provider, of the form provider://id.'),
  unschedulable: f.bool(4, 'When true, no new pods are scheduled here (cordoned); default false.'),
  taints: f.list(Taint, 5, 'Marks that keep away pods without a matching toleration.').atomic(),
  configSource: f.message(
    NodeConfigSource,
    6,
    'Source of dynamic kubelet configuration. Deprecated; the feature has been removed.',
  ),
  podCIDRs: f.list('string', 7, 'Pod address ranges of this node, at most one per IP family.').set().merge(),
})
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeAddress = message('core.v1.NodeAddress', 'One address at which a node can be reached.', {
  type: f.string(1, 'Kind of address: Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.').required(),
  address: f.string(2, 'The IP address or host name itself.').required(),
})
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const NodeCondition = message('core.v1.NodeCondition', 'One observation about the health of a node.', {
  type: f
    .string(1, 'What is observed: Ready, MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable.')
    .required(),
  status: f.string(2, 'Whether the condition holds: True, False or Unknown.').required(),
  lastHeartbeatTime: f.time(3, 'When the condition was last reported, changed or not.'),
  lastTransitionTime: f.time(4, 'When the status of this condition last changed.'),
  reason: f.string(5, 'Short machine-readable cause of the last change, in CamelCase.'),
  message: f.string(6, 'Human-readable details about the last change.'),
})
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeConfigStatus = message(
  'core.v1.NodeConfigStatus',
  'Which dynamic kubelet configuration is in use. Deprecated with that feature.',
  {
    assigned: f.message(NodeConfigSource, 1, 'Configuration the node will try to use.'),
    active: f.message(NodeConfigSource, 2, 'Configuration the node is using now.'),
    lastKnownGood: f.message(NodeConfigSource, 3, 'Configuration the node falls back to when the assigned one fails.'),
    error: f.string(4, 'Trouble met while switching to the assigned configuration.'),
  },
)
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeDaemonEndpoints = message('core.v1.NodeDaemonEndpoints', 'Ports opened by daemons on the node.', {
  kubeletEndpoint: f.message(DaemonEndpoint, 1, 'Where the kubelet on this node listens.').present(),
})
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeFeatures = message('core.v1.NodeFeatures', 'Abilities of the container runtime as a whole.', {
  supplementalGroupsPolicy: f
    .bool(1, 'Whether the runtime can apply supplementalGroupsPolicy and report container users.')
    .pointer(),
})
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeRuntimeHandlerFeatures = message(
  'core.v1.NodeRuntimeHandlerFeatures',
  'Abilities of one runtime handler.',
  {
    recursiveReadOnlyMounts: f.bool(1, 'Whether this handler can make mounts read-only recursively.').pointer(),
    userNamespaces: f.bool(2, 'Whether this handler can run pods in user namespaces.').pointer(),
  },
)
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = message(
  'core.v1.NodeRuntimeHandler',
  'A runtime handler on the node and what it can do.',
  {
    name: f.string(1, 'Name of the handler; empty for the default one.').present(),
    features: f.message(NodeRuntimeHandlerFeatures, 2, 'Abilities this handler offers to pods.'),
  },
)
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeSwapStatus = message('core.v1.NodeSwapStatus', 'Swap memory of a node.', {
  capacity: f.int64(1, 'Total swap memory in bytes.').pointer(),
})
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = message('core.v1.NodeSystemInfo', 'Identifiers and software versions of a node.', {
  machineID: f.string(1, 'Identifier from /etc/machine-id, unique in the cluster.').required(),
  systemUUID: f.string(2, 'Hardware identifier reported by the machine firmware.').required(),
  bootID: f.string(3, 'Identifier that changes with each boot of the node.').required(),
  kernelVersion: f.string(4, 'Kernel release, as printed by uname -r.').required(),
  osImage: f.string(5, 'Name of the operating system from /etc/os-release, such as Debian GNU/Linux 12.').required(),
  containerRuntimeVersion: f.string(6, 'Container runtime and its version, such as containerd://2.0.0.').required(),
  kubeletVersion: f.string(7, 'Version of the kubelet on the node.').required(),
  kubeProxyVersion: f.string(8, 'Once the version of kube-proxy. Deprecated; no longer reliable.').required(),
  operatingSystem: f.string(9, 'Operating system of the node, such as linux or windows.').required(),
  architecture: f.string(10, 'Processor architecture of the node, such as amd64 or arm64.').required(),
  swap: f.message(NodeSwapStatus, 11, 'Swap memory the node has.'),
})
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const NodeStatus = message('core.v1.NodeStatus', 'What is known about the current state of a node.', {
  capacity: f.mapOf('quantity', 1, 'Total resources of the node, by resource name.'),
  allocatable: f.mapOf(
    'quantity',
    2,
    'Resources available to pods, after system reservations; default is the capacity.',
  ),
  phase: f.string(3, 'Old stage-of-life field. Deprecated; never filled in.').oneOf('Pending', 'Running', 'Terminated'),
  conditions: f.list(NodeCondition, 4, 'Latest health observations, at most one per type.').map('type').merge('type'),
  addresses: f
    .list(NodeAddress, 5, 'Addresses and host names at which the node can be reached.')
    .map('type')
    .merge('type'),
  daemonEndpoints: f.message(NodeDaemonEndpoints, 6, 'Ports of daemons running on the node.').present(),
  nodeInfo: f.message(NodeSystemInfo, 7, 'Identifiers and software versions of the node.').present(),
  images: f.list(ContainerImage, 8, 'Container images present on the node; the kubelet may cap the list.').atomic(),
  volumesInUse: f.list('string', 9, 'Names of attachable volumes that are mounted or about to be mounted.').atomic(),
  volumesAttached: f.list(AttachedVolume, 10, 'Volumes that the attach controller has attached to the node.').atomic(),
  config: f.message(
    NodeConfigStatus,
    11,
    'State of dynamic kubelet configuration. Deprecated; the feature has been removed.',
  ),
  runtimeHandlers: f
    .list(NodeRuntimeHandler, 12, 'Runtime handlers that pods can pick through a RuntimeClass.')
    .atomic(),
  features: f.message(NodeFeatures, 13, 'Abilities of the container runtime on this node.'),
  declaredFeatures: f
    .list('string', 14, 'Names of Kubernetes features the kubelet says it supports, for use in scheduling.')
    .atomic(),
})
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export const Node = kind('', 'v1', 'Node', 'A machine in the cluster that runs pods.', {
  spec: f.message(NodeSpec, 2, 'What the node should be like.').present(),
  status: f.message(NodeStatus, 3, 'What the kubelet and controllers report about the node.').present(),
})
export interface Node extends Infer<typeof Node> {}

export const NodeAllocatableResourceClaimStatus = message(
  'core.v1.NodeAllocatableResourceClaimStatus',
  'Node resources such as CPU or memory that a pod gets through a ResourceClaim.',
  {
    resourceClaimName: f.string(1, 'ResourceClaim in the namespace of the pod that brings these resources.').required(),
    containers: f.list('string', 2, 'Names of the containers in the pod that use this claim.').set(),
    resources: f.mapOf('quantity', 3, 'Amounts taken from the node through this claim, by resource name.').required(),
  },
)
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}
