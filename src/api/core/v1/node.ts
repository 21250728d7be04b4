/** @@HEAD core/v1/node.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ContainerImage } from './container.ts'
import { Taint } from './shared.ts'

export const AttachedVolume = message('core.v1.AttachedVolume', '', {
  name: f.string(1, '').required(),
  devicePath: f.string(2, '').required(),
})
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const ConfigMapNodeConfigSource = message('core.v1.ConfigMapNodeConfigSource', '', {
  namespace: f.string(1, '').required(),
  name: f.string(2, '').required(),
  uid: f.string(3, ''),
  resourceVersion: f.string(4, ''),
  kubeletConfigKey: f.string(5, '').required(),
})
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const DaemonEndpoint = message('core.v1.DaemonEndpoint', '', {
  Port: f.int32(1, '').required(),
})
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeConfigSource = message('core.v1.NodeConfigSource', '', {
  configMap: f.message(ConfigMapNodeConfigSource, 2, ''),
})
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = message('core.v1.NodeSpec', '', {
  podCIDR: f.string(1, ''),
  externalID: f.string(2, ''),
  providerID: f.string(3, ''),
  unschedulable: f.bool(4, ''),
  taints: f.list(Taint, 5, '').atomic(),
  configSource: f.message(NodeConfigSource, 6, ''),
  podCIDRs: f.list('string', 7, '').set().merge(),
})
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeAddress = message('core.v1.NodeAddress', '', {
  type: f.string(1, '').required(),
  address: f.string(2, '').required(),
})
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const NodeCondition = message('core.v1.NodeCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastHeartbeatTime: f.time(3, ''),
  lastTransitionTime: f.time(4, ''),
  reason: f.string(5, ''),
  message: f.string(6, ''),
})
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeConfigStatus = message('core.v1.NodeConfigStatus', '', {
  assigned: f.message(NodeConfigSource, 1, ''),
  active: f.message(NodeConfigSource, 2, ''),
  lastKnownGood: f.message(NodeConfigSource, 3, ''),
  error: f.string(4, ''),
})
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeDaemonEndpoints = message('core.v1.NodeDaemonEndpoints', '', {
  kubeletEndpoint: f.message(DaemonEndpoint, 1, ''),
})
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeFeatures = message('core.v1.NodeFeatures', '', {
  supplementalGroupsPolicy: f.bool(1, ''),
})
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeRuntimeHandlerFeatures = message('core.v1.NodeRuntimeHandlerFeatures', '', {
  recursiveReadOnlyMounts: f.bool(1, ''),
  userNamespaces: f.bool(2, ''),
})
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = message('core.v1.NodeRuntimeHandler', '', {
  name: f.string(1, ''),
  features: f.message(NodeRuntimeHandlerFeatures, 2, ''),
})
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeSwapStatus = message('core.v1.NodeSwapStatus', '', {
  capacity: f.int64(1, ''),
})
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = message('core.v1.NodeSystemInfo', '', {
  machineID: f.string(1, '').required(),
  systemUUID: f.string(2, '').required(),
  bootID: f.string(3, '').required(),
  kernelVersion: f.string(4, '').required(),
  osImage: f.string(5, '').required(),
  containerRuntimeVersion: f.string(6, '').required(),
  kubeletVersion: f.string(7, '').required(),
  kubeProxyVersion: f.string(8, '').required(),
  operatingSystem: f.string(9, '').required(),
  architecture: f.string(10, '').required(),
  swap: f.message(NodeSwapStatus, 11, ''),
})
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const NodeStatus = message('core.v1.NodeStatus', '', {
  capacity: f.mapOf('quantity', 1, ''),
  allocatable: f.mapOf('quantity', 2, ''),
  phase: f.string(3, ''),
  conditions: f.list(NodeCondition, 4, '').map('type').merge('type'),
  addresses: f.list(NodeAddress, 5, '').map('type').merge('type'),
  daemonEndpoints: f.message(NodeDaemonEndpoints, 6, ''),
  nodeInfo: f.message(NodeSystemInfo, 7, ''),
  images: f.list(ContainerImage, 8, '').atomic(),
  volumesInUse: f.list('string', 9, '').atomic(),
  volumesAttached: f.list(AttachedVolume, 10, '').atomic(),
  config: f.message(NodeConfigStatus, 11, ''),
  runtimeHandlers: f.list(NodeRuntimeHandler, 12, '').atomic(),
  features: f.message(NodeFeatures, 13, ''),
  declaredFeatures: f.list('string', 14, '').atomic(),
})
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export const Node = kind('', 'v1', 'Node', '', {
  spec: f.message(NodeSpec, 2, '').present(),
  status: f.message(NodeStatus, 3, '').present(),
})
export interface Node extends Infer<typeof Node> {}

export const NodeAllocatableResourceClaimStatus = message('core.v1.NodeAllocatableResourceClaimStatus', '', {
  resourceClaimName: f.string(1, '').required(),
  containers: f.list('string', 2, '').set(),
  resources: f.mapOf('quantity', 3, '').required(),
})
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}
